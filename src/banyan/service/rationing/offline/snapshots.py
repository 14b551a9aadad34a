"""What a terminal carries: filters of who can buy nothing now, the keys to ask them, the rules till then."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Any

import msgspec

from banyan.kernel.identity.openid.jose import encoded
from banyan.limits_rationing import OFFLINE_FILTER_BITS, OFFLINE_SNAPSHOT_S
from banyan.service.rationing.engine.days import date_of, day_of
from banyan.service.rationing.engine.rulebook import Edition, RuleBook
from banyan.service.rationing.offline import filters
from banyan.service.rationing.offline.formats import Filtered, Snapshot
from banyan.service.rationing.offline.keys import OfflineKeys, Random, wrap_keys
from banyan.service.rationing.offline.records import Terminal

Mark = tuple[bytes, int, bytes]
"""A pseudonym, the epoch of the mark, the mark."""


class Made(msgspec.Struct, frozen=True):
    """A snapshot's claims, and the filters that they name by digest."""

    claims: Snapshot
    filters: Mapping[str, bytes]


def extract(book: RuleBook, items: Sequence[str], first: int, last: int) -> RuleBook:
    """What the book says of `items` from day `first` to `last`, and of what counts with them; the rest is left out."""
    counted = {name for one in book.edition for rule in one.rule if rule.item in items for name in rule.counts}
    wanted = {*items, *counted}
    started = [one for one in book.edition if one.since <= date_of(last)]
    before = [one for one in started if one.since <= date_of(first)]
    kept = [*before[-1:], *(one for one in started if one.since > date_of(first))]
    return RuleBook(tuple(_only(one, wanted) for one in kept))


def least_to_be_served(book: RuleBook, item: str, day: int) -> int:
    """Units after which nobody may buy more of it today: the smallest ration of any age. 0: no rule sells it."""
    edition = next((one for one in reversed(book.edition) if one.since <= date_of(day)), None)
    rules = edition.rule if edition is not None else ()
    return min((rule.quantity for rule in rules if rule.item == item), default=0)


def made(
    keys: OfflineKeys,
    terminal: Terminal,
    *,
    marks: Sequence[Mark],
    spent: Mapping[str, Iterable[bytes]],
    book: RuleBook,
    now: int,
    random: Random,
) -> Made:
    """A snapshot for one terminal. `spent` names, by item, the persons who can buy nothing now. Its filters have a key
    of their own: those of two terminals, or of two days, cannot be laid over one another."""
    own, id = random(32), random(16).hex()
    built: dict[str, bytes] = {}
    for item, persons in sorted(spent.items()):
        served = set(persons)
        entries = [filters.entry(own, mark) for person, _, mark in marks if person in served]
        built[item] = filters.built(entries, filters.bits_for(len(entries), OFFLINE_FILTER_BITS))
    named = {f"mark-{epoch}": keys.marking_key(epoch) for epoch in sorted({epoch for _, epoch, _ in marks})}
    info = f"banyan quota-snapshot {id}"
    epk, wrapped = wrap_keys(terminal.agree, {"snapshot": own, **named}, info=info, random=random)
    claims = Snapshot(
        iss=keys.member,
        sub=terminal.id,
        jti=id,
        area=terminal.area,
        iat=now,
        exp=now + OFFLINE_SNAPSHOT_S,
        items=tuple(_told(item, filled) for item, filled in built.items()),
        epk=epk,
        keys=wrapped,
        book=extract(book, list(built), day_of(now), day_of(now + OFFLINE_SNAPSHOT_S)),
    )
    return Made(claims, built)


def claims_of(value: Any) -> dict[str, Any]:
    """As JSON holds it."""
    claims: dict[str, Any] = msgspec.to_builtins(value)
    return claims


def _told(item: str, filled: bytes) -> Filtered:
    share = round(filters.false_positives(filled), 5)
    return Filtered(item, len(filled) * 8, encoded(sha256(filled).digest()), share)


def _only(edition: Edition, items: set[str]) -> Edition:
    return msgspec.structs.replace(edition, rule=tuple(rule for rule in edition.rule if rule.item in items))
