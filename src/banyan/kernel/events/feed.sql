-- name: next_seq
-- Take the next position; the row stays locked until the commit, so no later position can be seen before an earlier one.
update feed_head set seq = seq + 1 where one = 1 returning seq

-- name: append
-- Write one event at its position.
insert into feed (seq, topic, subject, data, at) values (:seq, :topic, :subject, :data, :at)

-- name: page
-- Events behind a cursor, in order.
select seq, topic, subject, data, at from feed where seq > :after order by seq limit :limit

-- name: page_of_topic
-- The same of one topic.
select seq, topic, subject, data, at from feed where topic = :topic and seq > :after order by seq limit :limit

-- name: newest
-- The newest position.
select seq from feed_head where one = 1

-- name: oldest
-- The oldest event still kept.
select seq from feed order by seq limit 1

-- name: prune
-- Forget events up to a position.
delete from feed where seq <= :until

-- name: get_cursor
-- How far a durable follower has come.
select seq from feed_cursor where follower = :follower

-- name: move_cursor
-- Remember how far; never backwards.
insert into feed_cursor (follower, seq) values (:follower, :seq)
on conflict (follower) do update set seq = excluded.seq where excluded.seq > feed_cursor.seq
