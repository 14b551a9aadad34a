"""A sheet as hospitals keep them: pasted from Excel (tabs), CSV with commas or semicolons, with a heading or without.

Without a heading the columns are the five fields in their order: name, sex, birth date, number, condition. A line that
cannot stand is named with its number and column, never with what it says; the others stand.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Final

import msgspec

from banyan.errors import Invalid, Limit
from banyan.limits_casualties import CASUALTY_FAULTS, CASUALTY_FIELD, CASUALTY_ROWS, CASUALTY_TEXT
from banyan.service.casualties.rules import Status, born_on, number_of

FIVE: Final = ("name", "sex", "born", "number", "status")
HEADINGS: Final = {
    "name": "姓名 病患姓名 患者姓名 傷患姓名 name fullname full_name",
    "sex": "性別 sex gender",
    "born": "生日 出生日期 出生年月日 birth born birthdate birth_date dateofbirth",
    "number": "身分證字號 身分證號 身份證字號 證號 統一證號 id number idnumber id_number",
    "status": "狀況 狀態 動向 處置 status condition disposition",
    "hospital": "醫院 醫院名稱 收治醫院 hospital facility",
    "towards": "轉往 轉送醫院 轉院至 to towards transferred_to",
    "ward": "病房 床號 ward bed",
    "phone": "電話 聯絡電話 phone telephone",
    "at": "時間 到院時間 更新時間 at time updated",
}
SEXES: Final = {"男": "male", "女": "female", "m": "male", "f": "female", "male": "male", "female": "female",
    "其他": "other", "other": "other", "": ""}  # fmt: skip
STATUSES: Final[Mapping[str, Status]] = {
    "": "in-care", "in-care": "in-care", "治療中": "in-care", "留觀": "in-care", "急診": "in-care", "住院": "in-care",
    "一般病房": "in-care", "icu": "icu", "加護病房": "icu", "重症": "icu", "病危": "icu", "transferred": "transferred",
    "轉院": "transferred", "已轉院": "transferred", "discharged": "discharged", "出院": "discharged",
    "已出院": "discharged", "返家": "discharged", "dead": "dead", "死亡": "dead", "歿": "dead",
}  # fmt: skip
_BY_HEADING: Final = {word: field for field, words in HEADINGS.items() for word in words.split()}
_TAIPEI: Final = timezone(timedelta(hours=8))


class Row(msgspec.Struct, frozen=True):
    """One person as a hospital says; `at` 0: now."""

    name: str
    sex: str = ""
    born: str = ""
    number: str = ""
    status: Status = "in-care"
    hospital: str = ""
    towards: str = ""
    ward: str = ""
    phone: str = ""
    at: float = 0.0


class Fault(msgspec.Struct, frozen=True):
    """A line that does not stand (from 1, the heading counted) and the column at fault; `cell` as Excel has it (`C4`),
    empty where the sheet has no such column."""

    line: int
    field: str
    cell: str = ""


class Sheet(msgspec.Struct, frozen=True):
    rows: tuple[Row, ...]
    faults: tuple[Fault, ...]


def read_sheet(text: str, today: date) -> Sheet:
    """The rows of a pasted sheet or a file. Raises Invalid (no column of names), Limit (too many rows)."""
    if len(text) > CASUALTY_TEXT:
        raise Limit("CASUALTY_TEXT", remedy=f"Send at most {CASUALTY_TEXT} characters at once.")
    text = text.removeprefix("\ufeff")
    first = text.lstrip("\r\n").partition("\n")[0]
    mark = max("\t,;", key=first.count)
    try:
        lines = list(csv.reader(io.StringIO(text, newline=""), delimiter=mark))
    except csv.Error as error:
        raise Invalid.at("text", "a sheet of lines and columns") from error
    filled = [(number, line) for number, line in enumerate(lines, 1) if any(cell.strip() for cell in line)]
    columns: tuple[str, ...] = FIVE
    if filled and (headed := _headed(filled[0][1])):
        columns, filled = headed, filled[1:]
    if len(filled) > CASUALTY_ROWS:
        raise Limit("CASUALTY_ROWS", remedy=f"Send at most {CASUALTY_ROWS} persons at once.")
    rows: list[Row] = []
    faults: list[Fault] = []
    for number, line in filled:
        row = read_row(dict(zip(columns, (cell.strip() for cell in line), strict=False)), today)
        if isinstance(row, Row):
            rows.append(row)
        else:
            faults.append(Fault(number, row, _cell(columns, row, number)))
    return Sheet(tuple(rows), tuple(faults[:CASUALTY_FAULTS]))


def read_row(cells: Mapping[str, str], today: date) -> Row | str:
    """One person from the words of the form or a line; else the name of the field that does not stand."""
    long = next((field for field, cell in cells.items() if len(cell) > CASUALTY_FIELD), "")
    if long or not cells.get("name", "").strip():
        return long or "name"
    sex, status = SEXES.get(cells.get("sex", "").casefold()), STATUSES.get(cells.get("status", "").casefold())
    if sex is None or status is None:
        return "sex" if sex is None else "status"
    read: dict[str, Callable[[str], str | float]] = {
        "born": lambda text: born_on(text, today),
        "number": number_of,
        "at": _moment,
    }
    found: dict[str, str | float] = {}
    for field, reader in read.items():
        try:
            found[field] = reader(cells.get(field, ""))
        except ValueError:
            return field
    rest = {field: cells.get(field, "").strip() for field in ("name", "hospital", "towards", "ward", "phone")}
    return msgspec.convert({**rest, "sex": sex, "status": status, **found}, Row)


def _headed(line: list[str]) -> tuple[str, ...]:
    """The fields of a heading; empty when the line is none."""
    found = tuple(_BY_HEADING.get("".join(cell.split()).casefold(), "") for cell in line)
    return found if "name" in found else ()


def _cell(columns: tuple[str, ...], field: str, line: int) -> str:
    """Excel's name of a cell: letters count A to Z, then AA."""
    if field not in columns:
        return ""
    at, letters = columns.index(field) + 1, ""
    while at:
        at, rest = divmod(at - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return f"{letters}{line}"


def _moment(text: str) -> float:
    """Seconds; a time without a zone is Taiwan's. Raises ValueError."""
    if not text:
        return 0.0
    at = datetime.fromisoformat(text.replace("/", "-"))
    return (at if at.tzinfo else at.replace(tzinfo=_TAIPEI)).astimezone(UTC).timestamp()
