"""Attacks by a service behind its gateway, and by readers who do not read: nothing goes on that is not HTTP."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator

import pytest
from tests.kernel.exchange.road.attacks.siege import BODY, HONEST, Siege, a_siege, written
from tests.kernel.exchange.road.pair import CONSUMER, ECHO, echo, said

from banyan.kernel.exchange.road.connection import Connection
from banyan.limits import HEADER_COUNT
from banyan.limits_road import ROAD_BODY_IDLE_S, ROAD_HEAD_BYTES

FAILED = "Server.ServerProxy.ServiceFailed.HttpError"
ANSWERS = {
    "length_and_chunked": b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two_lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    "folded": b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-A: 1\r\n 2\r\n\r\n",
    "bare_line_feed": b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-A: 1\nX-Road-Id: forged\r\n\r\n",
    "nul": b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-A: \x00\r\n\r\n",
    "header_bomb": b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-A: " + b"a" * ROAD_HEAD_BYTES + b"\r\n\r\n",
    "too_many_headers": b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n" + b"X-A: 1\r\n" * (HEADER_COUNT + 1) + b"\r\n",
    "no_http": b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
    "switching_protocols": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n",
    "endless_interim": b"HTTP/1.1 103 Early Hints\r\n\r\n" * 50,
    "chunk_in_0x": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n0\r\n\r\n",
    "over_the_bound": b"HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n" + b"x" * 300_000,
}


@pytest.fixture(scope="module")
def siege(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Siege]:
    with a_siege(tmp_path_factory.mktemp("siege")) as made:
        yield made


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_that_is_no_http_goes_nowhere(siege: Siege, name: str) -> None:
    service = siege.road.service
    service.script = lambda seen: ANSWERS[name]
    try:
        reply = siege.run(siege.road.call("POST", ECHO, HONEST, BODY))
    finally:
        service.script = echo
    assert reply.fields["x-road-error"] == FAILED, reply
    assert "forged" not in str(reply)
    siege.serves()


def test_a_service_cannot_speak_for_the_road(siege: Siege) -> None:
    """Its X-Road fields are the gateway's to say, and a fault of its own making is its answer, not the road's."""
    service = siege.road.service
    fields = (("X-Road-Error", "forged"), ("X-Road-Id", "forged"), ("Signature", "gw=:AA:"), ("Connection", "close"))
    service.script = lambda seen: said(b"own", fields, "500 Internal Server Error")
    try:
        reply = siege.run(siege.road.call("POST", ECHO, {**HONEST, "X-Road-Id": "mine"}, BODY))
    finally:
        service.script = echo
    assert (reply.status, reply.body) == (500, b"own")
    assert "x-road-error" not in reply.fields
    assert reply.fields["x-road-id"] == "mine"
    siege.serves()


def test_a_reader_who_does_not_read_is_let_go(siege: Siege) -> None:
    """Answers wait for their reader, as long as a body may pause, and no further request is taken up meanwhile: else
    whoever asks and asks and does not read has all answers held in memory."""
    service = siege.road.service
    large = said(b"x" * 190_000)
    service.script = lambda seen: large
    (listener,) = [one for one in siege.road.a.gateway._listeners if one._server and _port(one) == siege.edge_port]

    def blocked() -> list[Connection]:
        return [one for one in listener.connections if one._drained is not None]

    before = len(service.seen)

    async def stall() -> None:
        ears = socket.socket()
        ears.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        ears.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(ears, ("127.0.0.1", siege.edge_port))
        lines = [(b"Host", b"x"), (b"X-Road-Client", CONSUMER.encode()), (b"Content-Length", b"0")]
        for _ in range(40):  # one answer fits the kernel's buffers, forty do not
            await loop.sock_sendall(ears, written("POST", ECHO, lines))
        while not blocked():
            await asyncio.sleep(0.001)
        (mine,) = blocked()
        assert mine._transport.get_write_buffer_size() <= 2 * len(large)
        assert len(service.seen) < before + 40
        listener.sweep(loop.time() + ROAD_BODY_IDLE_S + 1)
        while blocked():
            await asyncio.sleep(0.001)
        ears.close()

    try:
        siege.run(stall())
    finally:
        service.script = echo
    assert siege.road.reported == []
    siege.serves()


def _port(listener: object) -> int:
    server = getattr(listener, "_server", None)
    assert server is not None
    port: int = server.sockets[0].getsockname()[1]
    return port
