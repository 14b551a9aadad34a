-- What each hospital said last of who a person is: the evidence for one person or two, and what a split goes by.
-- `person` is the keyed name of the number. Owner: casualties.sql.
CREATE TABLE told (
  patient TEXT NOT NULL,
  hospital TEXT NOT NULL,
  name TEXT NOT NULL,
  square TEXT NOT NULL,
  letters TEXT NOT NULL,
  person TEXT NOT NULL,
  born TEXT NOT NULL,
  sex TEXT NOT NULL,
  at {real} NOT NULL,
  PRIMARY KEY (patient, hospital)
);
CREATE INDEX told_square ON told (square, born);
CREATE INDEX told_letters ON told (letters, born);
INSERT INTO told (patient, hospital, name, square, letters, person, born, sex, at)
SELECT p.id, s.hospital, p.name, p.square, p.letters, p.person, p.born, p.sex, max(s.at)
FROM patient p JOIN stay s ON s.patient = p.id WHERE p.gone IS NULL
GROUP BY p.id, s.hospital, p.name, p.square, p.letters, p.person, p.born, p.sex;

-- By what a person can be asked for in public, and which hospital's word gave it; takes the place of `probe`. Keyed, so
-- that this table lists nobody. Owner: casualties.sql.
CREATE TABLE opening (
  token {bytes} NOT NULL,
  patient TEXT NOT NULL,
  hospital TEXT NOT NULL,
  PRIMARY KEY (token, patient, hospital)
);
CREATE INDEX opening_patient ON opening (patient);
INSERT INTO opening (token, patient, hospital) SELECT token, patient, '' FROM probe;
DROP TABLE probe;

-- Who looked at a person where the ledger does not say it: the public's questions (`agency` empty) and the officers'
-- looks at the chain of transfers. `patient` empty: nobody was found. Owner: looking.sql.
CREATE TABLE look (
  id TEXT NOT NULL PRIMARY KEY,
  patient TEXT NOT NULL,
  at {real} NOT NULL,
  agency TEXT NOT NULL,
  officer TEXT NOT NULL,
  reason TEXT NOT NULL
);
CREATE INDEX look_patient ON look (patient, at);

-- What officers decided about who is who and who is hidden: `kind` is merge, split, apart, protect or show. Of a merge
-- `other` is the record that is no more. Owner: deciding.sql.
CREATE TABLE decision (
  id TEXT NOT NULL PRIMARY KEY,
  kind TEXT NOT NULL,
  one TEXT NOT NULL,
  other TEXT NOT NULL,
  at {real} NOT NULL,
  agency TEXT NOT NULL,
  officer TEXT NOT NULL,
  reason TEXT NOT NULL
);
CREATE INDEX decision_pair ON decision (kind, one, other);

-- The incident that the register is for; one row, `id` is always `now`. Owner: incidents.sql.
CREATE TABLE incident (
  id TEXT NOT NULL PRIMARY KEY,
  title_zh TEXT NOT NULL,
  title_en TEXT NOT NULL,
  is_drill {int} NOT NULL,
  began {real} NOT NULL
);
