-- Persons whom hospitals treat. `person` is the keyed name of their number, empty when it is not known; `gone` is when
-- the record expired to a tombstone: then only its id and days are left. Owner: casualties.sql.
CREATE TABLE patient (
  id TEXT NOT NULL PRIMARY KEY,
  name TEXT NOT NULL,
  square TEXT NOT NULL,
  letters TEXT NOT NULL,
  person TEXT NOT NULL,
  born TEXT NOT NULL,
  sex TEXT NOT NULL,
  is_protected {int} NOT NULL,
  created {real} NOT NULL,
  expires {real} NOT NULL,
  gone {real}
);
CREATE INDEX patient_person ON patient (person);
CREATE INDEX patient_square ON patient (square, born);
CREATE INDEX patient_letters ON patient (letters, born);

-- What each hospital said of them, newest last: the transfer chain. Owner: casualties.sql.
CREATE TABLE stay (
  patient TEXT NOT NULL,
  hospital TEXT NOT NULL,
  at {real} NOT NULL,
  status TEXT NOT NULL,
  ward TEXT NOT NULL,
  phone TEXT NOT NULL,
  towards TEXT NOT NULL,
  PRIMARY KEY (patient, hospital, at)
);

-- By what a person can be asked for in public: keyed, so that this table lists nobody. Owner: casualties.sql.
CREATE TABLE probe (
  token {bytes} NOT NULL,
  patient TEXT NOT NULL,
  PRIMARY KEY (token, patient)
);

-- How often a name was asked for on a day, by its keyed name. Owner: casualties.sql.
CREATE TABLE tried (
  token {bytes} NOT NULL,
  day {int} NOT NULL,
  times {int} NOT NULL,
  PRIMARY KEY (token, day)
);
