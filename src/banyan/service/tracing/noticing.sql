-- name: put
-- A list, before its persons' lists of uses tell of it.
insert into notice (order_id, question, digest, agency, at, sealed, unknown)
values (:order_id, :question, :digest, :agency, :at, :sealed, :unknown) on conflict (order_id, question, digest) do nothing

-- name: waiting
-- Lists under an order that name somebody who is nobody's here yet.
select question, digest, agency, at, sealed from notice where order_id = :order_id and unknown > 0 order by question, digest

-- name: one
-- A list of a question.
select question, digest, agency, at, sealed from notice
where order_id = :order_id and question = :question and digest = :digest

-- name: told
-- So many of a list's numbers are left.
update notice set unknown = :unknown where order_id = :order_id and question = :question and digest = :digest

-- name: orders
-- Orders that lists are kept under.
select distinct order_id from notice

-- name: drop
-- An order's lists, at its end.
delete from notice where order_id = :order_id
