"""CKAN's notations: the echoes of a real CKAN 2.12, the bounds, and the way back."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.make import shared_data

from banyan.errors import Invalid, Limit, Problem
from banyan.service.opendata.tables import (
    Compare,
    Group,
    SortKey,
    as_filters,
    filterops,
    parse_filters,
    parse_sort,
    parse_words,
)


def test_filterops_echo_as_ckan_does() -> None:
    pairs = json.loads(shared_data("opendata/ckan-2.12.0-golden.json").read_text())
    seen = 0
    for pair in pairs:
        result = pair["response"]["body"].get("result") if isinstance(pair["response"]["body"], dict) else None
        if isinstance(result, dict) and "filterops" in result:
            where = parse_filters(json.loads(pair["request"]["params"]["filters"]))
            assert where is not None
            assert filterops(where) == result["filterops"]
            seen += 1
    assert seen >= 4


@pytest.mark.parametrize(
    "filters",
    [[], "x", {"a": {"like": 1}}, {"$or": {}}, {"$and": 1}, {"a": [[1]]}, {"a": {"in": 1}}, {"a": {"eq": {}}}, 5],
)
def test_other_shapes_are_refused(filters: object) -> None:
    with pytest.raises(Invalid):
        parse_filters(filters)


def test_depth_and_size_are_bounded() -> None:
    deep: object = {"a": 1}
    for _ in range(11):
        deep = {"$and": [deep, deep]} if _ < 2 else {"$or": [deep]}
    with pytest.raises(Limit):
        parse_filters(deep)
    with pytest.raises(Limit):
        parse_filters({"$or": [{"a": number} for number in range(101)]})
    with pytest.raises(Problem):
        parse_filters({"a": list(range(100_000))})


def test_sort_reads_names_with_blanks_commas_and_nulls() -> None:
    assert parse_sort('adult desc, "b, c" asc nulls first,縣 市 DESC NULLS LAST') == (
        SortKey("adult", descending=True, nulls="first"),
        SortKey("b, c", nulls="first"),
        SortKey("縣 市", descending=True, nulls="last"),
    )
    assert parse_sort("") == ()


def test_words() -> None:
    assert [words.text for words in parse_words("藥局 花蓮")] == ["藥局 花蓮"]
    assert [(words.field, words.text) for words in parse_words({"name": "x"})] == [("name", "x")]
    with pytest.raises(Invalid):
        parse_words(["x"])


SCALARS = st.none() | st.booleans() | st.integers() | st.text(max_size=5)
COMPARISONS = st.builds(Compare, st.text("abc縣", min_size=1), st.sampled_from(["eq", "gt", "contains"]), SCALARS)


@given(st.lists(COMPARISONS, min_size=2, max_size=4))
def test_filters_come_back_from_their_notation(items: list[Compare]) -> None:
    where = Group("$or", tuple(items))
    assert parse_filters(as_filters(where)) == where
