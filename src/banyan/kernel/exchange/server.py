"""The server under the door: uvicorn on httptools, with the bounds uvicorn lacks.

uvicorn reads a head of any size for any time; this protocol gives both a bound. Subclassing is uvicorn's extension
point for a protocol, hence the one inheritance here.
"""

from __future__ import annotations

import asyncio
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from banyan.limits import HEADER_BYTES, HEADER_COUNT, HEADER_TIME_S, KEEP_ALIVE_S, OPEN_CONNECTIONS


class BoundedProtocol(HttpToolsProtocol):
    """HTTP/1.1 with a bound on the head's size, number of lines and time."""

    _head_bytes = 0
    _head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_came()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._head_bytes = 0
        if self._head_timer is None:
            self._wait_for_head()

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        self._bound_head(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        self._bound_head(len(name) + len(value))

    def on_headers_complete(self) -> None:
        self._head_came()
        if not self.transport.is_closing():
            super().on_headers_complete()

    def _bound_head(self, size: int) -> None:
        self._head_bytes += size
        if (
            self._head_bytes > HEADER_BYTES or len(self.headers) > HEADER_COUNT + 1
        ) and not self.transport.is_closing():
            self.transport.write(
                b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
            )
            self.transport.close()

    def _wait_for_head(self) -> None:
        self._head_timer = self.loop.call_later(HEADER_TIME_S, self._head_late)

    def _head_came(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _head_late(self) -> None:
        self._head_timer = None
        if not self.transport.is_closing():
            self.transport.write(b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")
            self.transport.close()


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
