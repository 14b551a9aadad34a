"""What composition lends travel history: keys that end, who a document's holder is, and the way to a FHIR server."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from banyan.kernel.exchange import Gate
from banyan.kernel.identity.caller import Caller
from banyan.kernel.identity.scopes import Scopes
from banyan.kernel.storage import Drawer
from banyan.lawful import Lawful
from banyan.limits_travel import CDS_FETCH, CDS_FETCH_S, CDS_JWKS
from banyan.outward import ask
from banyan.service.travel import records
from banyan.service.travel.service import SERVICE
from banyan.service.travel.shelf import Fetch, FetchKeys, Shelf, lend

READ: Final = "application/fhir+json"
KEYS: Final = "application/jwk-set+json, application/json"


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
        Shelf(
            why.subject, agency_of, scopes, lawful.policy, why.bases, call_as, fetcher(allow_private),
            keys_fetcher(allow_private), random,
        ),
    )  # fmt: skip
    why.known_as = known_as


def fetcher(allow_private: bool) -> Fetch:
    """`allow_private` as `fetch.allow_private` of node.toml: a hospital's FHIR server inside our own network."""

    async def fetch(url: str, token: str) -> bytes:
        headers = {"Accept": READ, "Authorization": f"Bearer {token}"}
        said = await ask("GET", url, headers, time_s=CDS_FETCH_S, at_most=CDS_FETCH, allow_private=allow_private)
        return said.body if said.status == 200 else b""

    return fetch


def keys_fetcher(allow_private: bool) -> FetchKeys:
    """https only, whoever calls it: over http anybody on the way would say the keys."""

    async def fetch(url: str) -> bytes:
        if not url.startswith("https://"):
            return b""
        said = await ask(
            "GET", url, {"Accept": KEYS}, time_s=CDS_FETCH_S, at_most=CDS_JWKS, allow_private=allow_private
        )
        return said.body if said.status == 200 else b""

    return fetch
