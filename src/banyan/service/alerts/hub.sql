-- name: put_subscription
-- Somebody asks, to have it or to leave. What is active goes on until the new word is proven: a stranger's asking ends
-- nothing.
insert into subscription (id, topic, callback, host, secret, lease_s, until, state, challenge, due, tries)
values (:id, :topic, :callback, :host, :secret, :lease_s, 0, :state, :challenge, :due, 0)
on conflict (topic, callback, state) do update
set secret = :secret, lease_s = :lease_s, challenge = :challenge, due = :due, tries = 0

-- name: due
-- Whom to ask or tell now, the longest waiting first.
select id, topic, callback, host, secret, lease_s, until, state, challenge, due, tries from subscription
where due <= :now order by due, id limit :limit

-- name: next_due
-- When the next is due.
select min(due) from subscription

-- name: prove
-- It answered the challenge: from now on until its lease ends. A feed that changed meanwhile is told next.
update subscription set state = 'active', until = :until, challenge = '', due = null, tries = 0
where id = :id and challenge = :challenge

-- name: drop_active
-- The one that another takes the place of, or that leaves.
delete from subscription where topic = :topic and callback = :callback and state = 'active'

-- name: told
-- It has the feed; one that changed meanwhile set another moment.
update subscription set due = null, tries = 0 where id = :id and due = :due

-- name: later
-- It did not answer: again later.
update subscription set due = :again, tries = tries + 1 where id = :id and due = :due

-- name: drop
-- It left, said that it is gone, or never answered.
delete from subscription where id = :id

-- name: drop_lapsed
-- Leases that ended.
delete from subscription where state = 'active' and until <= :now

-- name: owe
-- A feed changed: tell every reader.
update subscription set due = :now, tries = 0 where state = 'active' and until > :now

-- name: count
-- How many there are, and how many call back to one host.
select count(*), coalesce(sum(case when host = :host then 1 else 0 end), 0) from subscription
