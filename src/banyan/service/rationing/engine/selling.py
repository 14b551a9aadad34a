"""Sales, reservations, and what devices sold without a network: quota first, then stock, both at one moment."""

from __future__ import annotations

from struct import Struct
from typing import Final
from zlib import crc32

from banyan.limits_rationing import RATION_QTY
from banyan.service.rationing.engine import records
from banyan.service.rationing.engine.days import day_of, start_of
from banyan.service.rationing.engine.desk import NO_ROW, Desk, bad, milliseconds, no_stock
from banyan.service.rationing.engine.law import Ruling, permitted, refused
from banyan.service.rationing.engine.model import Answer, Buy, Merge, Receipt, Refusal, Reserve
from banyan.service.rationing.engine.rules import Purchase, over, quota_refused
from banyan.service.rationing.engine.state import NO_CARRIER

UNSTOCKED: Final = 1 << 31
"""Set in the units of a record whose item is a permission."""
_sale = Struct("<16sII16s").pack
"""What a sale's key stands for: person, row, units, who brought the card."""
_buy = records.FORMATS[records.BUY].pack
_brought = records.FORMATS[records.BROUGHT].pack
_reserve = records.FORMATS[records.RESERVE].pack
_merge = records.FORMATS[records.MERGE].pack


def buys(desk: Desk, c: Buy) -> Answer:
    """The way of nine commands in ten, so it asks in place what the others ask by `_allowed`."""
    state, key, buyer, qty = desk.state, c.key, c.buyer, c.qty
    person = buyer.person
    if not 0 < qty <= RATION_QTY or len(person) != 16:
        return _bad_sale(c)
    row = state.shelves.rows.get((c.outlet, c.item), NO_ROW)
    carrier = NO_CARRIER if not c.collected_by or c.collected_by == person else c.collected_by
    checksum = crc32(_sale(person, row, qty, carrier))
    number = state.keys.get(key)
    if number:
        return desk.again(number, key, checksum)
    ruling = permitted(desk.today, buyer, c.item, c.channel)
    if type(ruling) is not Ruling or carrier is not NO_CARRIER or not ruling.rule.takes_stock:
        return _buys_otherwise(desk, c, carrier)
    histories = state.histories
    who = histories.number(person)
    if who:
        used = histories.used(who, ruling.since, desk.masks.get(ruling) or desk.mask(ruling))
        if used < 0:
            used = desk.used(buyer, ruling)
    else:
        used = 0
    if used + qty > ruling.quantity:
        return quota_refused(state.law, desk.history(person), buyer, c.item, desk.now, qty=qty)
    if row == NO_ROW or state.shelves.available[row] < qty:
        return no_stock(desk, row)
    number = state.buy(key, checksum, person, row, qty, day=desk.day, who=who)
    desk.out += _buy(records.BUY, key, checksum, person, row, qty, desk.day)
    desk.moves.append((number, records.BUY, key, row, qty, b""))
    return Receipt(number, desk.now, key)


def _buys_otherwise(desk: Desk, c: Buy, carrier: bytes) -> Answer:
    """By another's hand, a permission, or not at all."""
    state, person, qty = desk.state, c.buyer.person, c.qty
    ruling = _allowed(desk, c, carrier)
    if isinstance(ruling, Refusal):
        return ruling
    if not ruling.rule.takes_stock:
        return _permits(desk, c, carrier)
    row = state.shelves.rows.get((c.outlet, c.item), NO_ROW)
    if row == NO_ROW or state.shelves.available[row] < qty:
        return no_stock(desk, row)
    checksum = crc32(_sale(person, row, qty, carrier))
    number = state.buy(c.key, checksum, person, row, qty, day=desk.day)
    state.bring(carrier, person, desk.day)
    record = _brought(records.BROUGHT, c.key, checksum, person, row, qty, desk.day, carrier)
    return desk.accept(record, (number, records.BUY, c.key, row, qty, b""))


def _permits(desk: Desk, c: Buy, carrier: bytes) -> Answer:
    """A permission: nothing is taken from a shelf."""
    if carrier is not NO_CARRIER:
        return Refusal("too_many_proxies")
    row = desk.row(c.outlet, c.item)
    if type(row) is Refusal:
        return row
    assert type(row) is int
    person = c.buyer.person
    checksum = crc32(_sale(person, row, c.qty, carrier))
    number = desk.state.permit(c.key, checksum, person, row, c.qty, day=desk.day)
    record = _buy(records.BUY, c.key, checksum, person, row, c.qty | UNSTOCKED, desk.day)
    return desk.accept(record, (number, records.BUY, c.key, row, c.qty, b""))


