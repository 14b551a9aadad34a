"""Two things with masts: who was at a place in a window (a ship's passengers at its dock), and tracing over pings that
are only a cell's number, where the bit test is the whole check.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import msgspec
import numpy as np
import numpy.typing as npt

from banyan.craft.tracing.grid import reach
from banyan.craft.tracing.model import HOUR_S, SPHERE_M, Fixes, Flags, Longs, Pings, Slots
from banyan.craft.tracing.tracing import ALL, Counts, Part, Words

Cells = npt.NDArray[np.int32]
Read = Callable[[int], Iterable[Pings]]


class Dock(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A place (WGS84 degrees) and a window (epoch seconds, the end not included)."""

    lon: float
    lat: float
    radius_m: float
    start: float
    end: float


def at_dock(dock: Dock, read: Read, is_asked: Flags) -> Slots:
    """The phones of `is_asked` (by slot: say, foreign numbers) with a ping at the dock in the window, in order."""
    found = [
        group.phone[is_asked[group.phone] & _is_there(dock, hour, group)]
        for hour in range(int(dock.start) // HOUR_S, -int(-dock.end // HOUR_S))
        for group in read(hour)
    ]
    return np.unique(np.concatenate(found)) if found else np.empty(0, np.uint32)


def ways_of(phones: Slots, read: Read, hours: Sequence[int], *, size: int) -> Fixes:
    """Where these phones were: all their pings of the hours, in the order of time, each with its phone's slot."""
    is_asked = np.zeros(size, bool)
    is_asked[phones] = True
    parts = []
    for hour in hours:
        for group in read(hour):
            own = group.take(np.flatnonzero(is_asked[group.phone]))
            parts.append(Fixes(own.phone, own.second.astype(np.int64) + hour * HOUR_S, own.lon, own.lat))
    columns = [np.concatenate([getattr(one, name) for one in parts]) for name in Fixes.__struct_fields__]
    return Fixes(*columns).take(np.argsort(columns[1], kind="stable"))


def metres(lon: npt.ArrayLike, lat: npt.ArrayLike, to_lon: float, to_lat: float) -> npt.NDArray[np.float64]:
    """Haversine, all in degrees."""
    east, north = np.radians(np.asarray(lon, np.float64)), np.radians(np.asarray(lat, np.float64))
    up, across = np.sin((north - np.radians(to_lat)) / 2), np.sin((east - np.radians(to_lon)) / 2)
    share = up * up + np.cos(north) * np.cos(np.radians(to_lat)) * across * across
    found: npt.NDArray[np.float64] = 2 * SPHERE_M * np.arcsin(np.sqrt(np.minimum(1.0, share)))
    return found


class CellPings(msgspec.Struct, frozen=True, eq=False):
    """One hour's pings as an operator that knows cells only has them: `cell` is a place in the table of cells."""

    phone: Slots
    second: npt.NDArray[np.uint16]
    cell: Cells


def cells_near(lon: npt.NDArray[np.float64], lat: npt.NDArray[np.float64], radius_m: float) -> list[Cells]:
    """For each cell of a table (degrees) those whose place lies within the radius, itself among them; 0: its own only,
    the same mast's sectors included."""
    order = np.argsort(lat, kind="stable")
    sorted_lat = lat[order]
    _, up = reach(radius_m, 0.0)
    found = []
    for place in range(len(lon)):
        low, high = np.searchsorted(sorted_lat, (lat[place] - up / 1e6, lat[place] + up / 1e6), side="left")
        near = order[low : high + 1]
        found.append(near[metres(lon[near], lat[near], lon[place], lat[place]) <= radius_m].astype(np.int32))
    return found


def trace_cells(
    hours: dict[int, CellPings],
    cases: tuple[Longs, Cells],
    near: Sequence[Cells],
    bucket_s: int,
    *,
    own: Slots,
    phones: int,
) -> list[Part]:
    """As `tracing.trace`, over cells: a phone met a case in a bucket when it was served by a cell near one that served
    a case in the same bucket. `cases` are their seconds (epoch) and cells."""
    from banyan.craft.tracing.scan import close, scan_cells

    seen: Words = np.zeros(phones, np.uint64)
    counts: Counts = np.zeros(phones, np.uint16)
    seen[own] = ALL
    at, cell = cases
    parts = []
    for hour, pings in sorted(hours.items()):
        flags = np.zeros((HOUR_S // bucket_s, len(near)), bool)
        inside = np.flatnonzero(at // HOUR_S == hour)
        for bucket, place in np.unique(np.stack([at[inside] % HOUR_S // bucket_s, cell[inside]]), axis=1).T.tolist():
            flags[bucket, near[place]] = True
        bits = np.packbits(flags.ravel(), bitorder="little")
        known = np.flatnonzero((pings.cell >= 0) & (pings.cell < len(near)))
        columns = (pings.phone[known], pings.second[known], pings.cell[known])
        met, once, buckets = (
            np.empty(len(known), np.uint32),
            np.empty(len(known), np.uint32),
            np.empty(len(known), np.uint16),
        )
        n = scan_cells(columns, bits, (len(near), bucket_s), (seen, counts), met)
        n = close(met[:n], seen, counts, once, buckets)
        parts.append(Part(once[:n].copy(), buckets[:n].copy(), len(known)))
    return parts


def _is_there(dock: Dock, hour: int, group: Pings) -> Flags:
    at = group.second.astype(np.int64) + hour * HOUR_S
    across, up = reach(dock.radius_m, abs(dock.lat) + dock.radius_m / 100_000)
    there: Flags = (at >= dock.start) & (at < dock.end)
    there &= (abs(group.lon - int(dock.lon * 1e6)) <= across + 1) & (abs(group.lat - int(dock.lat * 1e6)) <= up + 1)
    places = np.flatnonzero(there)
    there[places] = metres(group.lon[places] / 1e6, group.lat[places] / 1e6, dock.lon, dock.lat) <= dock.radius_m
    return there
