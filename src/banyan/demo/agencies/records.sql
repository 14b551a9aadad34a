-- name: put_record
-- Keep a person's record.
insert into record (scope, subject, sealed) values (:scope, :subject, :sealed)
on conflict (scope, subject) do update set sealed = excluded.sealed

-- name: record
-- A person's record.
select sealed from record where scope = :scope and subject = :subject

-- name: count
-- How many are kept.
select count(*) from record where scope = :scope

-- name: number_entry
-- The number of a person's entry, the same for ever; it names nobody.
insert into entry (scope, subject) values (:scope, :subject)
on conflict (scope, subject) do update set scope = excluded.scope returning id

-- name: entry
-- Whose entry a number is.
select scope, subject from entry where id = :id
