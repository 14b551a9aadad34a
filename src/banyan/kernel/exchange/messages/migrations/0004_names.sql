-- Which clients and services occur in a stretch, in a row of its own: one that is sought and that nobody has is told by
-- these few bytes, without the lines. A stretch of before has none here, and is read.
create table stretch_names (
  first {int} not null primary key references stretch (first) on delete cascade,
  names text not null
);
