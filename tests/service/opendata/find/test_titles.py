"""Recall on the national portal's 35,633 real titles, through the operation that every channel uses."""

from __future__ import annotations

import asyncio
import gzip
import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.make import NOW, frozen_clock, shared_data

from banyan.kernel.catalogue.operation import Context
from banyan.kernel.events.clock import EpochS
from banyan.kernel.identity.caller import ANONYMOUS
from banyan.kernel.storage import Drawer, Tx, close_drawer, fold, open_drawer
from banyan.limits import SEARCH_LOOKS
from banyan.service.opendata import registry, searching
from banyan.service.opendata.announcing import announce
from banyan.service.opendata.find import FindDatasets, NamesPage, dataset_names, find_datasets
from banyan.service.opendata.find.card import Card
from banyan.service.opendata.find.shelf import shelf_of
from banyan.service.opendata.model import Dataset

QUERIES = [
    "人口", "登革熱", "空氣品質", "公車", "臺北市", "台北市", "停車場", "避難", "健保", "預算", "水位", "雨量站",
    "地籍", "youbike", "１０６年",
]  # fmt: skip
STEPS_AT_ONCE = 100


def titles() -> list[str]:
    packed = shared_data("opendata/catalog/datagovtw_titles_2018.txt.gz").read_bytes()
    return [line for line in gzip.decompress(packed).decode("utf-8-sig").splitlines() if line.strip()]


@pytest.fixture(scope="module")
def nation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Drawer, dict[str, str]]]:
    """The whole catalogue, written through the registry's own functions."""
    folder: Path = tmp_path_factory.mktemp("nation")
    drawer = open_drawer(folder, service="opendata", package="banyan.service.opendata", clock=frozen_clock())
    lines = titles()
    folded = {f"id-{n:05}": fold(title) for n, title in enumerate(lines)}

    def job(tx: Tx) -> None:
        for n, title in enumerate(lines):
            registry.put_dataset(tx, Dataset(f"id-{n:05}", f"ds-{n:05}", title, EpochS(n), EpochS(NOW - n)))
        announce(tx, "dataset.saved", "ds-00000", {"id": "id-00000"}, NOW)

    async def load() -> None:
        await drawer.sql.write(job)
        await searching.catch_up(drawer)

    asyncio.run(load())
    yield drawer, folded
    asyncio.run(close_drawer(drawer))


class CountedCards(dict[str, Card]):
    """The shelf's cards, counting each look at one."""

    looks = 0

    def __getitem__(self, id: str) -> Card:
        self.looks += 1
        return super().__getitem__(id)


class Work:
    """What a search did, however fast the machine: cards looked at, and steps of the index's SQLite program."""

    looks = 0
    steps = 0


@contextmanager
def counted(drawer: Drawer) -> Iterator[Work]:
    """Count the work of one search on a shelf that is up to date."""
    shelf, work = shelf_of(drawer.index), Work()
    plain = shelf.cards
    cards = shelf.cards = CountedCards(plain)

    def step() -> bool:
        work.steps += STEPS_AT_ONCE
        return False

    connection = drawer.index._connection
    connection.set_progress_handler(step, STEPS_AT_ONCE)
    try:
        yield work
    finally:
        connection.set_progress_handler(None)
        shelf.cards = plain
        work.looks = cards.looks


def found(drawer: Drawer, q: str, runner: asyncio.Runner) -> set[str]:
    """Every id that the operation gives over its pages."""
    ids: set[str] = set()
    while True:
        page = runner.run(find_datasets(context(drawer), FindDatasets(q=q, rows=1_000, start=len(ids))))
        ids |= {hit.dataset.id for hit in page.hits}
        if not page.hits:
            assert page.count == len(ids)
            return ids


async def _nothing(*_: object, **__: object) -> None:
    raise AssertionError("find_datasets neither calls nor emits")


def context(drawer: Drawer) -> Context:
    return Context(caller=ANONYMOUS, now=NOW, db=drawer, call=_nothing, emit=_nothing, log=lambda name, fields: None)


