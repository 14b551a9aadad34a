-- name: message
-- One message as it stands.
select id, sender, identifier, member, basis, digest, state, note, at, ends from message where id = :id

-- name: document
-- Its document while it waits.
select document from message where id = :id and state = 'waiting'

-- name: add
-- A message that was taken.
insert into message (id, sender, identifier, member, basis, digest, state, note, at, ends, document)
values (:id, :sender, :identifier, :member, :basis, :digest, :state, :note, :at, :ends, :document)

-- name: settle
-- A message that waits no more; its document is needed no more.
update message set state = :state, note = :note, document = :empty where id = :id and state = 'waiting'

-- name: stop
-- A message of which nothing more shall be sent.
update message set state = 'stopped', document = :empty where id = :id and state <> 'stopped'

-- name: end
-- A message is replaced or cancelled.
insert into ended (id, by_id, at) values (:id, :by_id, :at) on conflict (id) do nothing

-- name: ended
-- Whether a later message named it.
select by_id from ended where id = :id

-- name: drop_messages
-- Forget messages whose campaigns are forgotten.
delete from message where ends < :before

-- name: drop_ended
-- Forget what was replaced so long ago.
delete from ended where at < :before
