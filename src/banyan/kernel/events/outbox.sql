-- name: put
-- Add an effect; the same (topic, key) while one waits changes nothing.
insert into outbox (topic, key, body, due) values (:topic, :key, :body, :due)
on conflict (topic, key) do nothing returning seq

-- name: claim
-- Lease the oldest that are due to this worker.
update outbox set due = :until, tries = tries + 1
where seq in (
  select seq from outbox where is_dead = 0 and due <= :now order by due, seq limit :limit {skip_locked}
)
returning seq, topic, key, body, tries

-- name: done
-- Carried out; tries is the fence against a worker whose lease ran out.
delete from outbox where seq = :seq and tries = :tries returning seq

-- name: again
-- Failed: try again later.
update outbox set due = :due, error = :error where seq = :seq and tries = :tries returning seq

-- name: bury
-- Failed for the last time: kept for a person to look at.
update outbox set is_dead = 1, error = :error where seq = :seq and tries = :tries returning seq

-- name: dead
-- What waits for a person.
select seq, topic, key, body, tries, error from outbox where is_dead = 1 and seq > :after order by seq limit :limit

-- name: revive
-- A person says: try again.
update outbox set is_dead = 0, tries = 0, due = :now, error = '' where seq = :seq and is_dead = 1 returning seq

-- name: next_due
-- When the next one is due.
select due from outbox where is_dead = 0 order by due limit 1
