-- One row for each publication instead of one for each exchange (docs/decisions/0137). What the old tables knew is made
-- again from the journal at the next opening, which reads all of it when nothing is noted here.
drop table exchange;
drop table frame;
delete from due_day;

-- Frames of the journal that follow one another, and the exchanges in them: entries `first` up to `after`, frames `seq`
-- up to `last`. `heads` are the frames, 48 bytes each; `lines` is the MessagePack of their exchanges, frame by frame.
-- `owed`: the first day on which some of `lines` are due, null when none are left; `due_last`: when the last frame is.
create table stretch (
  first {int} not null primary key,
  after {int} not null,
  seq {int} not null,
  last {int} not null,
  since {real} not null,
  until {real} not null,
  owed {int},
  due_last {int} not null,
  heads {bytes} not null,
  lines {bytes} not null
);

create index stretch_until on stretch (until, since, first);

-- Hashes of ids with the entries where they stand, in a tree by the hash's first bits: `node` is 1 at the root, then
-- 16 * node + the next four bits. Rows of a node are counted from 0 within their `tier` of size, and leave it together.
create table id_run (
  node {int} not null,
  tier {int} not null,
  place {int} not null,
  oldest {int} not null,
  newest {int} not null,
  ids {bytes} not null,
  primary key (node, tier, place)
);

create index id_run_place on id_run (place);
create index id_run_newest on id_run (newest);
