"""The lake: a folder of days of pings, each sealed under its own key, that a question reads and a day's end empties.

    lake/numbers.sealed            who the slots are: number and the person's name to the ledger
    lake/2020-01-31/06.0.sealed    an hour (UTC) as Parquet; later deliveries are 06.1, 06.2, … until they are packed

A ping that comes late goes to its own hour; one that comes twice is counted once, within a delivery by the layout and
between deliveries by the kernel, which counts a phone's bucket once. Keys are not in the folder.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from banyan.craft.tracing.layout import encoded, groups_of, near_codes, pings_of, plan_of
from banyan.craft.tracing.model import HOUR_S, Fixes, Flags, Longs, Pings, Slots, hours_of
from banyan.craft.tracing.sealed import Random, SealedFile, read_sealed, write_sealed
from banyan.errors import Limit
from banyan.limits_tracing import LAKE_AHEAD_S, LAKE_DAYS, TRACE_PHONES

NUMBERS: Final = "numbers.sealed"
PERSON: Final = 32
ROW: Final = np.dtype([("number", "<u8"), ("person", f"V{PERSON}")])
Row = npt.NDArray[np.void]
KeyOf = Callable[[str], bytes]
"""The key of a day (ISO 8601), or of the numbers (""). Raises Destroyed when it is gone."""


class Taken(msgspec.Struct, frozen=True):
    """What a delivery came to. `twice` were told twice in it, `over` were older than what is kept, or from the future
    (`ahead`)."""

    rows: int
    twice: int = 0
    over: int = 0
    ahead: int = 0


class Lake:
    """Pings below `folder`. It keeps no key: `key_of` is asked each time."""

    def __init__(self, folder: Path, key_of: KeyOf, *, random: Random) -> None:
        self.folder, self._key_of, self._random = folder, key_of, random

    def days(self) -> list[str]:
        """The days that are here, in order."""
        if not self.folder.is_dir():
            return []
        return sorted(path.name for path in self.folder.iterdir() if path.is_dir())

    def hours(self) -> list[int]:
        """The epoch hours that have pings, in order."""
        found = {(day, path.name[:2]) for day in self.days() for path in (self.folder / day).glob("*.sealed")}
        return sorted(hour_of(day, int(hour)) for day, hour in found)

    def add(self, given: Fixes, *, now: float, keep_days: int = LAKE_DAYS) -> Taken:
        """Write a delivery. What is too old, or from the future, is left out and counted."""
        oldest = int(now) // 86_400 * 86_400 - min(keep_days, LAKE_DAYS) * 86_400
        is_over, is_ahead = given.at < oldest, given.at > now + LAKE_AHEAD_S
        rows = twice = 0
        for hour, pings in hours_of(given.take(np.flatnonzero(~is_over & ~is_ahead))).items():
            content, kept = encoded(pings)
            self._write(hour, content)
            rows, twice = rows + kept, twice + len(pings) - kept
        return Taken(rows, twice, int(is_over.sum()), int(is_ahead.sum()))

    def read(self, hour: int, near: Longs | None = None) -> Iterator[Pings]:
        """An hour's pings in groups; with `near` (codes of cells) only groups that reach one of them."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        for path in self._files(hour):
            key = self._key_of(path.parent.name)
            if near is not None:
                with SealedFile(path, key) as source:
                    file = pq.ParquetFile(source, pre_buffer=False)
                    plan = plan_of(file, near)
                    if not plan.is_whole:
                        yield from groups_of(file, plan.groups)
                        continue
            file = pq.ParquetFile(pa.BufferReader(read_sealed(path, key)))
            yield from groups_of(file, tuple(range(file.metadata.num_row_groups)))

    def reader(self, cases: Fixes, radius_m: float, near_s: int) -> Callable[[int], Iterator[Pings]]:
        """A reader that leaves out what no case of that hour comes near."""

        def read(hour: int) -> Iterator[Pings]:
            low, high = np.searchsorted(cases.at, (hour * HOUR_S - near_s, (hour + 1) * HOUR_S + near_s))
            return self.read(hour, near_codes(cases.take(np.arange(low, high)), radius_m))

        return read

    def pack(self, hour: int) -> int:
        """Make one file of an hour's deliveries; how many there were."""
        files = self._files(hour)
        if len(files) > 1:
            groups = list(self.read(hour))
            columns = [np.concatenate([getattr(one, name) for one in groups]) for name in Pings.__struct_fields__]
            content, _ = encoded(Pings(*columns))
            self._write(hour, content)
            for path in files:
                path.unlink()
        return len(files)

    def drop(self, day: str) -> bool:
        """Remove a day's files; False when it has none. Its key is the caller's to destroy, first."""
        path = self.folder / day
        if not path.is_dir():
            return False
        shutil.rmtree(path)
        return True

    def due(self, now: float, keep_days: int) -> list[str]:
        """The days whose time is over."""
        kept = datetime.fromtimestamp(now, UTC).date() - timedelta(days=min(keep_days, LAKE_DAYS))
        return [day for day in self.days() if date.fromisoformat(day) < kept]

    def size(self) -> int:
        """Octets on disk."""
        return sum(path.stat().st_size for path in self.folder.rglob("*.sealed"))

    def numbers(self) -> Row:
        """Who the slots are."""
        path = self.folder / NUMBERS
        return np.frombuffer(read_sealed(path, self._key_of("")), ROW) if path.exists() else np.empty(0, ROW)

    def slots_of(self, numbers: Longs, persons: Row | None = None) -> Slots:
        """The slot of each number (E.164 digits as an integer), new ones added. `persons` are their names to the
        ledger; of a number that is nobody's here (a visitor's) all zero. Whose it is may be said later."""
        new, first = np.unique(numbers, return_index=True)
        known, was_said = self.numbers(), False
        if persons is not None:
            known, was_said = _named(known, new, persons[first])
        is_new = ~np.isin(new, known["number"])
        added = np.zeros(int(is_new.sum()), ROW)
        added["number"] = new[is_new]
        if persons is not None:
            added["person"] = persons[first[is_new]]
        table = np.concatenate([known, added])
        if len(table) > TRACE_PHONES:
            raise Limit("too many phones", remedy=f"at most {TRACE_PHONES:,}: keep another lake for another region")
        if len(added) or was_said:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_sealed(self.folder / NUMBERS, table.tobytes(), self._key_of(""), random=self._random)
        order = np.argsort(table["number"], kind="stable")
        found: Slots = order[np.searchsorted(table["number"][order], numbers)].astype(np.uint32)
        return found

    def _files(self, hour: int) -> list[Path]:
        day, number = day_of(hour)
        return sorted((self.folder / day).glob(f"{number:02}.*.sealed"))

    def _write(self, hour: int, content: bytes) -> None:
        day, number = day_of(hour)
        folder = self.folder / day
        key = self._key_of(day)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        last = max((int(path.name.split(".")[1]) for path in self._files(hour)), default=-1)
        write_sealed(folder / f"{number:02}.{last + 1:04}.sealed", content, key, random=self._random)


