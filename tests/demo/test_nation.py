"""The demonstration nation: same for the same seed, wholly publishable, described well enough to be excellent."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import pytest
from tests.make import NOW, a_node

from banyan.demo.nation import DATASETS, NOTE, DemoDataset
from banyan.demo.outlets import APART, OUTLETS, SEED, STATIONS
from banyan.demo.seeding import seed_nation, write_file
from banyan.demo.supplies import FOLLOWED, ITEMS
from banyan.service.opendata.desk import FetchRules, set_rules
from banyan.service.opendata.parts import SERVICE
from banyan.service.supplies.keeping import kept_of
from banyan.service.supplies.parts import SERVICE as SUPPLIES

MQA_EXCELLENT = 351


@pytest.mark.parametrize("dataset", DATASETS, ids=lambda dataset: dataset.name)
def test_a_file_is_the_same_for_the_same_seed_and_moment(dataset: DemoDataset, tmp_path: Path) -> None:
    assert dataset.make(Random(SEED), NOW)
    write_file(tmp_path / "one", dataset, NOW)
    write_file(tmp_path / "two", dataset, NOW)
    if not dataset.file.endswith(".xlsx"):  # a workbook holds the time it was written
        assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_the_nation_is_published_once_scores_excellent_and_feeds_the_map(tmp_path: Path) -> None:
    said: list[str] = []

    async def run() -> tuple[dict[str, int], list[Any], list[Any], Any]:
        folder = tmp_path / "demo"
        async with a_node(tmp_path, [SERVICE, SUPPLIES]) as node:
            set_rules(node.drawers["opendata"], FetchRules(watch_folders=(folder.resolve(),)))
            assert await seed_nation(node.gate, folder, say=said.append) == len(DATASETS), said
            assert await seed_nation(node.gate, folder, say=said.append) == 0
            scores = {}
            for dataset in DATASETS:
                shown = (await node.client.get(f"/api/opendata/dataset/{dataset.name}")).text
                assert NOTE in shown, "generated data must say that it is"
                answer = await node.client.get(f"/api/opendata/quality/{dataset.name}")
                scores[dataset.name] = answer.json["quality"]["mqa_score"]
            items = (await node.client.get("/api/supplies/items")).json
            sources = (await node.client.get("/api/supplies/sources")).json
            return scores, items, sources, kept_of(node.drawers["supplies"]).board

    scores, items, sources, board = asyncio.run(run())
    assert min(scores.values()) >= MQA_EXCELLENT, scores
    assert [source["held"] for source in sources] == [None] * len(FOLLOWED), sources
    assert [item["item"]["id"] for item in items] == [item.id for item in ITEMS]
    assert all(0 < item["in_stock"] < item["outlets"] for item in items)
    assert board.size == OUTLETS + STATIONS
    located = Counter(board.places[row].located for row in range(board.size))
    assert located["differ"] >= APART
    assert located["agree"] > 0.98 * OUTLETS
    assert located["single"] == STATIONS
    assert all(place.town_code for place in board.places), "every outlet lies in a town"
    assert (
        sum(board.notices[row] is not None and board.notices[row].plate is not None for row in range(OUTLETS)) > 1_000
    )
