-- name: put_basis
-- Register a basis, or its new text.
insert into basis (id, version, document) values (:id, :version, :document)
on conflict (id) do update set version = excluded.version, document = excluded.document

-- name: keep_basis_version
-- Keep the text a use may name.
insert into basis_version (version, id, document, at) values (:version, :id, :document, :at)
on conflict (version) do nothing

-- name: bases
-- The register.
select document from basis order by id

-- name: basis_version
-- The text that was in force.
select document from basis_version where version = :version

-- name: put_power
-- Write an order as it stands.
insert into power (id, document, until) values (:id, :document, :until)
on conflict (id) do update set document = excluded.document, until = excluded.until

-- name: power
-- One order.
select document from power where id = :id

-- name: powers
-- All orders, the newest end first.
select document from power order by until desc, id limit :limit

-- name: powers_after
-- Orders that have not ended, the newest end first.
select document from power where until > :now order by until desc, id limit :limit

-- name: put_review
-- Write a review as it stands.
insert into review (use_idx, power, agency, due, is_open, document)
values (:use_idx, :power, :agency, :due, :is_open, :document)
on conflict (use_idx) do update set is_open = excluded.is_open, document = excluded.document

-- name: review
-- The review of a use.
select document from review where use_idx = :use_idx

-- name: review_of_day
-- Whether a day's uses together have their review, known by when it is due.
select use_idx from review where is_open in (0, 1) and agency = :agency and due = :due and power = :power limit 1

-- name: open_reviews
-- Reviews nobody has done, the oldest due first.
select document from review where is_open = 1 order by due, use_idx limit :limit

-- name: overdue
-- Agencies with a review past its time.
select distinct agency from review where is_open = 1 and due <= :now order by agency

-- name: first_due
-- When each agency's first open review is due.
select agency, min(due) from review where is_open = 1 group by agency order by agency

-- name: put_declaration
-- Write what a provider offers.
insert into declaration (id, document) values (:id, :document)
on conflict (id) do update set document = excluded.document

-- name: declaration
-- One offer.
select document from declaration where id = :id

-- name: put_purpose
-- Write what a recipient wants, in the turn that is on.
insert into purpose (id, recipient, document, turn)
values (:id, :recipient, :document, (select turn from consent_turn where part = '*'))
on conflict (id) do update set document = excluded.document, turn = excluded.turn

-- name: purposes_since
-- Purposes written after a turn.
select document from purpose where turn > :turn

-- name: purposes_turn
-- The turn of purposes that is on.
select turn from consent_turn where part = '*'

-- name: purpose
-- One purpose.
select document from purpose where id = :id

-- name: purposes
-- All purposes, for comparison.
select document from purpose order by id limit :limit

-- name: put_cap
-- Write a fair-use cap.
insert into cap (purpose, document) values (:purpose, :document)
on conflict (purpose) do update set document = excluded.document

-- name: caps
-- All caps.
select document from cap order by purpose

-- name: put_consent
-- Write a consent as it stands.
insert into consent (id, subject, recipient, purpose, code, document)
values (:id, :subject, :recipient, :purpose, :code, :document)
on conflict (id) do update set document = excluded.document

-- name: consent
-- One consent.
select document from consent where id = :id

-- name: consents_of
-- A subject's consents.
select document from consent where subject = :subject order by id limit :limit

-- name: consents_for
-- A subject's consents to a recipient for a purpose code, each with its purpose's id and uses on a day; the turns.
select consent.document, consent.purpose, purpose_count.uses,
  (select turn from consent_turn where part = :part), (select turn from consent_turn where part = '*')
from consent left join purpose_count
on purpose_count.day = :day and purpose_count.subject = consent.subject and purpose_count.purpose = consent.purpose
where consent.subject = :subject and consent.recipient = :recipient and consent.code = :code

-- name: turn
-- One part's turn.
select turn from consent_turn where part = :part

-- name: turns
-- Every part's turn.
select part, turn from consent_turn

-- name: turn_over
-- A part's consents are written, or a purpose.
insert into consent_turn (part, turn) values (:part, 1)
on conflict (part) do update set turn = consent_turn.turn + 1

-- name: consents_of_purpose
-- Everybody's consents under a purpose from one on, for when it is closed.
select document from consent where purpose = :purpose and id > :after order by id limit :limit

-- name: opt_out
-- Stop secondary use.
insert into opt_out (subject, operation, at) values (:subject, :operation, :at) on conflict (subject, operation) do nothing

-- name: opt_in
-- Let secondary use go on.
delete from opt_out where subject = :subject and operation = :operation

-- name: opted_out
-- Whether a subject stopped the use of an operation's data, of its whole service's, for this purpose, or of all.
select 1 from opt_out where subject = :subject and operation in (:operation, :whole, :purpose, '*') limit 1

-- name: count_use
-- Count one more use today, unless there were as many as may be; no row is written then.
insert into use_count (subject, recipient, operation, day, uses) values (:subject, :recipient, :operation, :day, 1)
on conflict (subject, recipient, operation, day) do update set uses = use_count.uses + 1 where use_count.uses < :most

-- name: count_purpose_use
-- Count one more use for a purpose today, unless there were as many as may be; no row is written then.
insert into purpose_count (day, subject, purpose, uses) values (:day, :subject, :purpose, 1)
on conflict (day, subject, purpose) do update set uses = purpose_count.uses + 1 where purpose_count.uses < :most

-- name: consent_and_purpose
-- One consent with its purpose.
select consent.document, purpose.document from consent join purpose on purpose.id = consent.purpose
where consent.id = :id

-- name: forget_purpose_uses
-- Days that are over.
delete from purpose_count where day < :day

-- name: uses_on
-- How often today.
select uses from use_count where subject = :subject and recipient = :recipient and operation = :operation and day = :day

-- name: forget_counts
-- Days that are over.
delete from use_count where day < :day

-- name: open_reviews_of
-- An agency's reviews nobody has done, the oldest due first.
select document from review where is_open = 1 and agency = :agency order by due, use_idx limit :limit

-- name: count_order_use
-- Count one more use under an order.
insert into order_use (power, agency, day, uses) values (:power, :agency, :day, 1)
on conflict (power, agency, day) do update set uses = order_use.uses + 1

-- name: order_uses
-- Uses under orders by agency and day, the newest day first.
select power, agency, day, uses from order_use order by day desc, power, agency limit :limit

-- name: review_standing
-- Open reviews by agency: how many, how many are past their time, and when the next is due.
select agency, count(*), sum(case when due <= :now then 1 else 0 end), min(due) from review where is_open = 1
group by agency order by agency limit :limit
