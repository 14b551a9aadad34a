-- Registers that exchange persons with this one by PFIF; `token` is their key's keyed name. Owner: exchanging.sql.
CREATE TABLE pfif_key (
  token {bytes} NOT NULL PRIMARY KEY,
  domain TEXT NOT NULL,
  may_write {int} NOT NULL,
  is_full {int} NOT NULL,
  may_tell_death {int} NOT NULL
);

-- What they sent: persons whom somebody looks for, and notes about them. `body` is the record; of an expired person
-- only its id and days. `entered` is when it came here, by which peers synchronise. Owner: exchanging.sql.
CREATE TABLE pfif_record (
  id TEXT NOT NULL,
  kind TEXT NOT NULL,
  person TEXT NOT NULL,
  entered {real} NOT NULL,
  expires {real} NOT NULL,
  is_gone {int} NOT NULL,
  body {bytes} NOT NULL,
  PRIMARY KEY (kind, id)
);
CREATE INDEX pfif_record_entered ON pfif_record (kind, entered, id);
CREATE INDEX pfif_record_person ON pfif_record (kind, person, entered);
CREATE INDEX pfif_record_expires ON pfif_record (is_gone, expires);
