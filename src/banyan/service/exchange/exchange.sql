-- name: put_grant
-- Keep a grant as it stands now.
insert into granted (id, client, service, proposed_at, whole) values (:id, :client, :service, :proposed_at, :whole)
on conflict (id) do update set whole = excluded.whole

-- name: grant
-- One grant.
select whole from granted where id = :id

-- name: grants
-- All grants, the newest first.
select whole from granted order by proposed_at desc, id limit :limit
