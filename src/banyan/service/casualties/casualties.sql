-- name: by_person
-- The person of a number.
select id, name, person, born, sex, is_protected, expires from patient
where person = :person and person <> '' and gone is null order by created, id limit 1

-- name: by_name
-- Persons whom a hospital told of by one name, in either script, and birth date.
select id, name, person, born, sex, is_protected, expires from patient where gone is null and id in
(select patient from told where born = :born
and ((square = :square and square <> '') or (letters = :letters and letters <> '')))
order by created, id

-- name: by_probe
-- The persons a public question means.
select distinct p.id, p.name, p.person, p.born, p.sex, p.is_protected, p.expires
from opening q join patient p on p.id = q.patient
where q.token = :token and p.gone is null order by p.id limit 2

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
update patient set is_protected = :is_protected where id = :id and gone is null

-- name: apart
-- Whether two records were said to be two persons; `one` before `other`.
select 1 from decision where kind in ('apart', 'split') and one = :one and other = :other limit 1

-- name: drop_looks
-- Forget who looked at a person: the list is hers, and ends with her record.
delete from look where patient = :id

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
-- Let a person be asked for, by a hospital's word.
insert into opening (token, patient, hospital) values (:token, :id, :hospital)
on conflict (token, patient, hospital) do nothing

-- name: tell
-- Who a hospital says a person is.
insert into told (patient, hospital, name, square, letters, person, born, sex, at)
values (:id, :hospital, :name, :square, :letters, :person, :born, :sex, :at)
on conflict (patient, hospital) do update set name = excluded.name, square = excluded.square,
letters = excluded.letters, at = excluded.at,
person = case when excluded.person = '' then told.person else excluded.person end,
born = case when excluded.born = '' then told.born else excluded.born end,
sex = case when excluded.sex = '' then told.sex else excluded.sex end

-- name: told
-- Who hospitals say a person is.
select hospital, name, person, born, sex, at from told where patient = :id order by at, hospital

-- name: all_told
-- Who hospitals say everybody is.
select s.patient, s.hospital, s.name, s.person, s.born, s.sex, s.at from told s join patient p on p.id = s.patient
where p.gone is null order by s.patient, s.at, s.hospital

-- name: move_stays
-- Two records are one person, or one is two: what was said goes to another record; of all hospitals or of one.
update stay set patient = :id where patient = :other and (:hospital = '' or hospital = :hospital)
and not exists (select 1 from stay o where o.patient = :id and o.hospital = stay.hospital and o.at = stay.at)

-- name: move_told
-- The same of who they said it is.
update told set patient = :id where patient = :other and (:hospital = '' or hospital = :hospital)
and not exists (select 1 from told o where o.patient = :id and o.hospital = told.hospital)

-- name: move_probes
-- The same of what can be asked by.
update opening set patient = :id where patient = :other and (:hospital = '' or hospital = :hospital)
and not exists (select 1 from opening o where o.patient = :id and o.token = opening.token
and o.hospital = opening.hospital)

-- name: known_as
-- Who a record is, when a split changes it.
update patient set name = :name, square = :square, letters = :letters, person = :person, born = :born, sex = :sex
where id = :id

-- name: drop_told
-- Forget who hospitals said it is.
delete from told where patient = :id

-- name: drop_stays
-- Forget what was said of a person.
delete from stay where patient = :id

-- name: drop_probes
-- Let a person be asked for no more.
delete from opening where patient = :id

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
