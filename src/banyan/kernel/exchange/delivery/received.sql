-- name: add
-- Keep a message; one that is known stays as it is.
insert into received (kind, client, message_id, service, peer, lane, fingerprint, state, due, handings, accepted_at,
  until_at, receipt, changed_at)
values (:kind, :client, :message_id, :service, :peer, :lane, :fingerprint, :state, :now, :handings, :accepted_at,
  :until_at, :receipt, :now)
on conflict (kind, client, message_id) do nothing

-- name: find
-- One message.
select seq, kind, client, message_id, service, peer, lane, fingerprint, state, due, tries, handings, accepted_at,
  until_at, receipt, answer_receipt, answer_status, changed_at, reason
from received where kind = :kind and client = :client and message_id = :message_id

-- name: services
-- Services with something to be handed to their provider.
select distinct service from received where kind = 'async' and state = 'waiting'

-- name: peers
-- Members with answers to be brought to.
select distinct peer from received where kind = 'async' and state = 'answered'

-- name: to_hand
-- What may be handed to a provider now; of a lane only the first.
select seq, kind, client, message_id, service, peer, lane, fingerprint, state, due, tries, handings, accepted_at,
  until_at, receipt, answer_receipt, answer_status, changed_at, reason
from received where kind = 'async' and state = 'waiting' and service = :key and due <= :now and (
  lane = '' or not exists (
    select 1 from received earlier
    where earlier.lane = received.lane and earlier.state in ('waiting', 'handing') and earlier.seq < received.seq
  )
)
order by due, seq limit :limit

-- name: next_to_hand
-- When the next is due.
select due from received where kind = 'async' and state = 'waiting' and service = :key order by due limit 1

-- name: to_bring
-- Answers that may be brought to a member now.
select seq, kind, client, message_id, service, peer, lane, fingerprint, state, due, tries, handings, accepted_at,
  until_at, receipt, answer_receipt, answer_status, changed_at, reason
from received where kind = 'async' and state = 'answered' and peer = :key and due <= :now order by due, seq limit :limit

-- name: next_to_bring
-- When the next is due.
select due from received where kind = 'async' and state = 'answered' and peer = :key order by due limit 1

-- name: hand
-- From here on the provider may have it; not when it was handed since it was looked at.
update received set state = 'handing', handings = handings + 1, changed_at = :now
where kind = :kind and client = :client and message_id = :message_id and state = 'waiting' and handings = :handings
  and tries = :tries

-- name: hand_again
-- The same for a synchronous call whose client asks again after a crash.
update received set handings = handings + 1, changed_at = :now
where kind = :kind and client = :client and message_id = :message_id and state = 'handing'

-- name: not_handed
-- The provider certainly did not get it: later.
update received set state = 'waiting', handings = handings - 1, tries = tries + 1, due = :due, reason = :reason
where kind = :kind and client = :client and message_id = :message_id and state = 'handing'

-- name: unsure
-- The provider may have got it: later, with a mark.
update received set state = 'waiting', tries = tries + 1, due = :due, reason = :reason
where kind = :kind and client = :client and message_id = :message_id and state = 'handing'

-- name: aside
-- Set aside for an officer.
update received set state = 'aside', changed_at = :now, reason = :reason
where kind = :kind and client = :client and message_id = :message_id and state in ('waiting', 'handing')

-- name: answered
-- The provider's answer is kept.
update received set state = 'answered', answer_receipt = :receipt, answer_status = :status, due = :now, tries = 0,
  changed_at = :now, reason = ''
where kind = :kind and client = :client and message_id = :message_id and state in ('waiting', 'handing', 'aside')

-- name: bring_again
-- Its client's gateway did not take the answer: later.
update received set tries = tries + 1, due = :due, reason = :reason
where kind = :kind and client = :client and message_id = :message_id and state = 'answered'

-- name: hasten
-- The member that waits for answers is back.
update received set due = :now where kind = 'async' and state = 'answered' and peer = :peer and due > :now

-- name: bring_now
-- Its client's gateway asks.
update received set due = :now
where kind = :kind and client = :client and message_id = :message_id and state = 'answered' and due > :now

-- name: returned
-- Its client's gateway has the answer.
update received set state = 'returned', changed_at = :now, reason = ''
where kind = :kind and client = :client and message_id = :message_id and state = 'answered'

-- name: revive
-- An officer says: hand it to the provider once more.
update received set state = 'waiting', due = :now, tries = 0, changed_at = :now, reason = ''
where kind = :kind and client = :client and message_id = :message_id and state = 'aside'

-- name: handing
-- What was being handed over when the last run ended.
select seq, kind, client, message_id, service, peer, lane, fingerprint, state, due, tries, handings, accepted_at,
  until_at, receipt, answer_receipt, answer_status, changed_at, reason
from received where kind = 'async' and state = 'handing' order by seq limit :limit

-- name: asides
-- What waits for an officer.
select seq, kind, client, message_id, service, peer, lane, fingerprint, state, due, tries, handings, accepted_at,
  until_at, receipt, answer_receipt, answer_status, changed_at, reason
from received where kind = 'async' and state = 'aside' and seq > :after order by seq limit :limit

-- name: waiting_of_client
-- How many of a client wait here.
select client, count(*) from received where kind = 'async' and state in ('waiting', 'handing', 'aside') group by client

-- name: depths
-- How many of each service are in each state, and since when.
select service, state, count(*), min(accepted_at) from received where kind = 'async' and state <> 'returned'
group by service, state

-- name: over
-- What was over long ago.
select seq, kind, client, message_id, service, peer, lane, fingerprint, state, due, tries, handings, accepted_at,
  until_at, receipt, answer_receipt, answer_status, changed_at, reason
from received where kind = :kind and state = :state and changed_at <= :before limit :limit

-- name: unclaimed
-- What nobody can ask for any more.
select seq, kind, client, message_id, service, peer, lane, fingerprint, state, due, tries, handings, accepted_at,
  until_at, receipt, answer_receipt, answer_status, changed_at, reason
from received where kind = 'async' and state <> 'returned' and accepted_at <= :before limit :limit

-- name: forget
-- No longer known.
delete from received where kind = :kind and client = :client and message_id = :message_id and state = :state
