"""A stranger's address is asked within bounds, whatever it answers."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from banyan.outward import Said, ask

HEAD = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"


@contextmanager
def answering(first: bytes, then: bytes = b"") -> Iterator[str]:
    """Answers one request with `first`, then sends `then` until the other side is gone."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with suppress(OSError):
                peer, _ = server.accept()
                with peer:
                    peer.recv(65_536)
                    peer.sendall(first)
                    while then:
                        peer.sendall(then)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}/"
        finally:
            server.close()
            thread.join(10)


def said(url: str, *, at_most: int = 100, time_s: float = 5.0, allow_private: bool = True) -> Said:
    return asyncio.run(ask("GET", url, {}, time_s=time_s, at_most=at_most, allow_private=allow_private))


def test_an_answer_is_read_to_its_end() -> None:
    with answering(HEAD + b"challenge") as url:
        assert said(url) == Said(200, b"challenge")


def test_nothing_is_read_where_nothing_is_wanted() -> None:
    with answering(HEAD, b"more ") as url:
        assert said(url, at_most=0) == Said(200)


def test_too_much_is_nothing() -> None:
    with answering(HEAD, b"more ") as url:
        assert said(url) == Said(200)


def test_an_answer_that_never_ends_ends_with_its_time() -> None:
    with answering(HEAD, b"x") as url:
        assert said(url, at_most=1 << 40, time_s=0.2) == Said(0)


def test_a_redirect_is_not_followed() -> None:
    with answering(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n") as url:
        assert said(url).status == 302


def test_our_own_walls_are_not_asked_unawares() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert said(f"http://127.0.0.1:{server.getsockname()[1]}/", allow_private=False) == Said(0)
        server.setblocking(False)
        with suppress(BlockingIOError):
            server.accept()
            raise AssertionError("it was asked")
