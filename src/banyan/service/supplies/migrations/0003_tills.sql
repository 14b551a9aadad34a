-- What outlets that count themselves said last. Owner: tills.sql and tills.py.

CREATE TABLE till (
  code TEXT NOT NULL,
  item TEXT NOT NULL,
  count {int} NOT NULL,
  reserved {int} NOT NULL,
  at {real} NOT NULL,
  PRIMARY KEY (code, item)
);

CREATE TABLE till_notice (
  code TEXT NOT NULL PRIMARY KEY,
  document TEXT NOT NULL
);
