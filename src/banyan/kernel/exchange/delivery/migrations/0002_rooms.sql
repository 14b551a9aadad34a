-- Whether nobody comes to fetch the answer: events that are pushed.
alter table sent add column unfetched {int} not null default 0;

-- Kinds of events of a room. `head` is the newest sequence; taking the next locks the row until the commit.
create table room_type (
  room text not null,
  event_type text not null,
  schema {bytes} not null,
  head {int} not null default 0,
  made_by text not null,
  made_at {real} not null,
  primary key (room, event_type)
);

create table room_event (
  room text not null,
  event_type text not null,
  sequence {int} not null,
  id text not null unique,
  publisher text not null,
  content {bytes} not null,
  at {real} not null,
  is_stopped {int} not null default 0,
  primary key (room, event_type, sequence)
);
create index room_event_at on room_event (at);
create index room_event_age on room_event (room, event_type, at, sequence);

-- Who gets events of a kind, and up to where everything was acknowledged.
create table room_subscription (
  id text not null primary key,
  room text not null,
  event_type text not null,
  subscriber text not null,
  delivery text not null,
  ttl_s {int} not null,
  in_order {int} not null,
  seen {int} not null,
  unique (room, event_type, subscriber)
);
create index room_subscription_of on room_subscription (room, subscriber, event_type);

-- Acknowledged beyond that.
create table room_acknowledged (
  subscription text not null,
  sequence {int} not null,
  primary key (subscription, sequence)
);
