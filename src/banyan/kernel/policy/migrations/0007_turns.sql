-- How often something was written that a consent's standing rests on: consents by the first two digits of their
-- subject's pseudonym, purposes under '*'. What was read in a turn that is still on need not be read again.
create table consent_turn (part text not null primary key, turn {int} not null);
insert into consent_turn (part, turn) values ('*', 0);

-- The turn in which each purpose was written, for who has those before it in memory.
alter table purpose add column turn {int} not null default 0;
create index purpose_by_turn on purpose (turn);

-- The counts of purposes by day first: today's stand together, and a day that is over goes as one stretch.
create table purpose_count (day {int} not null, subject text not null, purpose text not null, uses {int} not null,
  primary key (day, subject, purpose)) {clustered};
insert into purpose_count (day, subject, purpose, uses) select day, subject, purpose, uses from purpose_use;
drop table purpose_use;
