-- name: put
-- Register a record system, or change what is known of it.
insert into client (id, issuer, tenant, document, at) values (:id, :issuer, :tenant, :document, :at)
on conflict (id) do update set issuer = excluded.issuer, tenant = excluded.tenant, document = excluded.document,
at = excluded.at

-- name: drop
-- It may call no more.
delete from client where id = :id returning id

-- name: by_issuer
-- The record system that a token names.
select document from client where issuer = :issuer and tenant = :tenant

-- name: all
-- Every record system.
select document from client order by id limit :limit

-- name: use_token
-- A token, once.
insert into used_token (token, until) values (:token, :until) on conflict (token) do nothing returning token

-- name: forget_tokens
-- What has expired cannot come again.
delete from used_token where until < :now

-- name: put_card
-- A card was shown.
insert into card (id, agency, rule, at, outcome, reason, has_comment) values (:id, :agency, :rule, :at, '', '', 0)

-- name: answer_card
-- What became of a card, told by the hospital that it was shown to.
update card set outcome = :outcome, reason = :reason, has_comment = :has_comment
where id = :id and agency = :agency returning id

-- name: outcomes
-- How cards fared.
select outcome, reason, count(*) from card where at >= :since group by outcome, reason order by outcome, reason

-- name: forget_cards
-- Cards of long ago.
delete from card where at < :before

-- name: heard
-- A record system's keys as they were heard last.
select keys, at, asked from heard where client = :client

-- name: ask_keys
-- Its address is asked now.
insert into heard (client, keys, at, asked) values (:client, :keys, :at, :asked)
on conflict (client) do update set asked = excluded.asked

-- name: put_heard
-- What its address said.
update heard set keys = :keys, at = :at where client = :client

-- name: drop_heard
-- It was registered anew, or is gone: what was heard before is over.
delete from heard where client = :client
