-- name: give_key
-- Let a register in; the same key again changes what it may.
insert into pfif_key (token, domain, may_write, is_full, may_tell_death)
values (:token, :domain, :may_write, :is_full, :may_tell_death)
on conflict (token) do update set domain = :domain, may_write = :may_write, is_full = :is_full,
may_tell_death = :may_tell_death

-- name: take_key
-- A register may no longer.
delete from pfif_key where domain = :domain

-- name: key
-- What a key may.
select domain, may_write, is_full, may_tell_death from pfif_key where token = :token

-- name: put
-- A record, new or anew.
insert into pfif_record (id, kind, person, entered, expires, is_gone, body)
values (:id, :kind, :person, :entered, :expires, :is_gone, :body)
on conflict (kind, id) do update set person = :person, entered = :entered, expires = :expires, is_gone = :is_gone,
body = :body

-- name: one
-- One record.
select body from pfif_record where kind = :kind and id = :id

-- name: since
-- Records since a moment, oldest first: how peers synchronise.
select body from pfif_record where kind = :kind and entered >= :since and (:person = '' or person = :person)
order by entered, id limit :limit offset :skip

-- name: newest
-- The newest records first.
select body from pfif_record where kind = :kind and (:person = '' or person = :person)
order by entered desc, id desc limit :limit offset :skip

-- name: notes_of
-- A person's notes, oldest first.
select body from pfif_record where kind = 'note' and person = :person order by entered, id limit :limit

-- name: living
-- All persons that have not expired, for the search.
select body from pfif_record where kind = 'person' and is_gone = 0 order by entered, id limit :limit

-- name: over
-- Persons that expired and are not yet tombstones.
select body from pfif_record where kind = 'person' and is_gone = 0 and expires <= :now order by expires, id limit :limit

-- name: drop_notes
-- What was written about an expired person.
delete from pfif_record where kind = 'note' and person = :person
