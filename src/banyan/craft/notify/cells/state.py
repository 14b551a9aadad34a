"""What is on the air, as the centre knows it: events of its journal folded into records. Pure.

A record is one broadcast with a leg for each base station controller (BSC) that was asked. Everything that a restart
must know is an event: what shall be on the air, what each BSC answered, what it lost, what was taken off.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from banyan.craft.notify.cells.model import Broadcast
from banyan.limits_alerts import CBC_ENDED

Key = tuple[int, int]
"""Message identifier and serial number."""


class Written(msgspec.Struct, frozen=True, tag="w"):
    """It shall be on the air."""

    broadcast: Broadcast
    at: int


class Answered(msgspec.Struct, frozen=True, tag="a"):
    """A BSC answered: `on` have it, `failed` (cell, cause) do not; `is_every`: all that it has, but for the failed."""

    key: Key
    bsc: str
    on: tuple[str, ...] = ()
    is_every: bool = False
    failed: tuple[tuple[str, str], ...] = ()


class Lost(msgspec.Struct, frozen=True, tag="l"):
    """Cells of a BSC began anew without their messages; `cells` None: all."""

    bsc: str
    cells: tuple[str, ...] | None = None
    key: Key | None = None
    """Only this message was lost."""


class Broken(msgspec.Struct, frozen=True, tag="b"):
    """Cells of a BSC stopped broadcasting; a restart will tell when they are back."""

    bsc: str
    failed: tuple[tuple[str, str], ...]


class Killing(msgspec.Struct, frozen=True, tag="k"):
    """It shall be off the air."""

    key: Key
    at: int


class Killed(msgspec.Struct, frozen=True, tag="x"):
    """A BSC took it off the air."""

    key: Key
    bsc: str


class Met(msgspec.Struct, frozen=True, tag="m"):
    """A BSC was cleared of whatever it had from somebody else."""

    bsc: str


Event = Written | Answered | Lost | Broken | Killing | Killed | Met


class Leg(msgspec.Struct):
    """One broadcast at one BSC. `again`: cells that must be written once more although all were answered for."""

    on: set[str] = msgspec.field(default_factory=set)
    is_every: bool = False
    failed: dict[str, str] = msgspec.field(default_factory=dict)
    again: set[str] = msgspec.field(default_factory=set)
    is_killed: bool = False

    @property
    def may_be_on(self) -> bool:
        return not self.is_killed and (self.is_every or bool(self.on))


class Record(msgspec.Struct):
    """One broadcast's life."""

    broadcast: Broadcast
    at: int
    legs: dict[str, Leg] = msgspec.field(default_factory=dict)
    replaced_by: int | None = None
    killing_at: int | None = None

    @property
    def key(self) -> Key:
        return self.broadcast.message_id, self.broadcast.serial

    @property
    def over_at(self) -> float | None:
        """When the asked number of broadcasts is done; None: not before it is killed."""
        sent = self.broadcast
        return None if sent.count == 0 else self.at + sent.count * sent.period * PERIOD_S

    def is_wanted(self, now: float) -> bool:
        """Shall it be on the air?"""
        over = self.over_at
        return self.killing_at is None and self.replaced_by is None and (over is None or now < over)


PERIOD_S = 1.883
"""Seconds of one unit of a repetition period: eight multiframes of 51 (TS 48.049 s8.2.8)."""


class Air:
    """All records, in the order in which they were written."""

    def __init__(self) -> None:
        self.records: dict[Key, Record] = {}
        self.met: set[str] = set()

    def apply(self, event: Event) -> None:
        """Fold one event of the journal."""
        match event:
            case Written(broadcast=broadcast, at=at):
                self._write(broadcast, at)
            case Answered():
                self._answer(event)
            case Lost(bsc=bsc, cells=cells, key=key):
                for record in self._of(key):
                    if bsc in record.legs and record.killing_at is None:
                        _lose(record, bsc, cells)
            case Broken(bsc=bsc, failed=failed):
                for record in self._of(None):
                    leg = record.legs.get(bsc)
                    if leg is not None:
                        leg.on.difference_update(cell for cell, _ in failed)
                        leg.failed.update(failed)
            case Killing(key=key, at=at):
                self.records[key].killing_at = at
            case Killed(key=key, bsc=bsc):
                self.records[key].legs.setdefault(bsc, Leg()).is_killed = True
            case Met(bsc=bsc):
                self.met.add(bsc)

    def ended(self, now: float) -> Iterator[Record]:
        return (one for one in self.records.values() if not one.is_wanted(now))

    def forget_oldest(self, now: float) -> None:
        """Keep so many records that are over as are still told of."""
        ended = [one.key for one in self.ended(now) if not any(leg.may_be_on for leg in one.legs.values())]
        for key in ended[: max(0, len(ended) - CBC_ENDED)]:
            del self.records[key]

    def dump(self) -> bytes:
        return msgspec.msgpack.encode(_Snapshot(list(self.records.values()), sorted(self.met)))

    @classmethod
    def load(cls, snapshot: bytes) -> Air:
        held = msgspec.msgpack.decode(snapshot, type=_Snapshot)
        air = cls()
        air.records = {record.key: record for record in held.records}
        air.met = set(held.met)
        return air

    def _of(self, key: Key | None) -> Iterable[Record]:
        if key is None:
            return list(self.records.values())
        return [self.records[key]] if key in self.records else []

    def _write(self, broadcast: Broadcast, at: int) -> None:
        record = Record(broadcast, at)
        self.records.pop(record.key, None)  # one that is over gives its place to its successor
        self.records[record.key] = record
        old = self.records.get((broadcast.message_id, broadcast.replaces)) if broadcast.replaces is not None else None
        if old is not None:
            old.replaced_by = broadcast.serial

    def _answer(self, event: Answered) -> None:
        leg = self.records[event.key].legs.setdefault(event.bsc, Leg())
        leg.is_every = leg.is_every or event.is_every
        for cell in event.on:
            leg.failed.pop(cell, None)
        leg.on.update(event.on)
        leg.failed.update(event.failed)
        leg.on.difference_update(cell for cell, _ in event.failed)
        leg.again.difference_update(event.on, [cell for cell, _ in event.failed])


class _Snapshot(msgspec.Struct):
    records: list[Record]
    met: list[str]


def _lose(record: Record, bsc: str, cells: tuple[str, ...] | None) -> None:
    if cells is None:
        del record.legs[bsc]
        return
    leg = record.legs[bsc]
    leg.on.difference_update(cells)
    for cell in cells:
        leg.failed.pop(cell, None)
    if leg.is_every:
        leg.again.update(cells)


ENCODER = msgspec.msgpack.Encoder()
DECODER = msgspec.msgpack.Decoder(Event)
