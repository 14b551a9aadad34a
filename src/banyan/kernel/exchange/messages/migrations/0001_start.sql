-- A frame of the journal: its first entry in the log, how many, the newest moment in it, and the day its key goes.
create table frame (
  seq {int} not null primary key,
  first {int} not null,
  entries {int} not null,
  until {real} not null,
  due {int} not null
);

create index frame_first on frame (first);
create index frame_until on frame (until);

-- An exchange by what one looks for. Made from the journal, and again from it when lost.
create table exchange (
  idx {int} not null primary key,
  seq {int} not null,
  xid text not null,
  message_id text not null,
  role text not null,
  client text not null,
  service text not null,
  at {real} not null,
  status {int} not null,
  due {int} not null,
  bodies {int} not null
);

create index exchange_xid on exchange (xid);
create index exchange_message on exchange (message_id);
create index exchange_at on exchange (at);

-- How many exchanges are due on a day, told when the key of that day goes.
create table due_day (day {int} not null primary key, records {int} not null, bodies {int} not null);

-- The keys of other gateways' logs, as each said them first over a connection that the directory vouches for.
create table neighbour (server text not null primary key, sheet {bytes} not null);
