"""Cells and fixes as columns: where masts stand and point, and which phone was served by which cell at what time.

A cell's place in the table (`CellTable.cell(ident)`) is what a fix holds, so that a nation's ten minutes are three
arrays. Positions are WGS84 degrees; of an operator's table the mast, of OpenCelliD the mean of measurements (its
`changeable` = 0: the mast).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from banyan.errors import Invalid
from banyan.limits_fence import AREA_POINTS, AREA_RINGS, CELL_RANGE_M

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int32]
Longs = npt.NDArray[np.int64]
Slots = npt.NDArray[np.uint32]
RADIOS: Final = ("GSM", "UMTS", "CDMA", "LTE", "NR")
SECTOR_DEG: Final = 120.0
"""A sector's opening: three make a site."""
BACK_SHARE: Final = 0.15
"""Of its reach a sector covers behind its back: 20 dB less is a factor of 10 ** (-20 / 37.6) = 0.29; half of that."""
NO_CELL: Final = -1
MICRO: Final = 1_000_000
METRES_A_DEGREE: Final = 111_195.0
"""Of a meridian on the mean sphere."""


class CellId(msgspec.Struct, frozen=True):
    """Mobile country code, network code, location or tracking area, cell (CID, ECI or NCI). Source: TS 23.003 s4, s19.

    Written `466-92-11001-2451`; the network code keeps its digits, since `01` and `001` are two networks.
    """

    mcc: str
    mnc: str
    area: int
    cell: int

    def __str__(self) -> str:
        return f"{self.mcc}-{self.mnc}-{self.area}-{self.cell}"


def parse_cell_id(text: str) -> CellId:
    """Raises Invalid naming what is wrong."""
    parts = text.split("-")
    if len(parts) != 4 or not all(part.isascii() and part.isdigit() and len(part) <= 11 for part in parts):
        raise Invalid.at("cell", "write mcc-mnc-area-cell in digits, as in 466-92-11001-2451")
    mcc, mnc, area, cell = parts
    if len(mcc) != 3 or len(mnc) not in (2, 3) or int(area) >= 1 << 24 or int(cell) >= 1 << 36:
        raise Invalid.at("cell", "mcc has 3 digits, mnc 2 or 3, area at most 24 bits, cell at most 36")
    return CellId(mcc, mnc, int(area), int(cell))


class Circle(msgspec.Struct, frozen=True):
    lon: float
    lat: float
    radius_m: float


Ring = tuple[tuple[float, float], ...]


class Polygon(msgspec.Struct, frozen=True):
    """Rings of (lon, lat), closed or not; a point is inside when it lies in an odd number of them, so that a ring in a
    ring is a hole and a ring beside it another part."""

    rings: tuple[Ring, ...]


Area = Circle | Polygon


def check_area(area: Area) -> None:
    """Raises Invalid naming the field and the fix."""
    if isinstance(area, Circle):
        if not (-180 <= area.lon <= 180 and -90 <= area.lat <= 90):
            raise Invalid.at("area", "the centre's longitude and latitude are degrees")
        if not 0 < area.radius_m <= 1_000_000:
            raise Invalid.at("area", "the radius is more than 0 and at most 1,000,000 metres")
        return
    if not area.rings or len(area.rings) > AREA_RINGS or sum(map(len, area.rings)) > AREA_POINTS:
        raise Invalid.at("area", f"write 1 to {AREA_RINGS} rings of at most {AREA_POINTS} points in all")
    for ring in area.rings:
        if len(set(ring)) < 3:
            raise Invalid.at("area", "each ring has at least three different points")
        if not all(-180 <= lon <= 180 and -90 <= lat <= 90 for lon, lat in ring):
            raise Invalid.at("area", "points are longitude, latitude in degrees")


class CellTable(msgspec.Struct, frozen=True, eq=False):
    """Columns, one entry a cell. `azimuth` is NaN where the cell looks all round or nobody knows; `site` numbers the
    masts from 0. Made by `cell_table`, which sees to their lengths and types."""

    ids: tuple[str, ...]
    lon: Floats
    lat: Floats
    site: Ints
    azimuth: Floats
    range_m: Floats
    radio: npt.NDArray[np.int8]
    places: dict[str, int]
    """The place of each id."""

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def sites(self) -> int:
        return int(self.site.max()) + 1 if len(self.ids) else 0

    def cell(self, ident: str) -> int:
        """The place of a cell, NO_CELL when the table has none of that id."""
        return self.places.get(ident, NO_CELL)

    def site_points(self) -> tuple[Floats, Floats]:
        """Longitude and latitude of each site: of its first cell."""
        _, first = np.unique(self.site, return_index=True)
        return self.lon[first], self.lat[first]

    def within(self, area: Area, *, reaching: bool = False) -> Ints:
        """Places of the cells whose mast stands in the area, in order; with `reaching` also those whose coverage (a
        sector of `range_m`) touches it. Raises Invalid for an area that is none."""
        from banyan.craft.cells.covering import cells_within

        check_area(area)
        return cells_within(self, area, reaching=reaching)


