-- name: add
-- Keep a message; one that is known stays as it is.
insert into sent (client, message_id, service, peer, lane, fingerprint, state, due, accepted_at, until_at, receipt,
  changed_at, unfetched)
values (:client, :message_id, :service, :peer, :lane, :fingerprint, 'waiting', :now, :accepted_at, :until_at, :receipt,
  :now, :unfetched)
on conflict (client, message_id) do nothing

-- name: find
-- One message.
select seq, client, message_id, service, peer, lane, fingerprint, state, due, tries, accepted_at, until_at, receipt,
  peer_receipt, answer_receipt, answer_status, changed_at, reason, unfetched
from sent where client = :client and message_id = :message_id

-- name: of_client
-- Messages of a client, in order.
select seq, client, message_id, service, peer, lane, fingerprint, state, due, tries, accepted_at, until_at, receipt,
  peer_receipt, answer_receipt, answer_status, changed_at, reason, unfetched
from sent where client = :client and seq > :after and state <> 'closed' order by seq limit :limit

-- name: keys
-- Peers with something to do.
select distinct peer from sent where state = :state

-- name: due
-- What may go to a peer now; of a lane only the first.
select seq, client, message_id, service, peer, lane, fingerprint, state, due, tries, accepted_at, until_at, receipt,
  peer_receipt, answer_receipt, answer_status, changed_at, reason, unfetched
from sent where state = :state and peer = :peer and due <= :now and (
  lane = '' or state <> 'waiting' or not exists (
    select 1 from sent earlier where earlier.lane = sent.lane and earlier.state = 'waiting' and earlier.seq < sent.seq
  )
)
order by due, seq limit :limit

-- name: next_due
-- When the next is due.
select due from sent where state = :state and peer = :peer order by due limit 1

-- name: taken
-- The provider's gateway has it.
update sent set state = 'accepted', due = :due, tries = 0, peer_receipt = :receipt, changed_at = :now, reason = ''
where client = :client and message_id = :message_id and state = 'waiting'

-- name: again
-- Not yet: later.
update sent set due = :due, tries = tries + 1, reason = :reason
where client = :client and message_id = :message_id and state = :state

-- name: hasten
-- The peer is back.
update sent set due = :now where state = 'waiting' and peer = :peer and due > :now

-- name: answered
-- The answer is here.
update sent set state = 'answered', answer_receipt = :receipt, answer_status = :status, changed_at = :now, reason = ''
where client = :client and message_id = :message_id and state in ('waiting', 'accepted', 'dead')

-- name: bury
-- It will not be tried any more.
update sent set state = 'dead', changed_at = :now, reason = :reason
where client = :client and message_id = :message_id and state in ('waiting', 'accepted')

-- name: close
-- The client has what it wants to have; only the receipt is left.
update sent set state = 'closed', changed_at = :now
where client = :client and message_id = :message_id and state in ('answered', 'dead')

-- name: revive
-- An officer says: try again.
update sent set state = 'waiting', due = :now, tries = 0, until_at = :until_at, changed_at = :now, reason = ''
where client = :client and message_id = :message_id and state = 'dead'

-- name: dead
-- What waits for an officer.
select seq, client, message_id, service, peer, lane, fingerprint, state, due, tries, accepted_at, until_at, receipt,
  peer_receipt, answer_receipt, answer_status, changed_at, reason, unfetched
from sent where state = 'dead' and seq > :after order by seq limit :limit

-- name: old
-- What has been in a state for long.
select seq, client, message_id, service, peer, lane, fingerprint, state, due, tries, accepted_at, until_at, receipt,
  peer_receipt, answer_receipt, answer_status, changed_at, reason, unfetched
from sent where state = :state and changed_at <= :before limit :limit

-- name: forget
-- Over and no longer known.
delete from sent where client = :client and message_id = :message_id and state = :state

-- name: depths
-- How many are under way to each peer, since when, and how many are dead.
select peer, state, count(*), min(accepted_at) from sent where state in ('waiting', 'accepted', 'dead') group by peer, state
