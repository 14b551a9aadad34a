"""The demonstration nation: same for the same seed, wholly publishable, described well enough to be excellent."""

from __future__ import annotations

import asyncio
from pathlib import Path
from random import Random

import pytest
from tests.make import NOW, a_node

from banyan.demo.nation import DATASETS, NOTE, DemoDataset
from banyan.demo.seeding import SEED, seed_nation, write_file
from banyan.service.opendata.desk import FetchRules, set_rules
from banyan.service.opendata.parts import SERVICE

MQA_EXCELLENT = 351


@pytest.mark.parametrize("dataset", DATASETS, ids=lambda dataset: dataset.name)
def test_a_file_is_the_same_for_the_same_seed_and_moment(dataset: DemoDataset, tmp_path: Path) -> None:
    assert dataset.make(Random(SEED), NOW)
    write_file(tmp_path / "one", dataset, NOW)
    write_file(tmp_path / "two", dataset, NOW)
    if not dataset.file.endswith(".xlsx"):  # a workbook holds the time it was written
        assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_the_nation_is_published_once_and_scores_excellent(tmp_path: Path) -> None:
    said: list[str] = []

    async def run() -> dict[str, int]:
        folder = tmp_path / "demo"
        async with a_node(tmp_path, [SERVICE]) as node:
            set_rules(node.drawers["opendata"], FetchRules(watch_folders=(folder.resolve(),)))
            assert await seed_nation(node.gate, folder, say=said.append) == len(DATASETS), said
            assert await seed_nation(node.gate, folder, say=said.append) == 0
            scores = {}
            for dataset in DATASETS:
                shown = (await node.client.get(f"/api/opendata/dataset/{dataset.name}")).text
                assert NOTE in shown, "generated data must say that it is"
                answer = await node.client.get(f"/api/opendata/quality/{dataset.name}")
                scores[dataset.name] = answer.json["quality"]["mqa_score"]
            return scores

    scores = asyncio.run(run())
    assert min(scores.values()) >= MQA_EXCELLENT, scores
