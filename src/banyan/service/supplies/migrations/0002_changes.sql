-- Changes of feeds that were announced before they happen. Owner: feeds/announced.sql and feeds/announced.py.

CREATE TABLE change_notice (
  id TEXT PRIMARY KEY,
  announced {real} NOT NULL,
  document TEXT NOT NULL
);
