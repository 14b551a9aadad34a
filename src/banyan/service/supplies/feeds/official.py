"""The official list in the very shape of 2020, so that the programs of 2020 run unchanged: field names, their order,
BOM, CRLF, local time, only outlets that are listed now, sorted by code as the original was.

A count is what the outlet reported, promised ones included: the shape has no place for `reserved`. Other feeds have.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from typing import Final, Literal

import msgspec

from banyan.kernel.events.clock import EpochS
from banyan.service.supplies.columns import NOT_LISTED
from banyan.service.supplies.feeds.view import View
from banyan.service.supplies.hours import TAIPEI
from banyan.wire import tableschema

BOM: Final = "\ufeff"
LINE_END: Final = "\r\n"
MEDIA_TYPE: Final = "text/csv; charset=utf-8"
Of = Literal["code", "name", "address", "phone", "lon", "lat", "item", "count", "time", "note"]


class Column(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A column's name, with `{item}` for an item's title, and what it holds."""

    name: str
    of: Of


class Shape(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`row` is what one row is: an outlet with a column for each item, or one item of an outlet."""

    row: Literal["outlet", "item"]
    has_bom: bool
    columns: tuple[Column, ...]


class _Cell(msgspec.Struct, frozen=True):
    """One column as it stands in the file: its name, what it holds, of which item."""

    name: str
    of: Of
    item: int


@cache
def _shapes() -> dict[str, Shape]:
    text = files("banyan.service.supplies.feeds").joinpath("official.toml").read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(text), dict[str, Shape])


def shape_of(family: str) -> Shape:
    return _shapes().get(family, _shapes()["default"])


def items_of(view: View, family: str) -> list[int]:
    """The items of a family, or the one of that id, in the order they are offered."""
    return [place for place, item in enumerate(view.items) if family in (item.family, item.id)]


def official_csv(view: View, family: str) -> bytes:
    """The list of a family that has items (`items_of`)."""
    shape, items = shape_of(family), items_of(view, family)
    blocks = [items] if shape.row == "outlet" else [[item] for item in items]
    order = sorted(range(view.size), key=lambda row: view.places[row].code)
    lines = [",".join(quoted(cell.name) for cell in _cells(shape, view, blocks[0]))]
    for row in order:
        for block in blocks:
            if any(view.available[item][row] != NOT_LISTED for item in block):
                lines.append(",".join(_values(_cells(shape, view, block), view, row, block)))
    return ((BOM if shape.has_bom else "") + LINE_END.join([*lines, ""])).encode()


def _cells(shape: Shape, view: View, items: Sequence[int]) -> list[_Cell]:
    found = []
    for column in shape.columns:
        for item in items if column.of == "count" else items[:1]:
            found.append(_Cell(column.name.replace("{item}", view.items[item].title["zh-Hant"]), column.of, item))
    return found


def _values(cells: Sequence[_Cell], view: View, row: int, items: Sequence[int]) -> list[str]:
    return [_READ[cell.of](view, row, cell.item, items) for cell in cells]


def _count(view: View, row: int, item: int, _: Sequence[int]) -> str:
    """Empty for an item that is not listed at an outlet that is: neither zero nor known."""
    return str(int(view.count[item][row])) if view.available[item][row] != NOT_LISTED else ""


def _time(view: View, row: int, _: int, items: Sequence[int]) -> str:
    listed = [item for item in items if view.available[item][row] != NOT_LISTED]
    return local(max(EpochS(float(view.row_as_of[item][row]) or view.as_of[item]) for item in listed))


def _note(view: View, row: int, _item: int, _items: Sequence[int]) -> str:
    notice = view.notices[row]
    return quoted(notice.text if notice is not None else "")


def _degrees(value: float | None) -> str:
    return "" if value is None else repr(value)


_READ: Final[dict[Of, Callable[[View, int, int, Sequence[int]], str]]] = {
    "code": lambda view, row, _item, _items: quoted(view.places[row].code),
    "name": lambda view, row, _item, _items: quoted(view.places[row].name),
    "address": lambda view, row, _item, _items: quoted(view.places[row].address),
    "phone": lambda view, row, _item, _items: quoted(view.places[row].phone),
    "lon": lambda view, row, _item, _items: _degrees(view.places[row].lon),
    "lat": lambda view, row, _item, _items: _degrees(view.places[row].lat),
    "item": lambda view, _row, item, _items: quoted(view.items[item].title["zh-Hant"]),
    "count": _count,
    "time": _time,
    "note": _note,
}


def local(at: EpochS) -> str:
    """`2020/02/14 09:05:34`, Taiwan's time."""
    return datetime.fromtimestamp(at, UTC).astimezone(TAIPEI).strftime("%Y/%m/%d %H:%M:%S")


def quoted(text: str) -> str:
    """As RFC 4180 s2.6 asks, only where needed: the original quoted nothing, and had nothing to quote."""
    return '"' + text.replace('"', '""') + '"' if any(mark in text for mark in ',"\r\n') else text


_FIELDS: Final[dict[Of, tuple[tableschema.FieldType, str]]] = {
    "code": ("string", "10 characters of text; leading zeros and letters belong to it"),
    "name": ("string", ""),
    "address": ("string", ""),
    "phone": ("string", ""),
    "lon": ("number", "WGS84 degrees"),
    "lat": ("number", "WGS84 degrees"),
    "item": ("string", ""),
    "count": ("integer", "what the outlet reported, promised ones included; empty: this item is not listed"),
    "time": ("string", "the source's own time, Taiwan's (UTC+8): YYYY/MM/DD hh:mm:ss"),
    "note": ("string", ""),
}


def table_schema(view: View, family: str) -> bytes:
    """The file's Table Schema. An outlet that is not in the file is not listed now: neither zero nor closed."""
    shape, items = shape_of(family), items_of(view, family)
    cells = _cells(shape, view, items if shape.row == "outlet" else items[:1])
    fields = tuple(
        tableschema.Field(
            name=cell.name,
            type=_FIELDS[cell.of][0],
            description=_FIELDS[cell.of][1],
            aliases=_ALIASES.get(cell.name, ()),
            constraints=tableschema.Constraints(required=True) if cell.of in ("code", "time") else None,
        )
        for cell in cells
    )
    key = tuple(cell.name for cell in cells if cell.of in ("code", *(("item",) if shape.row == "item" else ())))
    return tableschema.Schema(fields, primaryKey=key).json()


_ALIASES: Final = {"成人口罩剩餘數": ("成人口罩總剩餘數",)}
"""Names a column had before; readers of the old one find it here."""
