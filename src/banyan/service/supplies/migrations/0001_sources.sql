-- What feeds a board: registers of open data that are followed, and how the last look at each went.
-- Owner: sources.sql (statements) and sources.py (functions). Times are seconds since 1970 UTC.

CREATE TABLE source (
  id TEXT PRIMARY KEY,
  role TEXT NOT NULL,
  since {real} NOT NULL,
  document TEXT NOT NULL,
  standing TEXT NOT NULL
);
