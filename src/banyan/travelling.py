"""What composition lends travel history: keys that end, who a document's holder is, and the way to a FHIR server."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, Final

import urllib3

from banyan import __version__
from banyan.errors import Problem
from banyan.kernel.exchange import Gate
from banyan.kernel.identity.caller import Caller
from banyan.kernel.identity.scopes import Scopes
from banyan.kernel.storage import Drawer
from banyan.lawful import Lawful
from banyan.limits_travel import CDS_FETCH, CDS_FETCH_S
from banyan.service.opendata.fetch import Place, checked
from banyan.service.travel import records
from banyan.service.travel.service import SERVICE
from banyan.service.travel.shelf import Fetch, Shelf, lend

READ: Final = "application/fhir+json"


def lend_travel(
    drawers: Mapping[str, Drawer],
    gate: Gate,
    lawful: Lawful,
    scopes: Scopes,
    *,
    agency_of: Callable[[str], Awaitable[str]],
    random: Callable[[int], bytes],
    allow_private: bool,
) -> None:
    """On a node that has it; and then a look by passport is a look at the person who has it."""
    db = drawers.get("travel")
    plugged = gate.catalogue.operations.get("travel.flag")
    if db is None or plugged is None or plugged is not SERVICE.operations.get("flag"):
        return  # somebody else's service of that name has no papers
    why = lawful.conscience

    async def call_as(operation: str, asked: Mapping[str, Any], caller: Caller) -> Any:
        return await gate.call(operation, asked, caller=caller)

    async def known_as(paper: bytes) -> bytes:
        return await db.sql.read(lambda tx: records.person_of(tx, paper)) or paper

    lend(
        db,
        Shelf(why.subject, agency_of, scopes, lawful.policy, why.bases, call_as, fetcher(allow_private), random),
    )
    why.known_as = known_as


def fetcher(allow_private: bool) -> Fetch:
    """`allow_private` as `fetch.allow_private` of node.toml: a hospital's FHIR server inside our own network."""

    async def fetch(url: str, token: str) -> bytes:
        return await asyncio.to_thread(partial(_fetched, url, token, allow_private=allow_private))

    return fetch


def _fetched(url: str, token: str, *, allow_private: bool) -> bytes:
    """The body of a 200, within its bounds; the address is vetted as a fetched one is, and no redirect is followed."""
    try:
        place = checked(url, allow_private=allow_private)
    except Problem:
        return b""
    name = f"[{place.host}]" if ":" in place.host else place.host
    headers = {
        "Host": name if place.port in (80, 443) else f"{name}:{place.port}",
        "User-Agent": f"banyan/{__version__}",
        "Accept": READ,
        "Authorization": f"Bearer {token}",
    }
    with _pool(place) as pool:
        try:
            answer = pool.urlopen(
                "GET", place.target, headers=headers, redirect=False, retries=False, preload_content=False
            )
            body: bytes = answer.read(CDS_FETCH + 1, decode_content=False) if answer.status == 200 else b""
            answer.close()
        except (urllib3.exceptions.HTTPError, OSError):
            return b""
    return body if len(body) <= CDS_FETCH else b""


def _pool(place: Place) -> urllib3.HTTPConnectionPool:
    timeout = urllib3.Timeout(total=CDS_FETCH_S)
    if place.scheme == "https":
        return urllib3.HTTPSConnectionPool(
            place.address, place.port, timeout=timeout, server_hostname=place.host, assert_hostname=place.host
        )
    return urllib3.HTTPConnectionPool(place.address, place.port, timeout=timeout)