def _named(known: Row, numbers: Longs, persons: Row) -> tuple[Row, bool]:
    """The table with the persons of those that were nobody's; whether there are any. `numbers` are sorted."""
    if not len(known) or not len(numbers):
        return known, False
    place = np.searchsorted(numbers, known["number"])
    place[place == len(numbers)] = 0
    is_new: Flags = _is_somebody(persons)[place] & ~_is_somebody(known["person"])
    said = is_new & np.isin(known["number"], numbers)
    if not said.any():
        return known, False
    after = known.copy()
    after["person"][said] = persons[place[said]]
    return after, True


def _is_somebody(persons: Row) -> Flags:
    """Whose name is not all zero."""
    found: Flags = np.frombuffer(persons.tobytes(), np.uint8).reshape(-1, PERSON).max(axis=1, initial=0) > 0
    return found


def day_of(hour: int) -> tuple[str, int]:
    """The day (ISO 8601, UTC) and the hour in it, of an epoch hour."""
    moment = datetime.fromtimestamp(hour * HOUR_S, UTC)
    return moment.date().isoformat(), moment.hour


def hour_of(day: str, hour: int) -> int:
    """The epoch hour."""
    return int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()) // HOUR_S + hour


def is_foreign(numbers: Row, *, home: int = 886) -> Flags:
    """Of each slot whether its number is of another country (`home`: the country code that is not)."""
    digits = numbers["number"].copy()
    while (large := digits >= 10 ** len(str(home))).any():
        digits[large] //= 10
    found: Flags = digits != home
    return found


__all__ = ["Lake", "Taken", "day_of", "hour_of", "is_foreign", "pings_of"]
