-- name: put_notice
-- Announce a change; the same one again changes nothing.
INSERT INTO change_notice (id, announced, document) VALUES (:id, :announced, :document)
ON CONFLICT (id) DO NOTHING

-- name: all_notices
-- Every announced change, the newest first.
SELECT document FROM change_notice ORDER BY announced DESC, id LIMIT :most

-- name: notice_by_id
-- One announced change.
SELECT document FROM change_notice WHERE id = :id

-- name: drop_notice
-- Take an announcement back.
DELETE FROM change_notice WHERE id = :id
