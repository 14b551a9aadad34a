"""Telecoms (電信) of the demonstration nation: phones by cell and hour. Counts only, small ones withheld."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from random import Random
from typing import Annotated, Final

import msgspec

from banyan.demo.agencies.asking import called
from banyan.demo.outlets import SEED
from banyan.demo.places import TOWNS, scatter
from banyan.errors import NotFound
from banyan.kernel.catalogue import Context, Service
from banyan.kernel.catalogue.operation import OPEN
from banyan.limits import EMERGENCY_CELL_LEAST

CELLS_A_TOWN: Final = 4
HOURS: Final = 24
TELECOM: Final = Service(
    "telecom", title={"zh-Hant": "電信（示範）", "en": "Telecoms (demo)"}, package="banyan.demo.agencies"
)


class Cell(msgspec.Struct, frozen=True):
    """A cell by its number, where it stands (WGS84 degrees), and its phones by hour of the day."""

    cell: str
    town: str
    lon: float
    lat: float
    by_hour: tuple[int, ...]


class CellQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """County and town as the table names them; an hour of the day."""

    town: Annotated[str, msgspec.Meta(min_length=2, max_length=20), called("town")]
    hour: Annotated[int, msgspec.Meta(ge=0, le=23), called("hour")] = 12


class CellCount(msgspec.Struct, frozen=True):
    """`phones` null: fewer than the least that is told."""

    cell: str
    lon: float
    lat: float
    phones: int | None


class CellCounts(msgspec.Struct, frozen=True):
    town: str
    hour: int
    least: int
    cells: tuple[CellCount, ...]


@TELECOM.operation(
    "cell_counts",
    title={"zh-Hant": "基地臺人數", "en": "Phones by cell"},
    summary={
        "zh-Hant": "一個鄉鎮市區各基地臺的手機數，人數太少的不提供。",
        "en": "Phones by cell of a town; small counts are withheld.",
    },
    data=OPEN,
    audience="agency",
    purpose="171",
)
async def cell_counts(ctx: Context, request: CellQuery) -> CellCounts:
    """Raises NotFound for a town without cells."""
    found = [one for one in cells() if one.town == request.town]
    if not found:
        raise NotFound("沒有這個鄉鎮市區的基地臺。 No cells in that town.", remedy="name county and town: 臺北市大安區")
    return CellCounts(request.town, request.hour, EMERGENCY_CELL_LEAST, counted(found, request.hour))


def counted(found: Sequence[Cell], hour: int) -> tuple[CellCount, ...]:
    """Pure: the counts that may be told."""
    seen = [(one, one.by_hour[hour]) for one in found]
    return tuple(
        CellCount(one.cell, one.lon, one.lat, phones if phones >= EMERGENCY_CELL_LEAST else None)
        for one, phones in seen
    )


@lru_cache(maxsize=1)
def cells() -> tuple[Cell, ...]:
    """The table, the same for the same seed: busy by day in large towns, a few phones in the small hours."""
    random = Random(f"{SEED}-cells")  # noqa: S311 - invented data
    found: list[Cell] = []
    for town in TOWNS:
        for _ in range(CELLS_A_TOWN):
            lon, lat = scatter(random, town)
            busy = random.randint(20, 400) * town.weight
            by_hour = tuple(int(busy * _share(hour) * random.uniform(0.7, 1.3)) for hour in range(HOURS))
            name = f"466-92-{len(found) + 1:05}"
            found.append(Cell(name, f"{town.county}{town.name}", round(lon, 4), round(lat, 4), by_hour))
    return tuple(found)


def _share(hour: int) -> float:
    return 0.002 if hour < 5 else 0.4 if hour < 8 or hour > 20 else 1.0
