-- name: key_of
-- A subject's wrapped key; null when it was destroyed.
select wrapped from vault_key where scope = :scope and subject = :subject

-- name: add_key
-- Keep a new wrapped key.
insert into vault_key (scope, subject, wrapped) values (:scope, :subject, :wrapped)

-- name: destroy_key
-- Destroy a key; its row stays.
update vault_key set wrapped = null, destroyed_at = :at where scope = :scope and subject = :subject

-- name: keys_of_scope
-- Subjects whose key is there.
select subject from vault_key where scope = :scope and wrapped is not null

-- name: count_of_scope
-- How many subjects ever had a key in a scope.
select count(*) from vault_key where scope = :scope

-- name: destroy_scope
-- Destroy what keys a scope has; their rows stay.
update vault_key set wrapped = null, destroyed_at = :at where scope = :scope and wrapped is not null returning subject
