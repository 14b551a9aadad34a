-- name: put
-- Keep one part of a message.
insert into content (side, client, message_id, part, head, inline, file, size)
values (:side, :client, :message_id, :part, :head, :inline, :file, :size)

-- name: get
-- One part.
select head, inline, file, size from content
where side = :side and client = :client and message_id = :message_id and part = :part

-- name: drop
-- Forget a part; the name of its blob comes back.
delete from content
where side = :side and client = :client and message_id = :message_id and part = :part
returning file

-- name: refers
-- Whether any part is in a blob.
select 1 from content where file = :file limit 1

-- name: bytes
-- How much is kept.
select coalesce(sum(size), 0) from content
