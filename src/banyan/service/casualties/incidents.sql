-- name: incident
-- What the register is for.
select title_zh, title_en, is_drill, began from incident where id = 'now'

-- name: put_incident
-- It begins, or is called something else.
insert into incident (id, title_zh, title_en, is_drill, began) values ('now', :title_zh, :title_en, :is_drill, :now)
on conflict (id) do update set title_zh = :title_zh, title_en = :title_en, is_drill = :is_drill

-- name: drop_incident
-- It is over.
delete from incident where id = 'now'

-- name: count
-- How many records live, and how many are tombstones.
select coalesce(sum(case when gone is null then 1 else 0 end), 0),
coalesce(sum(case when gone is null then 0 else 1 end), 0) from patient

-- name: end_all
-- A drill's records end now.
update patient set expires = :now where gone is null and expires > :now
