"""The sender's transactions: claim messages, write down answers and receipts, let doubtful ones go again.

Each is a job of the store's one writer and touches nothing but its transaction, so it may be run twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from banyan.craft.notify.book import move
from banyan.craft.notify.model import OVER, Lane, State
from banyan.craft.notify.outbox import Changes
from banyan.kernel.storage.statements import load_statements
from banyan.kernel.storage.store import SqlValue, Tx
from banyan.limits_alerts import NOTIFY_TRIES
from banyan.wire.smpp.codes import MessageState

SQL: Final = load_statements("banyan.craft.notify", "sending.sql")
REFERENCES: Final = 1 << 16
_OF_RECEIPT: Final = {
    MessageState.DELIVERED: State.DELIVERED,
    MessageState.EXPIRED: State.EXPIRED,
    MessageState.DELETED: State.FAILED,
    MessageState.UNDELIVERABLE: State.FAILED,
    MessageState.REJECTED: State.FAILED,
}
Moved = Counter[tuple[int, int]]
"""(campaign, state) -> how many more."""


class Claimed(msgspec.Struct, frozen=True):
    """A message that one bind is to send now. `reference` is in its header and its user_message_reference, the same
    whenever it is sent again, so that a phone puts repeated parts together once."""

    id: int
    campaign: int
    lane: Lane
    sender: str
    to: str
    text: str
    expires: float
    tries: int

    @property
    def reference(self) -> int:
        return self.id % REFERENCES

    def __repr__(self) -> str:
        return f"Claimed(id={self.id}, lane={self.lane.name})"


class Done(msgspec.Struct, frozen=True):
    """What became of a claimed message: SENT, FAILED, EXPIRED, STOPPED, WAITING (not now), SENDING (no answer). `taken`
    are the parts that the SMSC took: (number, its id)."""

    message: Claimed
    state: State
    smsc: str
    taken: tuple[tuple[int, str], ...] = ()


class Heard(msgspec.Struct, frozen=True):
    """A receipt: the ways its id may have been answered. `message`: whose it is when its reference and number tell."""

    smsc: str
    ids: tuple[str, ...]
    state: MessageState
    message: int = 0


class Row(msgspec.Struct, frozen=True, array_like=True):
    """A waiting message."""

    id: int
    number: bytes
    wording: int
    expires: float
    tries: int


class Standing(msgspec.Struct, frozen=True, array_like=True):
    """Where a message stands."""

    campaign: int
    state: State
    answered: int
    delivered: int
    parts: int


class Noted(msgspec.Struct, frozen=True):
    """What recording did: by how many the receipts that wait for their id grew; messages whose doubt is over."""

    early: int
    settled: frozenset[int]


def claim(tx: Tx, plan: Sequence[tuple[int, int]], now: float, changes: Changes) -> dict[int, list[Row]]:
    """Claim so many of each campaign; those whose time is over are expired instead."""
    found: dict[int, list[Row]] = {}
    moved: Moved = Counter()
    for campaign, count in plan:
        rows = msgspec.convert(tx.rows(SQL["waiting"], campaign=campaign, most=count), list[Row], strict=False)
        late = [row for row in rows if 0 < row.expires <= now]
        found[campaign] = [row for row in rows if not 0 < row.expires <= now]
        tx.run_many(SQL["claim"], [{"id": row.id} for row in found[campaign]])
        tx.run_many(SQL["settle"], [_settling(row.id, State.EXPIRED, now, changes) for row in late])
        moved[campaign, State.WAITING] -= len(rows)
        moved[campaign, State.SENDING] += len(found[campaign])
        moved[campaign, State.EXPIRED] += len(late)
    _move(tx, moved)
    return found


def record(
    tx: Tx, done: Sequence[Done], heard: Sequence[Heard], now: float, changes: Changes, *, has_early: bool
) -> Noted:
    """Write down answers, then receipts. `has_early`: some receipts wait for their answers."""
    moved: Moved = Counter()
    taken: Counter[int] = Counter()
    parts: list[dict[str, SqlValue]] = []
    settled: list[dict[str, SqlValue]] = []
    for one in done:
        id, campaign, state = one.message.id, one.message.campaign, one.state
        parts += [{"smsc": one.smsc, "id": part, "message": id, "number": number} for number, part in one.taken]
        taken[campaign] += len(one.taken)
        if state == State.SENDING:
            continue  # in doubt, as it is
        if one.message.tries > 1 and _is_over(tx, id):
            continue  # sent again, and meanwhile a receipt said what became of it the first time
        if state == State.WAITING and one.message.tries >= NOTIFY_TRIES:
            state = State.FAILED
        settled.append(_settling(id, state, now, changes, answered=len(one.taken)))
        moved[campaign, State.SENDING] -= 1
        moved[campaign, state] += 1
    tx.run_many(SQL["new_part"], parts)
    tx.run_many(SQL["settle"], settled)
    early = _met(tx, parts) if has_early else []
    grown = -len(early)
    over: set[int] = set()
    for receipt in (*early, *heard):
        of, is_over = _receive(tx, receipt, now, changes, moved)
        if not of:
            grown += tx.run(SQL["new_early"], smsc=receipt.smsc, id=receipt.ids[0], state=int(receipt.state), at=now)
        elif is_over:  # while a part of it has no receipt the message may still be in doubt
            over.add(of)
    _move(tx, moved, taken)
    return Noted(grown, frozenset(over))


def release(tx: Tx, ids: Iterable[int], now: float, changes: Changes) -> set[int]:
    """Messages in doubt wait again, unless a receipt settled them meanwhile."""
    moved: Moved = Counter()
    found: set[int] = set()
    for id in ids:
        standing = _standing(tx, id)
        if standing is None or standing.state != State.SENDING:
            continue
        tx.run(SQL["settle"], **_settling(id, State.WAITING, now, changes))
        moved[standing.campaign, State.SENDING] -= 1
        moved[standing.campaign, State.WAITING] += 1
        found.add(id)
    _move(tx, moved)
    return found


def _receive(tx: Tx, heard: Heard, now: float, changes: Changes, moved: Moved) -> tuple[int, bool]:
    """The message that a receipt is of, 0 when nobody's id is known; whether all is known of it now."""
    id, part = heard.message, None
    for candidate in heard.ids:
        row = tx.row(SQL["part"], smsc=heard.smsc, id=candidate)
        if row is not None:
            id, part = int(str(row[0])), (candidate, bool(row[2]))
            break
    if not id:
        return 0, False
    standing = _standing(tx, id)
    state = _OF_RECEIPT.get(heard.state)
    if standing is None or state is None or standing.state in OVER:
        return id, standing is None or standing.state in OVER
    delivered = standing.delivered
    if state == State.DELIVERED:
        if part is not None and part[1]:
            return id, False  # the same receipt again
        if part is not None:
            tx.run(SQL["part_delivered"], smsc=heard.smsc, id=part[0])
        delivered += 1
        if delivered < standing.parts:
            state = standing.state
    tx.run(SQL["settle"], **_settling(id, state, now, changes, answered=standing.answered, delivered=delivered))
    if state != standing.state:
        moved[standing.campaign, standing.state] -= 1
        moved[standing.campaign, state] += 1
    return id, state in OVER


