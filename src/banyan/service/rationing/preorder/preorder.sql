-- name: put_round
-- A round and how it stands.
insert into preorder_round (id, document, state, cut, pool, opens, at, figures)
values (:id, :document, :state, 0, 0, :opens, :at, :figures)
on conflict (id) do update set document = excluded.document, opens = excluded.opens
where preorder_round.state = 'draft'

-- name: round
-- One round.
select id, document, state, cut, pool, at, figures from preorder_round where id = :id

-- name: rounds
-- All rounds, the newest first.
select id, document, state, cut, pool, at, figures from preorder_round order by opens desc, id limit :limit

-- name: move_round
-- A step of a round, from the state that it is in.
update preorder_round set state = :to where id = :id and state = :state

-- name: cut_round
-- How many places of the order are won in the draw itself.
update preorder_round set cut = :cut where id = :id

-- name: fill_pool
-- The goods of a round are in its pool.
update preorder_round set pool = 1 where id = :id

-- name: add
-- A registration; the same person again is there already.
insert into preorder (id, round, person, grp, ticket, state, place, turn, pay_by, reminded, is_told, kept, held, owes, code,
  word, born, kind, parity, store, channel, at, done_at)
values (:id, :round, :person, :grp, :none, :state, :place, 0, 0, 0, 0, 0, 0, '', :code, :word, :born, :kind, :parity, '',
  :channel, :at, 0)
on conflict (round, person) do nothing

-- name: again
-- A withdrawn registration comes back, as a new one.
update preorder set state = :state, grp = :grp, place = :place, turn = turn + 1, done_at = 0, channel = :channel
where id = :id and state = 'withdrawn'

-- name: of_person
-- A person's order in a round.
select id, round, person, grp, state, place, turn, pay_by, reminded, kept, held, owes, code, word, born, kind, parity,
  store, at, done_at from preorder where round = :round and person = :person

-- name: all_of_person
-- A person's orders, the newest first.
select id, round, person, grp, state, place, turn, pay_by, reminded, kept, held, owes, code, word, born, kind, parity,
  store, at, done_at from preorder where person = :person order by at desc, id limit :limit

-- name: by_id
-- One order.
select id, round, person, grp, state, place, turn, pay_by, reminded, kept, held, owes, code, word, born, kind, parity,
  store, at, done_at from preorder where id = :id

-- name: by_code
-- The order that a pickup code opens.
select id, round, person, grp, state, place, turn, pay_by, reminded, kept, held, owes, code, word, born, kind, parity,
  store, at, done_at from preorder where code = :code

-- name: registered_after
-- Orders of a round by person, a page at a time: the draw's list is made of those that are registered.
select person, grp, state from preorder where round = :round and person > :after order by person limit :limit

-- name: ticketed
-- Whether the tickets of a round's list are written.
select count(*) from preorder where round = :round and state = 'registered' and ticket <> :none

-- name: ticket
-- A person's ticket: that of whoever draws together. (A condition on the state would be met by another index: the list's.)
update preorder set ticket = :ticket where round = :round and person = :person

-- name: unticket
-- The draw is begun anew: other tickets follow.
update preorder set ticket = :none where round = :round and state = 'registered'

-- name: ticket_of
-- A person's ticket, to look at the draw with.
select ticket from preorder where id = :id

-- name: groups
-- Tickets of a round's list and how many people each stands for.
select ticket, count(*) from preorder where round = :round and state = 'registered' group by ticket order by ticket

-- name: seat
-- A place in the draw; they now wait for their turn. Found by the ticket alone, as above.
update preorder set place = :place, state = case when state = 'registered' then 'waiting' else state end
where round = :round and ticket = :ticket

-- name: next_waiting
-- Who moves up next, in the draw's order.
select id, round, person, grp, state, place, turn, pay_by, reminded, kept, held, owes, code, word, born, kind, parity,
  store, at, done_at from preorder where round = :round and state = 'waiting' order by place, id limit :limit

-- name: ahead
-- How many wait before one on the reserve list.
select count(*) from preorder where round = :round and state = 'waiting' and (place < :place or (place = :place and id < :id))

-- name: taken
-- People who hold a place of the round, or have used it.
select count(*) from preorder where round = :round and state in ('won', 'paid', 'collected', 'forfeited')

-- name: last_place
-- The last place that was given.
select coalesce(max(place), 0) from preorder where round = :round

-- name: remind
-- Whose payment ends soon and who was not told of it yet.
select id, round, person, grp, state, place, turn, pay_by, reminded, kept, held, owes, code, word, born, kind, parity,
  store, at, done_at from preorder where round = :round and state = 'won' and reminded < :nth and pay_by <= :before
order by pay_by, id limit :limit

