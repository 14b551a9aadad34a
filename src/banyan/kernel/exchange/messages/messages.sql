-- name: newest_frame
-- How far the index has come.
select seq, first, entries from frame order by seq desc limit 1

-- name: add_frame
-- Note a frame of the journal.
insert into frame (seq, first, entries, until, due) values (:seq, :first, :entries, :until, :due)

-- name: frame_with
-- The frame in which an entry stands.
select seq, first, entries, due from frame where first <= :idx order by first desc limit 1

-- name: frame_since
-- The first frame with a record from this moment or later.
select min(seq) from frame where until >= :since

-- name: frame_kept
-- The first frame that must still be read.
select min(seq) from frame where due >= :today

-- name: drop_frames
-- Forget frames whose segments may go.
delete from frame where seq <= :seq

-- name: add_exchange
-- Make an exchange findable.
insert into exchange (idx, seq, xid, message_id, role, client, service, at, status, due, bodies)
values (:idx, :seq, :xid, :message_id, :role, :client, :service, :at, :status, :due, :bodies)

-- name: add_due
-- Count what is due on a day.
insert into due_day (day, records, bodies) values (:day, :records, :bodies)
on conflict (day) do update set records = due_day.records + excluded.records, bodies = due_day.bodies + excluded.bodies

-- name: due_counts
-- What is due on a day.
select records, bodies from due_day where day = :day

-- name: drop_due
-- The day has passed.
delete from due_day where day <= :day

-- name: drop_exchanges
-- Forget exchanges whose records can no longer be read.
delete from exchange where due <= :day

-- name: by_message
-- Exchanges under a message id, oldest first.
select idx, seq, xid, message_id, role, client, service, at, status from exchange
where message_id = :message_id order by idx limit :limit

-- name: by_xid
-- Both sides of an exchange, when this node has both.
select idx, seq, xid, message_id, role, client, service, at, status from exchange
where xid = :xid order by idx limit :limit

-- name: by_client
-- What a client asked in a span of time, newest first.
select idx, seq, xid, message_id, role, client, service, at, status from exchange
where client = :client and at >= :since and at < :until order by at desc limit :limit

-- name: by_service
-- What was asked of a service in a span of time, newest first.
select idx, seq, xid, message_id, role, client, service, at, status from exchange
where service = :service and at >= :since and at < :until order by at desc limit :limit

-- name: between
-- What was exchanged in a span of time, newest first.
select idx, seq, xid, message_id, role, client, service, at, status from exchange
where at >= :since and at < :until order by idx desc limit :limit

-- name: known_keys
-- The keys by which a gateway's log is known here.
select sheet from neighbour where server = :server

-- name: know_keys
-- Keep what a gateway said first.
insert into neighbour (server, sheet) values (:server, :sheet) on conflict (server) do nothing

-- name: add_operations
-- Keep the calls of a drain.
insert into operations (noted, through, calls) values (:noted, :through, :calls)

-- name: operations_between
-- The calls of a span of seconds, oldest first; `after` is the last one read.
select id, noted, calls from operations
where noted >= :first and noted <= :last and id > :after order by id limit :limit

-- name: operations_through
-- How many calls there were.
select max(through) from operations

-- name: drop_operations
-- Forget the oldest calls.
delete from operations where through <= :through or noted < :before
