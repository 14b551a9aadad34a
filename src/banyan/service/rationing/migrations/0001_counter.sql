-- Outlets that sell by real name, and the agency whose pharmacists sell there. Owner: counter/counter.sql.
CREATE TABLE counter_outlet (
  code TEXT NOT NULL PRIMARY KEY,
  agency TEXT NOT NULL,
  document TEXT NOT NULL
);
CREATE INDEX counter_outlet_agency ON counter_outlet (agency, code);

-- What an outlet announces of its sale: hours, plates, words. Owner: counter/counter.sql.
CREATE TABLE counter_notice (
  outlet TEXT NOT NULL PRIMARY KEY,
  document TEXT NOT NULL,
  at {real} NOT NULL
);

-- The engine's sums of an item at an outlet as they stood last on each of Taiwan's days: the difference of two days is
-- a day's sheet. Owner: counter/counter.sql.
CREATE TABLE counter_tally (
  outlet TEXT NOT NULL,
  item TEXT NOT NULL,
  day {int} NOT NULL,
  delivered {int} NOT NULL,
  corrected {int} NOT NULL,
  returned {int} NOT NULL,
  sold {int} NOT NULL,
  short {int} NOT NULL,
  PRIMARY KEY (outlet, item, day)
);

-- Numbers to wait with (號碼牌) of a day. No person: who shows the number and its code is served. `key` is the lease that
-- holds its goods. Owner: counter/counter.sql.
CREATE TABLE counter_plate (
  outlet TEXT NOT NULL,
  day {int} NOT NULL,
  number {int} NOT NULL,
  item TEXT NOT NULL,
  qty {int} NOT NULL,
  state TEXT NOT NULL,
  until {real} NOT NULL,
  key {bytes} NOT NULL,
  PRIMARY KEY (outlet, day, number)
);
CREATE INDEX counter_plate_open ON counter_plate (state, until);
