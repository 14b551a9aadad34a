-- Alerts: the whole object as JSON, and what it is found by. `stage` is draft, proposed, out, over or withdrawn; `ends`
-- the end of what went out last, `sent` when. Owner: alerts.sql.
CREATE TABLE alert (
  id TEXT NOT NULL PRIMARY KEY,
  agency TEXT NOT NULL,
  second TEXT NOT NULL,
  status TEXT NOT NULL,
  stage TEXT NOT NULL,
  sent {real} NOT NULL,
  ends {real} NOT NULL,
  document {bytes} NOT NULL
);
CREATE INDEX alert_stage ON alert (stage, ends);
CREATE INDEX alert_sent ON alert (status, sent);

-- What each idempotency key did: the same key again answers the same, another request under it is a conflict. `entry` is
-- the act's place in the public ledger. Owner: alerts.sql.
CREATE TABLE act (
  key TEXT NOT NULL PRIMARY KEY,
  alert TEXT NOT NULL,
  step TEXT NOT NULL,
  digest TEXT NOT NULL,
  at {real} NOT NULL,
  agency TEXT NOT NULL,
  officer TEXT NOT NULL,
  entry {int} NOT NULL
);
CREATE INDEX act_alert ON act (alert, at);

-- Which agency may warn of what and where, and who must release it. Owner: alerts.sql.
CREATE TABLE warrant (
  agency TEXT NOT NULL,
  event TEXT NOT NULL,
  area TEXT NOT NULL,
  second TEXT NOT NULL,
  sender TEXT NOT NULL,
  PRIMARY KEY (agency, event, area)
);

-- What each channel did with each message. `state` is waiting, sent, partly, failed, skipped; `reached` counts cells or
-- numbers, `of` how many there were; `note` says why in a word. Owner: alerts.sql.
CREATE TABLE result (
  alert TEXT NOT NULL,
  version {int} NOT NULL,
  channel TEXT NOT NULL,
  state TEXT NOT NULL,
  reached {int} NOT NULL,
  total {int} NOT NULL,
  note TEXT NOT NULL,
  tries {int} NOT NULL,
  at {real} NOT NULL,
  PRIMARY KEY (alert, version, channel)
);

-- The message codes of cell broadcasts (10 bits), taken in turn: two alerts in force never share one. Owner: alerts.sql.
CREATE TABLE broadcast_code (
  alert TEXT NOT NULL PRIMARY KEY,
  code {int} NOT NULL
);
CREATE INDEX broadcast_code_taken ON broadcast_code (code);

-- Readers to be told of a changed feed (WebSub). `state` is asked or leaving (not proven yet), or active; `due` is when
-- they are to be asked or told, null when nothing is owed. Owner: hub.sql.
CREATE TABLE subscription (
  id TEXT NOT NULL PRIMARY KEY,
  topic TEXT NOT NULL,
  callback TEXT NOT NULL,
  host TEXT NOT NULL,
  secret {bytes} NOT NULL,
  lease_s {int} NOT NULL,
  until {real} NOT NULL,
  state TEXT NOT NULL,
  challenge TEXT NOT NULL,
  due {real},
  tries {int} NOT NULL,
  UNIQUE (topic, callback, state)
);
CREATE INDEX subscription_due ON subscription (due);
