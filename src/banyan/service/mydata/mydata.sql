-- name: set_since
-- Note since when uses are kept; the first word stands.
insert into kept_since (one, at) values (1, :at) on conflict (one) do nothing

-- name: since
-- Since when uses are kept.
select at from kept_since where one = 1

-- name: keep_artefact
-- Keep a consent's artefact; the first stands.
insert into artefact (consent, commitment, signed) values (:consent, :commitment, :signed) on conflict (consent) do nothing

-- name: artefact
-- A consent's artefact.
select commitment, signed from artefact where consent = :consent

-- name: note_ending
-- A consent was ended; the first word stands.
insert into ending (consent, recipient, purpose, state, at, delete_by)
values (:consent, :recipient, :purpose, :state, :at, :delete_by) on conflict (consent) do nothing

-- name: open_endings
-- What a recipient must still delete, the earliest due first.
select consent, purpose, state, at, delete_by from ending where recipient = :recipient and deleted_at is null
order by delete_by, consent limit :limit

-- name: acknowledge
-- A recipient deleted; the first word stands.
update ending set deleted_at = :at where consent = :consent and recipient = :recipient and deleted_at is null

-- name: acknowledged
-- When a recipient deleted.
select deleted_at from ending where consent = :consent and recipient = :recipient

-- name: ending
-- By when a recipient must have deleted what it read under a consent, and when it said it had.
select delete_by, deleted_at from ending where consent = :consent

-- name: listen_at
-- Where a recipient wants to be told.
insert into ear (recipient, url, at) values (:recipient, :url, :at)
on conflict (recipient) do update set url = excluded.url, at = excluded.at

-- name: listen_no_more
-- A recipient only asks from now on.
delete from ear where recipient = :recipient

-- name: ear
-- Where a recipient is told.
select url from ear where recipient = :recipient

-- name: to_tell
-- An ending as its recipient is told of it.
select recipient, purpose, state, at, delete_by from ending where consent = :consent

-- name: told
-- A recipient took the word of an ending; the first time stands.
update ending set told_at = :at where consent = :consent and told_at is null
