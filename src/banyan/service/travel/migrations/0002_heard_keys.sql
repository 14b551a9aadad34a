-- A record system's keys as its own address said them last (`keys` empty: never yet), and when it was asked last.
-- Owner: clients.sql.
CREATE TABLE heard (
  client TEXT NOT NULL PRIMARY KEY,
  keys {bytes} NOT NULL,
  at {real} NOT NULL,
  asked {real} NOT NULL
);
