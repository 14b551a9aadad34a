"""The rows of contests: a person says that a mark is wrong. Which window is meant, and her words, are sealed."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Final, Literal

import msgspec

from banyan.errors import NotFound
from banyan.kernel.identity.scopes import Scopes
from banyan.kernel.storage.statements import load_statements
from banyan.kernel.storage.store import SqlValue, Tx
from banyan.limits_travel import TRAVEL_SHOWN
from banyan.service.travel.records import as_bytes

SQL: Final = load_statements("banyan.service.travel", "contesting.sql")
State = Literal["open", "withdrawn", "upheld"]
"""Withdrawn: the mark was wrong and is told no more. Upheld: it stands."""
KEY: Final = b"contests"


class Contest(msgspec.Struct, frozen=True):
    id: str
    scope: str
    rule: str
    at: float
    sealed: bytes
    state: State
    decided: float
    agency: str
    answer: bytes


class Words(msgspec.Struct, frozen=True):
    """What is contested (the mark's first day), and in which words."""

    start: date
    words: str


def of_person(tx: Tx, person: bytes, scope: str) -> tuple[Contest, ...]:
    return tuple(_read(row) for row in tx.rows(SQL["of_person"], person=person, scope=scope))


def all_of_person(tx: Tx, person: bytes) -> list[Contest]:
    return [_read(row) for row in tx.rows(SQL["all_of_person"], person=person, limit=TRAVEL_SHOWN)]


def waiting(tx: Tx) -> list[Contest]:
    return [_read(row) for row in tx.rows(SQL["waiting"], limit=TRAVEL_SHOWN)]


def by_id(tx: Tx, id: str) -> Contest | None:
    row = tx.row(SQL["one"], id=id)
    return _read(row) if row is not None else None


async def sealed(scopes: Scopes, scope: str, id: str, words: Words) -> bytes:
    return await scopes.seal(scope, KEY, msgspec.json.encode(words), context=id.encode())


async def opened(scopes: Scopes, one: Contest) -> Words | None:
    """None once the order is over."""
    try:
        plain = await scopes.open(one.scope, KEY, one.sealed, context=one.id.encode())
    except NotFound:
        return None
    return msgspec.json.decode(plain, type=Words)


async def answered(scopes: Scopes, one: Contest) -> str:
    """Immigration's reason; empty before the decision and once the order is over."""
    if not one.answer:
        return ""
    try:
        return (await scopes.open(one.scope, KEY, one.answer, context=f"{one.id}/answer".encode())).decode()
    except NotFound:
        return ""


async def standing(scopes: Scopes, given: Iterable[Contest]) -> tuple[set[tuple[str, date]], set[tuple[str, date]]]:
    """(withdrawn, open) as rule and first day: another stay is another mark, and flagged again."""
    withdrawn: set[tuple[str, date]] = set()
    waiting_ones: set[tuple[str, date]] = set()
    for one in given:
        words = await opened(scopes, one) if one.state != "upheld" else None
        if words is not None:
            (withdrawn if one.state == "withdrawn" else waiting_ones).add((one.rule, words.start))
    return withdrawn, waiting_ones


def _read(row: tuple[SqlValue, ...] | list[SqlValue]) -> Contest:
    id, scope, rule, at, seal, state, decided, agency, answer = row
    return Contest(
        str(id), str(scope), str(rule), float(str(at)), as_bytes(seal), msgspec.convert(state, State),
        float(str(decided)), str(agency), as_bytes(answer),
    )  # fmt: skip
