"""When an outlet sells out, foretold from the day's sales, with its own error measured (docs/decisions/0074)."""
