-- Since when uses are kept here. Owner: mydata.sql.
CREATE TABLE kept_since (
  one {int} NOT NULL PRIMARY KEY CHECK (one = 1),
  at {real} NOT NULL
);

-- The signed artefact of each consent that was given, and the commitment that stands for it in the log.
CREATE TABLE artefact (
  consent TEXT NOT NULL PRIMARY KEY,
  commitment TEXT NOT NULL,
  signed TEXT NOT NULL
);
