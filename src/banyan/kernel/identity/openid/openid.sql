-- name: put_client
-- Register an app, or change it.
insert into client (id, document, at) values (:id, :document, :at)
on conflict (id) do update set document = excluded.document, at = excluded.at

-- name: client
-- One app.
select document from client where id = :id

-- name: clients
-- All apps.
select document from client order by id limit :limit

-- name: add_request
-- Keep an authorization request.
insert into openid_request (hash, client, browser, document, expires)
values (:hash, :client, :browser, :document, :expires)

-- name: request
-- One request that has not lapsed.
select document, browser from openid_request where hash = :hash and expires > :now

-- name: take_request
-- Take a request away: a request_uri is used once.
delete from openid_request where hash = :hash and client = :client returning document, expires

-- name: end_request
-- The person answered.
delete from openid_request where hash = :hash

-- name: move_request
-- The person signed in: the request follows them to the new session.
update openid_request set browser = :browser where hash = :hash

-- name: sweep_requests
-- Requests that lapsed.
delete from openid_request where expires <= :now

-- name: add_code
-- Keep an authorization code.
insert into openid_code (hash, family, document, is_used, expires) values (:hash, :family, :document, 0, :expires)

-- name: code
-- One code, used ones too: a replay must be known.
select document, is_used, expires from openid_code where hash = :hash

-- name: use_code
-- A code is used once.
update openid_code set is_used = 1 where hash = :hash

-- name: sweep_codes
-- Codes whose replay can harm nobody any more.
delete from openid_code where expires <= :now

-- name: add_token
-- Keep a token.
insert into openid_token (hash, kind, family, granted, client, state, document, expires)
values (:hash, :kind, :family, :granted, :client, 'active', :document, :expires)

-- name: token
-- One token as it stands.
select kind, family, granted, client, state, document, expires from openid_token where hash = :hash

-- name: mark_token
-- Move one token to another state.
update openid_token set state = :state where hash = :hash

-- name: end_family
-- End everything that came of one sign-in.
update openid_token set state = 'revoked' where family = :family and state <> 'revoked'

-- name: end_granted
-- End everything that hangs on a grant.
update openid_token set state = 'revoked' where granted = :granted and state <> 'revoked'

-- name: end_tokens_of_client
-- End everything of one app.
update openid_token set state = 'revoked' where client = :client and state <> 'revoked'

-- name: sweep_tokens
-- Tokens that lapsed.
delete from openid_token where expires <= :now

-- name: put_grant
-- Write a grant as it stands.
insert into openid_grant (id, client, account, is_active, document, expires)
values (:id, :client, :account, :is_active, :document, :expires)
on conflict (id) do update set is_active = excluded.is_active, document = excluded.document, expires = excluded.expires

-- name: grant
-- One grant.
select document from openid_grant where id = :id and expires > :now

-- name: grants_of
-- What a person agreed to, for one app.
select document from openid_grant
where account = :account and client = :client and is_active = 1 and expires > :now order by id limit :limit

-- name: grants_by
-- What a person agreed to, for all apps.
select document from openid_grant
where account = :account and is_active = 1 and expires > :now order by client, id limit :limit

-- name: sweep_grants
-- Grants that lapsed.
delete from openid_grant where expires <= :now

-- name: see
-- Remember a one-time value; no row when it was seen before.
insert into openid_seen (hash, expires) values (:hash, :expires) on conflict (hash) do nothing returning expires

-- name: sweep_seen
-- One-time values whose time is over.
delete from openid_seen where expires <= :now

-- name: add_once
-- Keep something that is taken once.
insert into openid_once (hash, kind, document, expires) values (:hash, :kind, :document, :expires)

-- name: take_once
-- Take it.
delete from openid_once where hash = :hash and kind = :kind returning document, expires

-- name: drop_once
-- What was kept before under this kind: the newest alone is good.
delete from openid_once where kind = :kind

-- name: sweep_once
-- What nobody took.
delete from openid_once where expires <= :now

-- name: add_pre_authorized
-- Keep a pre-authorised code.
insert into openid_pre_authorized (hash, offer, tx_hash, tries, state, expires)
values (:hash, :offer, :tx_hash, :tries, 'offered', :expires)

