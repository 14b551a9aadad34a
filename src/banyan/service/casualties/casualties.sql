-- name: by_person
-- The person of a number.
select id, name, person, born, sex, is_protected, expires from patient
where person = :person and person <> '' and gone is null order by created, id limit 1

-- name: by_name
-- Persons of one name, in either script, and birth date.
select id, name, person, born, sex, is_protected, expires from patient
where gone is null and born = :born and ((square = :square and square <> '') or (letters = :letters and letters <> ''))
order by created, id

-- name: by_probe
-- The persons a public question means.
select p.id, p.name, p.person, p.born, p.sex, p.is_protected, p.expires from probe q join patient p on p.id = q.patient
where q.token = :token and p.gone is null order by p.created, p.id limit 2

-- name: by_id
-- One person by the register's own id.
select id, name, person, born, sex, is_protected, expires from patient where id = :id and gone is null

-- name: alive
-- All persons, for the staff's search and the counters.
select id, name, person, born, sex, is_protected, expires from patient where gone is null order by created, id limit :limit

-- name: version
-- Changes when the list of names does.
select count(*), coalesce(max(created), 0), coalesce(max(gone), 0) from patient

-- name: add
-- A person who was not known.
insert into patient (id, name, square, letters, person, born, sex, is_protected, created, expires)
values (:id, :name, :square, :letters, :person, :born, :sex, 0, :now, :expires)

-- name: refresh
-- What a later report adds, and the new end.
update patient set person = :person, born = :born, sex = :sex, expires = :expires where id = :id

-- name: protect
-- Hide a person from the public and from families, or stop hiding.
update patient set is_protected = :is_protected where person = :person and person <> '' and gone is null

-- name: stays
-- What hospitals said of a person.
select hospital, at, status, ward, phone, towards from stay where patient = :id order by at, hospital

-- name: all_stays
-- What hospitals said of everybody.
select s.patient, s.hospital, s.at, s.status, s.ward, s.phone, s.towards from stay s join patient p on p.id = s.patient
where p.gone is null order by s.patient, s.at, s.hospital

-- name: say
-- A hospital's word; the same moment again replaces it.
insert into stay (patient, hospital, at, status, ward, phone, towards)
values (:id, :hospital, :at, :status, :ward, :phone, :towards)
on conflict (patient, hospital, at) do update set status = :status, ward = :ward, phone = :phone, towards = :towards

-- name: open_probe
-- Let a person be asked for.
insert into probe (token, patient) values (:token, :id) on conflict (token, patient) do nothing

-- name: move_stays
-- Two records are one person: the words go to the one that stays.
update stay set patient = :id where patient = :other
and not exists (select 1 from stay o where o.patient = :id and o.hospital = stay.hospital and o.at = stay.at)

-- name: drop_stays
-- Forget what was said of a person.
delete from stay where patient = :id

-- name: drop_probes
-- Let a person be asked for no more.
delete from probe where patient = :id

-- name: drop
-- A record that became part of another.
delete from patient where id = :id

-- name: bury
-- Leave a tombstone: that there was a record, and its days.
update patient set name = '', square = '', letters = '', person = '', born = '', sex = '', gone = :now
where id = :id and gone is null and expires <= :now

-- name: tombstones
-- How many records expired.
select count(*) from patient where gone is not null

-- name: try_once
-- Count a question about a name.
insert into tried (token, day, times) values (:token, :day, 1)
on conflict (token, day) do update set times = tried.times + 1 returning times

-- name: forget_tries
-- Questions of days that are over.
delete from tried where day < :day
