"""What moves stock and settles what is held: deliveries, returns, corrections, leases, post and void; and new rules."""

from __future__ import annotations

from zlib import crc32

import msgspec

from banyan.errors import Invalid
from banyan.limits_rationing import RATION_EDITIONS, RATION_STOCK
from banyan.service.rationing.engine import records
from banyan.service.rationing.engine.booking import check_edition
from banyan.service.rationing.engine.days import day_number, day_of, start_of
from banyan.service.rationing.engine.desk import NO_ROW, Desk, bad, milliseconds, no_stock, settled
from banyan.service.rationing.engine.holds import PENDING
from banyan.service.rationing.engine.model import (
    Answer,
    Correct,
    Deliver,
    Lease,
    Post,
    Receipt,
    Refusal,
    Return,
    SetRule,
    Void,
)
from banyan.service.rationing.engine.state import NO_CARRIER

_FORMATS = records.FORMATS


def delivers(desk: Desk, c: Deliver) -> Answer:
    return bad("qty") if not 0 < c.qty <= RATION_STOCK else _adds(desk, c, records.DELIVER, c.qty)


def corrects(desk: Desk, c: Correct) -> Answer:
    return bad("delta") if not 0 < abs(c.delta) <= RATION_STOCK else _adds(desk, c, records.CORRECT, c.delta)


def _adds(desk: Desk, c: Deliver | Correct, kind: int, delta: int) -> Answer:
    state = desk.state
    checksum = crc32(f"{kind}\x1f{c.outlet}\x1f{c.item}\x1f{delta}".encode())
    number = state.keys.get(c.key)
    if number:
        return desk.again(number, c.key, checksum)
    known = state.shelves.rows.get((c.outlet, c.item), NO_ROW)
    available = delta if known == NO_ROW else state.shelves.available[known] + delta
    if available < 0:
        return no_stock(desk, known)
    if available > RATION_STOCK:
        return bad("qty" if kind == records.DELIVER else "delta")
    row = desk.row(c.outlet, c.item)
    if isinstance(row, Refusal):
        return row
    number = (state.deliver if kind == records.DELIVER else state.correct)(c.key, checksum, row, delta)
    record = _FORMATS[kind].pack(kind, c.key, checksum, row, delta)
    return desk.accept(record, (number, kind, c.key, row, delta, b""))


def returns(desk: Desk, c: Return) -> Answer:
    state = desk.state
    row = state.shelves.rows.get((c.outlet, c.item), NO_ROW)
    checksum = crc32(b"return %d %d %b %b" % (row, c.qty, c.person, c.of))
    number = state.keys.get(c.key)
    if number:
        return desk.again(number, c.key, checksum)
    if not 0 < c.qty <= RATION_STOCK:
        return bad("qty")
    if row == NO_ROW or c.qty > state.shelves.sold[row] - state.shelves.returned[row]:
        return Refusal("not_sold", field="qty")
    day = 0
    if c.of or c.person:
        sale = state.keys.get(c.of) if len(c.of) == 16 else 0
        day = day_of(state.keys.time_ms(sale) / 1000) if sale else 0
        person = state.histories.number(c.person)
        if not sale or state.histories.bought(person, day, state.shelves.item_of[row]) < c.qty:
            return Refusal("not_sold", field="of")
    number = state.give_back(c.key, checksum, row, c.qty, person=c.person, day=day)
    form = _FORMATS[records.RETURN]
    record = form.pack(records.RETURN, c.key, checksum, row, c.qty, c.person or NO_CARRIER, day)
    return desk.accept(record, (number, records.RETURN, c.key, row, c.qty, c.of))


def posts(desk: Desk, c: Post) -> Answer:
    state, place = desk.state, desk.held(c.ref)
    checksum = crc32(b"post " + c.ref)
    number = state.keys.get(c.key)
    if number:
        return desk.again(number, c.key, checksum)
    if place < 0 or state.holds.is_lease(place):
        return Refusal("unknown_ref", field="ref")
    if state.holds.state[place] != PENDING:
        return settled(state.holds.state[place])
    row, qty = state.holds.row[place], state.holds.left[place]
    number = state.post(c.key, checksum, place)
    record = _FORMATS[records.POST].pack(records.POST, c.key, checksum, place)
    return desk.accept(record, (number, records.POST, c.key, row, qty, c.ref))


def voids(desk: Desk, c: Void) -> Answer:
    state, place = desk.state, desk.held(c.ref)
    checksum = crc32(b"void %d " % c.keeps_quota + c.ref)
    number = state.keys.get(c.key)
    if number:
        return desk.again(number, c.key, checksum)
    if place < 0:
        return Refusal("unknown_ref", field="ref")
    if state.holds.state[place] != PENDING:
        return settled(state.holds.state[place])
    row, qty = state.holds.row[place], state.holds.left[place]
    number = state.void(c.key, checksum, place, keeps_quota=c.keeps_quota)
    record = _FORMATS[records.VOID].pack(records.VOID, c.key, checksum, place, c.keeps_quota)
    return desk.accept(record, (number, records.VOID, c.key, row, qty, c.ref))


def leases(desk: Desk, c: Lease) -> Answer:
    state, until_ms = desk.state, milliseconds(c.until)
    row = state.shelves.rows.get((c.outlet, c.item), NO_ROW)
    checksum = crc32(b"lease %d %d %d" % (row, c.qty, until_ms))
    number = state.keys.get(c.key)
    if number:
        return desk.again(number, c.key, checksum)
    if not 0 < c.qty <= RATION_STOCK or until_ms < 0:
        return bad("until" if until_ms < 0 else "qty")
    if until_ms <= state.at_ms:
        return Refusal("expired", field="until")
    if row == NO_ROW or state.shelves.available[row] < c.qty:
        return no_stock(desk, row)
    number = state.lease(c.key, checksum, row, c.qty, until_ms=until_ms)
    record = _FORMATS[records.LEASE].pack(records.LEASE, c.key, checksum, row, c.qty, until_ms)
    return desk.accept(record, (number, records.LEASE, c.key, row, c.qty, c.key))


def sets_rule(desk: Desk, c: SetRule) -> Answer:
    state, text = desk.state, msgspec.json.encode(c.edition)
    checksum = crc32(text)
    number = state.keys.get(c.key)
    if number:
        return desk.again(number, c.key, checksum)
    if day_number(c.edition.since) < desk.day:
        return Refusal("in_the_past", next_from=start_of(desk.day), field="edition.from")
    try:
        check_edition(c.edition)
    except Invalid as problem:
        return bad(problem.fields[0].field)
    if len(state.law.book.edition) >= RATION_EDITIONS:
        return bad("edition")
    return put_rule(desk, c.key, text, checksum)


def put_rule(desk: Desk, key: bytes, text: bytes, checksum: int) -> Receipt:
    """An edition's JSON into the book and the log; `key` of zeros: one that the log begins with."""
    number = desk.state.set_rule(key, checksum, text)
    record = _FORMATS[records.RULE].pack(records.RULE, key, checksum, len(text)) + text
    answer = desk.accept(record, (number, records.RULE, key, -1, 0, b""))
    desk.renew()
    return answer
