-- name: campaign_by_name
-- One campaign with its counts.
select id, name, lane, sender, at, key, stopped_at, forgotten_at, n_0, n_1, n_2, n_3, n_4, n_5, n_6, parts
from campaign where name = :name

-- name: campaign_by_id
-- One campaign with its counts, by its number.
select id, name, lane, sender, at, key, stopped_at, forgotten_at, n_0, n_1, n_2, n_3, n_4, n_5, n_6, parts
from campaign where id = :id

-- name: campaigns_open
-- Campaigns with something to send or to hear of, for the sender's start.
select id, name, lane, sender, at, key, stopped_at, forgotten_at, n_0, n_1, n_2, n_3, n_4, n_5, n_6, parts
from campaign where forgotten_at is null and n_0 + n_1 > 0 order by id

-- name: campaigns_shown
-- The newest campaigns, those that are being sent first.
select id, name, lane, sender, at, key, stopped_at, forgotten_at, n_0, n_1, n_2, n_3, n_4, n_5, n_6, parts
from campaign order by case when n_0 + n_1 > 0 then 0 else 1 end, id desc limit :most

-- name: campaigns_of_sender
-- The newest campaigns that a reply to a sender may belong to.
select id, name, lane, sender, at, key, stopped_at, forgotten_at, n_0, n_1, n_2, n_3, n_4, n_5, n_6, parts
from campaign where sender = :sender and forgotten_at is null order by id desc limit :most

-- name: campaigns_past
-- Campaigns whose numbers have been kept for their term.
select name from campaign where forgotten_at is null and at < :before order by id

-- name: new_campaign
-- A campaign, unless another made it meanwhile.
insert into campaign (name, lane, sender, at, key) values (:name, :lane, :sender, :at, :key)
on conflict (name) do nothing

-- name: count
-- Move messages of a campaign from one state to another.
update campaign set n_0 = n_0 + :n_0, n_1 = n_1 + :n_1, n_2 = n_2 + :n_2, n_3 = n_3 + :n_3, n_4 = n_4 + :n_4,
n_5 = n_5 + :n_5, n_6 = n_6 + :n_6, parts = parts + :parts where id = :campaign

-- name: new_wording
-- A text of a campaign, once.
insert into wording (campaign, mark, sealed, parts) values (:campaign, :mark, :sealed, :parts)
on conflict (campaign, mark) do nothing

-- name: wording_by_mark
-- The id of a text of a campaign.
select id from wording where campaign = :campaign and mark = :mark

-- name: wording
-- A text by its id.
select sealed, parts from wording where id = :id

-- name: new_message
-- A message, unless this number had one of this campaign.
insert into message (campaign, number, wording, expires, at) values (:campaign, :number, :wording, :expires, :at)
on conflict (campaign, number) do nothing

-- name: stop_campaign
-- Mark a campaign stopped.
update campaign set stopped_at = :at where id = :campaign and stopped_at is null

-- name: stop_messages
-- Stop what waits of a campaign.
update message set state = 6, changed = :changed + id, at = :at where campaign = :campaign and state = 0

-- name: forget_campaign
-- Mark a campaign's key destroyed.
update campaign set forgotten_at = :at where id = :campaign and forgotten_at is null

-- name: forget_parts
-- Drop the SMSC's ids of a campaign's messages.
delete from part where message in (select id from message where campaign = :campaign)

-- name: forget_replies
-- Drop the replies to a campaign.
delete from reply where campaign = :campaign

-- name: changed
-- What changed of a campaign, oldest first.
select changed, number, state, at from message
where campaign = :campaign and changed > :after order by changed limit :most

-- name: replies
-- What people answered, oldest first.
select id, number, sealed, at from reply where campaign = :campaign and id > :after order by id limit :most

-- name: new_reply
-- What a person answered.
insert into reply (campaign, number, sealed, at) values (:campaign, :number, :sealed, :at)

-- name: message_of_number
-- The message of a campaign to a number.
select id from message where campaign = :campaign and number = :number

-- name: quieten
-- Opt a number out of a lane.
insert into quiet (number, lane, at) values (:number, :lane, :at) on conflict (number, lane) do nothing

-- name: unquieten
-- Opt a number back in.
delete from quiet where number = :number and lane = :lane

-- name: quiet
-- Every number that opted out.
select number, lane from quiet

-- name: newest_change
-- Where the order of changes stands.
select coalesce(max(changed), 0) from message where changed > 0

-- name: newest_message
-- The newest message.
select coalesce(max(id), 0) from message
