-- Which version of a register's entry somebody came by: a keyed name, and nothing else. Owner: fence.sql.
CREATE TABLE admitted (
  person TEXT NOT NULL,
  power TEXT NOT NULL,
  version {int} NOT NULL,
  PRIMARY KEY (person, power)
);

-- Entries of a register that did not come in, by their number there. Owner: fence.sql.
CREATE TABLE arrival (
  power TEXT NOT NULL,
  entry TEXT NOT NULL,
  fault TEXT NOT NULL,
  village TEXT NOT NULL,
  agency TEXT NOT NULL,
  at {real} NOT NULL,
  PRIMARY KEY (power, entry)
);
