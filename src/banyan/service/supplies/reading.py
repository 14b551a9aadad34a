"""Read one version of a register through the gate, whole, with its columns under the names a source knows.

The answers of open data are read by shape (`msgspec.convert(..., from_attributes=True)`): services do not import one
another's types, and a register may just as well lie at a peer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial

import msgspec

from banyan.kernel.catalogue.operation import Call
from banyan.kernel.events.clock import EpochS
from banyan.limits_supplies import SUPPLIES_REGISTER_ROWS
from banyan.service.supplies.sources import Looked

Cell = str | int | float | bool | None
PAGE_ROWS = 32_000
"""Open data's own most of one page."""


class Column(msgspec.Struct, frozen=True):
    """A column of a version. `aliases`: names it had before; `raw`: the column that keeps cells its type lost."""

    name: str
    type: str
    aliases: tuple[str, ...] = ()
    raw: str = ""


class Version(msgspec.Struct, frozen=True):
    resource_id: str
    number: int
    as_of: EpochS
    columns: tuple[Column, ...]


class Origin(msgspec.Struct, frozen=True):
    dataset: str
    resource: str
    version: int


class Page(msgspec.Struct, frozen=True):
    """What we read of an answer of `opendata.rows`."""

    origin: Origin
    records: list[list[Cell]]
    next: int | None


class Register(msgspec.Struct, frozen=True):
    """The state of a register that is served now."""

    dataset: str
    version: Version

    @property
    def looked(self) -> Looked:
        return Looked(self.version.resource_id, self.version.number, self.version.as_of)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.version.columns)

    def column(self, name: str) -> Column | None:
        """The column called `name`, now or before; a present name goes before a former one."""
        columns = self.version.columns
        found = next((column for column in columns if column.name == name), None)
        return found or next((column for column in columns if name in column.aliases), None)

    def lost(self, wanted: Sequence[str]) -> tuple[str, ...]:
        """Those of `wanted` that no column answers to."""
        return tuple(name for name in wanted if self.column(name) is None)

    def renamed(self, wanted: Sequence[str]) -> tuple[tuple[str, str], ...]:
        """(old, new) of those that are called otherwise now."""
        found = [(name, column.name) for name in wanted if (column := self.column(name)) is not None]
        return tuple((old, new) for old, new in found if old != new)


class Table(msgspec.Struct, frozen=True):
    """The rows of a register as columns of cells, in the order of its file, by present name. Where a cell did not fit
    its column's type it is the raw text. `last` is the name of the file's last column."""

    register: Register
    rows: int
    cells: dict[str, list[Cell]]
    last: str

    def column(self, name: str) -> list[Cell]:
        return self.cells[name]


async def served(call: Call, register: str) -> Register:
    """The served version of a register (a resource's id or a dataset's name). Raises NotFound, Unavailable."""
    head = await call("opendata.rows", {"register": register, "records": "lists", "limit": 0, "total": False})
    origin = msgspec.convert(head.origin, Origin, from_attributes=True)
    version = await call("opendata.version", {"resource": origin.resource, "number": origin.version})
    return Register(origin.dataset, msgspec.convert(version, Version, from_attributes=True))


async def read_table(call: Call, register: Register, wanted: Sequence[str]) -> Table:
    """Every row of the wanted columns (present names) and of the last column. Raises NotFound when the version was
    pruned meanwhile. A register of more than SUPPLIES_REGISTER_ROWS is cut there."""
    columns = [column for column in register.version.columns if column.name in wanted]
    last = register.version.columns[-1]
    if last not in columns:
        columns.append(last)
    fields = tuple(dict.fromkeys(name for column in columns for name in (column.name, column.raw) if name))
    ask = {
        "register": register.version.resource_id,
        "version": register.version.number,
        "fields": fields,
        "records": "lists",
        "limit": PAGE_ROWS,
        "total": False,
    }
    records: list[list[Cell]] = []
    after: int | None = 0
    while after is not None and len(records) < SUPPLIES_REGISTER_ROWS:
        answer = await call("opendata.rows", ask | {"after": after})
        page = await asyncio.to_thread(partial(msgspec.convert, answer, Page, from_attributes=True))
        records.extend(page.records)
        after = page.next
    return await asyncio.to_thread(_table, register, columns, fields, records)


def _table(
    register: Register, columns: Sequence[Column], fields: Sequence[str], records: Sequence[Sequence[Cell]]
) -> Table:
    by_name = {name: [row[place] for row in records] for place, name in enumerate(fields)}
    cells = {
        column.name: [
            raw if value is None else value
            for value, raw in zip(by_name[column.name], by_name[column.raw], strict=True)
        ]
        if column.raw
        else by_name[column.name]
        for column in columns
    }
    return Table(register, len(records), cells, register.version.columns[-1].name)
