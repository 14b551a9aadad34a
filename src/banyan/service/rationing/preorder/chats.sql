-- name: put_code
-- A code for an order; an earlier one counts no more.
insert into preorder_chat_code (preorder, round, digest, until) values (:preorder, :round, :digest, :until)
on conflict (preorder) do update set digest = excluded.digest, until = excluded.until

-- name: code
-- Whose code it is, and until when.
select preorder, until from preorder_chat_code where digest = :digest

-- name: drop_code
-- It was used, or its order ended.
delete from preorder_chat_code where preorder = :preorder

-- name: put
-- Where a person is reminded from now on.
insert into preorder_chat (preorder, round, sealed, lang, done, waits)
values (:preorder, :round, :sealed, :lang, (select coalesce(max(n), 0) from preorder_message where preorder = :preorder), 0)
on conflict (preorder) do update set sealed = excluded.sealed, lang = excluded.lang, done = excluded.done

-- name: chat
-- Whether an order has a chat.
select 1 from preorder_chat where preorder = :preorder

-- name: drop
-- An order ended, or its person wants no more.
delete from preorder_chat where preorder = :preorder

-- name: wait
-- Something was said to the person.
update preorder_chat set waits = 1 where preorder = :preorder

-- name: waiting
-- Chats that may have something to be told.
select preorder, sealed, lang, done from preorder_chat where round = :round and waits = 1 order by preorder limit :limit

-- name: any_waits
-- Whether there are any.
select count(*) from preorder_chat where round = :round and waits = 1

-- name: done
-- So far it was passed on.
update preorder_chat set done = :n,
  waits = case when exists (select 1 from preorder_message where preorder = :preorder and n > :n) then 1 else 0 end
where preorder = :preorder and done <= :n

-- name: forget
-- Nothing of a round's chats stays.
delete from preorder_chat where round = :round

-- name: forget_codes
-- Nor of its codes.
delete from preorder_chat_code where round = :round
