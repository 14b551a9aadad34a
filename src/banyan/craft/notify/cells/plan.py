"""What to ask of one base station controller for one broadcast, and what its answer means. Pure.

Source: TS 48.049 s7.2 (write-replace), s7.3 (kill), s7.5 (status query), s8.2.13 (causes).
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import msgspec

from banyan.craft.notify.cells.model import Broadcast, CellCount
from banyan.craft.notify.cells.naming import WHOLE, Bsc, Names, cause_text
from banyan.craft.notify.cells.state import PERIOD_S, Air, Answered, Event, Key, Killed, Leg, Lost, Record
from banyan.limits_alerts import CBC_BSC_CELLS
from banyan.wire import cbsp
from banyan.wire.cbsp import Cause, Cbsp, CellList, Kind

TRANSIENT = frozenset(
    {
        Cause.BSC_CAPACITY_EXCEEDED,
        Cause.CELL_MEMORY_EXCEEDED,
        Cause.BSC_MEMORY_EXCEEDED,
        Cause.NOT_OPERATIONAL,
        Cause.UNSPECIFIED,
    }
)
"""Causes that pass: such a cell is tried again."""
_NOT_THERE = (Cause.REFERENCE_NOT_IDENTIFIED, Cause.CELL_NOT_VALID)
_MOST = 0xFFFF
Cells = tuple[str, ...] | None
"""None: all of the BSC."""


class Step(msgspec.Struct, frozen=True):
    """One request. `is_last`: with its answer the message is off the air there."""

    request: Cbsp
    cells: Cells
    is_last: bool = False

    @property
    def key(self) -> Key:
        """Of the message that it is about."""
        new, old = self.request.new_serial, self.request.old_serial
        return self.request.message_id or 0, (new if new is not None else old) or 0


class Verdict(msgspec.Struct, frozen=True):
    """What an answer means: events to keep, and cells to try again after a while."""

    events: tuple[Event, ...] = ()
    again: tuple[str, ...] = ()


def steps(air: Air, record: Record, bsc: Bsc, wanted: Cells, *, now: float) -> list[Step]:
    """What is still to be asked of `bsc`: nothing when it is as it shall be. One at a time, in this order."""
    count = _count(record, bsc, now)
    return [
        Step(msgspec.structs.replace(one.request, requested=count), one.cells, one.is_last)
        if one.request.requested is not None
        else one
        for one in _steps(air, record, bsc, wanted, now)
    ]


def _count(record: Record, bsc: Bsc, now: float) -> int:
    """How often it is still to be sent: a cell that gets it late or again ends with the others."""
    over_at = record.over_at
    if over_at is None:
        return 0 if bsc.has_no_end else _MOST
    left = math.ceil((over_at - now) / (record.broadcast.period * PERIOD_S))
    return max(1, min(record.broadcast.count, left))


def _steps(air: Air, record: Record, bsc: Bsc, wanted: Cells, now: float) -> list[Step]:
    leg = record.legs.get(bsc.name) or Leg()
    if record.killing_at is not None:
        return [] if leg.is_killed else _off(air, record, bsc, leg, wanted)
    if not record.is_wanted(now):
        return []
    missing = _missing(leg, wanted)
    before = next(_before(air, record, bsc), None)
    if before is not None:
        return _in_place_of(record.broadcast, before, leg, missing, wanted)
    return [] if missing == () else [_write(record.broadcast, part) for part in _parts(missing)]


def query(record: Record, bsc: Bsc) -> Step | None:
    """Asks how often `bsc` has sent it; None when it has not got it. TS 48.049 asks so for pages, not for ETWS.

    Cells are named where they are known: asked for all, osmo-bsc 1.9 answers without a count.
    """
    leg = record.legs.get(bsc.name)
    if leg is None or not leg.may_be_on or not record.broadcast.pages:
        return None
    cells = tuple(sorted(leg.on))[:CBC_BSC_CELLS] or None
    request = Cbsp(
        kind=Kind.STATUS_QUERY,
        message_id=record.broadcast.message_id,
        old_serial=record.broadcast.serial,
        cells=_listed(cells),
        channel=cbsp.Channel.BASIC,
    )
    return Step(request, cells)


def verdict(step: Step, answer: Cbsp, bsc: Bsc) -> Verdict:
    """What the answer to a write, replace or kill means."""
    names = _names(step, bsc)
    failed = {name: one.cause for one in answer.failures for name in names.of(one.cell)}
    if answer.kind is Kind.ERROR_INDICATION:
        failed = dict.fromkeys(step.cells or (WHOLE,), Cause.UNSPECIFIED if answer.cause is None else answer.cause)
    if step.request.kind is Kind.KILL:
        stuck = tuple(name for name, cause in failed.items() if cause not in _NOT_THERE)
        if stuck:
            return Verdict(again=stuck)
        return Verdict((Killed(step.key, bsc.name) if step.is_last else Lost(bsc.name, step.cells, step.key),))
    return _written(step, answer, bsc, names, failed)


def queried(step: Step, answer: Cbsp, bsc: Bsc) -> tuple[Event, ...]:
    """Cells that do not have it any more must get it again."""
    names = _names(step, bsc)
    gone = {
        name for one in answer.failures if one.cause == Cause.REFERENCE_NOT_IDENTIFIED for name in names.of(one.cell)
    }
    if not gone:
        return ()
    return (Lost(bsc.name, None if WHOLE in gone else tuple(sorted(gone)), step.key),)


def counts(step: Step, answer: Cbsp, bsc: Bsc) -> list[CellCount]:
    """How often its cells have sent it, as they say."""
    names = _names(step, bsc)
    return [
        CellCount(bsc.name, name, one.broadcasts, one.counted is cbsp.Counted.OVERFLOW)
        for one in (answer.completed.cells if answer.completed else ())
        if one.counted is not cbsp.Counted.UNKNOWN
        for name in names.of(one.cell)
    ]


def _written(step: Step, answer: Cbsp, bsc: Bsc, names: Names, failed: dict[str, int]) -> Verdict:
    old = step.request.old_serial
    # It has this very message already: the answer to an earlier request was lost with a connection or a crash.
    on = {name for name, cause in failed.items() if cause == Cause.REFERENCE_ALREADY_USED}
    # What it does not know it cannot replace: that is written plainly next.
    unknown = {name for name, cause in failed.items() if old is not None and cause == Cause.REFERENCE_NOT_IDENTIFIED}
    refused = {name: cause for name, cause in failed.items() if name not in on and name not in unknown}
    is_complete = answer.kind is Kind.WRITE_REPLACE_COMPLETE
    named = list(answer.cells.cells) if answer.cells else []
    named += [one.cell for one in answer.completed.cells] if answer.completed else []
    on |= names.of_all(named)
    if is_complete and not named:
        on |= set(step.cells or ())
    on -= refused.keys() | unknown
    is_every = step.cells is None and not unknown and (is_complete or bool(on))
    lasting = tuple((name, cause_text(cause)) for name, cause in refused.items())
    events: list[Event] = [Answered(step.key, bsc.name, tuple(sorted(on - {WHOLE})), is_every, lasting)]
    if old is not None:
        over = None if step.cells is None else tuple(sorted(on | unknown))
        events.append(Lost(bsc.name, over, (step.key[0], old)))
    return Verdict(tuple(events), tuple(name for name, cause in refused.items() if cause in TRANSIENT))


def _names(step: Step, bsc: Bsc) -> Names:
    return Names(step.cells if step.cells is not None else bsc.cells or ())


def _missing(leg: Leg, wanted: Cells) -> Cells:
    if wanted is None:
        return tuple(sorted(leg.again)) if leg.is_every or leg.failed else None
    return tuple(cell for cell in wanted if cell not in leg.on and cell not in leg.failed)


def _before(air: Air, record: Record, bsc: Bsc) -> Iterator[tuple[Record, Leg]]:
    """What the BSC still has of the messages that this one came after, the nearest first."""
    seen = {record.key}
    while record.broadcast.replaces is not None:
        old = air.records.get((record.broadcast.message_id, record.broadcast.replaces))
        if old is None or old.replaced_by != record.broadcast.serial or old.key in seen:
            return
        leg = old.legs.get(bsc.name)
        if leg is not None and leg.may_be_on:
            yield old, leg
        seen.add(old.key)
        record = old


def _in_place_of(
    broadcast: Broadcast, before: tuple[Record, Leg], leg: Leg, missing: Cells, wanted: Cells
) -> list[Step]:
    """Cells of both are replaced, new ones written, those that are left out killed. A list cannot replace all, nor all
    a list, nor an older one than the last: then the old one is killed first."""
    old, had = before
    serial = old.broadcast.serial
    writes = [] if missing == () else [_write(broadcast, part) for part in _parts(missing)]
    if (wanted is None) != had.is_every or serial != broadcast.replaces:
        return [_kill(old.broadcast, part) for part in _parts(None if had.is_every else tuple(sorted(had.on)))] + writes
    if missing is None:
        return [_write(broadcast, None, old=serial)]
    if wanted is None:
        return [_kill(old.broadcast, None), *writes]
    both = tuple(cell for cell in missing if cell in had.on)
    gone = tuple(sorted(had.on.difference(missing, leg.failed)))
    found = [_write(broadcast, part, old=serial) for part in _parts(both)]
    found += [_write(broadcast, part) for part in _parts(tuple(cell for cell in missing if cell not in had.on))]
    return found + [_kill(old.broadcast, part) for part in _parts(gone)]


def _off(air: Air, record: Record, bsc: Bsc, leg: Leg, wanted: Cells) -> list[Step]:
    """Off the air with it, wherever it may be: also where no answer ever came, and what it came after."""
    found = [
        _kill(old.broadcast, part)
        for old, had in _before(air, record, bsc)
        for part in _parts(None if had.is_every else tuple(sorted(had.on)))
    ]
    cells = None if wanted is None or leg.is_every else tuple(sorted(leg.on.union(wanted)))
    parts = _parts(cells)
    return found + [_kill(record.broadcast, part, is_last=part is parts[-1]) for part in parts]


def _parts(cells: Cells) -> list[Cells]:
    """No request names more cells than one list holds."""
    if cells is None:
        return [None]
    return [cells[at : at + CBC_BSC_CELLS] for at in range(0, len(cells), CBC_BSC_CELLS)]


def _listed(cells: Cells) -> CellList:
    return cbsp.ALL if cells is None else cbsp.cell_list(cells)


def _write(broadcast: Broadcast, cells: Cells, *, old: int | None = None) -> Step:
    message = Cbsp(
        kind=Kind.WRITE_REPLACE,
        message_id=broadcast.message_id,
        new_serial=broadcast.serial,
        old_serial=old,
        cells=_listed(cells),
    )
    if broadcast.warning_type is not None:
        message = msgspec.structs.replace(
            message,
            is_emergency=True,
            warning_type=broadcast.warning_type,
            warning_security=bytes(50),  # TS 23.041 s9.3.25: phones ignore it
            warning_s=broadcast.warning_s,
        )
    else:
        message = msgspec.structs.replace(
            message,
            channel=cbsp.Channel.BASIC,
            category=cbsp.Category(broadcast.category),
            period=broadcast.period,
            requested=broadcast.count,
            dcs=broadcast.dcs,
            pages=broadcast.pages,
        )
    return Step(message, cells)


def _kill(broadcast: Broadcast, cells: Cells, *, is_last: bool = False) -> Step:
    message = Cbsp(
        kind=Kind.KILL,
        message_id=broadcast.message_id,
        old_serial=broadcast.serial,
        cells=_listed(cells),
        channel=cbsp.Channel.BASIC if broadcast.warning_type is None else None,
    )
    return Step(message, cells, is_last)
