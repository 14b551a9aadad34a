"""The server under the door: uvicorn on httptools, with the bounds uvicorn lacks and the door's hot answers.

uvicorn reads a head of any size for any time; this protocol bounds both, at 0.2 us a request. Subclassing is uvicorn's
extension point for a protocol, hence the one inheritance here.
"""

from __future__ import annotations

import asyncio
import atexit
import gc
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from banyan.kernel.exchange.hot import STATE, HotConnection, HotDoor
from banyan.limits import HEADER_BYTES, HEADER_TIME_S, KEEP_ALIVE_S, OPEN_CONNECTIONS, OPEN_FILES
from banyan.limits_road import GC_THRESHOLDS


class BoundedProtocol(HttpToolsProtocol):
    """HTTP/1.1 with a bound on the head's size and time. Between two messages a hot request is answered at once; the
    parser does not see it."""

    _open_bytes = 0
    _is_in_body = False
    """Between the end of a head and the end of its message, whether or not it was answered."""
    _seen: object = None
    _look: asyncio.TimerHandle | None = None
    _hot: HotDoor | None = None
    _hot_at = 0.0
    """When the last hot answer went out, by the loop's clock."""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        hot: HotDoor | None = self.app_state.get(STATE)
        if hot:
            self._hot = hot
            self._peer = HotConnection(self.client[0] if self.client else "", self.scheme or "http")
        self._look = self.loop.call_later(HEADER_TIME_S, self._look_again)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._look is not None:
            self._look.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._hot is not None and self._is_between:
            answer = self._hot.reply(data, self._peer, self.server_state.default_headers)
            if answer is not None:
                self._answer_hot(answer)
                return
        if len(data) <= HEADER_BYTES:
            super().data_received(data)
        else:  # a head may end in the middle: feed what a head may hold, then see whether it was one
            super().data_received(data[:HEADER_BYTES])
            self._bound_head(HEADER_BYTES)
            if not self.transport.is_closing():
                super().data_received(data[HEADER_BYTES:])
            return
        scope: Any = self.scope  # None before the first head, whatever uvicorn's annotation says
        if scope is not None and "method" in scope:
            self._open_bytes = 0
        else:
            self._bound_head(len(data))

    def on_headers_complete(self) -> None:
        self._is_in_body = True
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._is_in_body = False
        super().on_message_complete()

    @property
    def _is_between(self) -> bool:
        """Whether the last message and its answer have ended, nothing of the next was read, and the reader keeps up."""
        cycle: Any = self.cycle
        if cycle is None:
            if self.scope is not None:
                return False
        elif not cycle.response_complete or cycle.more_body or not cycle.keep_alive or cycle.scope is not self.scope:
            return False
        limit = OPEN_CONNECTIONS
        return not self.flow.write_paused and len(self.connections) < limit and len(self.tasks) < limit

    def _answer_hot(self, answer: bytes) -> None:
        """Send a hot answer. The keep-alive timer is not moved at each: when it strikes it looks at `_hot_at`."""
        self.transport.write(answer)
        self.server_state.total_requests += 1
        self._hot_at = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self.timeout_keep_alive_task = self.loop.call_later(KEEP_ALIVE_S, self.timeout_keep_alive_handler)

    def timeout_keep_alive_handler(self) -> None:
        left_s = self._hot_at + self.timeout_keep_alive - self.loop.time()
        if self._hot_at and left_s > 0:
            self.timeout_keep_alive_task = self.loop.call_later(left_s, self.timeout_keep_alive_handler)
        else:
            super().timeout_keep_alive_handler()

    @property
    def _is_head_open(self) -> bool:
        """Whether the connection waits for a head to begin or to end; uvicorn fills in the method at its end."""
        scope: Any = self.scope
        cycle: Any = self.cycle
        if self._is_in_body:
            return False
        if scope is None:  # the timer runs after a hot answer; uvicorn stops it at the next byte
            return self.timeout_keep_alive_task is None
        if "method" not in scope:
            return True
        return cycle is not None and cycle.response_complete and self.timeout_keep_alive_task is None

    @property
    def _is_left_over(self) -> bool:
        """Whether a body still comes that was answered before it was read: a refusal. It is passed over."""
        cycle: Any = self.cycle
        return self._is_in_body and cycle is not None and bool(cycle.response_complete)

    def _bound_head(self, size: int) -> None:
        if not self._is_head_open:
            return
        self._open_bytes += size
        if self._open_bytes >= HEADER_BYTES:
            self._refuse(b"431 Request Header Fields Too Large")

    def _look_again(self) -> None:
        """Every HEADER_TIME_S: a head that was already open at the last look is late (so it has one to two times)."""
        if self.transport.is_closing():  # closing waits for a reader who does not read
            self.transport.abort()
            return
        scope: Any = self.scope
        is_open, is_left_over = self._is_head_open, self._is_left_over
        if is_open and (scope is None or self._seen is scope):
            self._refuse(b"408 Request Timeout")
        elif is_left_over and self._seen is scope:
            self.transport.close()  # a second answer would be taken for that of the next request
        self._seen = scope if is_open or is_left_over else None
        self._look = self.loop.call_later(HEADER_TIME_S, self._look_again)

    def _refuse(self, status: bytes) -> None:
        if not self.transport.is_closing():
            self.transport.write(b"HTTP/1.1 " + status + b"\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")
            self.transport.close()

    def shutdown(self) -> None:
        """At the node's stop an endless answer (a live feed) ends at once; others may finish."""
        cycle: Any = self.cycle
        if cycle is not None and not cycle.response_complete and cycle.scope.get("banyan.endless"):
            self.transport.close()
            return
        super().shutdown()


class QuietServer(uvicorn.Server):
    """A second listener of a process: it leaves signals to the first."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def allow_connections() -> int:
    """Raise this process's bound on open files to what OPEN_CONNECTIONS needs, as far as the system lets; the bound.

    The usual 1,024 are taken by a thousand readers of the feed, and then nobody is answered (measured).
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_CONNECTIONS + OPEN_FILES
    wanted = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return soft
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return wanted


def calm_collector() -> None:
    """Once all is open: what stands then stays for good, so the collector of cycles need not walk it again and again;
    new objects die by themselves almost all. On the road the collector took 3 % of a call (decision 0119). At the end
    it walks them once more: else DuckDB's binding fills the screen with what was never let go."""
    gc.collect()
    gc.freeze()
    atexit.register(gc.unfreeze)
    gc.set_threshold(*GC_THRESHOLDS)


def server_config(app: Any, *, host: str = "127.0.0.1", port: int = 0) -> uvicorn.Config:
    """uvicorn's settings for the door. Proxy headers are the door's own business (`trusted_proxies`)."""
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        http=BoundedProtocol,
        ws="none",
        loop="uvloop",
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=10,
        limit_concurrency=OPEN_CONNECTIONS,
        interface="asgi3",
    )
