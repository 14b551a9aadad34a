-- name: put_source
-- Follow a register, or follow it otherwise; how its last look went starts anew.
INSERT INTO source (id, role, since, document, standing) VALUES (:id, :role, :since, :document, :standing)
ON CONFLICT (id) DO UPDATE SET role = excluded.role, since = excluded.since, document = excluded.document,
  standing = excluded.standing

-- name: rename_columns
-- A column of the register has another name: only what is followed changes.
UPDATE source SET document = :document WHERE id = :id

-- name: put_standing
-- How the last look at a source went.
UPDATE source SET standing = :standing WHERE id = :id

-- name: source_by_id
-- One source and how its last look went.
SELECT document, standing FROM source WHERE id = :id

-- name: all_sources
-- Every source in the order in which they were followed.
SELECT document, standing FROM source ORDER BY since, id

-- name: drop_source
-- Follow a register no more.
DELETE FROM source WHERE id = :id
