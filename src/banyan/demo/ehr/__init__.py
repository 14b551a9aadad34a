"""A hospital's record system, small: a client of CDS Hooks in a browser of another origin."""
