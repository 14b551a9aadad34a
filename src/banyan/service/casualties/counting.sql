-- name: people
-- A row a person from three lists of one length.
select unnest($persons) as person, unnest($hospitals) as hospital, unnest($conditions) as condition
