-- Agencies' areas of responsibility. Owner: law.sql.
CREATE TABLE duty (
  agency TEXT NOT NULL,
  desk TEXT NOT NULL,
  area TEXT NOT NULL,
  PRIMARY KEY (agency, desk, area)
);

-- Keys of everybody whose data ends on one day under one order: sealed by a key of that day and by one of the order, so
-- that either end destroys it. Owner: fence.sql.
CREATE TABLE cohort (
  power TEXT NOT NULL,
  day TEXT NOT NULL,
  sealed {bytes} NOT NULL,
  gone {real},
  PRIMARY KEY (power, day)
);

-- People in quarantine. Who they are is in `sealed`; `person` and `phone` are keyed names. Owner: fence.sql.
CREATE TABLE held (
  id TEXT NOT NULL PRIMARY KEY,
  slot {int} NOT NULL UNIQUE,
  person TEXT NOT NULL,
  phone TEXT NOT NULL,
  power TEXT NOT NULL,
  day TEXT NOT NULL,
  salt {bytes} NOT NULL,
  sealed {bytes} NOT NULL,
  village TEXT NOT NULL,
  state TEXT NOT NULL,
  enrolment TEXT NOT NULL,
  start {real} NOT NULL,
  until {real} NOT NULL
);
CREATE INDEX held_person ON held (person);
CREATE INDEX held_phone ON held (phone);
CREATE INDEX held_state ON held (state, enrolment);
CREATE INDEX held_day ON held (power, day);

-- The code that was sent to a phone. Owner: fence.sql.
CREATE TABLE code (
  held TEXT NOT NULL PRIMARY KEY,
  digest {bytes} NOT NULL,
  until {real} NOT NULL,
  tries {int} NOT NULL
);

-- Alarms; `document` is the ladder's state, which names nobody. Owner: fence.sql.
CREATE TABLE alarm (
  id TEXT NOT NULL PRIMARY KEY,
  held TEXT NOT NULL,
  kind TEXT NOT NULL,
  stage TEXT NOT NULL,
  venue TEXT NOT NULL,
  village TEXT NOT NULL,
  opened {real} NOT NULL,
  agency TEXT NOT NULL,
  document {bytes} NOT NULL
);
CREATE INDEX alarm_held ON alarm (held, kind, stage);
CREATE INDEX alarm_stage ON alarm (stage, opened);

-- What happened to somebody, oldest first; words are sealed as the person is. Owner: fence.sql.
CREATE TABLE step (
  id {id},
  held TEXT NOT NULL,
  alarm TEXT NOT NULL,
  at {real} NOT NULL,
  kind TEXT NOT NULL,
  agency TEXT NOT NULL,
  officer TEXT NOT NULL,
  note {bytes} NOT NULL
);
CREATE INDEX step_held ON step (held, at);

-- Messages to people, each once; `digest` is of the code that her answer must bring. Owner: fence.sql.
CREATE TABLE message (
  id TEXT NOT NULL PRIMARY KEY,
  held TEXT NOT NULL,
  alarm TEXT NOT NULL,
  at {real} NOT NULL,
  words {bytes} NOT NULL,
  digest {bytes} NOT NULL,
  sent {real},
  answered {real}
);
CREATE INDEX message_held ON message (held, at);

-- Calls of the twice-daily list, done. Owner: fence.sql.
CREATE TABLE call (
  held TEXT NOT NULL,
  round TEXT NOT NULL,
  at {real} NOT NULL,
  result TEXT NOT NULL,
  agency TEXT NOT NULL,
  officer TEXT NOT NULL,
  PRIMARY KEY (held, round)
);

-- Appeals; words are sealed. Owner: fence.sql.
CREATE TABLE appeal (
  id TEXT NOT NULL PRIMARY KEY,
  held TEXT NOT NULL,
  alarm TEXT NOT NULL,
  office TEXT NOT NULL,
  village TEXT NOT NULL,
  at {real} NOT NULL,
  due {real} NOT NULL,
  words {bytes} NOT NULL,
  outcome TEXT NOT NULL,
  decided {real},
  agency TEXT NOT NULL,
  reason {bytes} NOT NULL
);
CREATE INDEX appeal_held ON appeal (held);

-- Sets of published figures that an administrator added. Owner: fence.sql.
CREATE TABLE published (
  id {id},
  document {bytes} NOT NULL,
  at {real} NOT NULL
);

-- Mass events whose cells a self-health-management phone must not enter. Owner: fence.sql.
CREATE TABLE venue (
  id TEXT NOT NULL PRIMARY KEY,
  document {bytes} NOT NULL,
  start {real} NOT NULL,
  until {real} NOT NULL
);

-- What is left of those whose data is gone: numbers by day. Owner: fence.sql.
CREATE TABLE tally (
  day TEXT NOT NULL,
  name TEXT NOT NULL,
  value {real} NOT NULL,
  PRIMARY KEY (day, name)
);

-- How far the signals of the positions were taken. Owner: fence.sql.
CREATE TABLE taken (
  name TEXT NOT NULL PRIMARY KEY,
  seq {int} NOT NULL
);
