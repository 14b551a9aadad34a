-- name: take_turn
-- One order for all nodes: whoever has the row decides, the others wait for the commit.
update turn set one = 1 where one = 1 returning at, seq

-- name: end_turn
-- The log's time and its newest number.
update turn set at = :at, seq = :seq where one = 1

-- name: turn
-- The same, to look at.
select at, seq from turn where one = 1

-- name: editions
-- The rule book, oldest first.
select since, body from edition order by since

-- name: put_edition
-- An edition; one of the same day takes the other's place.
insert into edition (since, body) values (:since, :body) on conflict (since) do update set body = :body

-- name: command
-- What a key was used for.
select seq, sum, at, over, short from command where key = :key

-- name: keep_command
-- A key, for ever.
insert into command (key, seq, sum, at, over, short) values (:key, :seq, :sum, :at, :over, :short)

-- name: stock
-- One item at one outlet.
select available, delivered, corrected, returned, sold, reserved, leased, short from stock
where outlet = :outlet and item = :item

-- name: stocks
-- All of it.
select outlet, item, available, delivered, corrected, returned, sold, reserved, leased, short from stock
order by outlet, item

-- name: move
-- Units change their place.
update stock set available = available + :available, delivered = delivered + :delivered,
  corrected = corrected + :corrected, returned = returned + :returned, sold = sold + :sold,
  reserved = reserved + :reserved, leased = leased + :leased, short = short + :short
where outlet = :outlet and item = :item

-- name: first_move
-- The first of an item that an outlet has.
insert into stock (outlet, item, available, delivered, corrected, returned, sold, reserved, leased, short)
values (:outlet, :item, :available, :delivered, :corrected, :returned, :sold, :reserved, :leased, :short)

-- name: purchases
-- What a person bought, newest first.
select day, item, qty from purchase where person = :person order by n desc

-- name: purchases_of
-- Of one item on one day.
select n, qty from purchase where person = :person and day = :day and item = :item order by n desc

-- name: add_purchase
-- A purchase that counts.
insert into purchase (person, day, item, qty) values (:person, :day, :item, :qty)

-- name: shrink_purchase
-- Some of it came back.
update purchase set qty = qty - :qty where n = :n

-- name: drop_purchase
-- All of it came back.
delete from purchase where n = :n

-- name: forget_purchases
-- What matters no more.
delete from purchase where person = :person and day <= :day

-- name: bought_since
-- Who bought how much of which item after a day.
select person, item, sum(qty) from purchase where day > :day group by person, item order by person, item

-- name: hold
-- A reservation or a lease.
select key, outlet, item, qty, kept, until, state, is_lease, person, day, granted from hold where key = :key

-- name: add_hold
-- A new one.
insert into hold (key, outlet, item, qty, kept, until, state, is_lease, person, day, granted)
values (:key, :outlet, :item, :qty, :qty, :until, 'pending', :is_lease, :person, :day, :granted)

-- name: settle_hold
-- It became what it became.
update hold set state = :state, kept = 0 where key = :key

-- name: use_lease
-- A device's sale came out of it.
update hold set kept = kept - :qty where key = :key

-- name: due
-- Reservations whose time is over, in the order of their times.
select key, outlet, item, qty, kept, until, state, is_lease, person, day, granted from hold
where state = 'pending' and is_lease = 0 and until <= :at order by until, granted, key

-- name: brought
-- Whose cards somebody brought on a day.
select person from brought where day = :day and carrier = :carrier order by person

-- name: bring
-- One more.
insert into brought (day, carrier, person) values (:day, :carrier, :person) on conflict (day, carrier, person) do nothing

-- name: forget_brought
-- Only today's are asked for.
delete from brought where day < :day

-- name: all_commands
-- For the state's hash.
select key, seq, sum, at, over, short from command order by key

-- name: all_purchases
-- For the state's hash.
select person, day, item, qty from purchase order by person, n

-- name: all_holds
-- For the state's hash.
select key, outlet, item, qty, kept, until, state, is_lease, person, day, granted from hold order by key
