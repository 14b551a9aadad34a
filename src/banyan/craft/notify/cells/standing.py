"""How a broadcast stands, and whether one may be written. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from banyan.craft.notify.cells.model import Broadcast, CellCount, CellFailure, Stage, Status
from banyan.craft.notify.cells.naming import Bsc, share
from banyan.craft.notify.cells.state import Air, Record
from banyan.errors import Conflict, Invalid
from banyan.limits_alerts import ALERT_CELLS, CBC_REFERENCE
from banyan.wire.cbsp import Cell
from banyan.wire.cellbroadcast import PAGE_OCTETS, PAGES, Malformed


def check(broadcast: Broadcast, air: Air, *, now: float) -> None:
    """Raises Invalid (a bound, nothing to replace) or Conflict (its name is another's)."""
    for field, value, least, most in (
        ("serial", broadcast.serial, 0, 0xFFFF),
        ("message_id", broadcast.message_id, 0, 0xFFFF),
        ("dcs", broadcast.dcs, 0, 0xFF),
        ("period", broadcast.period, 1, 4095),
        ("count", broadcast.count, 0, 0xFFFF),
        ("warning_s", broadcast.warning_s, 0, 3600),
        ("reference", len(broadcast.reference), 0, CBC_REFERENCE),
    ):
        if not least <= value <= most:
            raise Invalid.at(field, f"from {least} to {most}, not {value}")
    _check_pages(broadcast)
    if broadcast.cells is not None:
        _check_cells(broadcast.cells)
    same = air.records.get((broadcast.message_id, broadcast.serial))
    if same is not None and same.broadcast != broadcast and same.is_wanted(now):
        raise Conflict(
            f"Another broadcast on the air has message identifier {broadcast.message_id} and serial number "
            f"{broadcast.serial}.",
            remedy="Give it the next update number, and name the other in `replaces`.",
        )
    if broadcast.replaces is not None and (same is None or same.broadcast != broadcast):
        old = air.records.get((broadcast.message_id, broadcast.replaces))
        if broadcast.replaces == broadcast.serial or old is None or not old.is_wanted(now):
            raise Invalid.at("replaces", f"no broadcast on the air has serial number {broadcast.replaces}")


def status(record: Record, air: Air, bscs: Sequence[Bsc], *, now: float, counts: Sequence[CellCount] = ()) -> Status:
    """What the record says, cells in the BSCs' own words."""
    on: set[str] = set()
    failed: list[CellFailure] = []
    waiting: list[str] = []
    claimed: set[str] = set()
    for bsc in bscs:
        wanted = share(record.broadcast, bsc, bscs)
        if wanted == ():
            continue
        claimed.update(wanted or ())
        leg = record.legs.get(bsc.name)
        if leg is None:
            waiting.append(bsc.name)
            continue
        on |= leg.on
        failed += [CellFailure(bsc.name, cell, cause) for cell, cause in sorted(leg.failed.items())]
        if record.killing_at is not None:
            is_waiting = not leg.is_killed
        elif wanted is None:
            is_waiting = bool(leg.again) or not (leg.is_every or leg.failed)
        else:
            is_waiting = any(cell not in leg.on and cell not in leg.failed for cell in wanted)
        if is_waiting:
            waiting.append(bsc.name)
    every = [bsc.name for bsc in bscs if (leg := record.legs.get(bsc.name)) is not None and leg.is_every]
    unreachable = tuple(cell for cell in record.broadcast.cells or () if cell not in claimed)
    # A cell that one BSC refused for not being its own, and another took, is served.
    failed = [one for one in failed if one.cell not in on]
    return Status(
        broadcast=record.broadcast,
        stage=_stage(record, on or set(every), len(failed) + len(unreachable), is_waiting=bool(waiting), now=now),
        at=record.at,
        acknowledged=tuple(sorted(on)),
        is_every_cell_of=tuple(every),
        failed=tuple(failed),
        unreachable=unreachable,
        waiting=tuple(waiting),
        counts=tuple(counts),
    )


def _stage(record: Record, on: set[str], failures: int, *, is_waiting: bool, now: float) -> Stage:
    if record.killing_at is not None:
        return Stage.KILLING if is_waiting else Stage.KILLED
    if record.replaced_by is not None:
        return Stage.REPLACED
    if not record.is_wanted(now):
        return Stage.OVER
    if is_waiting:
        return Stage.SENDING
    if failures:
        return Stage.PARTLY if on else Stage.FAILED
    return Stage.ON_AIR if on else Stage.SENDING


def _check_pages(broadcast: Broadcast) -> None:
    if broadcast.warning_type is not None:
        if broadcast.pages or not 0 <= broadcast.warning_type <= 0xFFFF:
            raise Invalid.at("warning_type", "16 bits, and a broadcast with one has no pages")
        return
    if not 1 <= len(broadcast.pages) <= PAGES:
        raise Invalid.at("pages", f"1 to {PAGES}, not {len(broadcast.pages)}")
    if any(len(page.octets) != PAGE_OCTETS or not 0 <= page.used <= PAGE_OCTETS for page in broadcast.pages):
        raise Invalid.at("pages", f"each has {PAGE_OCTETS} octets, of which `used` are text")
    if broadcast.period < len(broadcast.pages):
        raise Invalid.at("period", f"{len(broadcast.pages)} pages take so many periods of 1.883 s to send once")


def _check_cells(cells: Sequence[str]) -> None:
    if not 1 <= len(cells) <= ALERT_CELLS:
        raise Invalid.at("cells", f"1 to {ALERT_CELLS}, or none for every cell; not {len(cells)}")
    if len(set(cells)) < len(cells):
        raise Invalid.at("cells", "one is named twice")
    for cell in cells:
        try:
            Cell.of(cell)
        except Malformed as error:
            raise Invalid.at("cells", str(error)) from error
