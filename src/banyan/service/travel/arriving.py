"""Linking: immigration says which documents and stays are one person's, insurance which numbers are. By keyed names
only; a name is not asked for and not used, for names are written in many ways and numbers are not.

Delivered again nothing changes. A new passport, a resident number that became another, a passport's holder who got a
resident number: whoever knows two of a person's documents says so, and from then on both find the same stays.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Annotated, Final

import msgspec

from banyan.errors import Conflict, Invalid
from banyan.kernel.catalogue.operation import OPEN, Context
from banyan.kernel.identity.identifiers import is_passport, normalized_person_number, person_number_kind
from banyan.kernel.storage.store import Tx
from banyan.limits_travel import TRAVEL_BATCH, TRAVEL_PAPERS, TRAVEL_STAYS
from banyan.service.travel import records, rules
from banyan.service.travel.contests import SQL as CONTESTS
from banyan.service.travel.law import DELIVERY, FLAG, LINKING, on_duty, scope_of, under_order
from banyan.service.travel.records import NOBODY, SQL, Journey
from banyan.service.travel.rules import Stay
from banyan.service.travel.service import SERVICE
from banyan.service.travel.shelf import Shelf, both, shelf_of

Paper = Annotated[str, msgspec.Meta(min_length=5, max_length=24, title="證號 Document")]
Papers = Annotated[tuple[Paper, ...], msgspec.Meta(min_length=1, max_length=TRAVEL_PAPERS)]
RANK: Final = {"national": 0, "resident": 1, "resident-old": 2}
LAST: Final = 3
SEALED_AT_ONCE: Final = 64
TRIES: Final = 5
"""Another delivery about the same person may come between reading and writing."""


class Arrival(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A person by every document that immigration knows, and the stays that ended with an entry."""

    papers: Papers
    stays: Annotated[tuple[Stay, ...], msgspec.Meta(max_length=TRAVEL_STAYS)]


class Delivery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    arrivals: Annotated[tuple[Arrival, ...], msgspec.Meta(min_length=1, max_length=TRAVEL_BATCH)]


