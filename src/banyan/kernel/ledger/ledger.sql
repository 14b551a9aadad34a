-- name: head
-- Where the log stands.
select next_idx, tiled, mapped, published, checkpoint from log_head where one = 1

-- name: take_indexes
-- Move the next entry's index on; the row stays locked until the commit, so indexes have no gaps.
update log_head set next_idx = next_idx + :count where one = 1

-- name: next_index
-- The index after the last entry.
select next_idx from log_head where one = 1

-- name: add_pending
-- Keep an entry until it is in a tile.
insert into pending (idx, entry) values (:idx, :entry)

-- name: pending_after
-- Entries from an index on, in order.
select idx, entry from pending where idx >= :first order by idx limit :limit

-- name: drop_pending
-- Forget entries that are in tiles.
delete from pending where idx < :until

-- name: add_bundle
-- Keep many entries until they are in tiles.
insert into pending_bundle (idx, entries) values (:idx, :entries)

-- name: bundles_after
-- Bundles from an index on, in order.
select idx, entries from pending_bundle where idx >= :first order by idx limit :limit

-- name: drop_bundles
-- Forget bundles that are in tiles.
delete from pending_bundle where idx < :until

-- name: set_tiled
-- Say how many entries are in tiles.
update log_head set tiled = :tiled where one = 1

-- name: set_mapped
-- Say how many entries the map of subjects covers.
update log_head set mapped = :mapped where one = 1

-- name: set_published
-- Keep the newest checkpoint.
update log_head set published = :published, checkpoint = :checkpoint where one = 1

-- name: add_release
-- Keep what a use's entry commits to.
insert into release (idx, subject, at, reveal_after, basis, receiver, salt, record)
values (:idx, :subject, :at, :reveal_after, :basis, :receiver, :salt, :record)

-- name: release_at
-- A use by its entry.
select idx, reveal_after, salt, record from release where idx = :idx

-- name: releases_of
-- A subject's uses that the map covers, in their order.
select release.idx, use_of.position, release.reveal_after, release.salt, release.record
from use_of join release on release.idx = use_of.idx
where use_of.subject = :subject and use_of.position <= :until order by use_of.position limit :limit

-- name: releases_after
-- A subject's uses that the map does not cover yet, in their order: those of the last moments.
select idx, 0, reveal_after, salt, record from release
where idx >= (select mapped from log_head where one = 1) and subject = :subject order by idx limit :limit

-- name: releases_between
-- Uses by entries in a range, in their order.
select idx, subject, salt, record from release where idx >= :first and idx < :until order by idx

-- name: release_counts
-- How many uses each basis and receiving agency has; those whose notice is deferred are not counted before their day.
select basis, receiver, count(*), max(at) from release where reveal_after <= :now group by basis, receiver order by basis, receiver limit :limit

-- name: keep_checkpoint
-- Keep a published checkpoint.
insert into checkpoint (size, at, signed) values (:size, :at, :signed) on conflict (size) do nothing

-- name: recosign_checkpoint
-- The same checkpoint under more cosignatures.
update checkpoint set signed = :signed where size = :size

-- name: checkpoints
-- Published checkpoints, newest first.
select size, at, signed from checkpoint order by size desc limit :limit

-- name: chain
-- How many uses of a subject the map covers, and the head of their chain.
select position, head from use_of where subject = :subject order by position desc limit 1

-- name: add_use_of
-- A use at its place in its subject's chain.
insert into use_of (subject, position, idx, head) values (:subject, :position, :idx, :head)

-- name: map_node
-- A node of the map.
select hash, key, uses, head from map_node where depth = :depth and prefix = :prefix

-- name: set_map_node
-- Write a node of the map.
insert into map_node (depth, prefix, hash, key, uses, head) values (:depth, :prefix, :hash, :key, :uses, :head)
on conflict (depth, prefix) do update set hash = excluded.hash, key = excluded.key, uses = excluded.uses, head = excluded.head

-- name: add_map_root
-- Note where a root was committed.
insert into map_root (idx, covers, root) values (:idx, :covers, :root)

-- name: newest_map_root
-- The root of the map as its nodes stand.
select idx, covers, root from map_root order by idx desc limit 1

-- name: seen_log
-- The newest checkpoint of a log that we cosigned.
select size, root from seen_log where origin = :origin

-- name: see_log
-- Remember the checkpoint cosigned.
insert into seen_log (origin, size, root) values (:origin, :size, :root)
on conflict (origin) do update set size = excluded.size, root = excluded.root

-- name: act
-- The entry of an act that is written.
select idx from act where key = :key

-- name: add_act
-- Note where an act was written.
insert into act (key, idx) values (:key, :idx)
