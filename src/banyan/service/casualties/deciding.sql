-- name: decide
-- What an officer decided.
insert into decision (id, kind, one, other, at, agency, officer, reason)
values (:id, :kind, :one, :other, :at, :agency, :officer, :reason)

-- name: undo
-- Two records that were said to be two persons are one after all.
delete from decision where kind in ('apart', 'split') and one = :one and other = :other

-- name: twos
-- Records that were said to be two persons.
select one, other from decision where kind in ('apart', 'split')

-- name: decided
-- What was decided, newest first.
select id, kind, one, other, at, agency, reason from decision order by at desc, id limit :limit
