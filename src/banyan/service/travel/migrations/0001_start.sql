-- Documents by their keyed names, and whose they are; no number is kept. Owner: travel.sql.
CREATE TABLE paper (
  paper {bytes} NOT NULL PRIMARY KEY,
  person {bytes} NOT NULL,
  rank {int} NOT NULL
);
CREATE INDEX paper_person ON paper (person);

-- A person's stays, sealed under an order's scope; its keys end with the order. Owner: travel.sql.
CREATE TABLE journey (
  scope TEXT NOT NULL,
  person {bytes} NOT NULL,
  id {bytes} NOT NULL,
  sealed {bytes} NOT NULL,
  PRIMARY KEY (scope, person)
);

-- Rules as data. `until` is the last day on which it speaks, empty while nobody has ended it. Owner: travel.sql.
CREATE TABLE rule (
  id TEXT NOT NULL PRIMARY KEY,
  since TEXT NOT NULL,
  until TEXT NOT NULL,
  document {bytes} NOT NULL,
  by_agency TEXT NOT NULL,
  at {real} NOT NULL
);

-- Who looked at whom, and what was answered; answer and reason are sealed under the order. Owner: travel.sql.
CREATE TABLE look (
  id {bytes} NOT NULL PRIMARY KEY,
  person {bytes} NOT NULL,
  scope TEXT NOT NULL,
  at {real} NOT NULL,
  agency TEXT NOT NULL,
  sealed {bytes} NOT NULL
);
CREATE INDEX look_person ON look (person, at);

-- How often an agency (`officer` empty: a day) or one officer (an hour) asked; `strangers`: of persons whom no register
-- here knows. Owner: counting.sql.
CREATE TABLE asked (
  agency TEXT NOT NULL,
  officer TEXT NOT NULL,
  step {int} NOT NULL,
  times {int} NOT NULL,
  strangers {int} NOT NULL,
  PRIMARY KEY (agency, officer, step)
);

-- Bounds that were met: where somebody harvested, or a machine ran wild. Owner: counting.sql.
CREATE TABLE stopped (
  agency TEXT NOT NULL,
  officer TEXT NOT NULL,
  step {int} NOT NULL,
  why TEXT NOT NULL,
  times {int} NOT NULL,
  PRIMARY KEY (agency, officer, step, why)
);

-- A person says that a flag is wrong; what she wrote and which window is meant are sealed. Owner: contesting.sql.
CREATE TABLE contest (
  id TEXT NOT NULL PRIMARY KEY,
  person {bytes} NOT NULL,
  scope TEXT NOT NULL,
  rule TEXT NOT NULL,
  at {real} NOT NULL,
  sealed {bytes} NOT NULL,
  state TEXT NOT NULL,
  decided {real} NOT NULL,
  agency TEXT NOT NULL,
  officer TEXT NOT NULL,
  answer {bytes} NOT NULL
);
CREATE INDEX contest_person ON contest (person);

-- Record systems of hospitals that may call the decision service. Owner: clients.sql.
CREATE TABLE client (
  id TEXT NOT NULL PRIMARY KEY,
  issuer TEXT NOT NULL,
  tenant TEXT NOT NULL,
  document {bytes} NOT NULL,
  at {real} NOT NULL
);
CREATE UNIQUE INDEX client_issuer ON client (issuer, tenant);

-- Tokens that were used, by their hash, until they have expired. Owner: clients.sql.
CREATE TABLE used_token (
  token {bytes} NOT NULL PRIMARY KEY,
  until {real} NOT NULL
);

-- Cards that were shown, of nobody; and what became of them. Owner: clients.sql.
CREATE TABLE card (
  id TEXT NOT NULL PRIMARY KEY,
  agency TEXT NOT NULL,
  rule TEXT NOT NULL,
  at {real} NOT NULL,
  outcome TEXT NOT NULL,
  reason TEXT NOT NULL,
  has_comment {int} NOT NULL
);
CREATE INDEX card_at ON card (at);

-- What a hospital asked its patient at a visit, sealed. Owner: tocc.sql.
CREATE TABLE tocc (
  agency TEXT NOT NULL,
  visit TEXT NOT NULL,
  person {bytes} NOT NULL,
  at {real} NOT NULL,
  sealed {bytes} NOT NULL,
  PRIMARY KEY (agency, visit)
);
