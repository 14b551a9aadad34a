-- An agency's word that the numbers of a trace made on a machine without a node may be written there: the receipt's
-- content (`salt`, `record`) and its place in the log, -1 until it is there. Owner: vouching.sql.
CREATE TABLE vouch (
  order_id TEXT NOT NULL,
  question TEXT NOT NULL,
  agency TEXT NOT NULL,
  at {real} NOT NULL,
  day {int} NOT NULL,
  officer TEXT NOT NULL,
  reason TEXT NOT NULL,
  salt {bytes} NOT NULL,
  record {bytes} NOT NULL,
  place {int} NOT NULL,
  PRIMARY KEY (order_id, question, agency, at)
);
CREATE INDEX vouch_day ON vouch (agency, day);
