"""`filters` of datastore_search."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from banyan.wire.ckan.envelope import Json
from banyan.wire.ckan.filters import FilterError, read_filters

ECHOED: list[tuple[Json, Json]] = [
    ({"id": "1"}, {"op": "eq", "field": "id", "value": "1"}),
    ({"adult": [10, 20]}, {"op": "in", "field": "adult", "value": [10, 20]}),
    ({"adult": {"gt": 10}}, {"op": "gt", "field": "adult", "value": 10}),
    (
        {"$or": [{"id": "1"}, {"adult": {"gte": 20}}]},
        {
            "op": "$or",
            "field": None,
            "value": [{"op": "eq", "field": "id", "value": "1"}, {"op": "gte", "field": "adult", "value": 20}],
        },
    ),
    (
        {"adult": {"gt": 1, "lte": 3}},
        {
            "op": "$and",
            "field": None,
            "value": [{"op": "gt", "field": "adult", "value": 1}, {"op": "lte", "field": "adult", "value": 3}],
        },
    ),
]


@pytest.mark.parametrize(("filters", "echo"), ECHOED)
def test_filters_are_echoed_as_ckan_does(filters: Json, echo: Json) -> None:
    found = read_filters(filters)
    assert found is not None
    assert found.echo() == echo


def test_no_condition_is_no_filter() -> None:
    assert read_filters({}) is None


@pytest.mark.parametrize(
    "filters", [[], "x", {"$xor": []}, {"$or": {}}, {"$or": [1]}, {"a": {"like": 1}}, {"a": [[1]]}]
)
def test_wrong_filters_are_named(filters: Json) -> None:
    with pytest.raises(FilterError):
        read_filters(filters)


def test_depth_and_number_are_bounded() -> None:
    deep: Json = {"a": 1}
    for _ in range(12):
        deep = {"$and": [deep]}
    with pytest.raises(FilterError, match="deeper"):
        read_filters(deep)
    with pytest.raises(FilterError, match="More than"):
        read_filters({f"c{n}": n for n in range(101)})


SCALARS = st.none() | st.booleans() | st.integers() | st.text(max_size=5)
ANY = st.recursive(SCALARS, lambda s: st.lists(s, max_size=3) | st.dictionaries(st.text(max_size=4), s, max_size=3))


@given(st.dictionaries(st.sampled_from(["$and", "$or", "a", "b"]), ANY, max_size=4))
def test_any_object_is_read_or_refused(filters: dict[str, Json]) -> None:
    try:
        found = read_filters(filters)
    except FilterError:
        return
    assert found is None or found.fields() <= {"a", "b", "$and", "$or"} | set(map(str, found.fields()))
