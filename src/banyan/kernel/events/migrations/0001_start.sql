-- The change feed: what happened in this service, in one order.
create table feed (
  seq {int} not null primary key,
  topic text not null,
  subject text not null,
  data {bytes} not null,
  at {real} not null
);
create index feed_topic on feed (topic, seq);

-- One row: the newest seq. Taking the next seq locks it until the commit, so seqs become visible in their order.
create table feed_head (one {int} not null primary key check (one = 1), seq {int} not null);
insert into feed_head (one, seq) values (1, 0);

-- How far each durable follower has come.
create table feed_cursor (follower text not null primary key, seq {int} not null);

-- Effects to be carried out after the commit, at least once.
create table outbox (
  seq {id},
  topic text not null,
  key text not null,
  body {bytes} not null,
  due {real} not null,
  tries {int} not null default 0,
  is_dead {int} not null default 0,
  error text not null default '',
  unique (topic, key)
);
create index outbox_due on outbox (is_dead, due, seq);

-- Calls to come, one for each (name, key).
create table timer (
  name text not null,
  key text not null,
  at {real} not null,
  body {bytes} not null,
  tries {int} not null default 0,
  primary key (name, key)
);
create index timer_at on timer (at);
