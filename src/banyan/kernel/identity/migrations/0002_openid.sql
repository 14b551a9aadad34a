-- Who may ask for tokens (apps) and who may sign in (people): documents under their id.
create table client (id text not null primary key, document {bytes} not null, at {real} not null);

-- `lookup` is a keyed hash of the person's number, so that one person has one account; the number itself is in the vault.
create table account (id text not null primary key, name text not null, lookup {bytes},
  sealed {bytes}, document {bytes} not null);
create unique index account_name on account (name);
create unique index account_lookup on account (lookup);

-- Passkeys of accounts. `counter` only grows: one that falls back is a cloned authenticator.
create table passkey (id {bytes} not null primary key, account text not null, public_key {bytes} not null,
  counter {int} not null, document {bytes} not null, at {real} not null);
create index passkey_of on passkey (account);

-- Everything below is named by the SHA-256 of its secret, and ends by itself.
-- An authorization request, from PAR until the person has answered; `browser` binds it to who began it.
create table openid_request (hash {bytes} not null primary key, client text not null, browser {bytes},
  document {bytes} not null, expires {real} not null);
create index openid_request_expires on openid_request (expires);

create table openid_code (hash {bytes} not null primary key, family text not null, document {bytes} not null,
  is_used {int} not null, expires {real} not null);
create index openid_code_expires on openid_code (expires);

-- `family` is one sign-in's code and all tokens that came of it; a replay ends it. `granted` is what the person agreed to.
create table openid_token (hash {bytes} not null primary key, kind text not null, family text not null,
  granted text not null, client text not null, state text not null, document {bytes} not null, expires {real} not null);
create index openid_token_family on openid_token (family);
create index openid_token_granted on openid_token (granted);
create index openid_token_expires on openid_token (expires);

create table openid_grant (id text not null primary key, client text not null, account text not null,
  is_active {int} not null, document {bytes} not null, expires {real} not null);
create index openid_grant_of on openid_grant (account, client);
create index openid_grant_expires on openid_grant (expires);

-- One-time values that were seen: jti of proofs and assertions, challenges of passkeys, enrolment codes.
create table openid_seen (hash {bytes} not null primary key, expires {real} not null);
create index openid_seen_expires on openid_seen (expires);
create table openid_once (hash {bytes} not null primary key, kind text not null, document {bytes} not null,
  expires {real} not null);
create index openid_once_expires on openid_once (expires);

create table openid_session (hash {bytes} not null primary key, account text not null, document {bytes} not null,
  expires {real} not null);
create index openid_session_account on openid_session (account);
create index openid_session_expires on openid_session (expires);

-- Failed sign-ins in a window: by account, by network, and of all.
create table sign_in_failure (bucket text not null, at_window {int} not null, failures {int} not null,
  primary key (bucket, at_window));

-- Signing keys, private part wrapped under the node's identity key.
create table openid_key (kid text not null primary key, alg text not null, wrapped {bytes} not null,
  public_jwk {bytes} not null, made_at {real} not null);
