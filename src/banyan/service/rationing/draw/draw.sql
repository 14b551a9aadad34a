-- name: put
-- A draw as it stands now.
insert into draw (id, created, document) values (:id, :created, :document)
on conflict (id) do update set document = excluded.document

-- name: by_id
-- One draw.
select document from draw where id = :id

-- name: newest
-- The newest draws first.
select document from draw order by created desc, id limit :limit
