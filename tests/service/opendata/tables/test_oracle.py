"""Search, totals, facets and paging equal a plain Python oracle over random tables, filters, words and sorts.

Every question is asked three times: over Parquet (laid out in another order), over the copy, and with postings.
"""

from __future__ import annotations

import asyncio
import operator
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.service.opendata.tables.made import Columns, a_version

from banyan.errors import Invalid
from banyan.kernel.storage.lake import Lake
from banyan.service.opendata.model import Version
from banyan.service.opendata.tables import (
    AggregateQuery,
    Compare,
    FacetQuery,
    Filter,
    Group,
    Measure,
    SearchQuery,
    SortKey,
    Tables,
    Words,
)
from banyan.service.opendata.tables.words import fold_cell

COLUMNS: Columns = {"名": "text", "縣 市": "text", "n": "integer", 'x"y': "number", "d": "date", "b": "boolean"}
TEXTS = st.none() | st.text("台臺北花蓮縣aA１1%_\\'\"[.-", max_size=4)
DATES = st.sampled_from([date(2020, 2, 28), date(2020, 2, 29), date(1911, 12, 31)])
CELLS: dict[str, st.SearchStrategy[Any]] = {
    "名": TEXTS,
    "縣 市": st.none() | st.sampled_from(["花蓮縣", "臺北市", "台北市", ""]),
    "n": st.none() | st.integers(-3, 3),
    'x"y': st.none() | st.sampled_from([0.0, -1.5, 1.5, 2.0]),
    "d": st.none() | DATES,
    "b": st.none() | st.booleans(),
}
ROWS = st.lists(st.tuples(*CELLS.values()), max_size=12)
NAMES = list(COLUMNS)
Row = tuple[int, tuple[Any, ...]]
SIGNS: dict[str, Callable[[Any, Any], bool]] = {
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
}


def asked_value(cell: Any) -> Any:
    return cell.isoformat() if isinstance(cell, date) else cell


@st.composite
def a_comparison(draw: st.DrawFn) -> Compare:
    name = draw(st.sampled_from(NAMES))
    op = draw(st.sampled_from(["eq", "ne", "in", "isnull", *SIGNS, "contains", "startswith"]))
    if op in ("contains", "startswith"):
        return Compare(draw(st.sampled_from(NAMES[:2])), op, draw(TEXTS.filter(lambda text: text is not None)))
    if op == "in":
        return Compare(name, "in", tuple(map(asked_value, draw(st.lists(CELLS[name], max_size=3)))))
    if op == "isnull":
        return Compare(name, "isnull", draw(st.booleans()))
    value = CELLS[name].filter(lambda cell: cell is not None) if op in SIGNS else CELLS[name]
    return Compare(name, op, asked_value(draw(value)))


FILTERS: st.SearchStrategy[Filter] = st.recursive(
    a_comparison(),
    lambda inner: st.builds(Group, st.sampled_from(["$and", "$or"]), st.lists(inner, max_size=3).map(tuple)),
    max_leaves=5,
)
WORDS = st.lists(st.builds(Words, st.text("台臺北花aA１ ", max_size=3), st.sampled_from(["", "名"])), max_size=2).map(
    tuple
)
SORTS = st.lists(
    st.builds(SortKey, st.sampled_from(NAMES), st.booleans(), st.sampled_from(["first", "last"])), max_size=2
).map(tuple)


def passes(where: Filter | None, cells: tuple[Any, ...]) -> bool:
    if where is None:
        return True
    if isinstance(where, Group):
        return (all if where.op == "$and" else any)(passes(item, cells) for item in where.items)
    cell = cells[NAMES.index(where.field)]
    value = where.value
    given_ = [
        date.fromisoformat(one) if isinstance(cell, date) and isinstance(one, str) else one for one in _several(value)
    ]
    if where.op == "isnull":
        return (cell is None) == value
    if where.op in ("contains", "startswith"):
        test = str.__contains__ if where.op == "contains" else str.startswith
        return cell is not None and test(fold_cell(cell), fold_cell(str(value)))
    if where.op in ("eq", "in"):
        return cell in given_
    if where.op == "ne":
        return cell != given_[0]
    return cell is not None and SIGNS[where.op](cell, given_[0])


def _several(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)


def has_words(words: tuple[Words, ...], cells: tuple[Any, ...]) -> bool:
    for asked in words:
        texts = [cells[0]] if asked.field else [cells[0], cells[1]]
        for word in asked.text.split():
            if not any(text is not None and fold_cell(word) in fold_cell(text) for text in texts):
                return False
    return True


def ordered(rows: list[Row], sort: tuple[SortKey, ...]) -> list[Row]:
    rows = sorted(rows, key=lambda row: row[0])
    for key in reversed(sort):
        at = NAMES.index(key.field)
        some = [row for row in rows if row[1][at] is not None]
        none = [row for row in rows if row[1][at] is None]
        some.sort(key=lambda row: row[1][at], reverse=key.descending)  # used at once
        if key.descending:  # Python keeps ties in order when reversed, as we want
            pass
        rows = none + some if key.nulls == "first" else some + none
    return rows


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Lake, Tables]]:
    folder = tmp_path_factory.mktemp("oracle")
    lake = Lake(folder / "lake", folder / "work")
    tables = Tables(lake, folder / "work")
    yield lake, tables
    tables.close()


async def three_ways(tables: Tables, version: Version, ask: Callable[[], Any]) -> list[Any]:
    """The answer over Parquet, over the copy, and again when postings are there; caches emptied in between."""
    found = [await ask()]
    await tables.warm(version)
    for _ in range(2):
        tables.forget_answers()
        found.append(await ask())
        await tables.indexed()
    tables.forget_answers()
    found.append(await ask())
    return found


