"""The monitor's pages on the edge, for the operator's own tools: `/metrics` (Prometheus), `/monitor/records` (JSON).

Whoever may not read them gets 403: figures tell who asks whom, though never about which person.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import msgspec

from banyan.errors import Denied, Invalid
from banyan.kernel.exchange.messages.monitor import Observer
from banyan.kernel.exchange.road.edges.asked import pairs
from banyan.kernel.exchange.road.model import Request, Response
from banyan.kernel.exchange.road.pages import Pages, Placed
from banyan.limits_road import EDGES_RECORDS
from banyan.wire.xroad.faults import Fault
from banyan.wire.xroad.identifiers import ClientId, parse_client

_TEXT: Final = (b"Content-Type", b"text/plain; version=0.0.4; charset=utf-8")
_JSON: Final = (b"Content-Type", b"application/json")
_LAST: Final = 253_402_300_799


class MonitorPages(msgspec.Struct, frozen=True):
    """`may_read` decides on a request of the edge; nobody by default."""

    observer: Observer
    may_read: Callable[[Request], bool] = lambda _: False

    def place(self, pages: Pages) -> None:
        pages.add("edge", b"/metrics", Placed(self.metrics, most=0))
        pages.add("edge", b"/monitor/records", Placed(self.records, most=0))

    async def metrics(self, request: Request) -> Response:
        self._check(request)
        return Response(200, (_TEXT,), (await self.observer.metrics()).encode())

    async def records(self, request: Request) -> Response:
        """`?from=&to=&client=`: seconds, both included, and who took part; `next_from` when there is more."""
        self._check(request)
        asked = pairs(request)
        first, last = _second(asked, "from", 0), _second(asked, "to", _LAST)
        found = await self.observer.records(first, last, _client(asked), EDGES_RECORDS)
        return Response(200, (_JSON,), msgspec.json.encode({"records": found.rows, "next_from": found.next_from}))

    def _check(self, request: Request) -> None:
        if not self.may_read(request):
            remedy = "Send the token of BANYAN_ROAD_METRICS as Authorization: Bearer."
            raise Denied("The monitor's figures are for this gateway's operator.", remedy=remedy)
        if request.verb != "GET":
            raise Invalid("Only GET.", remedy="Send GET.", status=405)


def _second(asked: Mapping[str, Sequence[str]], name: str, default: int) -> int:
    text = asked.get(name, [str(default)])[-1]
    if not (text.isascii() and text.isdigit() and len(text) <= 12):
        raise Invalid.at(name, "a whole number of seconds since 1970", status=400)
    return int(text)


def _client(asked: Mapping[str, Sequence[str]]) -> ClientId | None:
    text = asked.get("client", [""])[-1]
    if not text:
        return None
    try:
        return parse_client(text, "client")
    except Fault as fault:
        raise Invalid.at("client", "instance/class/member[/subsystem]", status=400) from fault
