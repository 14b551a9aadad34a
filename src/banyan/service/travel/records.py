"""The rows of travel history: documents and whose they are, sealed stays, looks. Nothing is decided here."""

from __future__ import annotations

from datetime import date
from typing import Final

import msgspec

from banyan.errors import NotFound
from banyan.kernel.identity.scopes import Scopes
from banyan.kernel.storage.statements import load_statements
from banyan.kernel.storage.store import SqlValue, Tx
from banyan.limits_travel import TRAVEL_LOOKS, TRAVEL_RULES
from banyan.service.travel.rules import Rule, Stay

SQL: Final = load_statements("banyan.service.travel", "travel.sql")
NOBODY: Final = bytes(32)
"""Whose stays are opened for who has none, so that both take the same steps."""
LOOKS: Final = b"looks"
"""The key of a scope by which looks are sealed."""
_encode: Final = msgspec.json.encode


class Journey(msgspec.Struct, frozen=True):
    """Sealed stays; `id` names their key."""

    id: bytes
    sealed: bytes


class Told(msgspec.Struct, frozen=True):
    """One mark of an answer, as it was given."""

    rule: str
    start: date
    end: date
    state: str


class Look(msgspec.Struct, frozen=True):
    """What a look was for and what was answered."""

    reason: str
    told: tuple[Told, ...]


def person_of(tx: Tx, paper: bytes) -> bytes | None:
    row = tx.row(SQL["person_of"], paper=paper)
    return as_bytes(row[0]) if row is not None else None


def journey_of(tx: Tx, scope: str, person: bytes) -> Journey | None:
    row = tx.row(SQL["journey"], scope=scope, person=person)
    return Journey(as_bytes(row[0]), as_bytes(row[1])) if row is not None else None


def put_journey(tx: Tx, scope: str, person: bytes, journey: Journey) -> None:
    tx.run(SQL["put_journey"], scope=scope, person=person, id=journey.id, sealed=journey.sealed)


def people_under(tx: Tx, scope: str) -> int:
    """How many people's stays are kept."""
    row = tx.row(SQL["journeys"], scope=scope)
    assert row is not None, "a count has a row"
    return max(int(str(row[0])) - 1, 0)


def rules_on(tx: Tx, day: date) -> tuple[Rule, ...]:
    rows = tx.rows(SQL["rules_on"], day=day.isoformat(), limit=TRAVEL_RULES)
    return tuple(msgspec.json.decode(as_bytes(row[0]), type=Rule) for row in rows)


def all_rules(tx: Tx) -> list[tuple[Rule, str]]:
    """Each with the agency that wrote it last, empty for what came with the programme."""
    rows = tx.rows(SQL["rules"], limit=TRAVEL_RULES)
    return [(msgspec.json.decode(as_bytes(row[0]), type=Rule), str(row[1])) for row in rows]


def rule_of(tx: Tx, id: str) -> Rule | None:
    row = tx.row(SQL["rule"], id=id)
    return msgspec.json.decode(as_bytes(row[0]), type=Rule) if row is not None else None


def put_rule(tx: Tx, rule: Rule, *, by: str, at: float) -> None:
    until = rule.until.isoformat() if rule.until is not None else ""
    tx.run(SQL["put_rule"], id=rule.id, since=rule.since.isoformat(), until=until, document=_encode(rule),
           by_agency=by, at=at)  # fmt: skip


def looks_of(tx: Tx, person: bytes) -> list[tuple[bytes, str, float, str, bytes]]:
    """(id, scope, at, agency, sealed), the newest first."""
    rows = tx.rows(SQL["looks"], person=person, limit=TRAVEL_LOOKS)
    return [(as_bytes(row[0]), str(row[1]), float(str(row[2])), str(row[3]), as_bytes(row[4])) for row in rows]


async def sealed_stays(scopes: Scopes, scope: str, id: bytes, stays: tuple[Stay, ...]) -> Journey:
    return Journey(id, await scopes.seal(scope, id, _encode(stays), context=b"journey"))


async def opened_stays(scopes: Scopes, scope: str, journey: Journey) -> tuple[Stay, ...]:
    """Raises Destroyed once the order is over."""
    plain = await scopes.open(scope, journey.id, journey.sealed, context=b"journey")
    return msgspec.json.decode(plain, type=tuple[Stay, ...])


async def sealed_look(scopes: Scopes, scope: str, id: bytes, look: Look) -> bytes:
    return await scopes.seal(scope, LOOKS, _encode(look), context=id)


async def opened_look(scopes: Scopes, scope: str, id: bytes, sealed: bytes) -> Look | None:
    """None once the order is over: that somebody looked is kept, what was answered is not."""
    try:
        return msgspec.json.decode(await scopes.open(scope, LOOKS, sealed, context=id), type=Look)
    except NotFound:
        return None


def as_bytes(value: SqlValue) -> bytes:
    assert isinstance(value, bytes), "a blob is bytes"
    return value