common = settings(
    deadline=None, max_examples=25, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)


@common
@given(ROWS, st.none() | FILTERS, WORDS, SORTS, st.integers(0, 6), st.integers(0, 4))
def test_rows_and_totals(
    bench: tuple[Lake, Tables],
    rows: list[tuple[Any, ...]],
    where: Filter | None,
    words: tuple[Words, ...],
    sort: tuple[SortKey, ...],
    limit: int,
    offset: int,
) -> None:
    lake, tables = bench
    version = a_version(lake, COLUMNS, rows, order='n DESC NULLS FIRST, "縣 市"')
    truth = ordered(
        [(at, cells) for at, cells in enumerate(rows, 1) if passes(where, cells) and has_words(words, cells)], sort
    )
    query = SearchQuery(where=where, words=words, sort=sort, limit=limit, offset=offset)
    for page in asyncio.run(three_ways(tables, version, lambda: tables.search(version, query))):
        assert [(row[0], row[1:]) for row in page.rows] == truth[offset : offset + limit]
        assert page.total == len(truth)


@common
@given(ROWS, st.none() | FILTERS, st.sampled_from(NAMES))
def test_facets(bench: tuple[Lake, Tables], rows: list[tuple[Any, ...]], where: Filter | None, name: str) -> None:
    lake, tables = bench
    version = a_version(lake, COLUMNS, rows, order="d, n")
    truth = Counter(cells[NAMES.index(name)] for cells in rows if passes(where, cells))
    query = FacetQuery((name,), where=where, limit=100)
    answers = asyncio.run(three_ways(tables, version, lambda: tables.facets(version, query)))
    for [facet] in answers:
        assert dict(facet.values) == truth
        assert facet.distinct == len(truth)
        assert [count for _, count in facet.values] == sorted(truth.values(), reverse=True)
    for answer in answers:
        assert answer == answers[0]


@common
@given(ROWS, st.none() | FILTERS, st.lists(st.sampled_from(NAMES), min_size=1, max_size=3, unique=True))
def test_distinct(
    bench: tuple[Lake, Tables], rows: list[tuple[Any, ...]], where: Filter | None, names: list[str]
) -> None:
    lake, tables = bench
    version = a_version(lake, COLUMNS, rows)
    truth = {tuple(cells[NAMES.index(name)] for name in names) for cells in rows if passes(where, cells)}
    query = SearchQuery(where=where, distinct=True, fields=tuple(names))
    for page in asyncio.run(three_ways(tables, version, lambda: tables.search(version, query))):
        assert Counter(page.rows) == Counter(truth)
        assert page.total == len(truth)


@common
@given(ROWS, st.none() | FILTERS, st.integers(1, 4))
def test_keyset_paging_gives_every_row_once(
    bench: tuple[Lake, Tables], rows: list[tuple[Any, ...]], where: Filter | None, limit: int
) -> None:
    lake, tables = bench
    version = a_version(lake, COLUMNS, rows, order="n, d")
    truth = [at for at, cells in enumerate(rows, 1) if passes(where, cells)]

    async def walk() -> list[int]:
        seen: list[int] = []
        after: int | None = 0
        while after is not None:
            page = await tables.search(version, SearchQuery(where=where, limit=limit, after=after, fields=("_id",)))
            assert page.total == len(truth)
            seen += [int(row[0]) for row in page.rows]  # type: ignore[arg-type]  # `_id` is an integer
            after = page.next_after
        return seen

    for seen in asyncio.run(three_ways(tables, version, walk)):
        assert seen == truth


def test_distinct_rows_are_sorted_only_by_what_is_shown(bench: tuple[Lake, Tables]) -> None:
    lake, tables = bench
    version = a_version(lake, COLUMNS, [("a", None, 1, None, None, None)])
    with pytest.raises(Invalid):
        asyncio.run(tables.search(version, SearchQuery(distinct=True, fields=("名",), sort=(SortKey("n"),))))


@pytest.mark.parametrize("q", ["台北", "臺北", "ＡＢＣ", "abc", "a.b"])
def test_folded_words_find_every_writing(tmp_path: Path, q: str) -> None:
    lake = Lake(tmp_path / "lake", tmp_path / "work")
    rows = [["臺北 ABC a.b"], ["台北 ａｂｃ a.b"], ["x"], [None], ["axb"]]
    version = a_version(lake, {"t": "text"}, rows)
    tables = Tables(lake, tmp_path / "work")
    try:
        page = asyncio.run(tables.search(version, SearchQuery(words=(Words(q),))))
    finally:
        tables.close()
    assert [row[0] for row in page.rows] == [1, 2]


def test_columns_called_like_our_own_names(bench: tuple[Lake, Tables]) -> None:
    """A table may have columns `n`, `count`, `_row`, `v`: figures are told apart by their place."""
    lake, tables = bench
    rows = [["b", 1, "x"], ["b", 2, "x"], ["a", 1, None], ["a", 1, "y"], ["a", 5, "y"]]
    version = a_version(lake, {"n": "text", "count": "integer", "v": "text"}, rows)

    async def ask() -> tuple[Any, Any]:
        facets = await tables.facets(version, FacetQuery(("n", "count", "v")))
        by = AggregateQuery(by=("count",), measures=(Measure("count"), Measure("max", "n")), sort=(SortKey("max_n"),))
        return facets, await tables.aggregate(version, by)

    for facets, grid in asyncio.run(three_ways(tables, version, ask)):
        assert [facet.values for facet in facets] == [
            (("a", 3), ("b", 2)),
            ((1, 3), (2, 1), (5, 1)),
            (("x", 2), ("y", 2), (None, 1)),
        ]
        assert grid.rows == ((5, 1, "a"), (1, 3, "b"), (2, 1, "b"))
