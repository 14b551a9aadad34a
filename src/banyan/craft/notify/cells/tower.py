"""A base station controller of a simulated network: its cells, what each has on the air, and what phones show. Pure.

It answers as TS 48.049 s7 asks: a cell that is broken or unknown fails alone, a message that is there already is
refused, a replacement must name what it replaces.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from banyan.craft.notify.cells.model import Shown
from banyan.craft.notify.cells.naming import Names
from banyan.craft.notify.cells.state import PERIOD_S, Key
from banyan.wire import cbsp
from banyan.wire import cellbroadcast as cb
from banyan.wire.cbsp import Cause, Cbsp, Cell, CellList, Completed, CompletedList, Discriminator, Failed, Kind


class _Held(msgspec.Struct):
    message: Cbsp
    cells: dict[str, float]
    """Since when each cell has it."""


class Tower:
    """`cells` are full ids. `broken` cells fail until they are mended; `most` messages have room in a cell."""

    def __init__(self, cells: Iterable[str], *, most: int = 15) -> None:
        self.cells = tuple(cells)
        self.broken: set[str] = set()
        self._most = most
        self._names = Names(self.cells)
        self._known = frozenset(self.cells)
        self._held: dict[Key, _Held] = {}

    def restart(self, cells: Iterable[str] | None = None) -> Cbsp:
        """Lose what `cells` (None: all) have on the air; the message that says so."""
        lost = self.cells if cells is None else tuple(cells)
        for held in self._held.values():
            for cell in lost:
                held.cells.pop(cell, None)
        self.broken.difference_update(lost)
        named = cbsp.cell_list(lost) if cells is not None else cbsp.ALL
        return Cbsp(
            kind=Kind.RESTART,
            cells=named,
            broadcast_type=cbsp.BroadcastType.CBS,
            recovery=cbsp.Recovery.LOST,
        )

    def introduce(self) -> Cbsp:
        """The first message of a connection after a start: all cells by name, nothing on the air."""
        return msgspec.structs.replace(self.restart(), cells=cbsp.cell_list(self.cells))

    def fail(self, cells: Iterable[str]) -> Cbsp:
        """Break `cells`; the message that says so."""
        gone = tuple(cells)
        self.broken.update(gone)
        for held in self._held.values():
            for cell in gone:
                held.cells.pop(cell, None)
        failures = tuple(Failed(Discriminator.CGI, Cell.of(one), Cause.NOT_OPERATIONAL) for one in gone)
        return Cbsp(kind=Kind.FAILURE, failures=failures, broadcast_type=cbsp.BroadcastType.CBS)

    def answer(self, message: Cbsp, now: float) -> Cbsp | None:
        """What it answers to a request of the centre; None when it is no request."""
        match message.kind:
            case Kind.WRITE_REPLACE:
                return self._write(message, now)
            case Kind.KILL:
                return self._kill(message, now)
            case Kind.STATUS_QUERY:
                return self._tell(message, now)
            case Kind.RESET:
                self._held.clear()
                return Cbsp(kind=Kind.RESET_COMPLETE, cells=message.cells)
            case _:
                return None

    def on_air(self, cell: str) -> list[Cbsp]:
        """What one cell sends, the oldest first."""
        found = [(held.cells[cell], held.message) for held in self._held.values() if cell in held.cells]
        return [message for _, message in sorted(found, key=lambda one: one[0])]

    def shown(self, cell: str, now: float) -> tuple[Shown, ...]:
        """What a phone that came into `cell` has on its screen, the newest first."""
        found = []
        for held in self._held.values():
            if cell in held.cells and held.cells[cell] <= now:
                found.append(_screen(held.message, cell, held.cells[cell]))
        return tuple(sorted(found, key=lambda one: -one.since))

    def _write(self, message: Cbsp, now: float) -> Cbsp:
        assert message.cells is not None, "the codec refuses a write without cells"
        asked, failed = self._asked(message.cells)
        key = (message.message_id or 0, message.new_serial or 0)
        old = self._held.get((key[0], message.old_serial)) if message.old_serial is not None else None
        held = self._held.setdefault(key, _Held(message, {}))
        counts = []
        taken = []
        for cell in asked:
            cause = self._refusal(cell, held, old if message.old_serial is not None else held, message)
            if cause is not None:
                failed.append(Failed(Discriminator.CGI, Cell.of(cell), cause))
                continue
            if old is not None:
                counts.append(Completed(Cell.of(cell), _sent(old, cell, now)))
                del old.cells[cell]
            held.cells[cell] = now
            taken.append(Cell.of(cell))
        return Cbsp(
            kind=Kind.WRITE_REPLACE_FAILURE if failed else Kind.WRITE_REPLACE_COMPLETE,
            message_id=message.message_id,
            new_serial=message.new_serial,
            old_serial=message.old_serial,
            failures=tuple(failed),
            completed=CompletedList(Discriminator.CGI, tuple(counts)) if counts else None,
            cells=CellList(Discriminator.CGI, tuple(taken)) if taken and not counts else None,
            channel=message.channel,
        )

    def _refusal(self, cell: str, held: _Held, old: _Held | None, message: Cbsp) -> Cause | None:
        if cell in self.broken:
            return Cause.NOT_OPERATIONAL
        if cell in held.cells:
            return Cause.REFERENCE_ALREADY_USED
        if message.old_serial is not None:
            return None if old is not None and cell in old.cells else Cause.REFERENCE_NOT_IDENTIFIED
        load = sum(cell in one.cells for one in self._held.values())
        return Cause.CELL_MEMORY_EXCEEDED if load >= self._most else None

    def _kill(self, message: Cbsp, now: float) -> Cbsp:
        assert message.cells is not None, "the codec refuses a kill without cells"
        asked, failed = self._asked(message.cells)
        held = self._held.get((message.message_id or 0, message.old_serial or 0))
        counts = []
        for cell in asked:
            if held is None or cell not in held.cells:
                if message.cells.by is not Discriminator.ALL:
                    failed.append(Failed(Discriminator.CGI, Cell.of(cell), Cause.REFERENCE_NOT_IDENTIFIED))
                continue
            counts.append(Completed(Cell.of(cell), _sent(held, cell, now)))
            del held.cells[cell]
        return Cbsp(
            kind=Kind.KILL_FAILURE if failed else Kind.KILL_COMPLETE,
            message_id=message.message_id,
            old_serial=message.old_serial,
            failures=tuple(failed),
            completed=CompletedList(Discriminator.CGI, tuple(counts)) if counts else None,
            channel=message.channel,
        )

    def _tell(self, message: Cbsp, now: float) -> Cbsp:
        assert message.cells is not None, "the codec refuses a query without cells"
        asked, failed = self._asked(message.cells)
        held = self._held.get((message.message_id or 0, message.old_serial or 0))
        counts = []
        for cell in asked:
            if held is None or cell not in held.cells:
                failed.append(Failed(Discriminator.CGI, Cell.of(cell), Cause.REFERENCE_NOT_IDENTIFIED))
            else:
                counts.append(Completed(Cell.of(cell), _sent(held, cell, now)))
        return Cbsp(
            kind=Kind.STATUS_QUERY_FAILURE if failed else Kind.STATUS_QUERY_COMPLETE,
            message_id=message.message_id,
            old_serial=message.old_serial,
            failures=tuple(failed),
            completed=CompletedList(Discriminator.CGI, tuple(counts)) if counts or not failed else None,
            channel=message.channel,
        )

    def _asked(self, cells: CellList) -> tuple[list[str], list[Failed]]:
        """The cells meant, and those that it has not."""
        if cells.by is Discriminator.ALL:
            return list(self.cells), []
        found: list[str] = []
        failed: list[Failed] = []
        for one in cells.cells:
            names = self._names.of(one)
            if names and names[0] in self._known:
                found += names
            else:
                failed.append(Failed(cells.by, one, Cause.CELL_NOT_VALID))
        return found, failed


def _sent(held: _Held, cell: str, now: float) -> int:
    """How often it was sent: once at once, then every period, until the asked number is reached."""
    period_s = (held.message.period or 1) * PERIOD_S
    sent = 1 + int(max(0.0, now - held.cells[cell]) / period_s)
    most = held.message.requested or 0xFFFF
    return min(sent, most, 0xFFFF)


def _screen(message: Cbsp, cell: str, since: float) -> Shown:
    identifier = message.message_id or 0
    decoded = cb.decode(message.dcs or 0, message.pages) if message.pages else cb.Decoded("")
    return Shown(
        cell=cell,
        message_id=identifier,
        serial=message.new_serial or 0,
        title_key=cb.classify(identifier).value,
        text=decoded.text,
        language=decoded.language,
        pages=len(message.pages),
        since=int(since),
    )
