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

-- name: put_act
-- Keep an act, once.
insert into acts (name, member, client, service, grant_id, is_end, kept_at, sealed)
values (:name, :member, :client, :service, :grant_id, :is_end, :kept_at, :sealed)
on conflict (name) do nothing

-- name: acts_between
-- All acts between one client and one service.
select sealed from acts where client = :client and service = :service order by place

-- name: acts_after
-- A member's acts behind a place.
select place, sealed from acts where member = :member and place > :place order by place limit :limit

-- name: act_named
-- Whether an act is held.
select 1 from acts where name = :name

-- name: act_names
-- The names of all acts of a member.
select name from acts where member = :member

-- name: last_act
-- The place of a member's newest act.
select coalesce(max(place), 0) from acts where member = :member

-- name: count_acts
-- How many acts are held.
select count(*) from acts

-- name: acts_unheard
-- How many acts stand behind a place, how many of them are ends, and since when.
select count(*), count(case when is_end = 1 then 1 end), coalesce(min(kept_at), 0) from acts where member = :member and place > :place

-- name: grants_without_acts
-- Grants from before there were acts.
select whole from granted where not exists (select 1 from acts where acts.grant_id = granted.id)
order by proposed_at, id

-- name: heard
-- Up to which place a sibling has all.
select epoch, place from heard where member = :member and server = :server

-- name: put_heard
-- It has all up to here.
insert into heard (member, server, epoch, place) values (:member, :server, :epoch, :place)
on conflict (member, server) do update set epoch = excluded.epoch, place = excluded.place
