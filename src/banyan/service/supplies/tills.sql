-- name: put_till
-- What an outlet says it has.
INSERT INTO till (code, item, count, reserved, at) VALUES (:code, :item, :count, :reserved, :at)
ON CONFLICT (code, item) DO UPDATE SET count = excluded.count, reserved = excluded.reserved, at = excluded.at

-- name: tills
-- All that outlets said.
SELECT code, item, count, reserved, at FROM till ORDER BY item, code

-- name: put_till_notice
-- What an outlet announces itself.
INSERT INTO till_notice (code, document) VALUES (:code, :document)
ON CONFLICT (code) DO UPDATE SET document = excluded.document

-- name: till_notices
-- All that outlets announce themselves.
SELECT document FROM till_notice ORDER BY code
