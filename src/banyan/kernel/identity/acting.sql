-- name: put_agency
-- Register an agency, or change it.
insert into agency (id, ubn, document, is_closed) values (:id, :ubn, :document, :is_closed)
on conflict (id) do update set ubn = excluded.ubn, document = excluded.document, is_closed = excluded.is_closed

-- name: agency
-- One agency.
select document from agency where id = :id

-- name: agency_by_ubn
-- Whose 統一編號 it is.
select id from agency where ubn = :ubn

-- name: agencies
-- All agencies.
select document from agency order by id limit :limit

-- name: accounts_after
-- Accounts by name, a part at a time.
select document from account where name > :name order by name limit :limit

-- name: clients_after
-- Apps by id, a part at a time.
select document from client where id > :id order by id limit :limit

-- name: end_tokens_of
-- End every token that hangs on a grant of this account.
update openid_token set state = 'revoked'
where state <> 'revoked' and granted in (select id from openid_grant where account = :account)

-- name: put_session
-- A session that acts for somebody now, or no longer.
update openid_session set document = :document, expires = :expires where hash = :hash

-- name: put_representation
-- Write a representation as it stands.
insert into representation (id, representative, represented, is_ended, until, document)
values (:id, :representative, :represented, :is_ended, :until, :document)
on conflict (id) do update set is_ended = excluded.is_ended, until = excluded.until, document = excluded.document

-- name: representation
-- One representation.
select document from representation where id = :id

-- name: representations_by
-- Whom an account may act for.
select document from representation
where representative = :account and is_ended = 0 and until > :now order by id limit :limit

-- name: representations_for
-- Who may act for an account.
select document from representation
where represented = :account and is_ended = 0 and until > :now order by id limit :limit

-- name: representations_between
-- What lets one account act for another.
select document from representation
where representative = :representative and represented = :represented and is_ended = 0 and until > :now
order by id limit :limit

-- name: put_word
-- What a person says at a counter.
insert into counter_word (account, hash) values (:account, :hash) on conflict (account) do update set hash = excluded.hash

-- name: word
-- The keyed hash of what a person says at a counter.
select hash from counter_word where account = :account

-- name: put_appearance
-- Write an appearance as it stands.
insert into appearance (id, agency, account, state, document, expires)
values (:id, :agency, :account, :state, :document, :expires)
on conflict (id) do update set state = excluded.state, document = excluded.document, expires = excluded.expires

-- name: appearance
-- One appearance, and its state: what ended with its account says so only here.
select document, state from appearance where id = :id

-- name: appearances_waiting
-- Those of an agency that are not over.
select document from appearance
where agency = :agency and state in ('asked', 'known') and expires > :now order by id limit :limit

-- name: end_appearances_of
-- End what is open of one account.
update appearance set state = 'ended' where account = :account and state <> 'ended'

-- name: sweep_appearances
-- Those that were over for long.
delete from appearance where expires <= :before

-- name: add_kiosk
-- A screen was set up.
insert into kiosk (hash, agency, expires) values (:hash, :agency, :expires)

-- name: kiosk
-- The agency of a screen.
select agency from kiosk where hash = :hash and expires > :now

-- name: end_kiosks_of
-- An agency's screens end.
delete from kiosk where agency = :agency
