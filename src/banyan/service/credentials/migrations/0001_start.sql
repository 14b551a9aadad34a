-- What a person put ready for their wallet. `sealed` is what will be certified, encrypted, and gone once it was fetched
-- or nobody came.
CREATE TABLE offer (
  id TEXT NOT NULL PRIMARY KEY,
  subject TEXT NOT NULL,
  kind TEXT NOT NULL,
  fields TEXT NOT NULL,
  sealed {bytes},
  remaining {int} NOT NULL,
  at {real} NOT NULL,
  expires {real} NOT NULL,
  gone {real} NOT NULL
);
CREATE INDEX offer_subject ON offer (subject);
CREATE INDEX offer_gone ON offer (gone);

-- Credentials that were issued together: what of, whose, until when; not what they say.
CREATE TABLE batch (
  id TEXT NOT NULL PRIMARY KEY,
  offer TEXT NOT NULL,
  subject TEXT NOT NULL,
  kind TEXT NOT NULL,
  fields TEXT NOT NULL,
  size {int} NOT NULL,
  at {real} NOT NULL,
  expires {real} NOT NULL,
  revoked_at {real},
  revoked_by TEXT NOT NULL
);
CREATE INDEX batch_subject ON batch (subject);

-- Status lists; `version` grows with each change, so that every process knows when its signed copy is old.
CREATE TABLE status_list (id {int} NOT NULL PRIMARY KEY, version {int} NOT NULL);

-- Which entry of which list is of which batch.
CREATE TABLE issued (
  list {int} NOT NULL,
  idx {int} NOT NULL,
  batch TEXT NOT NULL,
  is_revoked {int} NOT NULL,
  PRIMARY KEY (list, idx)
);
CREATE INDEX issued_batch ON issued (batch);

-- The issuer's keys, private part wrapped under the node's identity key.
CREATE TABLE issuer_key (
  kid TEXT NOT NULL PRIMARY KEY,
  wrapped {bytes} NOT NULL,
  public_jwk {bytes} NOT NULL,
  made_at {real} NOT NULL
);
