-- The registry of open data. A thing is a JSON document; what is searched or joined stands in columns beside it.
-- Owner: registry.sql (statements) and registry.py (functions). Times are seconds since 1970 UTC.

CREATE TABLE dataset (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  title TEXT NOT NULL,
  agency_id TEXT NOT NULL,
  licence_id TEXT NOT NULL,
  state TEXT NOT NULL,
  private {int} NOT NULL,
  metadata_created {real} NOT NULL,
  metadata_modified {real} NOT NULL,
  document TEXT NOT NULL
);
CREATE INDEX dataset_agency ON dataset (agency_id, state);
CREATE INDEX dataset_modified ON dataset (metadata_modified);

CREATE TABLE old_name (
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  id TEXT NOT NULL,
  PRIMARY KEY (kind, name)
);

CREATE TABLE dataset_tag (
  dataset_id TEXT NOT NULL,
  tag TEXT NOT NULL,
  PRIMARY KEY (dataset_id, tag)
);
CREATE INDEX dataset_tag_tag ON dataset_tag (tag);

CREATE TABLE dataset_theme (
  dataset_id TEXT NOT NULL,
  theme TEXT NOT NULL,
  PRIMARY KEY (dataset_id, theme)
);
CREATE INDEX dataset_theme_theme ON dataset_theme (theme);

CREATE TABLE resource (
  id TEXT PRIMARY KEY,
  dataset_id TEXT NOT NULL,
  position {int} NOT NULL,
  version {int} NOT NULL,
  state TEXT NOT NULL,
  file_sha256 TEXT NOT NULL
);
CREATE INDEX resource_dataset ON resource (dataset_id, position);
CREATE INDEX resource_file ON resource (file_sha256);

CREATE TABLE resource_alias (
  alias TEXT PRIMARY KEY,
  resource_id TEXT NOT NULL
);

CREATE TABLE resource_choice (
  resource_id TEXT PRIMARY KEY,
  document TEXT NOT NULL
);

CREATE TABLE version (
  resource_id TEXT NOT NULL,
  number {int} NOT NULL,
  at {real} NOT NULL,
  table_rows {int} NOT NULL,
  parquet TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  choices TEXT NOT NULL,
  lasting {int} NOT NULL,
  document TEXT NOT NULL,
  PRIMARY KEY (resource_id, number)
);
CREATE INDEX version_sha256 ON version (sha256);
CREATE INDEX version_parquet ON version (parquet);

CREATE TABLE agency (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  title TEXT NOT NULL,
  state TEXT NOT NULL,
  document TEXT NOT NULL
);

CREATE TABLE theme (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  title TEXT NOT NULL,
  state TEXT NOT NULL,
  document TEXT NOT NULL
);

CREATE TABLE quality (
  dataset_id TEXT NOT NULL,
  at {real} NOT NULL,
  document TEXT NOT NULL,
  PRIMARY KEY (dataset_id, at)
);

CREATE TABLE data_request (
  id TEXT PRIMARY KEY,
  at {real} NOT NULL,
  status TEXT NOT NULL,
  document TEXT NOT NULL
);
CREATE INDEX data_request_at ON data_request (at);

-- How to reach the person who asked. In a table of its own so that no listing of requests can show it.
CREATE TABLE request_contact (
  request_id TEXT PRIMARY KEY,
  contact TEXT NOT NULL
);

CREATE TABLE dataset_usage (
  dataset_id TEXT NOT NULL,
  day TEXT NOT NULL,
  views {int} NOT NULL,
  downloads {int} NOT NULL,
  calls {int} NOT NULL,
  PRIMARY KEY (dataset_id, day)
);

CREATE TABLE publish_key (
  idempotency_key TEXT PRIMARY KEY,
  at {real} NOT NULL,
  payload TEXT NOT NULL,
  document TEXT NOT NULL
);

-- Files a job has put down but not yet committed, or (job empty) has let go: what nothing points to is swept.
CREATE TABLE staged (
  kind TEXT NOT NULL,
  key TEXT NOT NULL,
  job TEXT NOT NULL,
  at {real} NOT NULL,
  PRIMARY KEY (kind, key, job)
);
