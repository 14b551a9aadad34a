-- name: look
-- Somebody looked at a person; at nobody when `patient` is empty.
insert into look (id, patient, at, agency, officer, reason) values (:id, :patient, :at, :agency, :officer, :reason)

-- name: looks
-- Who looked at a person, newest first.
select at, agency, reason from look where patient = :patient order by at desc, id limit :limit

-- name: move_looks
-- Two records are one person.
update look set patient = :id where patient = :other

-- name: forget_nobody
-- Questions that found nobody.
delete from look where patient = ''
