"""What a publisher may decide about a file, and what comes out: the nouns at the edge of the ingest."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec

from banyan.errors import Problem
from banyan.service.opendata.model import Column, ColumnType, Finding, Source


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Decisions that override a guess. Empty means: guess, and say so in a finding."""

    sheet: str = ""
    """Only this sheet of a workbook."""
    member: str = ""
    """Only this file of an archive."""
    encoding: str = ""
    """utf-8, cp950, big5hkscs, utf-16-le, … as Python names them."""
    delimiter: str = ""
    """One character; `\\t` for a tab."""
    header_rows: int | None = None
    """0 none, 1 names, 2 names and titles; lines above the header are found by themselves."""
    types: dict[str, ColumnType] = {}
    """By column name or header."""
    rename: dict[str, str] = {}
    """Header or name to published name."""
    key: tuple[str, ...] = ()
    geo: str = ""
    """`LON,LAT` or `X,Y` column names, one address column, or `none`."""
    crs: str = ""
    """EPSG:4326, 3826 (TWD97 TM2 zone 121), 3825 (zone 119), or 3828 (TWD67 zone 121) for the coordinates."""
    repair: tuple[str, ...] = ()
    """`leading-zeros:COLUMN` or `leading-zeros:COLUMN:WIDTH`."""


class Table(msgspec.Struct, frozen=True, omit_defaults=True):
    """One table read from a file. The Parquet file is in the work folder and belongs to the caller.

    Its columns: `_id` (1-based row number in source order), the published columns, one `NAME__raw` text column for
    each column with cells that did not fit, then `_lon _lat _county _town _geometry` as far as they were found.
    """

    name: str
    """Sheet, archive member or file stem."""
    parquet: Path
    rows: int
    columns: tuple[Column, ...]
    findings: tuple[Finding, ...]
    source: Source
    sort: tuple[str, ...] = ()
    bbox: tuple[float, float, float, float] | None = None
    geometry: str = ""
    """point, shape, towns, counties or empty: what a map can show."""
    provenance: tuple[str, ...] = ()
    """The steps from the source's bytes to this table; each `STEP name=value …`, for people and programs."""
    key: tuple[str, ...] = ()
    """Columns that name a row: unique and never empty."""
    as_of: str = ""
    """ISO 8601 with offset, when the source itself says what time the data is from."""


class Progress(msgspec.Struct, frozen=True):
    """How far an ingest is. `total` is 0 when it cannot be known."""

    phase: str
    """unpack, detect, decode, read, infer, locate or write; `done` grows within a phase, except while detecting."""
    done: int = 0
    total: int = 0
    unit: str = "bytes"
    """bytes or rows"""


class Cancelled(Problem):
    """The caller asked to stop; nothing of the work is left."""

    status = 409
    kind = "cancelled"


class Watch:
    """The caller's two callbacks: told how far we are, asked whether to stop. Cheap enough to call per block."""

    def __init__(self, progress: Callable[[Progress], None], cancelled: Callable[[], bool]) -> None:
        self._progress = progress
        self._cancelled = cancelled

    def step(self, phase: str, done: int = 0, total: int = 0, unit: str = "bytes") -> None:
        """Report, and raise Cancelled when the caller wants to stop."""
        self.check()
        self._progress(Progress(phase, done, total, unit))

    def silent(self, left: Callable[[], bool]) -> Watch:
        """For work beside: it reports nothing, and stops when the caller asks to or when `left`."""
        return Watch(lambda _: None, lambda: left() or self._cancelled())

    def check(self) -> None:
        """Raise Cancelled when the caller wants to stop."""
        if self._cancelled():
            raise Cancelled("The publish was cancelled.", remedy="Nothing was published; start again when you like.")
