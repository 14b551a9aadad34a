"""One command after another: `decide` asks and does, `replay` does again what the log says was done."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final
from zlib import crc32

import msgspec

from banyan.service.rationing.engine import records
from banyan.service.rationing.engine.desk import Desk, bad
from banyan.service.rationing.engine.model import (
    Answer,
    Buy,
    Command,
    Correct,
    Deliver,
    Lease,
    Merge,
    Post,
    Reserve,
    Return,
    SetRule,
    Void,
)
from banyan.service.rationing.engine.rulebook import RuleBook
from banyan.service.rationing.engine.selling import UNSTOCKED, buys, merges, reserves
from banyan.service.rationing.engine.state import NO_CARRIER, State
from banyan.service.rationing.engine.stocking import (
    corrects,
    delivers,
    leases,
    posts,
    put_rule,
    returns,
    sets_rule,
    voids,
)

_WAYS: Final[dict[type[Command], Callable[[Desk, Any], Answer]]] = {
    Buy: buys, Reserve: reserves, Merge: merges, Deliver: delivers, Return: returns, Correct: corrects, Post: posts,
    Void: voids, Lease: leases, SetRule: sets_rule,
}  # fmt: skip


def decide(desk: Desk, command: Command) -> Answer:
    """The answer; what was accepted is in the desk's frame."""
    return _WAYS[type(command)](desk, command) if len(command.key) == 16 else bad("key")


def put_book(desk: Desk, book: RuleBook) -> None:
    """The editions that a new log begins with, also of days past."""
    for edition in book.edition:
        text = msgspec.json.encode(edition)
        put_rule(desk, NO_CARRIER, text, crc32(text))


def replay(state: State, frame: bytes) -> None:
    """Do again what one frame of the log did."""
    number, at_ms, found = records.read_frame(frame)
    assert number == state.keys.last + 1, f"the log goes on with {number} after {state.keys.last}"
    state.begin(at_ms)
    for kind, fields, follows in found:
        _AGAIN[kind](state, fields, follows)


def _row(state: State, fields: Any, follows: bytes) -> None:
    state.shelves.row(follows[: fields[0]].decode(), follows[fields[0] :].decode())


def _buy(state: State, fields: Any, follows: bytes) -> None:
    key, checksum, person, row, units, day, *carrier = fields
    sell = state.permit if units & UNSTOCKED else state.buy
    sell(key, checksum, person, row, units & ~UNSTOCKED, day=day)
    if carrier:
        state.bring(carrier[0], person, day)


def _reserve(state: State, fields: Any, follows: bytes) -> None:
    key, checksum, person, row, qty, day, carrier, until_ms = fields
    state.reserve(key, checksum, person, row, qty, day=day, until_ms=until_ms)
    if carrier != NO_CARRIER:
        state.bring(carrier, person, day)


def _merge(state: State, fields: Any, follows: bytes) -> None:
    key, checksum, person, row, qty, day, lease, over = fields
    state.merge(key, checksum, person, row, qty, day=day, lease=lease, over=over)


def _return(state: State, fields: Any, follows: bytes) -> None:
    key, checksum, row, qty, person, day = fields
    state.give_back(key, checksum, row, qty, person=person, day=day)


def _void(state: State, fields: Any, follows: bytes) -> None:
    key, checksum, place, keeps_quota = fields
    state.void(key, checksum, place, keeps_quota=keeps_quota)


def _lease(state: State, fields: Any, follows: bytes) -> None:
    key, checksum, row, qty, until_ms = fields
    state.lease(key, checksum, row, qty, until_ms=until_ms)


_AGAIN: Final[dict[int, Callable[[State, Any, bytes], object]]] = {
    records.ROW: _row,
    records.BUY: _buy,
    records.BROUGHT: _buy,
    records.RESERVE: _reserve,
    records.MERGE: _merge,
    records.DELIVER: lambda state, fields, _: state.deliver(*fields),
    records.RETURN: _return,
    records.CORRECT: lambda state, fields, _: state.correct(*fields),
    records.POST: lambda state, fields, _: state.post(*fields),
    records.VOID: _void,
    records.LEASE: _lease,
    records.RULE: lambda state, fields, text: state.set_rule(fields[0], fields[1], text),
    records.EXPIRE: lambda state, fields, _: state.expire(*fields),
}
