"""The field's tables of path patterns and of paths, over the real pair: a right is granted, a call is made.

Where a call over our road comes out otherwise than the table says of the bare pattern, the row stands in DEVIATIONS
with its reason; nothing else may deviate. Every deviation refuses what the table would let through.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tests.kernel.exchange.road.conformance.stage import BASE, a_town, only
from tests.kernel.exchange.road.pair import CONSUMER, PRODUCER, Reply
from tests.make import shared_data

from banyan.wire.xroad.access import Endpoint

BACKSLASH = "a backslash is a slash to some providers, and that reading is not granted (decision 0101)"
EMPTY = "empty segments are taken out before the pattern is asked, as X-Road takes them out (URI normalisation)"
DEVIATIONS = {
    ("\\A", "\\A"): BACKSLASH,
    ("\\\\", "\\"): BACKSLASH,
    ("aa\\", "aa\\"): BACKSLASH,
    ("**/*/**", "//"): EMPTY,
}
SERVICE = f"{PRODUCER}/sub/echo"


def table(name: str) -> dict[str, Any]:
    found = json.loads(shared_data(f"exchange/xroad/{name}").read_text(encoding="utf-8"))
    assert isinstance(found, dict)
    return found


def is_denied(reply: Reply) -> bool:
    if reply.status == 200:
        return False
    assert reply.fields["x-road-error"] == "Server.ServerProxy.AccessDenied"
    return True


def test_the_glob_table(tmp_path: Path) -> None:
    """A path of a call begins with a slash, so a row without one gets one on both sides."""
    rows = table("pathglob_cases.json")["rows"]
    assert len(rows) == 23

    async def story() -> set[tuple[str, str]]:
        differ = set()
        async with a_town(tmp_path) as town:
            for glob, path, matches in rows:
                slash = "" if path.startswith("/") or (path == "" and glob in ("", "**")) else "/"
                only(town, CONSUMER, SERVICE, Endpoint("GET", slash + glob))
                reply = await town.road.call("GET", f"{BASE}/echo{quote(slash + path)}")
                if is_denied(reply) == matches:
                    differ.add((glob, path))
                    assert matches, "a deviation refuses; it never lets through"
            assert not town.road.reported
        return differ

    assert asyncio.run(story()) == set(DEVIATIONS)


def test_the_uri_table(tmp_path: Path) -> None:
    """The normalised path is what a right is asked for, and what the provider gets; one that climbs is refused."""
    known = table("uri_normalize_cases.json")
    assert len(known["rows"]) == 8

    async def story() -> None:
        async with a_town(tmp_path) as town:
            for path, normal in known["rows"]:
                only(town, CONSUMER, SERVICE, Endpoint("GET", normal))
                reply = await town.road.call("GET", f"{BASE}/echo{path}")
                if normal.startswith("/.."):
                    assert reply.fields["x-road-error"] == "Server.ServerProxy.InvalidRequest", path
                    continue
                assert reply.status == 200, path
                assert town.road.service.seen[-1].target == normal
                only(town, CONSUMER, SERVICE, Endpoint("GET", normal + "/x"))
                assert is_denied(await town.road.call("GET", f"{BASE}/echo{path}"))
            before = len(town.road.service.seen)
            only(town, CONSUMER, SERVICE)
            for segment in known["invalid_segments"]:
                reply = await town.road.call("GET", f"{BASE}/echo/{segment.replace(' ', '%zz')}")
                assert reply.fields["x-road-error"] == "Server.ServerProxy.InvalidRequest", segment
            assert len(town.road.service.seen) == before

    asyncio.run(story())
