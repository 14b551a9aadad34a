-- name: waiting
-- The next messages of a campaign, oldest first.
select id, number, wording, expires, tries from message
where campaign = :campaign and state = 0 order by id limit :most

-- name: claim
-- A message is being given to an SMSC.
update message set state = 1, tries = tries + 1 where id = :id

-- name: settle
-- Where a message stands now.
update message set state = :state, answered = :answered, delivered = :delivered, changed = :changed, at = :at
where id = :id

-- name: standing
-- Where a message stands, and how many parts it has.
select m.campaign, m.state, m.answered, m.delivered, w.parts from message m join wording w on w.id = m.wording
where m.id = :id

-- name: sending
-- Messages that were given to an SMSC and not answered when this process last ended.
select m.id, m.campaign, m.number, c.lane from message m join campaign c on c.id = m.campaign
where m.state = 1 order by m.id

-- name: new_part
-- The SMSC took a part; an id that it used before is this one's now.
insert into part (smsc, id, message, number) values (:smsc, :id, :message, :number)
on conflict (smsc, id) do update set message = excluded.message, number = excluded.number, is_delivered = 0

-- name: part
-- Which message has this id.
select message, number, is_delivered from part where smsc = :smsc and id = :id

-- name: part_delivered
-- A part is on the phone.
update part set is_delivered = 1 where smsc = :smsc and id = :id

-- name: new_early
-- A receipt that came before its answer.
insert into early (smsc, id, state, at) values (:smsc, :id, :state, :at)
on conflict (smsc, id) do update set state = excluded.state, at = excluded.at

-- name: early
-- The receipt that came before.
select state from early where smsc = :smsc and id = :id

-- name: drop_early
-- It met its answer.
delete from early where smsc = :smsc and id = :id

-- name: drop_old_early
-- Receipts that met none.
delete from early where at < :before

-- name: count_early
-- How many wait.
select count(*) from early

-- name: overdue
-- Pressing messages that were taken and not heard of since.
select p.smsc, p.id, c.sender from campaign c join message m on m.campaign = c.id join part p on p.message = m.id
where m.state = 2 and c.lane <= 1 and c.forgotten_at is null and p.is_delivered = 0 and m.at < :before
order by m.id limit :most
