-- name: day_key
-- The sealed key of a day under an order.
select sealed from day_key where day = :day and order_id = :order_id

-- name: day_keys
-- Every day that has a key.
select day, order_id from day_key order by day, order_id

-- name: put_key
-- A day's key.
insert into day_key (day, order_id, sealed) values (:day, :order_id, :sealed)

-- name: drop_key
-- A day is over.
delete from day_key where day = :day and order_id = :order_id

-- name: put_request
-- A request that was counted.
insert into request (id, question, at, day, officer, agency, order_id, reason, state, contacts, shown, key, noted,
  told, second_officer, second_agency, released_at)
values (:id, :question, :at, :day, :officer, :agency, :order_id, :reason, 'counted', :contacts, :shown, :key, 0, 0, '',
  '', 0)

-- name: request
-- One request.
select id, question, at, day, officer, agency, order_id, reason, state, contacts, shown, key, noted, told,
  second_officer, second_agency, released_at from request where id = :id

-- name: requests
-- The newest requests.
select id, question, at, day, officer, agency, order_id, reason, state, contacts, shown, key, noted, told,
  second_officer, second_agency, released_at from request order by at desc, id limit :limit

-- name: same
-- The same question, asked before under the order.
select id from request where order_id = :order_id and question = :question order by at desc limit 1

-- name: asked_on
-- Questions of an agency on a day.
select count(*) from request where agency = :agency and day = :day

-- name: note
-- How many contacts' lists tell of it.
update request set noted = :noted where id = :id

-- name: begin_release
-- A second officer released it: who, for good.
update request set state = 'releasing', second_officer = :officer, second_agency = :agency, released_at = :at
where id = :id and state = 'counted'

-- name: end_release
-- All were told.
update request set state = 'released', told = :told where id = :id

-- name: drop
-- Nobody released it in time, or its order is over.
update request set state = 'dropped', key = :key, contacts = 0 where id = :id

-- name: open
-- Requests that keep results.
select id, at, order_id, state from request where state <> 'dropped'

-- name: totals
-- Uses under each order.
select order_id, count(*), sum(case when state in ('released', 'releasing') then 1 else 0 end), sum(told) from request
group by order_id
