-- name: cohort
-- The sealed key of a day.
select sealed from cohort where power = :power and day = :day and gone is null

-- name: add_cohort
-- Keep the sealed key of a day.
insert into cohort (power, day, sealed) values (:power, :day, :sealed) on conflict (power, day) do nothing

-- name: cohorts
-- Days whose keys are there.
select power, day from cohort where gone is null order by power, day

-- name: end_cohort
-- A day's keys are destroyed.
update cohort set gone = :now, sealed = :nothing where power = :power and day = :day

-- name: next_slot
-- A number for the next phone, never given before.
insert into taken (name, seq) values ('slots', 1) on conflict (name) do update set seq = taken.seq + 1 returning seq

-- name: add_held
-- Begin a quarantine.
insert into held (id, slot, person, phone, power, day, salt, sealed, village, state, enrolment, start, until)
values (:id, :slot, :person, :phone, :power, :day, :salt, :sealed, :village, :state, :enrolment, :start, :until)

-- name: held_by_id
-- One case.
select id, slot, person, phone, power, day, salt, sealed, village, state, enrolment, start, until from held where id = :id

-- name: held_by_person
-- Somebody's case under an order, the newest.
select id, slot, person, phone, power, day, salt, sealed, village, state, enrolment, start, until from held
where person = :person and power = :power order by start desc, id limit 1

-- name: held_by_phone
-- Living cases with a phone.
select id, slot, person, phone, power, day, salt, sealed, village, state, enrolment, start, until from held
where phone = :phone and power = :power and state in ('watched', 'hospital') order by id limit 2

-- name: held_by_slot
-- One case by its phone's number among the positions.
select id, slot, person, phone, power, day, salt, sealed, village, state, enrolment, start, until from held where slot = :slot

-- name: living
-- Cases that are not over, of one order.
select id, slot, person, phone, power, day, salt, sealed, village, state, enrolment, start, until from held
where power = :power and state <> 'over' order by village, id limit :limit

-- name: phones
-- Phones of cases that are watched and of no other living case.
select phone, min(slot) from held
where power = :power and state in ('watched', 'hospital') and phone <> '' group by phone
having count(*) = 1 and min(state) = 'watched' limit :limit

-- name: all_of_day
-- Cases whose keys end together.
select id from held where power = :power and day = :day

-- name: set_state
-- Watched, in hospital, or over.
update held set state = :state, until = :until where id = :id

-- name: set_enrolment
-- Whether the phone is hers.
update held set enrolment = :enrolment where id = :id

-- name: set_place
-- Another phone or another home.
update held set slot = :slot, phone = :phone, sealed = :sealed, village = :village where id = :id

-- name: put_code
-- The code that was sent; an earlier one is void.
insert into code (held, digest, until, tries) values (:held, :digest, :until, 0)
on conflict (held) do update set digest = excluded.digest, until = excluded.until, tries = 0

-- name: code
-- The code that was sent.
select digest, until, tries from code where held = :held

-- name: try_code
-- One try more.
update code set tries = tries + 1 where held = :held

-- name: drop_code
-- It was used.
delete from code where held = :held

-- name: add_alarm
-- A new alarm.
insert into alarm (id, held, kind, stage, venue, village, opened, agency, document)
values (:id, :held, :kind, :stage, :venue, :village, :opened, '', :document)

-- name: alarm
-- One alarm.
select id, held, kind, venue, village, opened, agency, document from alarm where id = :id

-- name: open_alarm
-- Somebody's open alarm of a kind.
select id, held, kind, venue, village, opened, agency, document from alarm
where held = :held and kind = :kind and stage <> 'closed' order by opened desc limit 1

-- name: last_alarm
-- Somebody's newest alarm.
select id, held, kind, venue, village, opened, agency, document from alarm
where held = :held order by opened desc, id limit 1

-- name: alarms_of
-- Somebody's alarms, the newest first.
select id, held, kind, venue, village, opened, agency, document from alarm where held = :held order by opened desc, id limit :limit

-- name: open_alarms
-- All that are open.
select id, held, kind, venue, village, opened, agency, document from alarm where stage <> 'closed' order by opened, id limit :limit

-- name: put_alarm
-- How an alarm stands.
update alarm set stage = :stage, agency = :agency, document = :document where id = :id

-- name: add_step
-- One thing that happened.
insert into step (held, alarm, at, kind, agency, officer, note) values (:held, :alarm, :at, :kind, :agency, :officer, :note)

-- name: steps
-- What happened to somebody, the newest first.
select alarm, at, kind, agency, officer, note from step where held = :held order by at desc, id desc limit :limit

-- name: add_message
-- A message that must go.
insert into message (id, held, alarm, at, words, digest) values (:id, :held, :alarm, :at, :words, :digest)
on conflict (id) do nothing

-- name: message
-- One message.
select id, held, alarm, at, words, digest, sent, answered from message where id = :id

-- name: messages_of
-- What was asked of somebody's phone.
select at, alarm, words, sent, answered from message where held = :held order by at desc, id limit :limit

-- name: message_ids
-- Ids of all messages to somebody.
select id from message where held = :held order by id

-- name: is_sent
-- The SMS centre took it.
update message set sent = :now where id = :id and sent is null

-- name: is_answered
-- Its code was used: never again.
update message set answered = :now where id = :id and answered is null

-- name: put_call
-- A call of the list was made; of two the first stands.
insert into call (held, round, at, result, agency, officer) values (:held, :round, :at, :result, :agency, :officer)
on conflict (held, round) do nothing

-- name: calls_of_round
-- Who was called in a round, and how it went.
select held, result from call where round = :round

