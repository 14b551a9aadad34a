-- Rounds of preorder: the document is what the officer made. `cut` counts the places won in the draw itself, `pool` is 1
-- once the engine has the goods; `figures` is what is left when its people are forgotten. Owner: preorder/preorder.sql.
CREATE TABLE preorder_round (
  id TEXT NOT NULL PRIMARY KEY,
  document {bytes} NOT NULL,
  state TEXT NOT NULL,
  cut {int} NOT NULL,
  pool {int} NOT NULL,
  opens {real} NOT NULL,
  at {real} NOT NULL,
  figures {bytes} NOT NULL
);

-- One order of one person in one round. `person` is a keyed name, `grp` that of whoever draws together; `turn` counts
-- its lives; `owes` is what the engine has still to hear. Owner: preorder/preorder.sql.
CREATE TABLE preorder (
  id TEXT NOT NULL PRIMARY KEY,
  round TEXT NOT NULL,
  person {bytes} NOT NULL,
  grp {bytes} NOT NULL,
  ticket {bytes} NOT NULL,
  state TEXT NOT NULL,
  place {int} NOT NULL,
  turn {int} NOT NULL,
  pay_by {real} NOT NULL,
  reminded {int} NOT NULL,
  is_told {int} NOT NULL,
  kept {int} NOT NULL CHECK (kept >= 0),
  held {int} NOT NULL CHECK (held >= 0),
  owes TEXT NOT NULL,
  code TEXT NOT NULL,
  word TEXT NOT NULL,
  born TEXT NOT NULL,
  kind TEXT NOT NULL,
  parity {int} NOT NULL,
  store TEXT NOT NULL,
  channel TEXT NOT NULL,
  at {real} NOT NULL,
  done_at {real} NOT NULL
);
CREATE UNIQUE INDEX preorder_person ON preorder (round, person);
CREATE INDEX preorder_of ON preorder (person, at);
CREATE UNIQUE INDEX preorder_code ON preorder (code);
CREATE INDEX preorder_ticket ON preorder (round, ticket);
CREATE INDEX preorder_place ON preorder (round, state, place);
CREATE INDEX preorder_ends ON preorder (round, state, pay_by);
CREATE INDEX preorder_owes ON preorder (round, id) WHERE owes <> '';

-- What a payment provider was asked to take for an order; `checked` counts the times its books were compared with ours
-- when all should be told. Owner: preorder/preorder.sql.
CREATE TABLE preorder_charge (
  reference TEXT NOT NULL PRIMARY KEY,
  preorder TEXT NOT NULL,
  method TEXT NOT NULL,
  amount {int} NOT NULL CHECK (amount > 0),
  state TEXT NOT NULL,
  bank TEXT NOT NULL,
  account TEXT NOT NULL,
  page TEXT NOT NULL,
  slip TEXT NOT NULL,
  checked {int} NOT NULL,
  until {real} NOT NULL,
  at {real} NOT NULL
);
CREATE INDEX preorder_charge_of ON preorder_charge (preorder, at);
CREATE INDEX preorder_charge_open ON preorder_charge (preorder) WHERE state IN ('asked', 'open');

-- Each word of the provider, once; of a payment, how much of it goes back. Owner: preorder/preorder.sql.
CREATE TABLE preorder_word (
  id TEXT NOT NULL PRIMARY KEY,
  preorder TEXT NOT NULL,
  reference TEXT NOT NULL,
  type TEXT NOT NULL,
  amount {int} NOT NULL,
  back {int} NOT NULL CHECK (back >= 0 AND back <= amount),
  moved_at {real} NOT NULL,
  at {real} NOT NULL
);
CREATE INDEX preorder_word_of ON preorder_word (preorder, moved_at);

-- Money that goes back, until it has. Owner: preorder/preorder.sql.
CREATE TABLE preorder_refund (
  id TEXT NOT NULL PRIMARY KEY,
  preorder TEXT NOT NULL,
  round TEXT NOT NULL,
  reference TEXT NOT NULL,
  payment TEXT NOT NULL,
  amount {int} NOT NULL CHECK (amount > 0),
  reason TEXT NOT NULL,
  state TEXT NOT NULL,
  tries {int} NOT NULL,
  due {real} NOT NULL,
  moved_at {real} NOT NULL,
  at {real} NOT NULL
);
CREATE INDEX preorder_refund_of ON preorder_refund (preorder, at);
CREATE INDEX preorder_refund_due ON preorder_refund (round, state, due);

-- What a person was told about an order, in a word and figures; the sentences are the catalogues'. Owner: preorder.sql.
CREATE TABLE preorder_message (
  n {id},
  preorder TEXT NOT NULL,
  at {real} NOT NULL,
  kind TEXT NOT NULL,
  facts {bytes} NOT NULL
);
CREATE INDEX preorder_message_of ON preorder_message (preorder, n);
