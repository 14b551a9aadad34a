-- How each item is shared out, as a JSON document. Owner: allocation.sql.
CREATE TABLE rule (
  item TEXT NOT NULL PRIMARY KEY,
  document TEXT NOT NULL
);

-- What was set for one outlet: boxes of room, boxes of floor; null where nothing was. Owner: allocation.sql.
CREATE TABLE outlet_limit (
  item TEXT NOT NULL,
  code TEXT NOT NULL,
  room {int},
  floor {int},
  PRIMARY KEY (item, code)
);

-- The sales of a day; `document` is the hash of the document that holds them. Owner: allocation.sql.
CREATE TABLE sales_day (
  item TEXT NOT NULL,
  day TEXT NOT NULL,
  document TEXT NOT NULL,
  outlets {int} NOT NULL,
  sold {int} NOT NULL,
  PRIMARY KEY (item, day)
);

-- Plans; `inputs` and `document` are hashes of documents. Owner: allocation.sql.
CREATE TABLE plan (
  id TEXT NOT NULL PRIMARY KEY,
  item TEXT NOT NULL,
  day TEXT NOT NULL,
  method TEXT NOT NULL,
  state TEXT NOT NULL,
  inputs TEXT NOT NULL,
  document TEXT NOT NULL,
  supply {int} NOT NULL,
  proposed_by TEXT NOT NULL,
  agency TEXT NOT NULL,
  proposed_at {real} NOT NULL,
  decided_at {real} NOT NULL
);
CREATE INDEX plan_day ON plan (day, item);

-- What was done to each plan, in order. Owner: allocation.sql.
CREATE TABLE act (
  plan TEXT NOT NULL,
  number {int} NOT NULL,
  act TEXT NOT NULL,
  code TEXT NOT NULL,
  before {int} NOT NULL,
  after {int} NOT NULL,
  kind TEXT NOT NULL,
  words TEXT NOT NULL,
  by_officer TEXT NOT NULL,
  agency TEXT NOT NULL,
  at {real} NOT NULL,
  PRIMARY KEY (plan, number)
);
