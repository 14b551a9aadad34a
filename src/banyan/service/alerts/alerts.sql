-- name: alert
-- One alert.
select document from alert where id = :id

-- name: put_alert
-- Write an alert as it stands now.
insert into alert (id, agency, second, status, stage, sent, ends, document)
values (:id, :agency, :second, :status, :stage, :sent, :ends, :document)
on conflict (id) do update set status = :status, stage = :stage, sent = :sent, ends = :ends, document = :document

-- name: out
-- What went out and has not ended, the newest first.
select document from alert where stage = 'out' and ends > :now order by sent desc, id limit :limit

-- name: over
-- What ended, the newest first: by its own end or by a cancel.
select document from alert
where sent > 0 and (stage = 'over' or ends <= :now) and sent < :before
order by sent desc, id limit :limit

-- name: newest_change
-- When anything last went out or ended.
select coalesce(max(case when ends <= :now then ends else sent end), 0) from alert where sent > 0

-- name: desk
-- What an agency makes, releases or has out; the newest last change first.
select document from alert
where (agency = :agency or second = :agency) and stage <> 'withdrawn'
order by case stage when 'proposed' then 0 when 'draft' then 1 when 'out' then 2 else 3 end, sent desc, id desc
limit :limit

-- name: act
-- What a key did.
select alert, step, digest, entry from act where key = :key

-- name: put_act
-- Remember it.
insert into act (key, alert, step, digest, at, agency, officer, entry)
values (:key, :alert, :step, :digest, :at, :agency, :officer, :entry)

-- name: acts
-- The life of one alert, in order.
select step, at, agency, entry from act where alert = :alert order by at, key

-- name: warrants
-- Who may warn of what and where.
select agency, event, area, second, sender from warrant order by agency, event, area limit :limit

-- name: warrants_of
-- Of one agency, for one event or any.
select agency, event, area, second, sender from warrant
where agency = :agency and event in (:event, '*') order by area limit :limit

-- name: put_warrant
-- Let an agency warn.
insert into warrant (agency, event, area, second, sender) values (:agency, :event, :area, :second, :sender)
on conflict (agency, event, area) do update set second = :second, sender = :sender

-- name: drop_warrant
-- No more.
delete from warrant where agency = :agency and event = :event and area = :area

-- name: results
-- What each channel did with an alert's messages.
select version, channel, state, reached, total, note, tries, at from result where alert = :alert
order by version, channel

-- name: put_result
-- What a channel did.
insert into result (alert, version, channel, state, reached, total, note, tries, at)
values (:alert, :version, :channel, :state, :reached, :total, :note, 0, :at)
on conflict (alert, version, channel) do update set
state = :state, reached = :reached, total = :total, note = :note, tries = result.tries + 1, at = :at

-- name: code_of
-- The message code of an alert's cell broadcasts.
select code from broadcast_code where alert = :alert

-- name: codes_taken
-- Codes of alerts that are still out.
select broadcast_code.code from broadcast_code join alert on alert.id = broadcast_code.alert
where alert.stage = 'out' and alert.ends > :now

-- name: codes_given
-- How many codes were ever given.
select count(*) from broadcast_code

-- name: put_code
-- Give an alert its code.
insert into broadcast_code (alert, code) values (:alert, :code)

-- name: sender_of
-- What CAP calls an agency.
select sender from warrant where agency = :agency order by event, area limit 1

-- name: signed
-- A message's document as it was signed.
select document from signed where alert = :alert and version = :version

-- name: put_signed
-- Keep it; the first one stays.
insert into signed (alert, version, sender, document) values (:alert, :version, :sender, :document)
on conflict (alert, version) do nothing

-- name: senders
-- What CAP calls those who may warn, and those who did.
select sender from warrant union select sender from signed order by 1 limit :limit