def reserves(desk: Desk, c: Reserve) -> Answer:
    state, qty, person = desk.state, c.qty, c.buyer.person
    until_ms = milliseconds(c.expires_at)
    if not 0 < qty <= RATION_QTY or len(person) != 16 or until_ms < 0:
        return bad("expires_at") if until_ms < 0 else _bad_sale(c)
    carrier = NO_CARRIER if not c.collected_by or c.collected_by == person else c.collected_by
    row = state.shelves.rows.get((c.outlet, c.item), NO_ROW)
    checksum = crc32(_reserve(records.RESERVE, NO_CARRIER, 0, person, row, qty, 0, carrier, until_ms))
    number = state.keys.get(c.key)
    if number:
        return desk.again(number, c.key, checksum)
    if until_ms <= state.at_ms:
        return Refusal("expired")
    ruling = _allowed(desk, c, carrier, ignores_day=c.ignores_day)
    if isinstance(ruling, Refusal):
        return ruling
    if row == NO_ROW or state.shelves.available[row] < qty or not ruling.rule.takes_stock:
        return no_stock(desk, row)
    number = state.reserve(c.key, checksum, person, row, qty, day=desk.day, until_ms=until_ms)
    if carrier is not NO_CARRIER:
        state.bring(carrier, person, desk.day)
    record = _reserve(records.RESERVE, c.key, checksum, person, row, qty, desk.day, carrier, until_ms)
    return desk.accept(record, (number, records.RESERVE, c.key, row, qty, c.key))


def merges(desk: Desk, c: Merge) -> Answer:
    state, qty, buyer = desk.state, c.qty, c.buyer
    if not 0 < qty <= RATION_QTY or len(buyer.person) != 16:
        return _bad_sale(c)
    lease = desk.held(c.lease)
    if lease < 0 or not state.holds.is_lease(lease):
        return Refusal("unknown_ref", field="lease")
    row = state.holds.row[lease]
    if state.shelves.name(row) != (c.outlet, c.item):
        return bad("lease")
    checksum = crc32(
        _merge(records.MERGE, NO_CARRIER, milliseconds(c.sold_at) & 0xFFFF_FFFF, buyer.person, row, qty, 0, lease, 0)
    )
    number = state.keys.get(c.key)
    if number:
        return desk.again(number, c.key, checksum)
    granted = state.keys.time_ms(state.holds.number[lease])
    day = day_of(min(max(milliseconds(c.sold_at), granted), state.at_ms) / 1000)
    history = desk.history(buyer.person)
    before = over(state.law, history, buyer)
    beyond = over(state.law, [*history, Purchase(day, c.item, qty)], buyer) - before
    beyond = min(max(beyond, 0), RATION_QTY)
    number = state.merge(c.key, checksum, buyer.person, row, qty, day=day, lease=lease, over=beyond)
    record = _merge(records.MERGE, c.key, checksum, buyer.person, row, qty, day, lease, beyond)
    desk.accept(record, (number, records.MERGE, c.key, row, qty, c.lease))
    return desk.receipt(number, c.key)


def _allowed(desk: Desk, c: Buy | Reserve, carrier: bytes, *, ignores_day: bool = False) -> Ruling | Refusal:
    """The ruling when law, quota and proxies allow the sale."""
    buyer, state = c.buyer, desk.state
    ruling = permitted(desk.today, buyer, c.item, c.channel, ignores_day=ignores_day)
    if not isinstance(ruling, Ruling):
        return refused(ruling, state.law, desk.day, buyer, c.item, channel=c.channel)
    if desk.used(buyer, ruling) + c.qty > ruling.quantity:
        history = desk.history(buyer.person)
        return quota_refused(state.law, history, buyer, c.item, desk.now, qty=c.qty)
    if carrier is not NO_CARRIER:
        if len(carrier) != 16:
            return bad("collected_by")
        brought = state.brought(carrier, desk.day)
        if buyer.person not in brought and len(brought) >= ruling.rule.proxies:
            return Refusal("too_many_proxies", next_from=start_of(desk.day + 1))
    return ruling


def _bad_sale(c: Buy | Reserve | Merge) -> Refusal:
    return bad("qty" if len(c.buyer.person) == 16 else "buyer.person")
