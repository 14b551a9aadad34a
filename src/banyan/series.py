"""A series of stock lists as files were published: read from a folder, written in the official shape of their day.

Two kinds of folder: `stock_series_DAY.csv.gz` (ts, id, adult, child) with `outlets.csv.gz` (names, addresses, points),
or whole lists `maskdata_*.csv[.gz]`. Shape: 健保特約機構口罩剩餘數量明細清單 (A21030000I-D50001-001): UTF-8 with BOM,
CRLF, no quoting; the adults' column was 成人口罩總剩餘數 until 10 February 2020, 成人口罩剩餘數 from the 14th.
"""

from __future__ import annotations

import csv
import gzip
import io
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta, timezone
from itertools import groupby
from pathlib import Path
from typing import Final

import msgspec

from banyan.errors import Problem
from banyan.kernel.events.clock import EpochS

TAIPEI: Final = timezone(timedelta(hours=8))
CODE: Final = "醫事機構代碼"
ADULT_UNTIL_10_FEB: Final = "成人口罩總剩餘數"
ADULT: Final = "成人口罩剩餘數"
CHILD: Final = "兒童口罩剩餘數"
SOURCE_TIME: Final = "來源資料時間"
RENAMED_ON: Final = "2020-02-14"
"""The first day of which a file with the new name is known; the last with the old one is of 10 February."""
OUTLETS_FILE: Final = "outlets.csv.gz"
_NAME: Final = re.compile(r"maskdata_(\d{8}T\d{6})\.csv(\.gz)?")
_DAY: Final = re.compile(r"stock_series_(\d{4}-\d{2}-\d{2})\.csv(\.gz)?")
Refuse = Callable[..., Problem]
"""`refuse(key, **values)`: the sentence of replaying.toml as a Problem."""


class Snapshot(msgspec.Struct, frozen=True):
    """One list: its own time, and how to write it with that time or another."""

    at: EpochS
    rows: int
    write: Callable[[EpochS], bytes]


class Outlet(msgspec.Struct, frozen=True):
    name: str = ""
    address: str = ""
    phone: str = ""


class Folder(msgspec.Struct, frozen=True):
    """What a folder holds: the snapshots in order of time, and the register of outlets where there is one."""

    snapshots: tuple[Snapshot, ...]
    outlets: Path | None


def read_folder(folder: Path, refuse: Refuse, *, day: str = "") -> Folder:
    """The series of a folder; `day` (YYYY-MM-DD) takes only one. Raises what `refuse` makes of `no_series`, `no_day` or
    `unreadable` when it holds none, or a file of it is not what its name says."""
    series = {found[1]: path for path in _files(folder) if (found := _DAY.fullmatch(path.name))}
    whole = [path for path in _files(folder) if _NAME.fullmatch(path.name)]
    if day and day not in series:
        raise refuse("no_day", day=day, days="、".join(sorted(series)) or "-")
    outlets = folder / OUTLETS_FILE
    try:
        if series:
            known = _outlets(outlets) if outlets.exists() else {}
            chosen = [series[day]] if day else [series[one] for one in sorted(series)]
            snapshots = [snapshot for path in chosen for snapshot in _of_series(path, known)]
        else:
            snapshots = [_of_file(path) for path in whole]
    except (KeyError, ValueError, OSError, EOFError) as error:
        raise refuse("unreadable", folder=folder, error=error) from error
    if not snapshots:
        raise refuse("no_series", folder=folder)
    return Folder(tuple(sorted(snapshots, key=lambda one: one.at)), outlets if outlets.exists() else None)


def stamp(at: EpochS) -> str:
    """A moment as the official list writes it: 2020/02/14 09:05:34, Taiwan's time."""
    return datetime.fromtimestamp(at, UTC).astimezone(TAIPEI).strftime("%Y/%m/%d %H:%M:%S")


def official_list(rows: Mapping[str, tuple[str, str]], outlets: Mapping[str, Outlet], at: EpochS, day: str) -> bytes:
    """A list in the official shape. `rows`: adult and child masks by code; `day` decides the column's name."""
    adult = ADULT if day >= RENAMED_ON else ADULT_UNTIL_10_FEB
    lines = [",".join((CODE, "醫事機構名稱", "醫事機構地址", "醫事機構電話", adult, CHILD, SOURCE_TIME))]
    said = stamp(at)
    for code, (adults, children) in rows.items():
        outlet = outlets.get(code, Outlet())
        lines.append(",".join((code, outlet.name, outlet.address, outlet.phone, adults, children, said)))
    return ("\r\n".join(lines) + "\r\n").encode("utf-8-sig")


def _files(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _of_series(path: Path, outlets: Mapping[str, Outlet]) -> Iterator[Snapshot]:
    with _opened(path) as file:
        for moment, group in groupby(csv.DictReader(file), key=lambda row: row["ts"]):
            rows = {row["id"]: (row["adult"], row["child"]) for row in group}
            at = EpochS(datetime.fromisoformat(moment).timestamp())
            yield Snapshot(at, len(rows), _writer(rows, outlets, moment[:10]))


def _writer(rows: Mapping[str, tuple[str, str]], outlets: Mapping[str, Outlet], day: str) -> Callable[[EpochS], bytes]:
    return lambda at: official_list(rows, outlets, at, day)


def _of_file(path: Path) -> Snapshot:
    """A whole list, its bytes as they were; another time replaces the one its rows say."""
    with _opened(path) as file:
        rows = list(csv.DictReader(file))
    said = max(row[SOURCE_TIME] for row in rows)
    at = EpochS(datetime.strptime(said, "%Y/%m/%d %H:%M:%S").replace(tzinfo=TAIPEI).timestamp())

    def write(other: EpochS) -> bytes:
        content = path.read_bytes()
        body = gzip.decompress(content) if path.suffix == ".gz" else content
        return body if other == at else body.replace(said.encode(), stamp(other).encode())

    return Snapshot(at, len(rows), write)


def _outlets(path: Path) -> dict[str, Outlet]:
    with _opened(path) as file:
        return {
            row["id"]: Outlet(*(row[name].replace(",", "，") for name in ("name", "address", "phone")))
            for row in csv.DictReader(file)
        }


def _opened(path: Path) -> io.TextIOWrapper:
    raw: gzip.GzipFile | io.BufferedReader = gzip.GzipFile(path) if path.suffix == ".gz" else path.open("rb")
    return io.TextIOWrapper(raw, encoding="utf-8-sig", newline="")
