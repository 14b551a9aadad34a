"""The client's side of HTTP/1.1: one connection to a peer or a provider, one request at a time, and pools of them.

Redirects are answers like others. A link that broke, timed out or was answered early is not used again.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import Callable, Collection
from typing import Final, Protocol, cast

import msgspec

from banyan.kernel.exchange.road.bundle import Bundle
from banyan.kernel.exchange.road.bundles import Bundles
from banyan.kernel.exchange.road.head import BadHttp, ResponseHead, read_response
from banyan.kernel.exchange.road.model import Body
from banyan.kernel.exchange.road.reader import Reader
from banyan.kernel.exchange.road.spool import Spool
from banyan.kernel.exchange.road.strand import NotTaken, Strand
from banyan.kernel.exchange.road.tls import shown
from banyan.limits_road import (
    ROAD_BODY_IDLE_S,
    ROAD_BODY_MOST_S,
    ROAD_CONNECT_S,
    ROAD_PIECE_BYTES,
    ROAD_POOL_IDLE_S,
    ROAD_POOL_PER_PLACE,
    ROAD_SILENT_S,
    ROAD_SWEEP_S,
)

_INTERIM: Final = 8
"""1xx answers before the real one."""
_NEVER: Final = float("inf")


class Broken(OSError):
    """No answer came. `was_sent`: some byte of the request may have arrived, so only a harmless one is sent again."""

    def __init__(self, text: str, *, was_sent: bool = True, is_late: bool = False) -> None:
        super().__init__(text)
        self.was_sent = was_sent
        self.is_late = is_late


class Came(msgspec.Struct, frozen=True):
    """An answer as it came; the body belongs to who asked."""

    head: ResponseHead
    body: Spool


SpoolFor = Callable[[ResponseHead], Spool]
"""Where the body of this answer goes: by then the digests that it promises are known."""


class Asker(Protocol):
    """Who asks without waiting, and is told."""

    def answered(self, data: bytes) -> int:
        """What came so far. 0: it was taken as the whole answer, and the link was `freed`; more: so many bytes are
        missing; less: it is not of the usual kind, so it is read by the rules and `told`."""

    def told(self, came: Came | None, error: OSError | BadHttp | None) -> None:
        """What came of it otherwise, as `Link.ask` would return or raise it."""


class Link(asyncio.Protocol):
    def __init__(self, pool: Pool, place: Place) -> None:
        self.pool = pool
        self.place = place
        self.certificate = b""
        self.context: ssl.SSLContext | None = None
        self.deadline = _NEVER
        self.is_fresh = True
        self.is_open = False
        self._reader = Reader(self)
        self._verb = ""
        self._spool_for: SpoolFor | None = None
        self._head: ResponseHead | None = None
        self._spool: Spool | None = None
        self._answer: asyncio.Future[Came] | None = None
        self._asker: Asker | None = None
        self._held = b""
        self._drained: asyncio.Future[None] | None = None
        self._interim = 0
        self._asked_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass
        self.is_open = True
        self.certificate = shown(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_open = False
        self.pool.lost(self)
        if exc is None:
            try:
                self._reader.feed(self._held)
                self._reader.close()
            except BadHttp as error:
                exc = error
        elif isinstance(exc, NotTaken):
            exc = Broken(str(exc), was_sent=False)
        self._fail(exc or Broken("the connection was closed before an answer"))
        self._release()

    def data_received(self, data: bytes) -> None:
        if self._asker is not None:
            if self._held:
                data, self._held = self._held + data, b""
            missing = self._asker.answered(data) if self._reader.is_between else -1
            if missing == 0:
                return
            if missing > 0:
                self._held = data
                return
        elif self._answer is None:
            self.abort()  # nobody asked
            return
        try:
            self._reader.feed(data)
        except BadHttp as error:
            self._fail(error)
            self.abort()
            return
        if self._reader.has_more:
            self.is_open = False
        if self._head is not None and self._is_awaited():  # a body that flows may take longer than its call
            now = self.pool.loop.time()
            self.deadline = max(self.deadline, min(now + ROAD_BODY_IDLE_S, self._asked_at + ROAD_BODY_MOST_S))

    def eof_received(self) -> bool:
        return False

    def pause_writing(self) -> None:
        self._drained = self.pool.loop.create_future()

    def resume_writing(self) -> None:
        self._release()

    def head(self, raw: bytes) -> int | None:
        head = read_response(raw, self._verb)
        if head.status < 200:
            self._interim += 1
            if head.status == 101 or self._interim > _INTERIM:
                raise BadHttp("interim", "no other protocol, and not that many 1xx answers")
            self._head = None
            return 0
        assert self._spool_for is not None, "an answer follows a question"
        self._head = head
        self._spool = self._spool_for(head)
        if (head.length or 0) > self._spool.most:
            raise BadHttp("body-size", f"at most {self._spool.most} bytes", 413)
        return -1 if head.until_close else head.length

    def piece(self, data: bytes) -> None:
        assert self._spool is not None, "a body follows a head"
        self._spool.write(data)

    def end(self) -> None:
        if self._head is None:
            self._reader.next()
            return
        assert self._spool is not None, "a body follows a head"
        if self._is_awaited():
            came, self._spool = Came(self._head, self._spool), None
            if self._asker is not None:
                asker, self._asker = self._asker, None
                self.pool.loop.call_soon(self._tell, asker, came)  # the reader is not done with what it reads
            elif self._answer is not None:
                self._answer.set_result(came)

    async def ask(self, verb: str, written: bytes, body: Body, spool_for: SpoolFor, deadline: float) -> Came:
        """Send `written` (a whole head) and `body`; the answer. `deadline` by the loop's clock: it is moved by what
        sending a large body takes, and by an answer's body that flows.

        Raises Broken, BadHttp (the answer is no HTTP), or what the connection was lost by (OSError)."""
        if not self.is_open:
            raise Broken("the connection was closed", was_sent=False)
        self._begin(verb, spool_for, deadline)
        self._answer = self.pool.loop.create_future()
        done = False
        try:
            if body.size <= ROAD_PIECE_BYTES:
                self._transport.write(written + body.whole(body.size) if body.size else written)
            else:
                await self._stream(written, body)
            came = await self._answer
            done = True
        finally:
            self._answer = None
            self.deadline = _NEVER
            if not done:
                self.abort()
        self._ready_again(came)
        return came

    def ask_for(self, asker: Asker, verb: str, written: bytes, spool_for: SpoolFor, deadline: float) -> None:
        """As `ask`, of an open link, with `written` the whole message: nobody waits, `asker` is told."""
        self._begin(verb, spool_for, deadline)
        self._asker = asker
        self._transport.write(written)

    def freed(self) -> None:
        """The asker has taken the whole answer; the link can be used again."""
        self._asker = None
        self.deadline = _NEVER
        self.is_fresh = False

    def forsaken(self) -> None:
        """The asker wants no answer any more."""
        self._asker = None
        self.abort()

    def _begin(self, verb: str, spool_for: SpoolFor, deadline: float) -> None:
        self._asked_at = self.pool.loop.time()
        self._verb, self._spool_for, self._head, self._interim = verb, spool_for, None, 0
        self.deadline = deadline

    def _tell(self, asker: Asker, came: Came) -> None:
        self.deadline = _NEVER
        self._ready_again(came)
        asker.told(came, None)

    def _ready_again(self, came: Came) -> None:
        if came.head.keeps_alive and self.is_open:
            self._reader.next()
            self.is_fresh = False
        else:
            self.abort()

    def _is_awaited(self) -> bool:
        return self._asker is not None or (self._answer is not None and not self._answer.done())

    def look(self, now: float) -> None:
        """Whether the answer has been due for long, and nothing at all came with it."""
        if now >= self._asked_at + ROAD_SILENT_S and self._is_awaited() and isinstance(self._transport, Strand):
            silent = self._transport.silent_since(self._asked_at)
            if silent is not None:
                self.pool.doubt(silent)

    def late(self) -> None:
        self.look(_NEVER)
        self._fail(Broken("no answer came in time", is_late=True))
        self.abort()

    def is_of(self, bundle: Bundle) -> bool:
        return isinstance(self._transport, Strand) and self._transport.is_of(bundle)

    def abort(self) -> None:
        self.is_open = False
        self._transport.abort()

    async def _stream(self, written: bytes, body: Body) -> None:
        assert self._answer is not None, "asked"
        deadline, loop = self.deadline, self.pool.loop
        self._transport.write(written)
        async for piece in body.chunks():
            if self._answer.done():
                self.is_open = False  # answered early: the rest is not wanted
                return
            self._transport.write(piece)
            now = loop.time()
            self.deadline = min(now + ROAD_BODY_IDLE_S, self._asked_at + ROAD_BODY_MOST_S)
            if self._drained is not None:
                await asyncio.wait((self._drained, self._answer), return_when=asyncio.FIRST_COMPLETED)
        self.deadline = deadline + loop.time() - self._asked_at

    def _fail(self, error: Exception) -> None:
        if self._asker is not None:
            asker, self._asker = self._asker, None
            broken = error if isinstance(error, OSError | BadHttp) else Broken(f"the connection was lost: {error}")
            self.pool.loop.call_soon(asker.told, None, broken)
            self.abort()
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error)
        if self._spool is not None:
            self._spool.close()
            self._spool = None

    def _release(self) -> None:
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)
        self._drained = None


class Place(msgspec.Struct, frozen=True):
    """Where a connection leads."""

    host: str
    port: int
    is_tls: bool = True


class Pool:
    """Idle connections by place. `context`: the TLS in force; links of an older one are closed instead of used."""

    def __init__(
        self,
        context: Callable[[], ssl.SSLContext | None],
        *,
        per_place: int = ROAD_POOL_PER_PLACE,
        idle_s: float = ROAD_POOL_IDLE_S,
    ) -> None:
        self._context = context
        self._idle: dict[Place, deque[Link]] = {}
        self._links: set[Link] = set()
        self._bundles = Bundles()
        self._per_place = per_place
        self._idle_s = idle_s
        self.loop = asyncio.get_running_loop()
        self._sweeper: asyncio.TimerHandle | None = None
        self._sweep()

    def idle(self, place: Place) -> Link | None:
        """An open connection that nobody uses, the last used first."""
        links = self._idle.get(place)
        while links:
            link = links.pop()
            if link.is_open and (not place.is_tls or link.context is self._context()):
                link.deadline = _NEVER
                return link
            link.abort()
        return None

    async def connect(self, place: Place, deadline: float, pins: Collection[bytes] = ()) -> Link:
        """A new connection, or a strand of one whose certificate is among `pins`, if any are given: whether a new one
        shows such a certificate, who asked looks. Raises OSError: nobody there, too late, or TLS refused
        (ssl.SSLError)."""
        context = self._context() if place.is_tls else None
        assert context is not None or not place.is_tls, "a TLS place needs a context"
        link = Link(self, place)
        try:
            async with asyncio.timeout_at(min(deadline, self.loop.time() + ROAD_CONNECT_S)):
                if context is None:
                    await self.loop.create_connection(lambda: link, place.host, place.port)
                else:
                    await self._bundles.connect((place.host, place.port), context, link, pins)
        except TimeoutError as error:
            raise Broken("no connection in time", was_sent=False, is_late=True) from error
        except ValueError as error:  # an empty name, or one that no resolver takes (UnicodeError)
            raise Broken("the address is none", was_sent=False) from error
        link.context = context
        self._links.add(link)
        return link

    async def take(self, place: Place, deadline: float) -> Link:
        return self.idle(place) or await self.connect(place, deadline)

    def give(self, link: Link) -> None:
        """Back after an answer."""
        if not link.is_open:
            return
        links = self._idle.setdefault(link.place, deque())
        if len(links) >= self._per_place:
            link.abort()
            return
        link.deadline = self.loop.time() + self._idle_s
        links.append(link)

    def lost(self, link: Link) -> None:
        self._links.discard(link)
        links = self._idle.get(link.place)
        if links is not None and link in links:
            links.remove(link)
            if not links:
                del self._idle[link.place]

    def close(self) -> None:
        if self._sweeper is not None:
            self._sweeper.cancel()
        for link in tuple(self._links):
            link.abort()
        self._bundles.close()

    def doubt(self, bundle: Bundle) -> None:
        """Nothing came on it while an answer was awaited: no call is asked there any more."""
        self._bundles.doubt(bundle)
        for links in tuple(self._idle.values()):
            for link in tuple(links):
                if link.is_of(bundle):
                    link.abort()

    def sweep(self, now: float) -> None:
        """End what is late at `now`, by the loop's clock."""
        for link in tuple(self._links):
            if now >= link.deadline:
                link.late()
            else:
                link.look(now)
        self._bundles.sweep(now)

    def _sweep(self) -> None:
        self.sweep(self.loop.time())
        self._sweeper = self.loop.call_later(ROAD_SWEEP_S, self._sweep)
