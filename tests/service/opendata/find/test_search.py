"""Searching by words, queries, facets and sorts, over a small catalogue."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.make import NOW, frozen_clock

from banyan.errors import Invalid
from banyan.kernel.catalogue.operation import Context
from banyan.kernel.events.clock import EpochS
from banyan.kernel.identity.caller import ANONYMOUS, SYSTEM, Caller
from banyan.kernel.storage import Drawer, Tx, close_drawer, open_drawer
from banyan.limits import SOLR_CLAUSES
from banyan.service.opendata import registry, searching
from banyan.service.opendata.announcing import announce
from banyan.service.opendata.find import FindDatasets, Found, find_datasets
from banyan.service.opendata.model import Agency, Dataset, Resource, Theme

DATASETS = [
    Dataset(
        "1", "rain", "即時雨量站資料", EpochS(1), EpochS(10), agency_id="w", tags=("防災", "雨量"), themes=("safety",)
    ),
    Dataset(
        "2", "level", "水位站基本資料", EpochS(2), EpochS(30), agency_id="w", tags=("防災", "水位"), themes=("safety",)
    ),
    Dataset("3", "people", "臺北市各里人口數", EpochS(3), EpochS(20), title_en="Population by village", agency_id="m"),
    Dataset("4", "secret", "未公開的水位", EpochS(4), EpochS(40), agency_id="m", private=True),
    Dataset("5", "old", "已刪除的雨量", EpochS(5), EpochS(50), state="deleted"),
]


@pytest.fixture(scope="module")
def drawer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Drawer]:
    made = open_drawer(
        tmp_path_factory.mktemp("small"), service="opendata", package="banyan.service.opendata", clock=frozen_clock()
    )

    def job(tx: Tx) -> None:
        registry.put_agency(tx, Agency("w", "wra", "經濟部水利署", EpochS(0), title_en="Water Resources Agency"))
        registry.put_agency(tx, Agency("m", "moi", "內政部", EpochS(0)))
        registry.put_theme(tx, Theme("s", "safety", "生活安全", EpochS(0)))
        for dataset in DATASETS:
            file = Resource(f"r{dataset.id}", "檔", EpochS(0), EpochS(0), format="CSV" if dataset.id < "3" else "JSON")
            registry.put_dataset(tx, msgspec.structs.replace(dataset, resources=(file,)))
        announce(tx, "dataset.saved", "rain", {"id": "1"}, NOW)

    async def load() -> None:
        await made.sql.write(job)
        await searching.catch_up(made)

    asyncio.run(load())
    yield made
    asyncio.run(close_drawer(made))


async def _nothing(*_: object, **__: object) -> None:
    raise AssertionError("a search neither calls nor emits")


def find(drawer: Drawer, caller: Caller = ANONYMOUS, **wanted: object) -> Found:
    context = Context(caller=caller, now=NOW, db=drawer, call=_nothing, emit=_nothing, log=lambda name, fields: None)
    given: Any = {name: tuple(value) if isinstance(value, list) else value for name, value in wanted.items()}
    return asyncio.run(find_datasets(context, FindDatasets(**given)))


def names(found: Found) -> list[str]:
    return [hit.dataset.name for hit in found.hits]


def test_words_in_both_languages_and_both_spellings(drawer: Drawer) -> None:
    assert names(find(drawer, q="台北")) == names(find(drawer, q="臺北")) == ["people"]
    assert names(find(drawer, q="population")) == ["people"]
    assert names(find(drawer, q="水利署 防災")) == ["level", "rain"] or names(find(drawer, q="水利署 防災")) == [
        "rain",
        "level",
    ]
    assert find(drawer, q="水").hits[0].dataset.name == "level", "a title ranks above an agency's name"
    assert find(drawer, q="！！ ？").count == 0
    assert find(drawer, q="找不到的字").count == 0
    assert names(find(drawer, q="title:臺?市*")) == names(find(drawer, q="title:里")) == ["people"]


def test_what_is_hidden_is_found_by_those_who_may(drawer: Drawer) -> None:
    assert names(find(drawer, q="水位")) == ["level"]
    assert names(find(drawer, q="水位", hidden=True)) == ["level"], "anybody's wish changes nothing"
    assert sorted(names(find(drawer, SYSTEM, q="水位", hidden=True))) == ["level", "secret"]
    assert names(find(drawer, SYSTEM, q="雨量", hidden=True, filters=["state:deleted"])) == ["old"]


def test_choices_narrow_and_facets_count(drawer: Drawer) -> None:
    found = find(drawer, tag=["防災"], facets=["agency", "tag", "format", "theme", "licence", "nonsense"])
    assert sorted(names(found)) == ["level", "rain"]
    assert [(one.value, one.title, one.title_en, one.count) for one in found.facets["agency"]] == [
        ("wra", "經濟部水利署", "Water Resources Agency", 2)
    ]
    assert [(one.value, one.count) for one in found.facets["tag"]] == [("防災", 2), ("水位", 1), ("雨量", 1)]
    assert [(one.value, one.count) for one in found.facets["format"]] == [("CSV", 2)]
    assert found.facets["theme"][0].title == "生活安全"
    assert found.facets["licence"][0].title.startswith("政府資料開放授權條款")
    assert names(find(drawer, agency=["wra", "moi"], tag=["水位"])) == ["level"]
    assert sorted(names(find(drawer, format=["csv"]))) == ["level", "rain"]
    assert found.agencies["w"].name == "wra"
    assert found.themes["safety"].title == "生活安全"


def test_sorts_and_pages(drawer: Drawer) -> None:
    assert names(find(drawer)) == ["level", "people", "rain"], "the last changed first"
    assert names(find(drawer, sort="metadata_created asc")) == ["rain", "level", "people"]
    assert names(find(drawer, sort="name desc", rows=1, start=1)) == ["people"]
    assert find(drawer, rows=0).count == 3
    for sort in ("nonsense", "name sideways", "name; drop table"):
        with pytest.raises(Invalid, match="排序"):
            find(drawer, sort=sort)


def test_a_filter_that_cannot_be_read_says_so_and_words_that_cannot_are_words(drawer: Drawer) -> None:
    with pytest.raises(Invalid) as caught:
        find(drawer, filters=["nofield:x"])
    assert caught.value.fields[0].fix == "undefined field nofield"
    assert find(drawer, q="nofield:雨量").count == 0
    assert names(find(drawer, q='"雨量站')) == ["rain"]


def test_a_query_of_too_many_patterns_is_read_as_words(drawer: Drawer) -> None:
    assert names(find(drawer, q="*a*b*c* OR " * 40 + "x")) == []


def test_a_thousand_ids_are_one_look(drawer: Drawer) -> None:
    many = " OR ".join(f"id:{n}" for n in range(2, SOLR_CLAUSES))
    assert sorted(names(find(drawer, filters=[f"({many})"], rows=1_000))) == ["level", "people"]
    with pytest.raises(Invalid, match="32"):
        find(drawer, filters=[" OR ".join(f"title:字{n}" for n in range(100))])


@settings(deadline=None, max_examples=150)
@given(text=st.text(alphabet=st.sampled_from('水雨a台 "\\()[]{}:*?^~+-!&|TORANDtilename_,0'), max_size=40))
def test_any_text_is_searched(drawer: Drawer, text: str) -> None:
    assert find(drawer, q=text).count <= 3
    with suppress(Invalid):
        assert find(drawer, filters=[text]).count <= 3