def cell_table(
    ids: Sequence[str],
    lon: npt.ArrayLike,
    lat: npt.ArrayLike,
    *,
    site: npt.ArrayLike | None = None,
    azimuth: npt.ArrayLike | None = None,
    range_m: npt.ArrayLike | None = None,
    radio: npt.ArrayLike | None = None,
) -> CellTable:
    """A table from columns. Without `site`, cells at the same place (1 m) are one; without `range_m` it is 0."""
    count = len(ids)
    east, north = np.array(lon, np.float64), np.array(lat, np.float64)
    reach = np.zeros(count) if range_m is None else np.clip(np.array(range_m, np.float64), 0.0, CELL_RANGE_M)
    looks = np.full(count, np.nan) if azimuth is None else np.array(azimuth, np.float64) % 360.0
    masts = _sites(east, north) if site is None else np.array(site, np.int32)
    kind = np.full(count, RADIOS.index("LTE"), np.int8) if radio is None else np.array(radio, np.int8)
    columns = (east, north, reach, looks, masts, kind)
    assert all(column.shape == (count,) for column in columns), "each column has an entry for each cell"
    for column in columns:
        column.setflags(write=False)
    places = {ident: place for place, ident in enumerate(ids)}
    assert len(places) == count, "an id occurs once"
    return CellTable(tuple(ids), east, north, masts, looks, reach, kind, places)


def _sites(lon: Floats, lat: Floats) -> Ints:
    """Numbers of equal places, in the order they first occur."""
    keys = np.round(lon * 1e5).astype(np.int64) * (1 << 32) + np.round(lat * 1e5).astype(np.int64)
    _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
    rank = np.empty(len(first), np.int32)
    rank[np.argsort(first, kind="stable")] = np.arange(len(first), dtype=np.int32)
    return np.asarray(rank[inverse], np.int32)


class Fixes(msgspec.Struct, frozen=True, eq=False):
    """One batch: which phone (its slot: never its number), when (seconds since 1970), served by which cell (its place
    in the table, NO_CELL where only a position is known). `lon` and `lat` are micro-degrees, or empty when no fix has
    them. Made by `fixes`."""

    phone: Slots
    at: Longs
    cell: Ints
    lon: Ints
    lat: Ints

    def __len__(self) -> int:
        return len(self.phone)

    @property
    def has_positions(self) -> bool:
        return len(self.lon) == len(self.phone) > 0

    def take(self, which: npt.NDArray[np.bool_] | npt.NDArray[np.integer]) -> Fixes:
        """Those rows, by mask or by place."""
        lon, lat = (self.lon[which], self.lat[which]) if self.has_positions else (self.lon, self.lat)
        return Fixes(self.phone[which], self.at[which], self.cell[which], lon, lat)


def fixes(
    phone: npt.ArrayLike,
    at: npt.ArrayLike,
    cell: npt.ArrayLike | None = None,
    *,
    lon: npt.ArrayLike | None = None,
    lat: npt.ArrayLike | None = None,
) -> Fixes:
    """A batch from columns of equal length."""
    slots = np.ascontiguousarray(phone, np.uint32)
    moments = np.ascontiguousarray(at, np.int64)
    cells = np.full(len(slots), NO_CELL, np.int32) if cell is None else np.ascontiguousarray(cell, np.int32)
    nothing = np.empty(0, np.int32)
    east = nothing if lon is None else np.ascontiguousarray(lon, np.int32)
    north = nothing if lat is None else np.ascontiguousarray(lat, np.int32)
    assert len(slots) == len(moments) == len(cells), "each column has an entry for each fix"
    assert len(east) == len(north), "longitude and latitude come together"
    assert len(east) in (0, len(slots)), "each fix has a position, or none has"
    return Fixes(slots, moments, cells, east, north)
