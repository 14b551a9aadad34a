"""Any events a board can take: outlets come, move, close and come back, rows leave lists, items are added."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st
from tests.service.supplies.make import AT

from banyan.kernel.events.clock import EpochS
from banyan.service.supplies.model import (
    BoardEvent,
    Item,
    ItemsSet,
    Notice,
    NoticesChanged,
    Place,
    PlacesChanged,
    ReservedSet,
    StockTick,
    Window,
)

CODES = tuple(f"59010100{number:02}" for number in range(7))
ITEMS = tuple(
    Item(name, {"zh-Hant": name, "en": name}, {"zh-Hant": "片", "en": "pieces"}, few) for name, few in
    (("mask-adult", 20), ("mask-child", 10), ("rapid-test", 5))
)  # fmt: skip
_codes = st.lists(st.sampled_from(CODES), unique=True, max_size=5).map(tuple)
_whole = st.integers(0, 300)


@st.composite
def event_lists(draw: st.DrawFn) -> list[BoardEvent]:
    """A list of events, each possible after those before it."""
    events: list[BoardEvent] = []
    known: list[str] = []
    for place in range(draw(st.integers(1, 9))):
        at = EpochS(AT + 30 * place)
        kind = draw(st.sampled_from(("items", "places", "notices", "stock", "stock", "reserved")))
        if kind == "items":
            items = tuple(draw(st.lists(st.sampled_from(ITEMS), unique_by=lambda item: item.id, min_size=1)))
            known += [item.id for item in items if item.id not in known]
            events.append(ItemsSet(at, items))
        elif kind == "places":
            events.append(PlacesChanged(at, tuple(draw(_place(code)) for code in draw(_codes)), draw(_codes)))
        elif kind == "notices":
            events.append(NoticesChanged(at, tuple(draw(_notice(code)) for code in draw(_codes)), draw(_codes)))
        elif known:
            asked = tuple(draw(st.lists(st.sampled_from(known), unique=True, min_size=1)))
            codes = draw(_codes)
            if kind == "reserved":
                events.append(ReservedSet(at, asked, codes, draw(_numbers(asked, codes))))
            else:
                events.append(draw(_tick(at, asked, codes)))
    return events


def _numbers(items: Sequence[str], codes: Sequence[str]) -> st.SearchStrategy[tuple[tuple[int, ...], ...]]:
    return st.tuples(*(st.tuples(*(_whole for _ in codes)) for _ in items))


@st.composite
def _tick(draw: st.DrawFn, at: EpochS, items: tuple[str, ...], codes: tuple[str, ...]) -> StockTick:
    return StockTick(
        at=at, as_of=at, source="masks", items=items, codes=codes, counts=draw(_numbers(items, codes)),
        reserved=draw(st.just(()) | _numbers(items, codes)),
        row_as_of=draw(st.just(()) | st.tuples(*(st.floats(AT, at) for _ in codes))),
        gone=tuple(code for code in draw(_codes) if code not in codes),
    )  # fmt: skip


@st.composite
def _place(draw: st.DrawFn, code: str) -> Place:
    lon, lat = draw(st.sampled_from(((121.5, 25.0), (121.6, 23.9), (None, None))))
    hours = draw(st.sampled_from(("", "N" * 21, "NY" * 10 + "N", "odd")))
    return Place(code, f"藥局 {code}", town_code=draw(st.sampled_from(("", "10015010", "63000050"))), lon=lon, lat=lat,
                 hours=hours)  # fmt: skip


def _notice(code: str) -> st.SearchStrategy[Notice]:
    return st.sampled_from((None, Window(540, 720))).map(lambda sale: Notice(code, sale=sale, text="八點半發號碼牌"))
