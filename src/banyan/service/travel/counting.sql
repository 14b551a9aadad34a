-- name: count
-- One more look-up in a step of time.
insert into asked (agency, officer, step, times, strangers) values (:agency, :officer, :step, 1, :strangers)
on conflict (agency, officer, step) do update set times = asked.times + 1, strangers = asked.strangers + excluded.strangers
returning times, strangers

-- name: stop
-- A bound was met.
insert into stopped (agency, officer, step, why, times) values (:agency, :officer, :step, :why, 1)
on conflict (agency, officer, step, why) do update set times = stopped.times + 1

-- name: stops
-- Where bounds were met since a step, for the agency whose officers they are.
select officer, step, why, times from stopped where agency = :agency and step >= :since order by step desc limit :limit

-- name: stops_of_all
-- How many times since a step.
select count(*) from stopped where step >= :since

-- name: days
-- Look-ups by day since a step.
select step, sum(times) from asked where officer = '' and step >= :since group by step order by step desc

-- name: forget
-- Counts of long ago.
delete from asked where step < :day and officer = ''

-- name: forget_hours
-- Counts of clinicians are for the hour.
delete from asked where step < :hour and officer <> ''
