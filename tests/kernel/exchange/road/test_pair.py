"""A call through two real gateways, and every refusal by its name."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.kernel.exchange.road.pair import CONSUMER, ECHO, a_pair


def test_a_call_goes_through_two_gateways_and_back(tmp_path: Path) -> None:
    async def story() -> None:
        async with a_pair(tmp_path) as road:
            reply = await road.call("POST", ECHO + "/path%3B/?a=%20", {"X-Road-Client": CONSUMER}, b'{"value": 42}')
            assert (reply.status, reply.json) == (200, {"value": 42}), (reply, road.reported)
            (seen,) = road.service.seen
            assert seen.target == "/path%3B/?a=%20"
            assert seen.get("Content-Length") == "13"
            assert [one.role for one in (*road.a.log.kept, *road.b.log.kept)] == ["client", "provider"]
            assert road.a.log.kept[0].xid == road.b.log.kept[0].xid

    asyncio.run(story())
