"""`GET /asic`: the signed containers of an exchange, for who took part in it.

Answers and names as the field's: a ZIP of containers, or with `unique` a single one; errors in plain text with 400,
401, 404 or 500. Source: X-Road UG-SIGDOC s2.
"""

from __future__ import annotations

import asyncio
from base64 import b32encode
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Final
from urllib.parse import quote

import msgspec

from banyan.errors import Invalid, Limit, NotFound, Problem
from banyan.kernel.exchange.road.edges import container, zipped
from banyan.kernel.exchange.road.edges.asked import check_get, once, pairs
from banyan.kernel.exchange.road.edges.container import Which
from banyan.kernel.exchange.road.edges.operations import Check
from banyan.kernel.exchange.road.edges.seams import Archive, Archived
from banyan.kernel.exchange.road.model import Request, Response
from banyan.limits_road import EDGES_CONTAINER_BYTES, EDGES_CONTAINERS, EDGES_DOWNLOADS
from banyan.wire.httpsig.peer import KeyOf
from banyan.wire.xroad.codes import Code
from banyan.wire.xroad.faults import Fault
from banyan.wire.xroad.identifiers import ClientId

PATH: Final = b"/asic"
ZIP: Final = "application/zip"
_KNOWN: Final = frozenset(
    "queryId xRoadInstance memberClass memberCode subsystemCode requestOnly responseOnly unique force".split()  # noqa: SIM905 - one word each
)


class Wanted(msgspec.Struct, frozen=True):
    """What a query asks for. `only`: empty for both."""

    message_id: str
    client: ClientId
    only: Which | None = None
    is_unique: bool = False
    is_forced: bool = False


class Containers:
    """The page. `check` raises a Fault unless the caller may speak for the client; `key_of`: the directory's keys."""

    def __init__(self, archive: Archive, key_of: KeyOf, check: Check) -> None:
        self._archive, self._key_of, self._check = archive, key_of, check
        self._turns = asyncio.Semaphore(EDGES_DOWNLOADS)

    async def __call__(self, request: Request) -> Response:
        try:
            return await self._answer(request)
        except Problem as problem:
            text = f"{problem.title} {problem.remedy}".strip()
            return Response(_status(problem), ((b"content-type", b"text/plain; charset=utf-8"),), text.encode())

    async def _answer(self, request: Request) -> Response:
        check_get(request)
        wanted = wanted_of(pairs(request))
        self._check(request, wanted.client)
        async with self._turns:
            return await self._packed(wanted)

    async def _packed(self, wanted: Wanted) -> Response:
        found = await self._archive.find(wanted.message_id, wanted.client, EDGES_CONTAINERS + 1)
        if len(found) > EDGES_CONTAINERS:
            raise Limit("EDGES_CONTAINERS", remedy=f"This queryId names more than {EDGES_CONTAINERS} exchanges.")
        documents = [(one, which) for one in _once_each(found, wanted.client) for which in _kinds(one, wanted.only)]
        if not documents:
            raise NotFound("No signed documents found matching the provided query.", remedy="Check id and client.")
        if wanted.is_unique and len(documents) > 1:
            raise Invalid("Query resulted in more than one signed document.", remedy="Leave unique out.", status=400)
        named = await self._named(documents, wanted)
        if wanted.is_unique:
            return _file(container.MEDIA_TYPE, *named[0])
        suffix = f"-{wanted.only}" if wanted.only else ""
        return _file(ZIP, f"{_safe(wanted.message_id)}{suffix}.zip", zipped.pack(named))

    async def _named(self, documents: Sequence[tuple[Archived, Which]], wanted: Wanted) -> list[tuple[str, bytes]]:
        proven: dict[tuple[str, str], Archived] = {}
        named: list[tuple[str, bytes]] = []
        room = EDGES_CONTAINER_BYTES
        for one, which in documents:
            key = (one.xid, one.role)
            if key not in proven:
                proven[key] = await self._proven(one, is_forced=wanted.is_forced)
            content = container.encode(proven[key], which, self._key_of)
            room -= len(content)
            if room < 0:
                raise Limit("EDGES_CONTAINER_BYTES", remedy="Ask with requestOnly or responseOnly.")
            named.append((name_of(one, which), content))
        return named

    async def _proven(self, one: Archived, *, is_forced: bool) -> Archived:
        """With a receipt. Raises NotFound: no checkpoint covers it yet, and none was asked for."""
        if one.receipt:
            return one
        found = await self._archive.prove(one.xid, one.role) if is_forced else None
        if found is None or not found.receipt:
            message = "Some message signatures have not been timestamped yet!"
            raise NotFound(
                message, remedy="No checkpoint of the log covers them: ask again in a minute, or with force."
            )
        return found


def wanted_of(asked: Mapping[str, Sequence[str]]) -> Wanted:
    """Raises Invalid (400) naming the parameter."""
    if unknown := asked.keys() - _KNOWN:
        raise Invalid.at(min(unknown)[:40], "Leave it out.", status=400)
    only: Which | None = None
    if "requestOnly" in asked and "responseOnly" in asked:
        raise Invalid.at("responseOnly", "Send requestOnly or responseOnly, not both.", status=400)
    if "requestOnly" in asked or "responseOnly" in asked:
        only = "request" if "requestOnly" in asked else "response"
    if "unique" in asked and only is None:
        raise Invalid.at("unique", "Send it with requestOnly or responseOnly.", status=400)
    needed = [once(asked, name) for name in ("queryId", "xRoadInstance", "memberClass", "memberCode")]
    for name, value in zip(("queryId", "xRoadInstance", "memberClass", "memberCode"), needed, strict=True):
        if not value:
            raise Invalid.at(name, "Send it.", status=400)
    client = ClientId(needed[1], needed[2], needed[3], once(asked, "subsystemCode"))
    return Wanted(needed[0], client, only, "unique" in asked, "force" in asked)


def name_of(one: Archived, which: Which) -> str:
    """`queryId-request-Z.asice`; the field draws Z, ours is of the exchange, so the same document has one name."""
    mark = b32encode(sha256(f"{one.xid} {one.role} {which}".encode()).digest()).decode("ascii")[:10].lower()
    return f"{_safe(one.message_id)}-{which}-{mark}{container.SUFFIX}"


def _once_each(found: Sequence[Archived], client: ClientId) -> list[Archived]:
    """Both sides of an exchange may be in one log: the side of who asks for it, once."""
    chosen: dict[str, Archived] = {}
    for one in found:
        side = "client" if one.client == client else "provider"
        if one.xid not in chosen or one.role == side:
            chosen[one.xid] = one
    return list(chosen.values())


def _kinds(one: Archived, only: Which | None) -> list[Which]:
    kinds: tuple[Which, ...] = ("request", "response") if only is None else (only,)
    return [which for which in kinds if container.is_provable(one, which)]


def _status(problem: Problem) -> int:
    if isinstance(problem, Fault):
        return 401 if Code.SSL_AUTH_FAILED in problem.codes else 500
    return problem.status if problem.status in (400, 404, 405, 413) else 500


def _file(kind: str, name: str, content: bytes) -> Response:
    fields = (
        (b"content-type", kind.encode("ascii")),
        (b"content-disposition", f'attachment; filename="{name}"'.encode("ascii")),
    )
    return Response(200, fields, content)


def _safe(message_id: str) -> str:
    return quote(message_id, safe="")