def _met(tx: Tx, parts: list[dict[str, SqlValue]]) -> list[Heard]:
    """Receipts that came before these answers."""
    found: list[Heard] = []
    for part in parts:
        smsc, id = str(part["smsc"]), str(part["id"])
        row = tx.row(SQL["early"], smsc=smsc, id=id)
        if row is not None:
            tx.run(SQL["drop_early"], smsc=smsc, id=id)
            found.append(Heard(smsc, (id,), MessageState(int(str(row[0])))))
    return found


def _is_over(tx: Tx, id: int) -> bool:
    standing = _standing(tx, id)
    return standing is not None and standing.state in OVER


def _standing(tx: Tx, id: int) -> Standing | None:
    row = tx.row(SQL["standing"], id=id)
    return None if row is None else msgspec.convert(row, Standing, strict=False)


def _settling(
    id: int, state: State, now: float, changes: Changes, *, answered: int = 0, delivered: int = 0
) -> dict[str, SqlValue]:
    return {
        "id": id,
        "state": int(state),
        "answered": answered,
        "delivered": delivered,
        "changed": changes.next(),
        "at": now,
    }


def _move(tx: Tx, moved: Moved, taken: Counter[int] | None = None) -> None:
    taken = taken or Counter()
    for campaign in {one for one, _ in moved} | set(taken):
        counts = {state: change for (one, state), change in moved.items() if one == campaign}
        move(tx, campaign, counts, taken[campaign])
