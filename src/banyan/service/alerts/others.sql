-- name: put
-- Keep another's warning; under one name the first one counts.
insert into other (source, sender, identifier, sent, ends, seal, document)
values (:source, :sender, :identifier, :sent, :ends, :seal, :document)
on conflict (source, sender, identifier, sent) do nothing

-- name: all
-- What was kept of a source, the newest first.
select document, seal from other where source = :source order by sent desc, identifier limit :limit

-- name: drop_ended
-- Those that ended long enough ago that nothing refers to them any more.
delete from other where source = :source and ends < :before

-- name: drop_source
-- Of sources that are followed no more.
delete from other where source = :source

-- name: drop_followed
-- As above.
delete from followed where source = :source

-- name: sources
-- Those that anything is known of.
select source from followed order by source

-- name: followed
-- How far a feed was read, and how it went.
select state, told from followed where source = :source

-- name: put_followed
-- Read on from here.
insert into followed (source, state, told) values (:source, :state, :told)
on conflict (source) do update set state = :state, told = :told
