"""When may I buy? What the law in force asks of a person, a page, and a question in one's own words."""