-- name: ended_uncharged
-- Whose time to pay is over and who never asked how.
select id, round, person, grp, state, place, turn, pay_by, reminded, kept, held, owes, code, word, born, kind, parity,
  store, at, done_at from preorder where round = :round and state = 'won' and pay_by <= :before
  and not exists (select 1 from preorder_charge c where c.preorder = preorder.id) order by pay_by, id limit :limit

-- name: ended_charged
-- Whose time to pay is over, so long that a payment in time would be known, unless its word was lost.
select id, round, person, grp, state, place, turn, pay_by, reminded, kept, held, owes, code, word, born, kind, parity,
  store, at, done_at from preorder where round = :round and state = 'won' and pay_by <= :before
  and exists (select 1 from preorder_charge c where c.preorder = preorder.id) order by pay_by, id limit :limit

-- name: in_state
-- Orders of a round in a state.
select id, round, person, grp, state, place, turn, pay_by, reminded, kept, held, owes, code, word, born, kind, parity,
  store, at, done_at from preorder where round = :round and state = :state order by place, id limit :limit

-- name: not_told
-- Paid orders whose people do not know yet that the goods are there.
select id, round, person, grp, state, place, turn, pay_by, reminded, kept, held, owes, code, word, born, kind, parity,
  store, at, done_at from preorder where round = :round and state = 'paid' and is_told < :nth order by place, id limit :limit

-- name: told
-- They know now.
update preorder set is_told = :nth where id = :id

-- name: owing
-- Orders that owe the engine a word.
select id, round, person, grp, state, place, turn, pay_by, reminded, kept, held, owes, code, word, born, kind, parity,
  store, at, done_at from preorder where round = :round and owes <> '' order by id limit :limit

-- name: settled
-- The engine has heard it.
update preorder set owes = '' where id = :id and owes = :owes and turn = :turn

-- name: move
-- A step of an order, from the state that it is in.
update preorder set state = :to, owes = :owes, kept = :kept, held = :held, pay_by = :pay_by, store = :store, done_at = :at
where id = :id and state = :state and turn = :turn

-- name: purse
-- The money of an order.
update preorder set kept = :kept, held = :held where id = :id

-- name: reminded
-- So often they were told.
update preorder set reminded = :nth where id = :id and reminded < :nth

-- name: counts
-- How many orders stand how, for everybody.
select state, count(*), sum(kept), sum(held) from preorder where round = :round group by state order by state

-- name: by_channel
-- How people came, for everybody.
select channel, count(*) from preorder where round = :round group by channel order by channel

-- name: next_end
-- When the next payment ends, and how often its person was told.
select pay_by, reminded from preorder where round = :round and state = 'won' order by pay_by limit 1

-- name: next_reminder
-- When a payment ends whose person was not told so often yet.
select pay_by from preorder where round = :round and state = 'won' and reminded < :nth order by pay_by limit 1

-- name: forget
-- After its time a round keeps figures and no persons.
delete from preorder where round = :round

-- name: keep_figures
-- What a round keeps when its people are forgotten.
update preorder_round set figures = :figures where id = :id

-- name: unfinished_refunds
-- Money that is still on its way back.
select count(*) from preorder_refund where round = :round and state <> 'done'

-- name: forget_words
-- What the provider told of its orders.
delete from preorder_word where preorder in (select id from preorder where round = :round)

-- name: forget_charges
-- What it was asked.
delete from preorder_charge where preorder in (select id from preorder where round = :round)

-- name: forget_refunds
-- What went back.
delete from preorder_refund where round = :round

-- name: forget_messages
-- What was told goes with it.
delete from preorder_message where preorder in (select id from preorder where round = :round)

-- name: put_charge
-- A charge before it is asked for.
insert into preorder_charge (reference, preorder, method, amount, state, bank, account, page, slip, checked, until, at)
values (:reference, :preorder, :method, :amount, 'asked', '', '', '', '', 0, :until, :at)

-- name: charge
-- One charge.
select reference, preorder, method, amount, state, bank, account, page, slip, until, at from preorder_charge
where reference = :reference

-- name: charges
-- The charges of an order, the newest first.
select reference, preorder, method, amount, state, bank, account, page, slip, until, at from preorder_charge
where preorder = :preorder order by at desc, reference

-- name: open_charges
-- Charges of orders that hold no place any more: the provider should take nothing for them.
select c.reference, c.preorder, c.method, c.amount, c.state, c.bank, c.account, c.page, c.slip, c.until, c.at
from preorder_charge c join preorder p on p.id = c.preorder
where p.round = :round and c.state in ('asked', 'open') and p.state <> 'won' order by c.reference limit :limit

-- name: unchecked
-- Charges of a round whose words were not compared so often yet.
select c.reference, c.preorder, c.method, c.amount, c.state, c.bank, c.account, c.page, c.slip, c.until, c.at
from preorder_charge c join preorder p on p.id = c.preorder
where p.round = :round and c.checked < :nth order by c.reference limit :limit

