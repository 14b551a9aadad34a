-- The telephone that an agency carries on duty, by desk: an office's number, no citizen's. Owner: fence.sql.
CREATE TABLE on_call (
  agency TEXT NOT NULL,
  desk TEXT NOT NULL,
  phone TEXT NOT NULL,
  PRIMARY KEY (agency, desk)
);
