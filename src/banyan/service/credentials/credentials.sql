-- name: add_offer
-- Put something ready for a wallet.
insert into offer (id, subject, kind, fields, sealed, remaining, at, expires, gone)
values (:id, :subject, :kind, :fields, :sealed, :remaining, :at, :expires, :gone)

-- name: offer
-- One offer that can still be fetched.
select subject, kind, fields, sealed, remaining from offer where id = :id and gone > :now

-- name: offers_of
-- A person's offers, the newest first.
select id, kind, fields, remaining, at, expires from offer where subject = :subject and gone > :now
order by at desc, id limit :limit

-- name: take_of_offer
-- Some of an offer's credentials are fetched; no row when fewer are left.
update offer set remaining = remaining - :size where id = :id and remaining >= :size and gone > :now returning remaining

-- name: empty_offer
-- Nothing more will be certified from it.
update offer set sealed = null where id = :id

-- name: drop_offer
-- Its person took it back; no row when it is not theirs.
delete from offer where id = :id and subject = :subject returning id

-- name: sweep_offers
-- Offers nobody can fetch any more, with what they held.
delete from offer where gone <= :now

-- name: add_batch
-- Credentials were issued together.
insert into batch (id, offer, subject, kind, fields, size, at, expires, revoked_at, revoked_by)
values (:id, :offer, :subject, :kind, :fields, :size, :at, :expires, null, '')

-- name: batches_of
-- What a person had issued and has not expired, the newest first.
select id, kind, fields, size, at, expires, revoked_at, revoked_by from batch
where subject = :subject and expires > :now order by at desc, id limit :limit

-- name: batch_of_entry
-- Whose batch an entry of a status list is of.
select batch from issued where list = :list and idx = :idx

-- name: revoke_batch
-- Revoke a batch, once; no row when it was before or is not there.
update batch set revoked_at = :at, revoked_by = :revoked_by where id = :id and revoked_at is null returning subject

-- name: batch_subject
-- Whose a batch is.
select subject from batch where id = :id

-- name: revoke_issued
-- The entries of a revoked batch.
update issued set is_revoked = 1 where batch = :batch

-- name: lists_of_batch
-- Which lists a batch has entries in.
select distinct list from issued where batch = :batch

-- name: grow_version
-- A list changed.
update status_list set version = version + 1 where id = :id

-- name: newest_list
-- The list that new credentials go into.
select max(id) from status_list

-- name: add_list
-- Begin a list.
insert into status_list (id, version) values (:id, 1) on conflict (id) do nothing

-- name: list_version
-- How often a list changed.
select version from status_list where id = :id

-- name: count_issued
-- How full a list is.
select count(*) from issued where list = :list

-- name: take_entry
-- Take an entry; no row when it is taken.
insert into issued (list, idx, batch, is_revoked) values (:list, :idx, :batch, 0)
on conflict (list, idx) do nothing returning idx

-- name: revoked_entries
-- The entries of a list that are revoked.
select idx from issued where list = :list and is_revoked = 1 order by idx

-- name: add_issuer_key
-- Keep an issuer key.
insert into issuer_key (kid, wrapped, public_jwk, made_at) values (:kid, :wrapped, :public_jwk, :made_at)

-- name: issuer_keys
-- All issuer keys, the newest first.
select kid, wrapped, public_jwk, made_at from issuer_key order by made_at desc, kid

-- name: drop_issuer_key
-- Nothing that it signed can still be good.
delete from issuer_key where kid = :kid
