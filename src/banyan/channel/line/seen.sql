-- name: known
-- Whether an event was answered.
select 1 from seen where event_id = :event_id

-- name: add
-- An event was answered.
insert into seen (event_id, at) values (:event_id, :at) on conflict (event_id) do nothing

-- name: forget
-- Events so old that they are not delivered again.
delete from seen where at < :before
