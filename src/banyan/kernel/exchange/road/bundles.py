"""The bundles of a pool, by place: which one takes a new strand, and when another connection is made for it."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Collection, Sequence

from banyan.kernel.exchange.road.bundle import Bundle, Entry
from banyan.kernel.exchange.road.tls import shown
from banyan.limits_road import ROAD_BUNDLE_SHARE, ROAD_BUNDLES, ROAD_HANDSHAKE_S

At = tuple[str, int]
"""Host and port."""


class Bundles:
    """Made inside the running loop."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._all: set[Bundle] = set()
        self._of: dict[At, list[Bundle]] = {}
        """Those that take new strands."""
        self._dials: dict[At, set[asyncio.Future[None]]] = {}
        self._single: set[At] = set()
        """Where single connections were agreed on last: nobody waits there for another's."""

    async def connect(
        self, at: At, context: ssl.SSLContext, protocol: asyncio.Protocol, pins: Collection[bytes] = ()
    ) -> None:
        """Connect `protocol`: in a bundle whose certificate is one of `pins`, if any are given, in a new one, or alone
        where the other side knows none. Raises OSError."""
        while True:
            able, dials = self._able(at, context, pins), self._dials.get(at, set())
            bundle = min(able, key=lambda one: len(one.strands), default=None)
            more = len(able) + len(dials) < ROAD_BUNDLES
            if bundle is not None and not (more and len(bundle.strands) >= ROAD_BUNDLE_SHARE):
                bundle.open(protocol)
                return
            if more or not dials or at in self._single:
                return await self._dial(at, context, protocol)
            await asyncio.wait(dials, return_when=asyncio.FIRST_COMPLETED)

    def doubt(self, bundle: Bundle) -> None:
        """It is silent: it gets no new strands, and ends when it has none left."""
        for at, bundles in tuple(self._of.items()):
            if bundle in bundles:
                bundles.remove(bundle)
            if not bundles:
                del self._of[at]

    def sweep(self, now: float) -> None:
        """End what nobody uses, by the loop's clock."""
        for bundle in tuple(self._all):
            if now >= bundle.deadline:
                bundle.close()

    def close(self) -> None:
        for bundle in tuple(self._all):
            bundle.abort()

    def _able(self, at: At, context: ssl.SSLContext, pins: Collection[bytes]) -> Sequence[Bundle]:
        of = [one for one in self._of.get(at, ()) if one.has_place and one.context is context]
        return [one for one in of if one.certificate in pins] if pins else of

    async def _dial(self, at: At, context: ssl.SSLContext, protocol: asyncio.Protocol) -> None:
        dial: asyncio.Future[None] = self._loop.create_future()
        dials = self._dials.setdefault(at, set())
        dials.add(dial)
        try:
            _, entry = await self._loop.create_connection(
                lambda: Entry(self._made, lambda: protocol),
                *at,
                ssl=context,
                ssl_handshake_timeout=ROAD_HANDSHAKE_S,
            )
            bundle = entry.chosen
            if isinstance(bundle, Bundle):
                self._single.discard(at)
                if not bundle.is_open:
                    raise ConnectionResetError("the connection ended as it began")
                bundle.context, bundle.certificate = context, shown(bundle.transport)
                self._of.setdefault(at, []).append(bundle)
                bundle.open(protocol)
            else:
                self._single.add(at)
        finally:
            dials.discard(dial)
            if not dials:
                self._dials.pop(at, None)
            dial.set_result(None)

    def _made(self) -> Bundle:
        bundle = Bundle(ended=self._ended)
        self._all.add(bundle)
        return bundle

    def _ended(self, bundle: Bundle) -> None:
        self._all.discard(bundle)
        self.doubt(bundle)
