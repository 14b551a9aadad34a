"""What becomes of each command over SQL records. The law, the quota and the words are those of the journal's engine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from banyan.errors import Invalid
from banyan.limits_rationing import RATION_EDITIONS, RATION_NAME, RATION_QTY, RATION_STOCK
from banyan.service.rationing.engine.booking import check_edition
from banyan.service.rationing.engine.days import day_number, day_of, start_of
from banyan.service.rationing.engine.desk import bad, milliseconds
from banyan.service.rationing.engine.law import Ruling, permitted, refused
from banyan.service.rationing.engine.model import (
    Answer,
    Buy,
    Code,
    Command,
    Correct,
    Deliver,
    Lease,
    Merge,
    Post,
    Refusal,
    Reserve,
    Return,
    SetRule,
    Void,
)
from banyan.service.rationing.engine.rules import Purchase, over, quota_refused, used
from banyan.service.rationing.engine.turn import SQL, Hold, Turn, checksum, whole

_SETTLED: Final[dict[str, Code]] = {"posted": "already_posted", "voided": "already_voided", "expired": "expired"}


def record(turn: Turn, command: Command) -> Answer:
    """The answer; nothing is written by a refusal."""
    return _WAYS[type(command)](turn, command) if len(command.key) == 16 else bad("key")


def _buys(turn: Turn, c: Buy) -> Answer:
    if refusal := _unfit(c):
        return refusal
    carrier = c.collected_by if c.collected_by != c.buyer.person else b""
    told = checksum("buy", c.buyer.person.hex(), c.outlet, c.item, c.qty, carrier.hex())
    if known := turn.known(c.key, told):
        return known
    ruling = _allowed(turn, c, carrier, ignores_day=False)
    if isinstance(ruling, Refusal):
        return ruling
    if carrier and not ruling.rule.takes_stock:
        return Refusal("too_many_proxies")  # a permission is nobody else's to take
    if ruling.rule.takes_stock:
        available = turn.stock(c.outlet, c.item).available
        if available < c.qty:
            return Refusal("no_stock", left=available)
        turn.move(c.outlet, c.item, available=-c.qty, sold=c.qty)
    elif not _is_named(c.outlet):
        return bad("outlet")
    else:
        turn.move(c.outlet, c.item, delivered=c.qty, sold=c.qty)
    turn.count(c.buyer.person, turn.day, c.item, c.qty)
    _bring(turn, carrier, c.buyer.person)
    answer = turn.accept(c.key, told)
    turn.tell("buy", c.key, c.outlet, c.item, c.qty)
    return answer


def _reserves(turn: Turn, c: Reserve) -> Answer:
    until_ms = milliseconds(c.expires_at)
    if refusal := _unfit(c) or (bad("expires_at") if until_ms < 0 else None):
        return refusal
    carrier = c.collected_by if c.collected_by != c.buyer.person else b""
    told = checksum("reserve", c.buyer.person.hex(), c.outlet, c.item, c.qty, carrier.hex(), until_ms)
    if known := turn.known(c.key, told):
        return known
    if until_ms <= turn.at_ms:
        return Refusal("expired")
    ruling = _allowed(turn, c, carrier, ignores_day=c.ignores_day)
    if isinstance(ruling, Refusal):
        return ruling
    available = turn.stock(c.outlet, c.item).available
    if available < c.qty or not ruling.rule.takes_stock:
        return Refusal("no_stock", left=available)
    turn.move(c.outlet, c.item, available=-c.qty, reserved=c.qty)
    turn.count(c.buyer.person, turn.day, c.item, c.qty)
    _bring(turn, carrier, c.buyer.person)
    _hold(turn, c, until_ms, person=c.buyer.person, is_lease=False)
    answer = turn.accept(c.key, told)
    turn.tell("reserve", c.key, c.outlet, c.item, c.qty, ref=c.key)
    return answer


def _merges(turn: Turn, c: Merge) -> Answer:
    if refusal := _unfit(c):
        return refusal
    lease = turn.hold(c.lease)
    if lease is None or not lease.is_lease:
        return Refusal("unknown_ref", field="lease")
    if (lease.outlet, lease.item) != (c.outlet, c.item):
        return bad("lease")
    sold_ms = milliseconds(c.sold_at)
    told = checksum("merge", c.buyer.person.hex(), c.outlet, c.item, c.qty, c.lease.hex(), sold_ms)
    if known := turn.known(c.key, told):
        return known
    day = day_of(min(max(sold_ms, lease.granted_ms), turn.at_ms) / 1000)
    history = turn.history(c.buyer.person)
    before = over(turn.law, history, c.buyer)
    beyond = over(turn.law, [Purchase(day, c.item, c.qty), *history], c.buyer) - before
    leased = min(c.qty, lease.kept)
    stocked = min(c.qty - leased, turn.stock(c.outlet, c.item).available)
    short = c.qty - leased - stocked
    turn.tx.run(SQL["use_lease"], key=c.lease, qty=leased)
    turn.move(c.outlet, c.item, available=-stocked, leased=-leased, short=short, sold=c.qty)
    turn.count(c.buyer.person, day, c.item, c.qty)
    answer = turn.accept(c.key, told, over=min(max(beyond, 0), RATION_QTY), short=short)
    turn.tell("merge", c.key, c.outlet, c.item, c.qty, ref=c.lease)
    return answer


def _delivers(turn: Turn, c: Deliver) -> Answer:
    return bad("qty") if not 0 < c.qty <= RATION_STOCK else _adds(turn, c, "deliver", c.qty)


def _corrects(turn: Turn, c: Correct) -> Answer:
    return bad("delta") if not 0 < abs(c.delta) <= RATION_STOCK else _adds(turn, c, "correct", c.delta)


def _adds(turn: Turn, c: Deliver | Correct, what: str, delta: int) -> Answer:
    told = checksum(what, c.outlet, c.item, delta)
    if known := turn.known(c.key, told):
        return known
    available = turn.stock(c.outlet, c.item).available
    if available + delta < 0:
        return Refusal("no_stock", left=available)
    if available + delta > RATION_STOCK:
        return bad("qty" if what == "deliver" else "delta")
    for field, name in (("outlet", c.outlet), ("item", c.item)):
        if not _is_named(name):
            return bad(field)
    turn.move(c.outlet, c.item, available=delta, **{"delivered" if what == "deliver" else "corrected": delta})
    answer = turn.accept(c.key, told)
    turn.tell(what, c.key, c.outlet, c.item, delta)
    return answer


def _returns(turn: Turn, c: Return) -> Answer:
    told = checksum("return", c.outlet, c.item, c.qty, c.person.hex(), c.of.hex())
    if known := turn.known(c.key, told):
        return known
    if not 0 < c.qty <= RATION_STOCK:
        return bad("qty")
    stock = turn.stock(c.outlet, c.item)
    if c.qty > stock.sold - stock.returned:
        return Refusal("not_sold", field="qty")
    if c.of or c.person:
        row = turn.tx.row(SQL["command"], key=c.of)
        day = 0 if row is None else day_of(whole(row[2]) / 1000)
        if row is None or turn.bought(c.person, day, c.item) < c.qty:
            return Refusal("not_sold", field="of")
        turn.take_back(c.person, day, c.item, c.qty)
    turn.move(c.outlet, c.item, available=c.qty, returned=c.qty)
    answer = turn.accept(c.key, told)
    turn.tell("return", c.key, c.outlet, c.item, c.qty, ref=c.of)
    return answer


def _posts(turn: Turn, c: Post) -> Answer:
    told = checksum("post", c.ref.hex())
    if known := turn.known(c.key, told):
        return known
    hold = turn.hold(c.ref)
    if hold is None or hold.is_lease:
        return Refusal("unknown_ref", field="ref")
    if hold.state != "pending":
        return _settled(hold)
    turn.tx.run(SQL["settle_hold"], key=c.ref, state="posted")
    turn.move(hold.outlet, hold.item, reserved=-hold.kept, sold=hold.kept)
    answer = turn.accept(c.key, told)
    turn.tell("post", c.key, hold.outlet, hold.item, hold.kept, ref=c.ref)
    return answer


def _voids(turn: Turn, c: Void) -> Answer:
    told = checksum("void", c.ref.hex(), c.keeps_quota)
    if known := turn.known(c.key, told):
        return known
    hold = turn.hold(c.ref)
    if hold is None:
        return Refusal("unknown_ref", field="ref")
    if hold.state != "pending":
        return _settled(hold)
    turn.release(hold, "voided", keeps_quota=c.keeps_quota)
    answer = turn.accept(c.key, told)
    turn.tell("void", c.key, hold.outlet, hold.item, hold.kept, ref=c.ref)
    return answer


def _leases(turn: Turn, c: Lease) -> Answer:
    until_ms = milliseconds(c.until)
    told = checksum("lease", c.outlet, c.item, c.qty, until_ms)
    if known := turn.known(c.key, told):
        return known
    if not 0 < c.qty <= RATION_STOCK or until_ms < 0:
        return bad("until" if until_ms < 0 else "qty")
    if until_ms <= turn.at_ms:
        return Refusal("expired", field="until")
    available = turn.stock(c.outlet, c.item).available
    if available < c.qty:
        return Refusal("no_stock", left=available)
    turn.move(c.outlet, c.item, available=-c.qty, leased=c.qty)
    _hold(turn, c, until_ms, person=b"", is_lease=True)
    answer = turn.accept(c.key, told)
    turn.tell("lease", c.key, c.outlet, c.item, c.qty, ref=c.key)
    return answer


def _sets_rule(turn: Turn, c: SetRule) -> Answer:
    told = checksum("rule", c.edition)
    if known := turn.known(c.key, told):
        return known
    if day_number(c.edition.since) < turn.day:
        return Refusal("in_the_past", next_from=start_of(turn.day), field="edition.from")
    try:
        check_edition(c.edition)
    except Invalid as problem:
        return bad(problem.fields[0].field)
    if len(turn.law.book.edition) >= RATION_EDITIONS:
        return bad("edition")
    turn.put_edition(c.edition)
    return turn.accept(c.key, told)


_WAYS: Final[dict[type[Command], Callable[[Turn, Any], Answer]]] = {
    Buy: _buys, Reserve: _reserves, Merge: _merges, Deliver: _delivers, Return: _returns, Correct: _corrects,
    Post: _posts, Void: _voids, Lease: _leases, SetRule: _sets_rule,
}  # fmt: skip


def _allowed(turn: Turn, c: Buy | Reserve, carrier: bytes, *, ignores_day: bool) -> Ruling | Refusal:
    """The ruling when law, quota and proxies allow the sale."""
    buyer = c.buyer
    ruling = permitted(turn.law.on(turn.day), buyer, c.item, c.channel, ignores_day=ignores_day)
    if not isinstance(ruling, Ruling):
        return refused(ruling, turn.law, turn.day, buyer, c.item, channel=c.channel)
    history = turn.history(buyer.person)
    if used(turn.law, history, buyer, ruling, turn.day) + c.qty > ruling.quantity:
        return quota_refused(turn.law, history, buyer, c.item, turn.now, qty=c.qty)
    if carrier:
        if len(carrier) != 16:
            return bad("collected_by")
        others = {row[0] for row in turn.tx.rows(SQL["brought"], day=turn.day, carrier=carrier)}
        if buyer.person not in others and len(others) >= ruling.rule.proxies:
            return Refusal("too_many_proxies", next_from=start_of(turn.day + 1))
    return ruling


def _bring(turn: Turn, carrier: bytes, person: bytes) -> None:
    if carrier:
        turn.tx.run(SQL["forget_brought"], day=turn.day)
        turn.tx.run(SQL["bring"], day=turn.day, carrier=carrier, person=person)


def _hold(turn: Turn, c: Reserve | Lease, until_ms: int, *, person: bytes, is_lease: bool) -> None:
    turn.tx.run(
        SQL["add_hold"],
        key=c.key,
        outlet=c.outlet,
        item=c.item,
        qty=c.qty,
        until=until_ms,
        is_lease=int(is_lease),
        person=person,
        day=turn.day,
        granted=turn.at_ms,
    )


def _settled(hold: Hold) -> Refusal:
    return Refusal(_SETTLED[hold.state], field="ref")


def _unfit(c: Buy | Reserve | Merge) -> Refusal | None:
    if not 0 < c.qty <= RATION_QTY or len(c.buyer.person) != 16:
        return bad("qty" if len(c.buyer.person) == 16 else "buyer.person")
    return None


def _is_named(name: str) -> bool:
    return 0 < len(name.encode()) <= RATION_NAME
