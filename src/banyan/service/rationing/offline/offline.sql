-- name: enrol
-- A terminal of an outlet; known already when the same key comes again.
insert into offline_terminal (id, outlet, area, sign_jwk, agree_jwk, enrolled_at, enrolled_by)
values (:id, :outlet, :area, :sign_jwk, :agree_jwk, :at, :by)
on conflict (id) do nothing

-- name: terminal
-- One terminal.
select id, outlet, area, sign_jwk, agree_jwk, ended_at from offline_terminal where id = :id

-- name: any_terminal
-- Whether anybody sells offline here.
select id from offline_terminal limit 1

-- name: terminals_of
-- An outlet's terminals, the newest first.
select id, outlet, area, sign_jwk, agree_jwk, ended_at from offline_terminal
where outlet = :outlet order by enrolled_at desc, id limit :most

-- name: end_terminal
-- It gets no lease any more; what it sold is still taken.
update offline_terminal set ended_at = :at where id = :id and outlet = :outlet and ended_at is null

-- name: add_lease
-- A lease that is asked for; the same one when asked again.
insert into offline_lease (id, terminal, outlet, item, qty, reserve, from_s, until_s, grace_s)
values (:id, :terminal, :outlet, :item, :qty, :reserve, :from_s, :until_s, :grace_s)
on conflict (id) do nothing

-- name: drop_lease
-- The engine refused it.
delete from offline_lease where id = :id

-- name: lease
-- One lease.
select id, terminal, outlet, item, qty, reserve, from_s, until_s, grace_s, ended_at from offline_lease where id = :id

-- name: open_leases
-- How many leases of a terminal have not ended.
select count(*) from offline_lease where terminal = :terminal and ended_at is null

-- name: overdue
-- Leases whose grace is over, the oldest first.
select id, terminal, outlet, item, qty, reserve, from_s, until_s, grace_s, ended_at from offline_lease
where ended_at is null and until_s + grace_s <= :now order by until_s, id limit :most

-- name: end_lease
-- What is left of it went back.
update offline_lease set ended_at = :at where id = :id and ended_at is null

-- name: keep_receipt
-- A receipt, once: the set only grows.
insert into offline_receipt
  (id, terminal, counter, prev, lease, kind, qty, at_s, token, key, came_at, is_merged, state, over, short)
values (:id, :terminal, :counter, :prev, :lease, :kind, :qty, :at_s, :token, :key, :came_at, 0, '', 0, 0)
on conflict (id) do nothing

-- name: same_counter
-- Another receipt of the same counter: the terminal was cloned or restored.
select id from offline_receipt where terminal = :terminal and counter = :counter limit 1

-- name: receipt_states
-- Whether a receipt is here and merged.
select is_merged, state from offline_receipt where id = :id

-- name: waiting
-- Receipts that are kept and not merged: a crash came between.
select id, terminal, token, key, came_at from offline_receipt where is_merged = 0 order by came_at, id limit :most

-- name: merged
-- The engine has it.
update offline_receipt set is_merged = 1, state = :state, over = :over, short = :short where id = :id and is_merged = 0

-- name: chain
-- A terminal's chain as far as it came.
select counter, id, prev, at_s from offline_receipt where terminal = :terminal order by counter, id

-- name: closes
-- Receipts that close leases of a terminal which have not ended.
select r.lease, r.counter from offline_receipt r join offline_lease l on l.id = r.lease
where r.terminal = :terminal and r.kind = 'close' and l.ended_at is null

-- name: every_id
-- All receipts' ids, in order: the set's own hash.
select id from offline_receipt order by id

-- name: forget_cards
-- Long merged: the sealed card goes, the rest of the receipt stays as evidence.
update offline_receipt set token = '' where is_merged = 1 and came_at < :before and token <> ''

-- name: mark
-- How terminals are told of a person during an epoch.
insert into offline_mark (person, epoch, token, outlet) values (:person, :epoch, :token, :outlet)
on conflict (person, epoch, token) do update set outlet = excluded.outlet

-- name: marks_near
-- The marks of an area's outlets, and of outlets that no area is known of.
select m.person, m.epoch, m.token from offline_mark m left join offline_outlet o on o.outlet = m.outlet
where m.epoch >= :since and (o.area is null or o.area = :area or :area = '')

-- name: forget_marks
-- Marks of epochs that no window reaches.
delete from offline_mark where epoch < :before

-- name: put_outlet
-- Where an outlet is.
insert into offline_outlet (outlet, area) values (:outlet, :area)
on conflict (outlet) do update set area = excluded.area

-- name: totals
-- What the public is told of receipts: counts by how they ended.
select state, count(*), sum(qty), sum(over), sum(short) from offline_receipt where kind = 'sale' group by state

-- name: forks
-- Counters that two receipts claim.
select count(*) from (
  select 1 as one from offline_receipt group by terminal, counter having count(*) > 1
) as forked

-- name: missing
-- Receipts that never came, below each terminal's highest counter.
select sum(highest - links) from (
  select max(counter) as highest, count(distinct counter) as links from offline_receipt group by terminal
) as chains

-- name: lease_totals
-- Leases that are open, the units they were given, and those of them that receipts told of.
select count(*), sum(l.qty), sum(coalesce(
  (select sum(r.qty) from offline_receipt r where r.terminal = l.terminal and r.lease = l.id and r.kind = 'sale'), 0))
from offline_lease l where l.ended_at is null
