"""Take one look in: judge it, settle what it says with what other registers say, commit what is news to the board."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Container

import msgspec
import numpy as np

from banyan.kernel.events.clock import EpochS
from banyan.limits_supplies import SUPPLIES_LOOKS_AGREE
from banyan.service.supplies.facts import Told, changed, promised, told_by
from banyan.service.supplies.joining import joined, notice_of
from banyan.service.supplies.judging import RELEASED, Accept, Before, Verdict, before_of, believable_rows, judge
from banyan.service.supplies.keeping import Kept
from banyan.service.supplies.looks import UNREAD, Look, doubts, last_counts, listed_on, look_of, tick_of, without
from banyan.service.supplies.model import NoticesChanged, PlacesChanged, ReservedSet
from banyan.service.supplies.reading import Table
from banyan.service.supplies.remembering import NOTHING_TOLD, Fed, Waiting
from banyan.service.supplies.sources import Looked, Reason, Role, Source, Standing

_LAYERS: tuple[Role, ...] = ("stock", "hours", "places")


class Turn(msgspec.Struct, frozen=True):
    """One look at one source: the board it may change, what is remembered, the rows."""

    now: EpochS
    kept: Kept
    fed: Fed
    source: Source
    standing: Standing
    table: Table
    accept: bool = False
    """A person said that it is true."""


class Taken(msgspec.Struct, frozen=True):
    """The look is on the board."""

    looked: Looked
    as_of: EpochS
    rows: int
    unread: int = 0
    examples: tuple[str, ...] = ()


class Hold(msgspec.Struct, frozen=True):
    """The look is not believed; `agreed` later looks said the same so far."""

    reason: Reason
    values: dict[str, str] = {}
    agreed: int = 0


async def take(turn: Turn) -> Taken | Hold:
    return await (_take_stock(turn) if turn.source.role == "stock" else _take_rows(turn))


async def _take_stock(turn: Turn) -> Taken | Hold:
    board, source, fed = turn.kept.board, turn.source, turn.fed
    tills = frozenset(turn.kept.tills)
    look = without(await asyncio.to_thread(look_of, turn.table, source, turn.now), tills)
    as_of = EpochS(max(board.as_of[board.item_of[item]] for item in look.items))
    listed = {code: counts for code, counts in listed_on(board, look.items).items() if code not in tills}
    before = Before(as_of, listed, board.row_of.keys())
    verdict = Accept() if turn.accept else await asyncio.to_thread(judge, before, look, turn.now)
    hold = _released(turn, verdict, Waiting(look.looked, look, frozenset()), lambda held: _agrees(held, look, turn))
    if hold is not None:
        return hold
    told = await asyncio.to_thread(told_by, turn.table, source, fed.told.get(source.id, NOTHING_TOLD))
    doubted = () if turn.accept else doubts(look, before.listed, remembered=fed.last_row.get(source.id, ()))
    fed.last_row[source.id] = last_counts(look)
    known = set(board.row_of)
    codes = _remember(turn, _only_whole(told, look, fed.told.get(source.id, NOTHING_TOLD), doubted))
    await _settle_places(turn, codes | _returned(turn, look))
    await turn.kept.commit(tick_of(board, look, source.id, turn.now, doubted=doubted, tills=tills))
    await _settle_words(turn, codes | (board.row_of.keys() - known))
    unread = look.unread + len(doubted)
    return Taken(look.looked, look.as_of, look.rows, unread, look.examples or doubted)


async def _take_rows(turn: Turn) -> Taken | Hold:
    """Places, hours and notices."""
    board, source, fed = turn.kept.board, turn.source, turn.fed
    before = fed.told.get(source.id, NOTHING_TOLD)
    told = await asyncio.to_thread(told_by, turn.table, source, before)
    codes = frozenset((*told.facts, *told.announced))
    known = before.facts.keys() | before.announced.keys()
    verdict = Accept() if turn.accept else believable_rows(known, codes, told.malformed, turn.table.rows)
    looked = turn.table.register.looked
    hold = _released(
        turn,
        verdict,
        Waiting(looked, None, codes),
        lambda held: isinstance(believable_rows(held.codes, codes, 0, turn.table.rows), Accept),
    )
    if hold is not None:
        return hold
    rows_before = set(board.row_of)
    news = _remember(turn, told)
    if source.role != "notices":
        await _settle_places(turn, news)
    await _settle_words(turn, news | (board.row_of.keys() - rows_before))
    return Taken(looked, looked.as_of, turn.table.rows, told.malformed)


def _released(turn: Turn, verdict: Verdict, now: Waiting, agrees: Callable[[Waiting], bool]) -> Hold | None:
    """None when the look may be shown: it was accepted, or it is the last of enough looks that say the same."""
    waiting = turn.fed.waiting
    if isinstance(verdict, Accept):
        waiting.pop(turn.source.id, None)
        return None
    if verdict.reason not in RELEASED:
        return Hold(verdict.reason, verdict.values)
    held = waiting.get(turn.source.id)
    agreed = 0
    if held is not None:
        agreed = held.agreed if held.looked == now.looked else held.agreed + 1 if agrees(held) else 0
    if agreed >= SUPPLIES_LOOKS_AGREE:
        waiting.pop(turn.source.id, None)
        return None
    waiting[turn.source.id] = msgspec.structs.replace(now, agreed=agreed)
    return Hold(verdict.reason, verdict.values, agreed)


def _agrees(held: Waiting, look: Look, turn: Turn) -> bool:
    return held.look is not None and isinstance(judge(before_of(held.look), look, turn.now), Accept)


def _only_whole(told: Told, look: Look, before: Told, doubted: Collection[str]) -> Told:
    """Names and words of the rows whose numbers were read whole; of others what was known: a row that is cut off in
    its number may be cut off in its name."""
    broken = {code for code, *counts in zip(look.codes, *look.counts, strict=True) if UNREAD in counts} | set(doubted)
    facts = {code: fact for code, fact in told.facts.items() if code not in broken}
    said = {code: one for code, one in told.announced.items() if code not in broken}
    facts |= {code: before.facts[code] for code in broken if code in before.facts}
    said |= {code: before.announced[code] for code in broken if code in before.announced}
    gone = {code: fact for code, fact in before.facts.items() if code not in facts}  # they come back in the morning
    return Told(gone | facts, said, told.malformed)


def _remember(turn: Turn, told: Told) -> set[str]:
    """Keep what the source says now; the codes of which it says something else than before."""
    before = turn.fed.told.get(turn.source.id, NOTHING_TOLD)
    turn.fed.told[turn.source.id] = told
    turn.fed.sources[turn.source.id] = turn.source
    return changed(before.facts, told.facts) | changed(before.announced, told.announced)


async def _settle_places(turn: Turn, codes: Collection[str]) -> None:
    """Join the outlets of `codes` out of all registers; commit those that are new, changed, or in no register. An
    outlet that the places register dropped stays while the stock list has it."""
    board, fed = turn.kept.board, turn.fed
    stock, hours, places = ([fed.told[one.id].facts for one in fed.of_role(role)] for role in _LAYERS)
    unplaced = [code for code in codes if not any(code in facts for facts in places)]
    gone: set[str] = set()
    if turn.source.role == "places":
        gone = {code for code in unplaced if code in board.row_of} - _listed(turn)
    outlets: list[Container[str]] = [board.row_of, *places, *stock]
    named = sorted(code for code in codes if code not in gone and any(code in known for known in outlets))
    made = await asyncio.to_thread(joined, named, [*places, *hours, *stock])
    news = tuple(
        place
        for place in made
        if (row := board.row_of.get(place.code)) is None or board.places[row] != place or board.is_gone()[row]
    )
    gone = {code for code in gone if not board.is_gone()[board.row_of[code]]}
    if news or gone:
        await turn.kept.commit(PlacesChanged(turn.now, news, tuple(sorted(gone))))


def _listed(turn: Turn) -> set[str]:
    """Codes that any stock list has now."""
    board = turn.kept.board
    return {code for one in turn.fed.of_role("stock") for code in listed_on(board, tuple(one.items))}


def _returned(turn: Turn, look: Look) -> set[str]:
    """Codes on the list again that no register had any more."""
    board = turn.kept.board
    gone = {board.places[row].code for row in np.flatnonzero(board.is_gone()).tolist()}
    return gone & set(look.codes) if gone else gone


async def _settle_words(turn: Turn, codes: Collection[str]) -> None:
    """Notices and promised numbers of `codes`, for outlets that the board has."""
    await _settle_notices(turn, sorted(code for code in codes if code in turn.kept.board.row_of))
    for source in turn.fed.of_role("notices"):
        if source.items:
            await _settle_reserved(turn, source, sorted(code for code in codes if code in turn.kept.board.row_of))


async def _settle_notices(turn: Turn, codes: Collection[str]) -> None:
    board, fed = turn.kept.board, turn.fed
    said = [fed.told[one.id].announced for role in ("notices", "stock") for one in fed.of_role(role)]
    notes = [fed.told[one.id].facts for one in fed.of_role("hours")]
    upsert, gone = [], []
    for code in codes:
        if code in turn.kept.announcers:
            continue
        note = next((facts[code].note for facts in notes if code in facts), "")
        notice = notice_of(code, [one[code] for one in said if code in one], note)
        shown = board.notices[board.row_of[code]]
        if notice is not None and notice != shown:
            upsert.append(notice)
        elif notice is None and shown is not None:
            gone.append(code)
    if upsert or gone:
        await turn.kept.commit(NoticesChanged(turn.now, tuple(upsert), tuple(gone)))


async def _settle_reserved(turn: Turn, source: Source, codes: Collection[str]) -> None:
    """What a notices register says is promised; a code it has no more promises nothing."""
    board, said = turn.kept.board, turn.fed.told[source.id].announced
    items = [board.item_of[item] for item in source.items]
    news: list[tuple[str, tuple[int, ...]]] = []
    for code in codes:
        if code in turn.kept.tills:
            continue
        shown = tuple(int(board.reserved(item)[board.row_of[code]]) for item in items)
        told = tuple(promised(said.get(code), place) for place in range(len(items)))
        whole = tuple(old if new == UNREAD else new for old, new in zip(shown, told, strict=True))
        if whole != shown:
            news.append((code, whole))
    if news:
        columns = tuple(tuple(row[place] for _, row in news) for place in range(len(items)))
        await turn.kept.commit(ReservedSet(turn.now, tuple(source.items), tuple(code for code, _ in news), columns))
