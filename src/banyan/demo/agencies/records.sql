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
