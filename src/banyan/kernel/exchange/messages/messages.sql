-- name: newest_stretch
-- How far the index has come.
select last, after from stretch order by first desc limit 1

-- name: newest_stretches
-- How large the last ones are, the newest first.
select first, after from stretch order by first desc limit :limit

-- name: stretches_from
-- Whole stretches from an entry on, in order.
select stretch.first, after, seq, last, since, until, owed, due_last, heads, lines, names
from stretch left join stretch_names on stretch_names.first = stretch.first
where stretch.first >= :first order by stretch.first

-- name: drop_stretches_from
-- Make room for what they are joined to.
delete from stretch where first >= :first

-- name: add_stretch
-- Note frames and their exchanges.
insert into stretch (first, after, seq, last, since, until, owed, due_last, heads, lines)
values (:first, :after, :seq, :last, :since, :until, :owed, :due_last, :heads, :lines)

-- name: add_names
-- Note who occurs in them.
insert into stretch_names (first, names) values (:first, :names)

-- name: heads_with
-- The frames among which an entry stands.
select after, heads from stretch where first <= :idx order by first desc limit 1

-- name: lines_with
-- The exchanges among which an entry stands.
select first, after, heads, lines from stretch where first <= :idx order by first desc limit 1

-- name: first_since
-- Where the first frames with a record from this moment or later stand.
select min(first) from stretch where until >= :since

-- name: heads_at
-- Their frames.
select heads from stretch where first = :first

-- name: heads_kept
-- The first frames that must still be read.
select heads from stretch where due_last >= :today order by first limit 1

-- name: newest_before
-- The newest stretch that begins before `until` and ends at `since` or later, and may have the name; `ended` and `at` are
-- of the one read before.
select stretch.first, until, heads, lines from stretch
left join stretch_names on stretch_names.first = stretch.first
where until >= :since and since < :until and until <= :ended and (until < :ended or stretch.first < :at)
and (names is null or names like :name)
order by until desc, stretch.first desc limit 1

-- name: first_kept
-- The first exchange that can still be read.
select first from stretch where owed is not null order by first limit 1

-- name: empty_due_names
-- Forget who occurs where all is due; before the exchanges, which then are not owed any more.
update stretch_names set names = ''
where first in (select first from stretch where due_last <= :day and owed is not null)

-- name: empty_due
-- All of these is due: nothing is left of them but where the frames stand.
update stretch set lines = :nothing, owed = null where due_last <= :day and owed is not null

-- name: partly_due
-- Some of this is due.
select stretch.first, after, seq, last, since, until, owed, due_last, heads, lines, names
from stretch left join stretch_names on stretch_names.first = stretch.first
where owed <= :day order by stretch.first limit 1

-- name: drop_stretch
-- It stands here otherwise now.
delete from stretch where first = :first

-- name: drop_before
-- Forget frames whose segments may go.
delete from stretch where last <= :seq

-- name: partly_before
-- Some of these frames may go.
select stretch.first, after, seq, last, since, until, owed, due_last, heads, lines, names
from stretch left join stretch_names on stretch_names.first = stretch.first where seq <= :seq limit 1

-- name: add_ids
-- Ids in a node, after those of their size.
insert into id_run (node, tier, place, oldest, newest, ids)
select :node, :tier, count(*), :oldest, :newest, :ids from id_run where node = :node and tier = :tier

-- name: full_nodes
-- Where as many stand as are taken together; not what no further bit of a hash divides.
select node, tier from id_run
where place = :last and (tier < :final or node < :deepest) order by node, tier limit :limit

-- name: ids_of
-- Ids of a node and of one size.
select ids from id_run where node = :node and tier = :tier order by place

-- name: drop_ids_of
-- They stand elsewhere now.
delete from id_run where node = :node and tier = :tier

-- name: empty_old_ids
-- Forget ids of exchanges that can no longer be read; the row's place is counted until it leaves with the others.
update id_run set ids = :nothing, oldest = -1 where newest < :first and oldest >= 0

-- name: deepest_node
-- How far ids have sunk.
select max(node) from id_run

-- name: runs_of
-- What stands in a node.
select oldest, tier, place from id_run where node = :node and oldest >= 0

-- name: ids_at
-- One row of a node.
select ids from id_run where node = :node and tier = :tier and place = :place

-- name: add_due
-- Count what is due on a day.
insert into due_day (day, records, bodies) values (:day, :records, :bodies)
on conflict (day) do update set records = due_day.records + excluded.records, bodies = due_day.bodies + excluded.bodies

-- name: due_counts
-- What is due on a day.
select records, bodies from due_day where day = :day

-- name: drop_due
-- The day has passed.
delete from due_day where day <= :day

-- name: known_keys
-- The keys by which a gateway's log is known here.
select sheet from neighbour where server = :server

-- name: know_keys
-- Keep what a gateway said first.
insert into neighbour (server, sheet) values (:server, :sheet) on conflict (server) do nothing

-- name: add_operations
-- Keep the calls of a drain.
insert into operations (noted, through, calls) values (:noted, :through, :calls)

-- name: operations_between
-- The calls of a span of seconds, oldest first; `after` is the last one read.
select id, noted, calls from operations
where noted >= :first and noted <= :last and id > :after order by id limit :limit

-- name: operations_through
-- How many calls there were.
select max(through) from operations

-- name: drop_operations
-- Forget the oldest calls.
delete from operations where through <= :through or noted < :before
