-- Rationing over SQL records: what the journal's engine keeps in arrays. Moments are milliseconds, days count from 1970.
create table turn (one {int} primary key, at {int} not null, seq {int} not null);
insert into turn (one, at, seq) values (1, 0, 0);

create table edition (since text primary key, body text not null);

create table command (
  key {bytes} primary key, seq {int} not null, sum {int} not null, at {int} not null, over {int} not null,
  short {int} not null
){clustered};

create table stock (
  outlet text not null, item text not null, available {int} not null check (available >= 0), delivered {int} not null,
  corrected {int} not null, returned {int} not null, sold {int} not null, reserved {int} not null check (reserved >= 0),
  leased {int} not null check (leased >= 0), short {int} not null, primary key (outlet, item)
);

create table purchase (n {id}, person {bytes} not null, day {int} not null, item text not null, qty {int} not null);
create index purchase_person on purchase (person, day);

create table hold (
  key {bytes} primary key, outlet text not null, item text not null, qty {int} not null, kept {int} not null,
  until {int} not null, state text not null, is_lease {int} not null, person {bytes} not null, day {int} not null,
  granted {int} not null
);
create index hold_due on hold (until) where state = 'pending' and is_lease = 0;

create table brought (day {int} not null, carrier {bytes} not null, person {bytes} not null,
  primary key (day, carrier, person)
){clustered};
