"""The real national series as looks and files, and a small pipe from a file's bytes to a board without open data."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from itertools import groupby
from zlib import crc32

import msgspec
from tests.make import NOW, shared_data
from tests.service.supplies.make import ADULT, CHILD

from banyan.kernel.events.clock import EpochS
from banyan.service.supplies.board import Board
from banyan.service.supplies.hours import TAIPEI
from banyan.service.supplies.judging import Accept, Before, Hold, Verdict, judge
from banyan.service.supplies.looks import Look, doubts, last_counts, listed_on, look_of, tick_of
from banyan.service.supplies.model import ItemsSet, StockTick
from banyan.service.supplies.reading import Column, Register, Table, Version
from banyan.service.supplies.sources import Looked, Source

HEAD = "醫事機構代碼,醫事機構名稱,醫事機構地址,醫事機構電話,成人口罩剩餘數,兒童口罩剩餘數,來源資料時間"
DAYS = ("2020-02-09", "2020-02-14", "2020-03-03")
COUNTS = ("成人口罩剩餘數", "兒童口罩剩餘數")
NHI = Source(
    id="nhi",
    register="masks",
    role="stock",
    columns={"code": "醫事機構代碼", "name": "醫事機構名稱", "address": "醫事機構地址", "as_of": "來源資料時間"},
    items=dict(zip(("mask-adult", "mask-child"), COUNTS, strict=True)),
)
Counts = dict[str, tuple[int, ...]]


class Snapshot(msgspec.Struct, frozen=True):
    """One real look: its time, and (adult, child) by code."""

    at: EpochS
    counts: Counts


@lru_cache(maxsize=3)
def series(day: str) -> tuple[Snapshot, ...]:
    text = gzip.decompress(shared_data(f"supplies/stock_series_{day}.csv.gz").read_bytes()).decode()
    found = []
    for ts, rows in groupby(csv.DictReader(io.StringIO(text)), key=lambda row: row["ts"]):
        counts: Counts = {row["id"]: (int(row["adult"]), int(row["child"])) for row in rows}
        found.append(Snapshot(EpochS(datetime.fromisoformat(ts).timestamp()), counts))
    return tuple(found)


def few(snapshot: Snapshot, every: int) -> Snapshot:
    """One of so many outlets of the nation, the same ones of every look."""
    return Snapshot(
        snapshot.at, {code: counts for code, counts in snapshot.counts.items() if crc32(code.encode()) % every == 0}
    )


def a_look(snapshot: Snapshot, version: int = 1, *, as_of: float | None = None) -> Look:
    """A look as it is read out of an undamaged file."""
    return Look(
        looked=Looked("r", version, EpochS(as_of or snapshot.at)),
        as_of=EpochS(as_of or snapshot.at),
        items=tuple(NHI.items),
        codes=tuple(snapshot.counts),
        counts=tuple(tuple(counts[place] for counts in snapshot.counts.values()) for place in range(2)),
        times=(0.0,) * len(snapshot.counts),
        rows=len(snapshot.counts),
    )


def a_file(snapshot: Snapshot, *, head: str = HEAD) -> str:
    """The official file: its columns, its names, its time in every row."""
    at = datetime.fromtimestamp(snapshot.at, TAIPEI).strftime("%Y/%m/%d %H:%M:%S")
    rows = [
        f"{code},藥局{code[-4:]},臺北市中正區重慶南路{int(code[-4:], 36)}號,(02)2{code[-7:]},{adult},{child},{at}"
        for code, (adult, child) in snapshot.counts.items()
    ]
    return "\r\n".join([head, *rows, ""])


def a_table(text: str, version: int = 1) -> Table:
    """A file as open data reads it: short rows filled up, every cell text (its typed cells only fit better)."""
    head, *rows = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""))
    whole = [(row + [""] * len(head))[: len(head)] for row in rows if row]
    register = Register("masks", Version("r", version, NOW, tuple(Column(name, "text") for name in head)))
    cells = {name: [row[place] or None for row in whole] for place, name in enumerate(head)}
    return Table(register, len(whole), {name: list(column) for name, column in cells.items()}, head[-1])


class Small:
    """A board fed from files, as feeding does it, without open data and without a drawer."""

    def __init__(self, source: Source = NHI) -> None:
        self.source = source
        self.board = Board()
        self.last: tuple[int, ...] = ()
        self._version = 0
        self.board.apply(1, ItemsSet(NOW, (ADULT, CHILD)))

    def feed(self, text: str) -> Verdict | None:
        """The verdict; None when a column is missing. An accepted look is on the board afterwards."""
        self._version += 1
        table = a_table(text, self._version)
        if table.register.lost(self.source.wanted):
            return None
        look = look_of(table, self.source, NOW)
        before = before_on(self.board, look.items)
        verdict = judge(before, look, NOW)
        if isinstance(verdict, Accept):
            doubted = doubts(look, before.listed, remembered=self.last)
            self.last = last_counts(look)
            self.apply(tick_of(self.board, look, "nhi", NOW, doubted=doubted))
        return verdict

    def apply(self, tick: StockTick) -> StockTick:
        self.board.apply(self.board.seq + 1, tick)
        return tick

    def shown(self) -> Counts:
        """What is on the list now."""
        return listed_on(self.board, tuple(self.source.items))


def before_on(board: Board, items: Sequence[str]) -> Before:
    as_of = EpochS(max(board.as_of[board.item_of[item]] for item in items))
    return Before(as_of, listed_on(board, items), board.row_of.keys())


def reason(verdict: Verdict | None) -> str:
    return "no-column" if verdict is None else verdict.reason if isinstance(verdict, Hold) else ""


def wrong(shown: Mapping[str, tuple[int, ...]], *true: Counts) -> list[str]:
    """Codes that show a number which none of the true states has for them."""
    return [code for code, counts in shown.items() if not any(counts == state.get(code) for state in true)]
