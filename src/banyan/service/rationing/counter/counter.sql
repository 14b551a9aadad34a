-- name: put_outlet
-- Open an outlet, or change what is known of it.
insert into counter_outlet (code, agency, document) values (:code, :agency, :document)
on conflict (code) do update set agency = excluded.agency, document = excluded.document

-- name: outlet
-- One outlet.
select document from counter_outlet where code = :code

-- name: outlets_of
-- The outlets of an agency.
select document from counter_outlet where agency = :agency order by code limit :limit

-- name: put_notice
-- What an outlet announces.
insert into counter_notice (outlet, document, at) values (:outlet, :document, :at)
on conflict (outlet) do update set document = excluded.document, at = excluded.at

-- name: notice
-- What an outlet announced last.
select document from counter_notice where outlet = :outlet

-- name: put_tally
-- The sums as they stand on a day.
insert into counter_tally (outlet, item, day, delivered, corrected, returned, sold, short)
values (:outlet, :item, :day, :delivered, :corrected, :returned, :sold, :short)
on conflict (outlet, item, day) do update set delivered = excluded.delivered, corrected = excluded.corrected,
  returned = excluded.returned, sold = excluded.sold, short = excluded.short

-- name: tally_until
-- The newest sums of an item of an outlet on a day or before.
select delivered, corrected, returned, sold, short from counter_tally
where outlet = :outlet and item = :item and day <= :day order by day desc limit 1

-- name: items_of
-- Items that an outlet ever had, by a day.
select distinct item from counter_tally where outlet = :outlet and day <= :day order by item limit :limit

-- name: newest_tallies
-- The newest sums of everything.
select t.outlet, t.item, t.delivered, t.corrected, t.returned, t.sold, t.short from counter_tally t
where t.day = (select max(o.day) from counter_tally o where o.outlet = t.outlet and o.item = t.item)

-- name: last_number
-- The last number that an outlet gave on a day.
select coalesce(max(number), 0) from counter_plate where outlet = :outlet and day = :day

-- name: put_plate
-- Give a number.
insert into counter_plate (outlet, day, number, item, qty, state, until, key)
values (:outlet, :day, :number, :item, :qty, 'asked', :until, :key)

-- name: plate
-- One number.
select outlet, day, number, item, qty, state, until, key from counter_plate
where outlet = :outlet and day = :day and number = :number

-- name: move_plate
-- A number goes on, if it still stands where it stood.
update counter_plate set state = :state, until = :until
where outlet = :outlet and day = :day and number = :number and state = :before

-- name: next_plate
-- Who waits longest.
select outlet, day, number, item, qty, state, until, key from counter_plate
where outlet = :outlet and day = :day and state = 'waiting' order by number limit 1

-- name: last_called
-- The number that was called last.
select coalesce(max(number), 0) from counter_plate where outlet = :outlet and day = :day and state in ('called', 'served', 'missed')

-- name: waiting
-- How many wait, and how many of them before a number.
select count(*), coalesce(sum(case when number < :number then 1 else 0 end), 0) from counter_plate
where outlet = :outlet and day = :day and state = 'waiting'

-- name: given
-- How many of an item were given out by numbers on a day, those given back left out.
select coalesce(sum(qty), 0) from counter_plate
where outlet = :outlet and day = :day and item = :item and state in ('asked', 'waiting', 'called', 'served')

-- name: overdue
-- Numbers whose time is over.
select outlet, day, number, item, qty, state, until, key from counter_plate
where state in ('asked', 'waiting', 'called') and until <= :now order by until limit :limit

-- name: open_plates
-- Numbers whose goods are held.
select outlet, day, number, item, qty, state, until, key from counter_plate where state in ('asked', 'waiting', 'called')
