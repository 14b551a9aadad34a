"""The log's pages at the peers' listener: its files for any auditor among the members, and this gateway as a witness.

    /log/checkpoint   /log/tile/...   /log/keys   /log/add-checkpoint   /log/witness/HASH/checkpoint

Sources: c2sp.org/tlog-tiles (paths, caching), c2sp.org/tlog-witness.
"""

from __future__ import annotations

import asyncio
from typing import Final

import msgspec

from banyan.errors import NotFound
from banyan.kernel.exchange.messages.archive import Messages
from banyan.kernel.exchange.messages.keysheet import sheet_of
from banyan.kernel.exchange.messages.neighbours import ADD_PATH, KEYS_PATH, Neighbours
from banyan.kernel.exchange.road.model import Request, Response
from banyan.kernel.exchange.road.pages import Pages, Placed
from banyan.kernel.ledger.keys import LedgerKeys
from banyan.kernel.ledger.witness import Answer
from banyan.limits import WITNESS_BODY_BYTES
from banyan.wire.xroad.headers import Field

PREFIX: Final = "/log/"
_PLAIN: Final = (b"Content-Type", b"text/plain; charset=utf-8")
_BYTES: Final = (b"Content-Type", b"application/octet-stream")
_JSON: Final = (b"Content-Type", b"application/json")
_NOW: Final = (b"Cache-Control", b"no-store")
_FOR_EVER: Final = (b"Cache-Control", b"private, max-age=31536000, immutable")


class LogPages(msgspec.Struct, frozen=True):
    """The handlers; `place` puts them in a gateway's registry."""

    messages: Messages
    keys: LedgerKeys
    neighbours: Neighbours

    def place(self, pages: Pages) -> None:
        pages.add("peer", b"/log/checkpoint", Placed(self.checkpoint, most=0))
        pages.add("peer", b"/log/tile/", Placed(self.tile, most=0))
        pages.add("peer", KEYS_PATH.encode(), Placed(self.sheet, most=0))
        pages.add("peer", ADD_PATH.encode(), Placed(self.add_checkpoint, most=WITNESS_BODY_BYTES))
        pages.add("peer", b"/log/witness/", Placed(self.cosigned, most=0))

    async def checkpoint(self, request: Request) -> Response:
        if refused := _only(request, "GET"):
            return refused
        signed = self.messages.published.signed
        return _answer(signed, _PLAIN, _NOW) if signed else _missing("Nothing is published yet.")

    async def tile(self, request: Request) -> Response:
        if refused := _only(request, "GET"):
            return refused
        path = request.target.decode("latin-1").removeprefix(PREFIX)
        found = await asyncio.to_thread(self.messages.published.tile, path)
        if found is None:
            return _missing("No such tile, or the log has not grown so far.")
        return _answer(found[1], _BYTES, _FOR_EVER)

    async def sheet(self, request: Request) -> Response:
        return _only(request, "GET") or _answer(sheet_of(self.keys).encode(), _JSON, _NOW)

    async def add_checkpoint(self, request: Request) -> Response:
        if refused := _only(request, "POST"):
            return refused
        if request.server is None:
            return _written(Answer(403, "only a gateway that the directory has is cosigned\n"))
        body = request.body.whole(WITNESS_BODY_BYTES)
        return _written(await self.neighbours.add_checkpoint(request.server, body))

    async def cosigned(self, request: Request) -> Response:
        if refused := _only(request, "GET"):
            return refused
        wanted, _, rest = request.target.decode("latin-1").removeprefix("/log/witness/").partition("/")
        kept = await self.neighbours.cosigned(wanted) if rest == "checkpoint" else None
        return _answer(kept, _PLAIN, _NOW) if kept else _missing("This gateway cosigned no such log.")


def _only(request: Request, verb: str) -> Response | None:
    """None when the request is of this verb."""
    if request.verb == verb:
        return None
    return Response(405, ((b"Allow", verb.encode()), _PLAIN), f"only {verb}\n".encode())


def _answer(body: bytes, *fields: Field) -> Response:
    return Response(200, fields, body)


def _written(answer: Answer) -> Response:
    return Response(answer.status, ((b"Content-Type", answer.media_type.encode()), _NOW), answer.body.encode())


def _missing(what: str) -> Response:
    raise NotFound(what, remedy="Read /log/checkpoint first: it says how large the log is.")