class Links(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Each: the numbers of one insured person, of now and before."""

    persons: Annotated[tuple[Papers, ...], msgspec.Meta(min_length=1, max_length=TRAVEL_BATCH)]


class Taken(msgspec.Struct, frozen=True):
    """How many persons were said, and how many of them were two until now."""

    persons: int
    joined: int


class _Joined(msgspec.Struct, frozen=True):
    """Whose a person's documents are from now on, and who is the same as they."""

    person: bytes
    others: tuple[bytes, ...]


@SERVICE.operation(
    "arrive", title={"zh-Hant": "提供入國資料", "en": "Deliver entries"},
    summary={
        "zh-Hant": "移民署批次提供入境者的證件與停留地；以代碼封存，命令結束即銷毀。",
        "en": "Immigration delivers documents and stays of who entered; sealed, and destroyed when the order ends.",
    },
    data=OPEN, audience="agency", effect="write", purpose="012", channels=("api",), rate="bulk",
)  # fmt: skip
async def arrive(ctx: Context, request: Delivery) -> Taken:
    """Raises Denied without an order in force, Invalid naming the place of a number that cannot be."""
    await on_duty(ctx, DELIVERY)
    scope, shelf = scope_of(await under_order(ctx, FLAG)), shelf_of(ctx.db)
    named = [_named(shelf, one.papers, at=f"arrivals.{at}") for at, one in enumerate(request.arrivals)]
    today = rules.day_of(ctx.now)
    if any(stay.until > today for one in request.arrivals for stay in one.stays):
        raise Invalid.at("arrivals.stays.until", "a day that has come")
    await _keep_nobody(ctx, shelf, scope)
    joined = 0
    for start in range(0, len(named), SEALED_AT_ONCE):
        part = list(zip(named[start : start + SEALED_AT_ONCE], request.arrivals[start:], strict=False))
        done = await ctx.db.sql.write(partial(_join_all, [papers for papers, _ in part]))
        joined += sum(len(one.others) for one in done)
        keeping = (_keep(ctx, shelf, scope, whose, one.stays) for whose, (_, one) in zip(done, part, strict=True))
        await asyncio.gather(*keeping)
    return Taken(len(named), joined)


@SERVICE.operation(
    "link", title={"zh-Hant": "提供證號對應", "en": "Say which numbers are one person's"},
    summary={
        "zh-Hant": "健保署批次提供同一人的新舊證號；以代碼保存。",
        "en": "Insurance says which numbers are one person's, of now and before; kept by keyed names.",
    },
    data=OPEN, audience="agency", effect="write", purpose="012", channels=("api",), rate="bulk",
)  # fmt: skip
async def link(ctx: Context, request: Links) -> Taken:
    """Raises Denied without an order in force."""
    await on_duty(ctx, LINKING)
    scope, shelf = scope_of(await under_order(ctx, FLAG)), shelf_of(ctx.db)
    named = [_named(shelf, one, at=f"persons.{at}") for at, one in enumerate(request.persons)]
    done = await ctx.db.sql.write(partial(_join_all, named))
    for whose in done:
        if whose.others:
            await _keep(ctx, shelf, scope, whose, ())
    return Taken(len(named), sum(len(one.others) for one in done))


class _Paper(msgspec.Struct, frozen=True):
    """A document's keyed name; `rank` 0 for a national number, of which nobody has two."""

    name: bytes
    rank: int


def _named(shelf: Shelf, papers: Papers, *, at: str) -> list[_Paper]:
    """The keyed names, the number that is kept longest first. Raises Invalid without saying the number."""
    plain = [normalized_person_number(one) for one in papers]
    for number in plain:
        if person_number_kind(number) is None and not is_passport(number):
            raise Invalid.at(f"{at}.papers", "national or resident numbers with their check digits, or P:STATE:NUMBER")
    ranked = sorted((RANK.get(person_number_kind(one) or "", LAST), one) for one in plain)
    return [_Paper(shelf.subject_of(number), rank) for rank, number in ranked]


def _join_all(persons: list[list[_Paper]], tx: Tx) -> list[_Joined]:
    return [_join(tx, papers) for papers in persons]


def _join(tx: Tx, papers: list[_Paper]) -> _Joined:
    """These documents are one person's, named by the one that is kept longest: a number outlives a passport. Raises
    Conflict when that would make one person of two with a national number each: somebody mistyped a passport."""
    first = papers[0]
    known = {one.name: records.person_of(tx, one.name) for one in papers}
    persons = {one for one in known.values() if one is not None}
    person = known[first.name] or first.name
    others = tuple(sorted(persons - {person}))
    for other in others:
        tx.run(SQL["move_papers"], person=person, other=other)
        tx.run(SQL["move_looks"], person=person, other=other)
        tx.run(CONTESTS["move"], person=person, other=other)
    for one in papers:
        if known[one.name] is None:
            tx.run(SQL["put_paper"], paper=one.name, person=person, rank=one.rank)
    row = tx.row(SQL["count_papers"], person=person)
    assert row is not None, "a count has a row"
    if int(str(row[1])) > 1:
        raise Conflict(both("two_persons"), remedy=both("two_persons_remedy"), kind="two-persons")
    if int(str(row[0])) > TRAVEL_PAPERS:
        raise Conflict(both("many_papers"), remedy=both("many_papers_remedy"), kind="many-papers")
    return _Joined(person, others)


async def _keep(ctx: Context, shelf: Shelf, scope: str, whose: _Joined, stays: tuple[Stay, ...]) -> None:
    """Add stays to a person's, with those of who turned out to be the same."""
    persons = (whose.person, *whose.others)
    for _ in range(TRIES):
        before = await ctx.db.sql.read(partial(_journeys, scope, persons))
        opened = [stay for one in before for stay in await records.opened_stays(shelf.scopes, scope, one)]
        wanted = rules.kept((*opened, *stays), rules.day_of(ctx.now))[-TRAVEL_STAYS:]
        if (len(before) == 1 and not whose.others and wanted == tuple(opened)) or (not wanted and not before):
            return
        journey = await records.sealed_stays(shelf.scopes, scope, before[0].id if before else shelf.random(16), wanted)
        if await ctx.db.sql.write(partial(_put, scope, persons, before, journey)):
            return
    raise Conflict(both("at_once"), remedy=both("at_once_remedy"), kind="at-once")


def _journeys(scope: str, persons: tuple[bytes, ...], tx: Tx) -> list[Journey]:
    kept = [records.journey_of(tx, scope, one) for one in persons]
    return [one for one in kept if one is not None]


def _put(scope: str, persons: tuple[bytes, ...], before: list[Journey], journey: Journey, tx: Tx) -> bool:
    """False when it is not as it was read."""
    if _journeys(scope, persons, tx) != before:
        return False
    for other in persons[1:]:
        tx.run(SQL["drop_journey"], scope=scope, person=other)
    records.put_journey(tx, scope, persons[0], journey)
    return True


async def _keep_nobody(ctx: Context, shelf: Shelf, scope: str) -> None:
    """Stays of nobody, opened for who has none."""
    if await ctx.db.sql.read(lambda tx: records.journey_of(tx, scope, NOBODY)) is None:
        journey = await records.sealed_stays(shelf.scopes, scope, shelf.random(16), ())
        await ctx.db.sql.write(lambda tx: records.put_journey(tx, scope, NOBODY, journey))
