-- name: add_type
-- A kind of event; one that is there stays.
insert into room_type (room, event_type, schema, made_by, made_at)
values (:room, :event_type, :schema, :made_by, :now) on conflict (room, event_type) do nothing

-- name: types
-- All kinds of a room.
select event_type from room_type where room = :room order by event_type limit :limit

-- name: type
-- One kind.
select schema, head from room_type where room = :room and event_type = :event_type

-- name: drop_type
-- No such kind any more.
delete from room_type where room = :room and event_type = :event_type

-- name: drop_events
-- Nor its events.
delete from room_event where room = :room and event_type = :event_type

-- name: next_sequence
-- Take the next sequence.
update room_type set head = head + 1 where room = :room and event_type = :event_type returning head, schema

-- name: oldest
-- The oldest event that is kept.
select sequence from room_event where room = :room and event_type = :event_type order by sequence limit 1

-- name: add_event
-- One event.
insert into room_event (room, event_type, sequence, id, publisher, content, at)
values (:room, :event_type, :sequence, :id, :publisher, :content, :now)

-- name: event
-- One by its id.
select id, sequence, publisher, event_type, content from room_event
where id = :id and room = :room and event_type = :event_type and is_stopped = 0

-- name: stop
-- Nobody gets it any more.
update room_event set is_stopped = 1
where id = :id and room = :room and event_type = :event_type and publisher = :publisher and is_stopped = 0

-- name: subscribe
-- A subscription; one that is there stays.
insert into room_subscription (id, room, event_type, subscriber, delivery, ttl_s, in_order, seen)
values (:id, :room, :event_type, :subscriber, :delivery, :ttl_s, :in_order, :seen)
on conflict (room, event_type, subscriber) do nothing

-- name: resubscribe
-- Another way, another life.
update room_subscription set delivery = :delivery, ttl_s = :ttl_s, in_order = :in_order
where room = :room and event_type = :event_type and subscriber = :subscriber

-- name: unsubscribe
-- No more.
delete from room_subscription where room = :room and event_type = :event_type and subscriber = :subscriber returning id

-- name: forget_acknowledged
-- What a subscription that is gone had acknowledged.
delete from room_acknowledged where subscription = :id

-- name: subscription
-- One subscription.
select id, subscriber, event_type, delivery, ttl_s, in_order, seen from room_subscription
where room = :room and event_type = :event_type and subscriber = :subscriber

-- name: subscriptions
-- All of a subscriber in a room.
select id, subscriber, event_type, delivery, ttl_s, in_order, seen from room_subscription
where room = :room and subscriber = :subscriber order by event_type limit :limit

-- name: subscribers
-- All of a kind.
select id, subscriber, event_type, delivery, ttl_s, in_order, seen from room_subscription
where room = :room and event_type = :event_type order by subscriber limit :limit

-- name: how_many
-- How many subscribe to a kind.
select count(*) from room_subscription where room = :room and event_type = :event_type

-- name: pushed
-- Kinds that somebody wants to be brought.
select distinct room, event_type from room_subscription where delivery = 'PUSH'

-- name: young
-- The first that is not too old.
select sequence from room_event where room = :room and event_type = :event_type and at > :since
order by at, sequence limit 1

-- name: next
-- The first after `seen` that a subscription has not acknowledged.
select id, sequence, publisher, event_type, content from room_event
where room = :room and event_type = :event_type and sequence > :seen and is_stopped = 0 and not exists (
  select 1 from room_acknowledged one where one.subscription = :id and one.sequence = room_event.sequence
)
order by sequence limit 1

-- name: acknowledge
-- It has this one.
insert into room_acknowledged (subscription, sequence) values (:id, :sequence)
on conflict (subscription, sequence) do nothing

-- name: gap
-- The first after `seen` that is neither acknowledged nor stopped, of whatever age.
select sequence from room_event
where room = :room and event_type = :event_type and sequence > :seen and is_stopped = 0 and not exists (
  select 1 from room_acknowledged one where one.subscription = :id and one.sequence = room_event.sequence
)
order by sequence limit 1

-- name: move
-- Everything up to here is acknowledged.
update room_subscription set seen = :seen where id = :id and seen < :seen

-- name: tidy
-- What need not be remembered one by one any more.
delete from room_acknowledged where subscription = :id and sequence <= :seen

-- name: prune
-- Events past their time.
delete from room_event where id in (select id from room_event where at <= :before order by at limit :limit)
