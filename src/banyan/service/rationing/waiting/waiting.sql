-- name: put
-- A room, and how far it has come.
insert into waiting_room (id, document) values (:id, :document)
on conflict (id) do update set document = excluded.document

-- name: all
-- Every room.
select document from waiting_room order by id
