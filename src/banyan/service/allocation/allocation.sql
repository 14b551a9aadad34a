-- name: rule
-- How an item is shared out.
select document from rule where item = :item

-- name: put_rule
-- Set it.
insert into rule (item, document) values (:item, :document)
on conflict (item) do update set document = excluded.document

-- name: limits
-- What was set for outlets of an item.
select code, room, floor from outlet_limit where item = :item order by code

-- name: put_limit
-- Set it for one outlet.
insert into outlet_limit (item, code, room, floor) values (:item, :code, :room, :floor)
on conflict (item, code) do update set room = excluded.room, floor = excluded.floor

-- name: days
-- The newest days of sales before a day.
select day, document, outlets, sold from sales_day where item = :item and day < :before order by day desc limit :limit

-- name: day
-- The sales of one day.
select document from sales_day where item = :item and day = :day

-- name: put_day
-- Keep a day's sales.
insert into sales_day (item, day, document, outlets, sold) values (:item, :day, :document, :outlets, :sold)
on conflict (item, day) do update set document = excluded.document, outlets = excluded.outlets, sold = excluded.sold

-- name: selling_items
-- Items with sales on record.
select distinct item from sales_day order by item

-- name: drop_days
-- Forget what is older than a day.
delete from sales_day where item = :item and day < :before

-- name: plan
-- One plan.
select id, item, day, method, state, inputs, document, supply, proposed_by, agency, proposed_at, decided_at
from plan where id = :id

-- name: plans
-- The newest plans in a state, by the day they are for.
select id, item, day, method, state, inputs, document, supply, proposed_by, agency, proposed_at, decided_at
from plan where state = :state order by day desc, item, decided_at desc, id limit :limit

-- name: approved_for
-- The approved plan of an item's day.
select id from plan where item = :item and day = :day and state = 'approved'

-- name: add_plan
-- Keep a proposal.
insert into plan (id, item, day, method, state, inputs, document, supply, proposed_by, agency, proposed_at, decided_at)
values (:id, :item, :day, :method, 'draft', :inputs, :document, :supply, :proposed_by, :agency, :proposed_at, 0)

-- name: decide
-- Approve or withdraw a draft.
update plan set state = :state, decided_at = :at where id = :id and state = 'draft'

-- name: reopen
-- Propose a withdrawn plan again.
update plan set state = 'draft', decided_at = 0 where id = :id and state = 'withdrawn'

-- name: acts
-- The history of a plan.
select number, act, code, before, after, kind, words, by_officer, agency, at from act where plan = :plan order by number

-- name: add_act
-- One more entry.
insert into act (plan, number, act, code, before, after, kind, words, by_officer, agency, at)
values (:plan, :number, :act, :code, :before, :after, :kind, :words, :by, :agency, :at)