-- name: pre_authorized
-- One pre-authorised code, redeemed ones too: a replay must be known.
select offer, tx_hash, tries, state, expires from openid_pre_authorized where hash = :hash

-- name: redeem_pre_authorized
-- A pre-authorised code is redeemed once.
update openid_pre_authorized set state = 'redeemed' where hash = :hash

-- name: try_pre_authorized
-- One guess less of its number.
update openid_pre_authorized set tries = tries - 1 where hash = :hash

-- name: end_pre_authorized
-- Its person took the offer back.
delete from openid_pre_authorized where offer = :offer

-- name: sweep_pre_authorized
-- Codes nobody can redeem any more.
delete from openid_pre_authorized where expires <= :now

-- name: add_session
-- Somebody signed in.
insert into openid_session (hash, account, document, expires) values (:hash, :account, :document, :expires)

-- name: session
-- A session that lasts.
select document from openid_session where hash = :hash and expires > :now

-- name: end_session
-- Somebody signed out.
delete from openid_session where hash = :hash

-- name: end_sessions_of
-- End every session of an account.
delete from openid_session where account = :account

-- name: sweep_sessions
-- Sessions that lapsed.
delete from openid_session where expires <= :now

-- name: add_account
-- A new account.
insert into account (id, name, lookup, sealed, document) values (:id, :name, :lookup, :sealed, :document)

-- name: put_account
-- Write an account as it stands.
update account set document = :document where id = :id

-- name: account
-- One account.
select document from account where id = :id

-- name: sealed_number
-- A person's number, sealed.
select sealed from account where id = :id

-- name: account_named
-- The account of a sign-in name.
select document from account where name = :name

-- name: account_looked_up
-- The account of a person's number, by keyed hash.
select document from account where lookup = :lookup

-- name: accounts
-- All accounts, by name.
select document from account order by name limit :limit

-- name: add_passkey
-- Keep a passkey.
insert into passkey (id, account, public_key, counter, document, at)
values (:id, :account, :public_key, :counter, :document, :at) on conflict (id) do nothing returning account

-- name: passkey
-- One passkey.
select account, public_key, counter from passkey where id = :id

-- name: count_passkey
-- The authenticator's counter moved on.
update passkey set counter = :counter where id = :id

-- name: passkeys_of
-- An account's passkeys.
select id from passkey where account = :account order by at, id limit :limit

-- name: forget_passkeys_of
-- A person who lost their devices starts anew.
delete from passkey where account = :account

-- name: count_failure
-- One more failed sign-in of a bucket.
insert into sign_in_failure (bucket, at_window, failures) values (:bucket, :at_window, 1)
on conflict (bucket, at_window) do update set failures = sign_in_failure.failures + 1

-- name: failures
-- Failed sign-ins of a bucket in a window.
select failures from sign_in_failure where bucket = :bucket and at_window = :at_window

-- name: sweep_failures
-- Windows that are over.
delete from sign_in_failure where at_window < :at_window

-- name: add_key
-- A new signing key.
insert into openid_key (kid, alg, wrapped, public_jwk, made_at) values (:kid, :alg, :wrapped, :public_jwk, :made_at)

-- name: keys
-- Signing keys, the newest first.
select kid, alg, wrapped, public_jwk, made_at from openid_key order by made_at desc, kid

-- name: drop_key
-- A key whose last signature lapsed.
delete from openid_key where kid = :kid

-- name: outside_link
-- The account that an outside issuer's subject belongs to.
select account from outside_link where hash = :hash

-- name: link_outside
-- Tie an outside subject to an account; no row when it is tied already.
insert into outside_link (hash, account, at) values (:hash, :account, :at)
on conflict (hash) do nothing returning account

-- name: unlink_outside
-- Untie every outside subject of an account.
delete from outside_link where account = :account

-- name: change_request
-- A request with what the person said since.
update openid_request set document = :document where hash = :hash

-- name: tie_consent
-- A grant carries a consent.
insert into openid_consent (consent, granted) values (:consent, :granted)
on conflict (consent) do update set granted = excluded.granted

-- name: grant_of_consent
-- The grant that carries a consent.
select granted from openid_consent where consent = :consent

-- name: sweep_consents
-- Consents whose grant is gone.
delete from openid_consent where not exists (select 1 from openid_grant where openid_grant.id = openid_consent.granted)
