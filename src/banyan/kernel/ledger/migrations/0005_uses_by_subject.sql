-- A subject's uses in their order, with the head of the chain after each (none where it was not kept: see 0003). Written
-- when the map is brought on, many at once and in the order of the key: a use itself is only added at the end.
create table use_of (
  subject {bytes} not null,
  position {int} not null,
  idx {int} not null,
  head {bytes},
  primary key (subject, position)
) {clustered};
insert into use_of (subject, position, idx, head) select subject, position, idx, head from release
where idx < (select mapped from log_head where one = 1);

-- Each use of a person's data: what its entry commits to.
create table release_of (
  idx {int} not null primary key,
  subject {bytes} not null,
  at {real} not null,
  reveal_after {real} not null,
  basis text not null,
  receiver text not null,
  salt {bytes} not null,
  record {bytes} not null
);
insert into release_of (idx, subject, at, reveal_after, basis, receiver, salt, record)
select idx, subject, at, reveal_after, basis, receiver, salt, record from release;
drop table release;
alter table release_of rename to release;