def test_every_known_query_finds_every_title(nation: tuple[Drawer, dict[str, str]]) -> None:
    drawer, folded = nation
    assert len(folded) > 35_000
    with asyncio.Runner() as runner:
        for q in QUERIES:
            truth = {id for id, title in folded.items() if fold(q) in title}
            ids = found(drawer, q, runner)
            assert truth, q
            assert truth <= ids, f"{q}: {len(truth - ids)} of {len(truth)} missed"


def test_one_and_two_character_queries_find_every_title(nation: tuple[Drawer, dict[str, str]]) -> None:
    """300 queries drawn from the titles; recall 1.0, and the names and notes being empty, precision 1.0."""
    drawer, folded = nation
    draw = random.Random(20261123)
    texts = [title for title in folded.values() if len(title) > 4]
    queries = set()
    while len(queries) < 300:
        title = draw.choice(texts)
        at = draw.randrange(len(title) - 2)
        q = title[at : at + 1 + len(queries) % 2]
        if q.isalnum() and q not in "ds0123456789" and not q.isascii():
            queries.add(q)
    with asyncio.Runner() as runner:
        for q in sorted(queries):
            truth = {id for id, title in folded.items() if q in title}
            page = runner.run(find_datasets(context(drawer), FindDatasets(q=q, rows=20)))
            assert page.count == len(truth), q
            with counted(drawer) as work:
                runner.run(find_datasets(context(drawer), FindDatasets(q=q, rows=20, sort="title asc")))
            assert work.looks <= len(truth) + 2 * 20, f"{q}: sorts and shows what it found, and looks at nothing else"
            assert work.steps <= 40 * len(truth) + 1_000, f"{q}: {work.steps} steps for {len(truth)} titles"


def test_a_harvester_pages_through_the_nation(nation: tuple[Drawer, dict[str, str]]) -> None:
    drawer, folded = nation
    with asyncio.Runner() as runner:
        ids: list[str] = []
        while True:
            page = runner.run(find_datasets(context(drawer), FindDatasets(rows=1_000, start=len(ids), sort="id asc")))
            if not page.hits:
                break
            ids += [hit.dataset.id for hit in page.hits]
    assert ids == sorted(folded)


def test_every_name_is_listed(nation: tuple[Drawer, dict[str, str]]) -> None:
    drawer, folded = nation
    with asyncio.Runner() as runner:
        names = runner.run(dataset_names(context(drawer), NamesPage(rows=100_000)))
        assert names == [id.replace("id-", "ds-") for id in sorted(folded)]
        assert runner.run(dataset_names(context(drawer), NamesPage(start=2, rows=1))) == ["ds-00002"]


@pytest.mark.parametrize(
    ("query", "looks"),
    [
        (" OR ".join(f"title:*{char}*表*" for char in "人口台北市水位雨量公車停車場預算地籍戶"), 20),
        (" OR ".join("人口台北市水位雨量公車停車場預算地籍戶統計資料表"), 1),
        (" OR ".join(f"metadata_modified:[2000-01-0{n % 9 + 1} TO *]" for n in range(30)), SEARCH_LOOKS),
        ("id:(" + " OR ".join(f"id-{n:05}" for n in range(1_000)) + ")", 2),
    ],
    ids=["patterns", "characters", "ranges", "ids"],
)
def test_the_costliest_queries_stay_bounded(nation: tuple[Drawer, dict[str, str]], query: str, looks: int) -> None:
    """What SEARCH_LOOKS and SOLR_CLAUSES let through, over the whole nation: at most so many looks at each card, the
    last to order what was found. A thousand ids are one look."""
    drawer, folded = nation
    with asyncio.Runner() as runner:
        runner.run(find_datasets(context(drawer), FindDatasets(rows=1)))
        with counted(drawer) as work:
            runner.run(find_datasets(context(drawer), FindDatasets(filters=(query,), rows=1)))
    assert work.looks <= looks * len(folded), f"{work.looks / len(folded):.2f} times every card"
    assert work.steps <= 64 * len(folded), f"{work.steps / len(folded):.0f} steps a card"
