"""`sold_out_when` through the door: what a person is told, and that a restart tells the same."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tests.make import Node, a_node, frozen_clock
from tests.service.supplies.make import AT, EVENTS, a_tick

from banyan.kernel.events.clock import EpochS
from banyan.service.supplies.forecast.following import Forecaster, day_of, following_of, moment_of
from banyan.service.supplies.keeping import kept_of
from banyan.service.supplies.model import BoardEvent, ReservedSet, StockTick
from banyan.service.supplies.parts import SERVICE

SELLING, EMPTY, QUIET, PROMISED = "0145080011", "592202A296", "5945010003", "5901010004"
MINUTE = 60.0


def a_morning(steps: int = 12) -> list[BoardEvent]:
    """Ten minutes apart: the first outlet sells ten each time, of the others nothing moves."""
    ticks = [
        a_tick([(SELLING, 200 - 10 * step, 50)], at=AT + 10 * MINUTE * step, reserved=(0,))
        for step in range(1, steps + 1)
    ]
    return [*EVENTS, *ticks]


def told(folder: Path, events: Sequence[BoardEvent], codes: Sequence[str], *, item: str = "mask-adult") -> list[Any]:
    """The answers for outlets after the events."""

    async def run() -> list[Any]:
        async with a_node(folder, [SERVICE], clock=frozen_clock(AT + 4 * 3_600)) as node:
            for event in events:
                await kept_of(node.drawers["supplies"]).commit(event)
            return [await ask(node, code, item) for code in codes]

    return asyncio.run(run())


async def ask(node: Node, code: str, item: str = "mask-adult") -> Any:
    answer = await node.client.get(f"/api/supplies/sold_out_when/{code}?item={item}")
    assert answer.status == 200, answer.text
    return answer.json


def test_each_outlet_is_told_in_its_own_words(tmp_path: Path) -> None:
    gone = a_tick([], at=AT + 150 * MINUTE, gone=[PROMISED])
    selling, empty, quiet, promised = told(tmp_path, a_morning(), [SELLING, EMPTY, QUIET, PROMISED])
    assert selling["state"] == "selling"
    assert 50 < selling["per_hour"] < 70, "ten in ten minutes"
    assert selling["earliest"] <= selling["expected"] if selling["expected"] else selling["earliest"]
    assert 0 < selling["chance_today"] <= 100
    assert selling["sold_today"] == 120
    assert "14 February 2020" in selling["text"]["en"], "the error of the shipped curve, as today has none yet"
    assert empty["state"] == "sold_out"
    assert empty["since"] == "", "it stood at zero when it was first seen"
    assert "都沒有" in empty["text"]["zh-Hant"]
    assert quiet["state"] == "not_selling"
    assert (quiet["earliest"], quiet["chance_today"]) == ("", None)
    assert promised["state"] == "promised"
    (vanished,) = told(tmp_path / "gone", [*a_morning(), gone], [PROMISED])
    assert vanished["state"] == "not_listed"
    assert vanished["available"] is None
    assert "不在名單上" in vanished["text"]["zh-Hant"]


def test_a_delivery_is_seen_and_a_remnant_is_as_good_as_nothing(tmp_path: Path) -> None:
    delivery = a_tick([(SELLING, 290, 50), (QUIET, 3, 0)], at=AT + 130 * MINUTE, reserved=(0, 0))
    selling, remnant = told(tmp_path, [*a_morning(), delivery], [SELLING, QUIET])
    assert selling["delivered"] == "2020-02-14T03:15:34Z"
    assert "A delivery was seen at 11:15." in selling["text"]["en"]
    assert remnant["state"] == "remnant"
    assert remnant["text"]["en"].startswith("Only 3 pieces left")


def test_plates_handed_out_are_taken_as_taken(tmp_path: Path) -> None:
    """What is promised cannot be got any more: handing out plates is what sells an outlet out."""
    plates = [
        ReservedSet(EpochS(AT + step * 600), ("mask-adult",), (SELLING,), ((20 * step,),)) for step in range(1, 10)
    ]
    ticks = [a_tick([(EMPTY, 0, 12)], at=AT + step * 600) for step in range(1, 10)]
    events = [event for pair in zip(ticks, plates, strict=True) for event in pair]
    (selling,) = told(tmp_path, [*EVENTS, *events], [SELLING])
    assert selling["available"] == 20
    assert selling["sold_today"] == 180


def test_an_unknown_code_or_item_is_refused_with_the_way_out(tmp_path: Path) -> None:
    async def run() -> list[int]:
        async with a_node(tmp_path, [SERVICE]) as node:
            for event in EVENTS:
                await kept_of(node.drawers["supplies"]).commit(event)
            asked = ("0000000000", f"{SELLING}?item=gold")
            return [(await node.client.get(f"/api/supplies/sold_out_when/{code}")).status for code in asked]

    assert asyncio.run(run()) == [404, 404]


def test_a_restart_tells_the_same(tmp_path: Path) -> None:
    async def run() -> tuple[Any, Any]:
        clock = frozen_clock(AT + 4 * 3_600)
        old = moment_of(day_of(AT)[0], 0) - 3_600
        yesterday = a_tick([(SELLING, 900, 0)], at=old)
        async with a_node(tmp_path, [SERVICE], clock=clock) as node:
            for event in [*EVENTS[:3], yesterday, *a_morning()[3:]]:
                await kept_of(node.drawers["supplies"]).commit(event)
            before = await ask(node, SELLING)
        async with a_node(tmp_path, [SERVICE], clock=clock) as node:
            return before, await ask(node, SELLING)

    before, after = asyncio.run(run())
    assert after == before
    assert after["sold_today"] == 120, "yesterday's 900 are not sold today"


class CountedColumn(np.ndarray[Any, Any]):
    """A column that counts the elements NumPy reads or writes of it and of whatever is made from it."""

    touched = 0

    def __getitem__(self, key: Any) -> Any:
        found = super().__getitem__(key)
        CountedColumn.touched += size_of(found)
        return found

    def __setitem__(self, key: Any, value: Any) -> None:
        CountedColumn.touched += size_of(as_plain(self)[key])
        super().__setitem__(key, value)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        CountedColumn.touched += max(map(size_of, inputs))
        if "out" in options:
            options["out"] = tuple(map(as_plain, options["out"]))
        return as_counted(getattr(ufunc, method)(*map(as_plain, inputs), **options))

    def __array_function__(self, function: Any, types: Any, arguments: Any, options: Any) -> Any:
        CountedColumn.touched += max(map(size_of, arguments))
        return as_counted(function(*map(as_plain, arguments), **options))


def as_plain(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return [as_plain(one) for one in value]
    return value.view(np.ndarray) if isinstance(value, CountedColumn) else value


def size_of(value: Any) -> int:
    return sum(map(size_of, value)) if isinstance(value, tuple | list) else int(np.size(as_plain(value)))


def as_counted(value: Any) -> Any:
    return value.view(CountedColumn) if type(value) is np.ndarray else value


def test_a_tick_costs_what_it_changes_not_what_there_is(tmp_path: Path) -> None:
    """A million outlets, 2,000 of them changed: less is touched than by one pass over one column."""

    async def run() -> int:
        async with a_node(tmp_path, [SERVICE]) as node:
            db = node.drawers["supplies"]
            for event in EVENTS:
                await kept_of(db).commit(event)
            forecaster = await following_of(db, EpochS(AT)).ready()
            board = kept_of(db).board
            codes = [f"X{number:09d}" for number in range(1_000_000)]
            return touched_by_a_tick(forecaster, board.row_of, codes)

    assert 2_000 < asyncio.run(run()) < 500_000


def touched_by_a_tick(forecaster: Forecaster, row_of: dict[str, int], codes: list[str]) -> int:
    """The elements of all columns that the second tick of the day touches."""
    size = len(row_of)
    row_of.update({code: size + place for place, code in enumerate(codes)})
    courses = [forecaster._courses[name] for name in ("mask-adult", "mask-child")]
    for course in courses:
        course.grow(size + len(codes))
    forecaster.take(changed(codes, 1))
    for owner in [owner for course in courses for owner in (course, course.day)]:
        for name in [name for name in dir(owner) if type(getattr(owner, name, None)) is np.ndarray]:
            setattr(owner, name, as_counted(getattr(owner, name)))
    CountedColumn.touched = 0
    forecaster.take(changed(codes, 2))
    return CountedColumn.touched


def changed(codes: list[str], step: int) -> StockTick:
    counts = (100 + step,) * 2_000
    return StockTick(
        at=EpochS(AT + step),
        as_of=EpochS(AT + step),
        source="masks",
        items=("mask-adult", "mask-child"),
        codes=tuple(codes[step * 2_000 : step * 2_000 + 2_000]),
        counts=(counts, counts),
    )
