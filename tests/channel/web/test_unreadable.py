"""A query that nobody can read is told so on a page of ours, which is made without reading it again."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.make import Client, frozen_clock

from banyan.node import open_node
from banyan.settings import Settings


@pytest.mark.parametrize("query", ["q=%00", "q=%FF", "kiosk=%00"])
def test_unreadable_query_ended_the_connection(tmp_path: Path, query: str) -> None:
    async def story() -> None:
        only = Settings(services=("banyan.service.opendata.parts:SERVICE",))
        async with open_node(tmp_path, only, clock=frozen_clock()) as node:
            for path, status in (("/dataset", 400), ("/en/dataset", 400), ("/", 200)):
                answer = await Client(node.app).get(f"{path}?{query}", headers={"accept": "text/html"})
                assert answer.status == status, path
                assert "<h1" in answer.text

    asyncio.run(story())