-- name: calls_of
-- Somebody's calls, the newest first.
select round, at, result, agency from call where held = :held order by round desc limit :limit

-- name: add_appeal
-- Somebody contests an alarm, or all.
insert into appeal (id, held, alarm, office, village, at, due, words, outcome, agency, reason)
values (:id, :held, :alarm, :office, :village, :at, :due, :words, '', '', :nothing)

-- name: appeals_of
-- Somebody's appeals.
select id, held, alarm, office, village, at, due, words, outcome, decided, agency, reason from appeal where held = :held order by at desc, id limit :limit

-- name: appeals
-- Appeals that wait, the most urgent first.
select id, held, alarm, office, village, at, due, words, outcome, decided, agency, reason from appeal where outcome = '' order by due, id limit :limit

-- name: appeal
-- One appeal.
select id, held, alarm, office, village, at, due, words, outcome, decided, agency, reason from appeal where id = :id

-- name: decide_appeal
-- It was decided, once.
update appeal set outcome = :outcome, decided = :now, agency = :agency, reason = :reason where id = :id and outcome = ''

-- name: published
-- Sets of figures that were added.
select document from published order by id

-- name: publish
-- Add a set of figures.
insert into published (document, at) values (:document, :at)

-- name: next_venue
-- A number for the next event, never given before.
insert into taken (name, seq) values ('venues', 1) on conflict (name) do update set seq = taken.seq + 1 returning seq

-- name: put_venue
-- A mass event.
insert into venue (id, document, start, until) values (:id, :document, :start, :until)
on conflict (id) do update set document = excluded.document, start = excluded.start, until = excluded.until

-- name: venues
-- Events that are not over.
select document from venue where until > :now order by start, id limit :limit

-- name: drop_venues
-- Forget events that are over.
delete from venue where until <= :now

-- name: tally
-- Add to a number of a day.
insert into tally (day, name, value) values (:day, :name, :value)
on conflict (day, name) do update set value = tally.value + excluded.value

-- name: tallies
-- Numbers since a day.
select day, name, value from tally where day >= :day order by day, name

-- name: seq
-- How far signals were taken.
select seq from taken where name = :name

-- name: take
-- Signals up to here were taken.
insert into taken (name, seq) values (:name, :seq) on conflict (name) do update set seq = excluded.seq

-- name: drop_alarms
-- Forget somebody's alarms.
delete from alarm where held = :held

-- name: drop_steps
-- Forget what happened to somebody.
delete from step where held = :held

-- name: drop_messages
-- Forget what somebody was asked.
delete from message where held = :held

-- name: drop_calls
-- Forget somebody's calls.
delete from call where held = :held

-- name: drop_appeals
-- Forget somebody's appeals.
delete from appeal where held = :held

-- name: drop_held
-- Forget somebody.
delete from held where id = :held

-- name: admitted
-- The newest version of somebody's entry in a register that was taken under an order.
select version from admitted where person = :person and power = :power

-- name: put_admitted
-- This version was taken.
insert into admitted (person, power, version) values (:person, :power, :version)
on conflict (person, power) do update set version = excluded.version

-- name: drop_admission
-- Forget which entry somebody came by.
delete from admitted where person = (select person from held where id = :held)
and power = (select power from held where id = :held)

-- name: drop_admitted
-- Forget the entries of orders that are over.
delete from admitted where power <> :power

-- name: put_arrival
-- An entry did not come in; the newest reason stands.
insert into arrival (power, entry, fault, village, agency, at) values (:power, :entry, :fault, :village, :agency, :at)
on conflict (power, entry) do update set fault = excluded.fault, village = excluded.village,
agency = excluded.agency, at = excluded.at

-- name: drop_arrival
-- It came in, or is over.
delete from arrival where power = :power and entry = :entry

-- name: arrivals
-- Entries that did not come in, the oldest first.
select entry, fault, village, agency, at from arrival where power = :power order by at, entry limit :limit

-- name: drop_arrivals
-- Forget those of orders that are over.
delete from arrival where power <> :power

-- name: put_chat_code
-- The code that links a chat; an earlier one is void.
insert into chat_code (held, digest, until) values (:held, :digest, :until)
on conflict (held) do update set digest = excluded.digest, until = excluded.until

-- name: chat_code
-- Whose code it is.
select held, until from chat_code where digest = :digest

-- name: drop_chat_code
-- It was used.
delete from chat_code where held = :held

-- name: put_chat
-- Somebody's chat; a new one takes the place of the last.
insert into chat (held, contact, address, lang, at) values (:held, :contact, :address, :lang, :at)
on conflict (held) do update set contact = excluded.contact, address = excluded.address, lang = excluded.lang, at = excluded.at

-- name: chat
-- Somebody's chat.
select contact, address, lang from chat where held = :held

-- name: chats
-- Cases of who writes from a chat, the newest link first.
select held from chat where contact = :contact order by at desc, held limit :limit

-- name: drop_chat
-- Forget somebody's chat.
delete from chat where held = :held

-- name: newest_question
-- The newest question that somebody's phone or chat was asked.
select id, held, alarm, at, words, digest, sent, answered from message
where held = :held and length(digest) > 0 order by at desc, id limit 1

-- name: put_on_call
-- Which telephone an agency carries on duty.
insert into on_call (agency, desk, phone) values (:agency, :desk, :phone)
on conflict (agency, desk) do update set phone = excluded.phone

-- name: drop_on_call
-- Nobody carries one.
delete from on_call where agency = :agency and desk = :desk

-- name: on_call
-- The telephone of an agency's desk.
select phone from on_call where agency = :agency and desk = :desk

-- name: on_call_of
-- An agency's telephones.
select desk, phone from on_call where agency = :agency order by desk