-- name: unsettled
-- Charges that the provider has still to be asked about: not compared, or open though their order holds no place.
select count(*) from preorder_charge c join preorder p on p.id = c.preorder
where p.round = :round and (c.checked < :nth or (c.state in ('asked', 'open') and p.state <> 'won'))

-- name: checked
-- They were.
update preorder_charge set checked = :nth where reference = :reference

-- name: answer_charge
-- What the provider made of it; a word that came before stands.
update preorder_charge set state = :state, bank = :bank, account = :account, page = :page, slip = :slip
where reference = :reference and state in ('asked', 'open')

-- name: end_charge
-- Nothing more is taken for it.
update preorder_charge set state = :state where reference = :reference and state in ('asked', 'open', 'failed')

-- name: put_word
-- A provider's word, once.
insert into preorder_word (id, preorder, reference, type, amount, back, moved_at, at)
values (:id, :preorder, :reference, :type, :amount, 0, :moved_at, :at) on conflict (id) do nothing

-- name: payments
-- What was paid for an order and does not go back yet, the newest first.
select id, reference, amount - back from preorder_word
where preorder = :preorder and type = 'payment.received' and amount > back order by moved_at desc, id

-- name: goes_back
-- Of a payment so much goes back.
update preorder_word set back = back + :amount where id = :id and back + :amount <= amount

-- name: put_refund
-- Money that goes back.
insert into preorder_refund (id, preorder, round, reference, payment, amount, reason, state, tries, due, moved_at, at)
values (:id, :preorder, :round, :reference, :payment, :amount, :reason, 'due', 0, :at, 0, :at)

-- name: refund
-- One refund.
select id, preorder, round, reference, payment, amount, reason, state, tries, due, moved_at, at from preorder_refund where id = :id

-- name: refunds
-- An order's refunds.
select id, preorder, round, reference, payment, amount, reason, state, tries, due, moved_at, at from preorder_refund
where preorder = :preorder order by at, id

-- name: due_refunds
-- Refunds to be asked for now.
select id, preorder, round, reference, payment, amount, reason, state, tries, due, moved_at, at from preorder_refund
where round = :round and state in ('due', 'failed') and due <= :now order by due, id limit :limit

-- name: next_refund
-- When the next one is due.
select due from preorder_refund where round = :round and state in ('due', 'failed') order by due limit 1

-- name: move_refund
-- How a refund stands.
update preorder_refund set state = :state, tries = :tries, due = :due, moved_at = :moved_at where id = :id

-- name: refund_counts
-- What goes back, for everybody: by reason and how far it is.
select reason, state, count(*), sum(amount) from preorder_refund where round = :round group by reason, state order by reason, state

-- name: manual_refunds
-- What a person has to pay out.
select id, preorder, round, reference, payment, amount, reason, state, tries, due, moved_at, at from preorder_refund
where round = :round and state = 'manual' order by at, id limit :limit

-- name: tell
-- What a person is told.
insert into preorder_message (preorder, at, kind, facts) values (:preorder, :at, :kind, :facts)

-- name: messages
-- What they were told, the newest first.
select at, kind, facts from preorder_message where preorder = :preorder order by n desc limit :limit

-- name: heard
-- The words that were taken about an order.
select id from preorder_word where preorder = :preorder order by id

-- name: came
-- What was paid for an order, by the word that told it.
select id, amount from preorder_word where preorder = :preorder and type = 'payment.received' order by id

-- name: put_phone
-- Where a person wants to be reminded from now on.
insert into preorder_phone (preorder, round, sealed, lang, done, waits)
values (:preorder, :round, :sealed, :lang, (select coalesce(max(n), 0) from preorder_message where preorder = :preorder), 0)
on conflict (preorder) do update set sealed = excluded.sealed, lang = excluded.lang, done = excluded.done

-- name: phone
-- The telephone of an order.
select sealed from preorder_phone where preorder = :preorder

-- name: drop_phone
-- An order ended, or its person wants no SMS.
delete from preorder_phone where preorder = :preorder

-- name: phone_waits
-- Something was said to the person.
update preorder_phone set waits = 1 where preorder = :preorder

-- name: waiting_phones
-- Telephones that may have something to be told.
select preorder, sealed, lang, done from preorder_phone where round = :round and waits = 1 order by preorder limit :limit

-- name: any_phone_waits
-- Whether there are any.
select count(*) from preorder_phone where round = :round and waits = 1

-- name: messages_after
-- What was said since, oldest first.
select n, at, kind, facts from preorder_message where preorder = :preorder and n > :after order by n limit :limit

-- name: phone_done
-- So far it was passed on.
update preorder_phone set done = :n,
  waits = case when exists (select 1 from preorder_message where preorder = :preorder and n > :n) then 1 else 0 end
where preorder = :preorder and done <= :n

-- name: forget_phones
-- Nothing of a round's telephones stays.
delete from preorder_phone where round = :round
