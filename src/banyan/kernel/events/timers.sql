-- name: set
-- Call (name, key) at a time; a later word replaces an earlier one.
insert into timer (name, key, at, body, tries) values (:name, :key, :at, :body, 0)
on conflict (name, key) do update set at = excluded.at, body = excluded.body, tries = 0

-- name: cancel
-- Never mind.
delete from timer where name = :name and key = :key returning key

-- name: claim
-- Lease those that are due to this worker.
update timer set at = :until, tries = tries + 1
where (name, key) in (select name, key from timer where at <= :now order by at, name, key limit :limit {skip_locked})
returning name, key, at, body, tries

-- name: done
-- It ran; one that was set anew meanwhile stays.
delete from timer where name = :name and key = :key and at = :at and tries = :tries returning key

-- name: again
-- It failed: later.
update timer set at = :again where name = :name and key = :key and at = :at and tries = :tries returning key

-- name: next_at
-- When the next one is due.
select at from timer order by at limit 1
