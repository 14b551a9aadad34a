-- Terminals that sell without a network, by the thumbprint of their key.
-- Owner: offline/offline.sql.
CREATE TABLE offline_terminal (
  id TEXT NOT NULL PRIMARY KEY,
  outlet TEXT NOT NULL,
  area TEXT NOT NULL,
  sign_jwk {bytes} NOT NULL,
  agree_jwk {bytes} NOT NULL,
  enrolled_at {real} NOT NULL,
  enrolled_by TEXT NOT NULL,
  ended_at {real}
);
CREATE INDEX offline_terminal_outlet ON offline_terminal (outlet);

-- Stock that terminals hold. `id` is the engine's key in hexadecimal.
-- Owner: offline/offline.sql.
CREATE TABLE offline_lease (
  id TEXT NOT NULL PRIMARY KEY,
  terminal TEXT NOT NULL,
  outlet TEXT NOT NULL,
  item TEXT NOT NULL,
  qty {int} NOT NULL,
  reserve {int} NOT NULL,
  from_s {int} NOT NULL,
  until_s {int} NOT NULL,
  grace_s {int} NOT NULL,
  ended_at {real}
);
CREATE INDEX offline_lease_terminal ON offline_lease (terminal, ended_at);

-- Receipts of terminals: a set that only grows. `id` is the digest of what was signed; `token` holds the card sealed to
-- this node, and is emptied when nobody may ask any more. `key` is the engine's.
-- Owner: offline/offline.sql.
CREATE TABLE offline_receipt (
  id {bytes} NOT NULL PRIMARY KEY,
  terminal TEXT NOT NULL,
  counter {int} NOT NULL,
  prev {bytes} NOT NULL,
  lease TEXT NOT NULL,
  kind TEXT NOT NULL,
  qty {int} NOT NULL,
  at_s {int} NOT NULL,
  token TEXT NOT NULL,
  key {bytes} NOT NULL,
  came_at {real} NOT NULL,
  is_merged {int} NOT NULL,
  state TEXT NOT NULL,
  over {int} NOT NULL,
  short {int} NOT NULL
);
CREATE INDEX offline_receipt_chain ON offline_receipt (terminal, counter);
CREATE INDEX offline_receipt_waiting ON offline_receipt (is_merged, came_at);

-- How terminals are told of who bought: keyed anew each epoch, so that this table names nobody.
-- Owner: offline/offline.sql.
CREATE TABLE offline_mark (
  person {bytes} NOT NULL,
  epoch {int} NOT NULL,
  token {bytes} NOT NULL,
  outlet TEXT NOT NULL,
  PRIMARY KEY (person, epoch, token)
);
CREATE INDEX offline_mark_epoch ON offline_mark (epoch);

-- Which area (鄉鎮市區) an outlet with terminals is in.
-- Owner: offline/offline.sql.
CREATE TABLE offline_outlet (
  outlet TEXT NOT NULL PRIMARY KEY,
  area TEXT NOT NULL
);
