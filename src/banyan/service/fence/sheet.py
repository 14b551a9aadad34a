"""A list of people to be put under the fence, as immigration or a health bureau sends it: CSV with headings."""

from __future__ import annotations

import csv
import io
import re
from datetime import date
from typing import Final, Literal

import msgspec

from banyan.errors import Invalid
from banyan.kernel.identity.identifiers import normalized_person_number, person_number_kind
from banyan.limits_fence import FENCE_FIELD, FENCE_ROWS

HEADINGS: Final[dict[str, tuple[str, ...]]] = {
    "number": ("身分證號", "居留證號", "證號", "number", "person"),
    "name": ("姓名", "name"),
    "phone": ("手機", "電話", "phone", "telephone"),
    "address": ("地址", "居家檢疫地址", "address"),
    "village": ("村里代碼", "鄉鎮代碼", "village", "town"),
    "start": ("開始日", "入境日", "start"),
    "ground": ("事由", "ground"),
    "lon": ("經度", "lon"),
    "lat": ("緯度", "lat"),
}
GROUNDS: Final[dict[str, Literal["arrival", "contact", "self-health"]]] = {
    "入境": "arrival", "居家檢疫": "arrival", "arrival": "arrival", "接觸者": "contact", "居家隔離": "contact",
    "contact": "contact", "自主健康管理": "self-health", "self-health": "self-health", "": "arrival",
}  # fmt: skip
NEEDED: Final = ("number", "name", "address", "village", "start")
_VILLAGE: Final = re.compile(r"\d{8}(\d{3})?")


class Row(msgspec.Struct, frozen=True):
    """One person. `phone` is E.164, empty: has none; `village` a town's 8 digits or a village's 11."""

    number: str
    name: str
    phone: str
    address: str
    village: str
    start: date
    ground: Literal["arrival", "contact", "self-health"]
    lon: float | None = None
    lat: float | None = None
    line: int = 0
    """In the list, counting the headings as 1."""


class Fault(msgspec.Struct, frozen=True):
    """`line` counts the headings as 1; `field` is ours."""

    line: int
    field: str


def read_sheet(text: str) -> tuple[tuple[Row, ...], tuple[Fault, ...]]:
    """Rows in order, and the lines that are none. Raises Invalid when headings are missing or there are too many."""
    try:
        lines = list(csv.reader(io.StringIO(text.lstrip("\ufeff")), strict=True))
    except csv.Error as error:
        raise Invalid.at("text", f"is no CSV: {error}") from error
    if len(lines) > FENCE_ROWS + 1:
        raise Invalid.at("text", f"at most {FENCE_ROWS} people at once")
    columns = _columns(lines[0] if lines else [])
    missing = [name for name in NEEDED if name not in columns]
    if missing:
        raise Invalid.at("text", f"a column is missing: {HEADINGS[missing[0]][0]} ({missing[0]})")
    rows, faults = [], []
    for at, line in enumerate(lines[1:], 2):
        if not any(cell.strip() for cell in line):
            continue
        found = read_row({name: line[column].strip() for name, column in columns.items() if column < len(line)})
        if isinstance(found, Row):
            rows.append(msgspec.structs.replace(found, line=at))
        else:
            faults.append(Fault(at, found))
    return tuple(rows), tuple(faults)


def read_row(cells: dict[str, str]) -> Row | str:
    """A row, or the name of the first field that is wrong."""
    number = normalized_person_number(cells.get("number", ""))
    if person_number_kind(number) is None:
        return "number"
    for name in ("name", "address"):
        if not 1 <= len(cells.get(name, "")) <= FENCE_FIELD:
            return name
    phone = phone_of(cells.get("phone", ""))
    if phone is None:
        return "phone"
    if not _VILLAGE.fullmatch(cells.get("village", "")):
        return "village"
    try:
        start = date.fromisoformat(cells.get("start", ""))
    except ValueError:
        return "start"
    if cells.get("ground", "") not in GROUNDS:
        return "ground"
    place = _place(cells.get("lon", ""), cells.get("lat", ""))
    if isinstance(place, str):
        return place
    ground = GROUNDS[cells.get("ground", "")]
    return Row(number, cells["name"], phone, cells["address"], cells["village"], start, ground, *place)


def phone_of(text: str) -> str | None:
    """E.164 of a phone as people write it; empty stays empty, None: it is none."""
    bare = re.sub(r"[ ()\-]", "", text)
    if not bare:
        return ""
    if re.fullmatch(r"09\d{8}", bare):
        return f"+886{bare[1:]}"
    return bare if re.fullmatch(r"\+[1-9]\d{7,14}", bare) else None


def _place(lon: str, lat: str) -> tuple[float, float] | tuple[()] | str:
    if not lon and not lat:
        return ()
    try:
        place = float(lon), float(lat)
    except ValueError:
        return "lon"
    return place if -180 <= place[0] <= 180 and -90 <= place[1] <= 90 else "lat"


def _columns(headings: list[str]) -> dict[str, int]:
    known = {said: name for name, words in HEADINGS.items() for said in words}
    found: dict[str, int] = {}
    for at, heading in enumerate(headings):
        name = known.get(heading.strip().lower(), known.get(heading.strip()))
        if name is not None and name not in found:
            found[name] = at
    return found
