-- name: begin
-- The groups shown so far, with their persons and kinds.
create or replace temp table banyan_shown (path varchar[], n bigint, kinds bigint)

-- name: people
-- How many rows, and how many persons they are of.
select count(*), count(distinct person) from banyan_people

-- name: whole
-- The group of everybody is shown when it is no small one.
insert into banyan_shown
select [], count(*), count(distinct kind) from banyan_people having count(*) >= $k and count(distinct kind) >= $l

-- name: divide
-- Divide each shown group one level further. Its small parts are hidden, and with them the smallest other one; the secret
-- decides between equals, so that the choice tells nothing about the hidden.
insert into banyan_shown
with part as (
  select path[1:$level] as path, path[1:$level - 1] as whole, count(*) as n, count(distinct kind) as kinds
  from banyan_people
  group by all
),
weighed as (
  select part.*, part.n < $k or part.kinds < $l as is_small
  from part semi join banyan_shown on banyan_shown.path = part.whole
),
ranked as (
  select
    *,
    count(*) filter (where is_small) over (partition by whole) as small,
    row_number() over (partition by whole order by is_small desc, n, sha256($secret || path::varchar)) as place
  from weighed
)
select path, n, kinds from ranked where small = 0 or place > small + 1

-- name: shown
-- The groups that pass, the larger first.
select path, n from banyan_shown order by len(path), path limit $most

-- name: hidden
-- How many parts of shown groups are hidden.
with part as (
  select distinct path[1:$level] as path, path[1:$level - 1] as whole from banyan_people
)
select count(*) from part semi join banyan_shown as above on above.path = part.whole
anti join banyan_shown as shown on shown.path = part.path

-- name: end
-- Leave nothing behind.
drop table if exists banyan_shown;
drop view if exists banyan_people
