-- Quality of open data as the board reads it; the full reports stand in `quality`. Owner: quality/quality.sql.

CREATE TABLE quality_summary (
  dataset_id TEXT PRIMARY KEY,
  at {real} NOT NULL,
  medal TEXT NOT NULL,
  mqa {int} NOT NULL
);

CREATE TABLE quality_problem (
  dataset_id TEXT NOT NULL,
  code TEXT NOT NULL,
  cells {int} NOT NULL,
  PRIMARY KEY (dataset_id, code)
);

-- Content checks of one table version: it never changes, so it is looked through once.
CREATE TABLE quality_content (
  resource_id TEXT NOT NULL,
  number {int} NOT NULL,
  document TEXT NOT NULL,
  PRIMARY KEY (resource_id, number)
);

CREATE TABLE quality_link (
  url TEXT PRIMARY KEY,
  at {real} NOT NULL,
  document TEXT NOT NULL
);

CREATE TABLE quality_day (
  agency_id TEXT NOT NULL,
  day TEXT NOT NULL,
  datasets {int} NOT NULL,
  mqa {real} NOT NULL,
  medals {int} NOT NULL,
  PRIMARY KEY (agency_id, day)
);
