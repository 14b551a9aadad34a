"""Attacks on the reading of HTTP, at the client's edge and at the leg: one reading of each message, or none."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from tests.kernel.exchange.road.attacks.siege import BODY, Got, Siege, a_siege, read, send, tls_of, written
from tests.kernel.exchange.road.pair import CONSUMER, ECHO, an_identity

from banyan.kernel.exchange.road.connection import Connection
from banyan.kernel.exchange.road.listener import Listener
from banyan.limits import HEADER_COUNT
from banyan.limits_road import ROAD_BODY_IDLE_S, ROAD_HEAD_BYTES, ROAD_HEAD_S

CLIENT = f"X-Road-Client: {CONSUMER}\r\n".encode()
START = f"POST {ECHO} HTTP/1.1\r\n".encode()
HOST = b"Host: gateway\r\n"
SMUGGLED = f"POST {ECHO}/smuggled HTTP/1.1\r\n".encode() + HOST + CLIENT + b"Content-Length: 0\r\n\r\n"


def asked(*lines: bytes, body: bytes = BODY) -> bytes:
    return START + HOST + CLIENT + b"".join(line + b"\r\n" for line in lines) + b"\r\n" + body


LENGTH = b"Content-Length: %d" % len(BODY)
CHUNKED = b"d\r\n" + BODY + b"\r\n0\r\n\r\n"
SHOTS: dict[str, tuple[bytes, int, str]] = {
    "header_bomb": (asked(b"X-Pad: " + b"a" * ROAD_HEAD_BYTES, LENGTH), 431, "header-size"),
    "header_bomb_without_end": (START + HOST + b"X-Pad: " + b"a" * 10 * ROAD_HEAD_BYTES, 431, "header-size"),
    "too_many_headers": (asked(*(b"X-%d: 1" % at for at in range(HEADER_COUNT)), LENGTH), 431, "header-count"),
    "length_and_chunked": (asked(LENGTH, b"Transfer-Encoding: chunked", body=CHUNKED), 400, "transfer-encoding"),
    "chunked_and_length": (
        asked(b"Transfer-Encoding: chunked", b"Content-Length: 4", body=CHUNKED + SMUGGLED),
        400,
        "transfer-encoding",
    ),
    "duplicate_length": (asked(LENGTH, LENGTH), 400, "content-length"),
    "two_lengths": (asked(b"Content-Length: 0", LENGTH, body=SMUGGLED), 400, "content-length"),
    "list_of_lengths": (asked(b"Content-Length: 0, 13"), 400, "content-length"),
    "signed_length": (asked(b"Content-Length: +13"), 400, "content-length"),
    "length_in_hexadecimal": (asked(b"Content-Length: 0xd"), 400, "content-length"),
    "length_of_another_script": (asked("Content-Length: \u0661\u0663".encode()), 400, "content-length"),
    "transfer_of_two_codings": (asked(b"Transfer-Encoding: chunked, identity", body=CHUNKED), 400, "transfer-encoding"),
    "transfer_twice": (
        asked(b"Transfer-Encoding: chunked", b"Transfer-Encoding: identity", body=CHUNKED),
        400,
        "transfer-encoding",
    ),
    "transfer_nearly_chunked": (asked(b"Transfer-Encoding: xchunked", body=CHUNKED), 400, "transfer-encoding"),
    "transfer_behind_a_vertical_tab": (asked(b"Transfer-Encoding: \x0bchunked", body=CHUNKED), 400, "header-bytes"),
    "transfer_before_a_space": (asked(b"Transfer-Encoding : chunked", LENGTH, body=CHUNKED), 400, "header-name"),
    "transfer_folded": (asked(b"Transfer-Encoding:\r\n chunked", body=CHUNKED), 400, "obs-fold"),
    "transfer_in_http_1_0": (
        asked(b"Transfer-Encoding: chunked", body=CHUNKED).replace(b"HTTP/1.1", b"HTTP/1.0", 1),
        400,
        "transfer-encoding",
    ),
    "folded_line": (asked(b"X-Road-UserId: EE\r\n\tand more", LENGTH), 400, "obs-fold"),
    "folded_first_line": (START + b" X: y\r\n" + HOST + CLIENT + LENGTH + b"\r\n\r\n" + BODY, 400, "obs-fold"),
    "bare_line_feed": (asked(b"X-A: 1\nX-B: 2", LENGTH), 400, "header-bytes"),
    "bare_carriage_return": (asked(b"X-A: 1\rX-B: 2", LENGTH), 400, "header-bytes"),
    "nul_in_a_value": (asked(b"X-A: a\x00b", LENGTH), 400, "header-bytes"),
    "nul_in_a_name": (asked(b"X\x00A: b", LENGTH), 400, "header-bytes"),
    "nul_in_the_address": (asked(LENGTH).replace(b"/echo", b"/echo\x00", 1), 400, "request-line"),
    "no_colon": (asked(b"X-A", LENGTH), 400, "header-line"),
    "space_in_a_name": (asked(b"X A: 1", LENGTH), 400, "header-name"),
    "empty_name": (asked(b": 1", LENGTH), 400, "header-name"),
    "no_host": (START + CLIENT + LENGTH + b"\r\n\r\n" + BODY, 400, "host"),
    "two_hosts": (asked(b"Host: other", LENGTH), 400, "host"),
    "absolute_form": (asked(LENGTH).replace(b"POST /", b"POST http://gateway/", 1), 400, "request-line"),
    "authority_form": (b"CONNECT gateway:443 HTTP/1.1\r\n" + HOST + b"\r\n", 400, "request-line"),
    "http_2_preface": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, "request-line"),
    "http_0_9": (b"GET /\r\n\r\n", 400, "request-line"),
    "a_tab_in_the_request_line": (asked(LENGTH).replace(b"POST /", b"POST\t/", 1), 400, "request-line"),
    "small_letters_of_a_verb": (asked(LENGTH).replace(b"POST", b"post", 1), 400, "request-line"),
    "long_address": (asked(LENGTH).replace(b"/echo", b"/echo" + b"a" * 30_000, 1), 414, "request-line"),
    "expectation_of_something_else": (asked(b"Expect: a-miracle", LENGTH), 417, "expect"),
}


@pytest.fixture(scope="module")
def siege(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Siege]:
    with a_siege(tmp_path_factory.mktemp("siege")) as made:
        yield made


@pytest.mark.parametrize("name", SHOTS)
@pytest.mark.parametrize("side", ["edge", "peer"])
def test_is_refused_before_anybody_looks_at_it(siege: Siege, name: str, side: str) -> None:
    shot, status, rule = SHOTS[name]
    got = siege.repels(siege.at_edge(shot) if side == "edge" else siege.at_peer(shot))
    assert got.status == status, got
    assert got.field == rule, got
    assert got.fields["connection"] == "close", "what stands behind it is not read as another request"


BODIES = {
    "chunk_of_no_size": b"\r\n" + BODY,
    "chunk_with_a_sign": b"+d\r\n" + BODY + b"\r\n0\r\n\r\n",
    "chunk_in_0x": b"0xd\r\n" + BODY + b"\r\n0\r\n\r\n",
    "chunk_longer_than_its_size": b"4\r\n" + BODY + b"\r\n0\r\n\r\n",
    "chunk_ended_by_a_line_feed": b"d\r\n" + BODY + b"\n0\r\n\r\n",
    "size_ended_by_a_line_feed": b"d\n" + BODY + b"\r\n0\r\n\r\n",
    "size_of_2_to_the_64": b"1" + b"0" * 16 + b"d\r\n" + BODY + b"\r\n0\r\n\r\n",
    "extension_bomb": b"d;" + b"a" * 10_000 + b"\r\n" + BODY + b"\r\n0\r\n\r\n",
    "extension_with_a_line_feed": b"d;a\nb\r\n" + BODY + b"\r\n0\r\n\r\n",
    "trailer_bomb": b"d\r\n" + BODY + b"\r\n0\r\n" + b"X-Pad: 1\r\n" * 5_000 + b"\r\n",
    "trailer_folded": b"d\r\n" + BODY + b"\r\n0\r\nX-A: 1\r\n 2\r\n\r\n",
}


@pytest.mark.parametrize("name", BODIES)
def test_a_badly_framed_body_is_refused(siege: Siege, name: str) -> None:
    got = siege.repels(siege.at_edge(asked(b"Transfer-Encoding: chunked", body=BODIES[name])))
    assert got.status in (400, 431), got


def test_a_body_that_is_cut_off_goes_nowhere(siege: Siege) -> None:
    async def cut() -> None:
        _, writer = await asyncio.open_connection("127.0.0.1", siege.edge_port)
        writer.write(asked(LENGTH, body=BODY[:-1]))
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    siege.repels(cut())


@pytest.mark.parametrize("lines", [(b"Content-Length: 300000",), (b"Transfer-Encoding: chunked",)])
def test_a_body_over_the_bound_is_refused(siege: Siege, lines: tuple[bytes, ...]) -> None:
    body = b"x" * 300_000 if b"Length" in lines[0] else b"493e0\r\n" + b"x" * 300_000 + b"\r\n0\r\n\r\n"
    got = siege.repels(siege.at_edge(asked(*lines, body=body)))
    assert got.status == 413, got
    assert got.error == "Server.ClientProxy.InvalidRequest"


def test_a_trailer_is_no_header(siege: Siege) -> None:
    """Read and dropped: the call itself is honest."""
    seen = len(siege.road.service.seen)
    trailer = b"d\r\n" + BODY + b"\r\n0\r\nX-Road-Client: EE/BUSINESS/other/sub\r\nX-Evil: 1\r\n\r\n"
    got = siege.run(siege.at_edge(asked(b"Transfer-Encoding: chunked", body=trailer)))
    assert got.status == 200
    (one,) = siege.road.service.seen[seen:]
    assert one.get("X-Evil") is None
    assert one.get("X-Road-Client") == CONSUMER


def test_an_upgrade_to_http_2_is_not_taken_up(siege: Siege) -> None:
    """RFC 9110 s7.8 lets a server ignore it: the call is served as HTTP/1.1, the fields stay here, nothing is 101."""
    seen = len(siege.road.service.seen)
    lines = (b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABkAAQAAP__", LENGTH)
    got = siege.run(siege.at_edge(asked(*lines)))
    assert got.status == 200
    (one,) = siege.road.service.seen[seen:]
    assert one.get("Upgrade") is None
    assert one.get("Connection") is None


def test_what_stands_behind_an_honest_request_is_a_request_of_its_own(siege: Siege) -> None:
    """A second request in the same bytes is answered after the first, or, as here, refused for what it is."""

    async def both() -> list[Got]:
        reader, writer = await asyncio.open_connection("127.0.0.1", siege.edge_port)
        writer.write(asked(LENGTH) + b"POST /r1/EE HTTP/1.1\r\nHost: gateway\r\n folded: 1\r\n\r\n")
        found = [await read(reader), await read(reader)]
        writer.close()
        await writer.wait_closed()
        return found

    seen = len(siege.road.service.seen)
    first, second = siege.run(both())
    assert (first.status, second.status, second.field) == (200, 400, "obs-fold")
    assert len(siege.road.service.seen) == seen + 1


def _listener(siege: Siege, side: str) -> Listener:
    gateway = siege.road.a.gateway if side == "edge" else siege.road.b.gateway
    port = siege.edge_port if side == "edge" else siege.peer_port
    return next(one for one in gateway._listeners if one._server and one._server.sockets[0].getsockname()[1] == port)


async def _held(listener: Listener, writer: asyncio.StreamWriter) -> Connection:
    """The listener's end of this connection."""
    own = writer.get_extra_info("sockname")
    while True:
        for one in listener.connections:
            if one._transport.get_extra_info("peername") == own:
                return one
        await asyncio.sleep(0.001)


@pytest.mark.parametrize("side", ["edge", "peer"])
@pytest.mark.parametrize(
    ("sent", "late_s"),
    [(b"", ROAD_HEAD_S), (b"P", ROAD_HEAD_S), (START + HOST + b"X-A: 1\r\n", ROAD_HEAD_S)],
    ids=["nothing", "one_byte", "half_a_head"],
)
def test_a_slow_loris_is_let_go(siege: Siege, side: str, sent: bytes, late_s: float) -> None:
    """The listener looks at its connections as it does by itself four times a second, at a time when they are late."""
    listener = _listener(siege, side)

    async def loris() -> Got:
        context = tls_of(siege.road.a.identity, siege.road.b.pem) if side == "peer" else None
        port = siege.edge_port if side == "edge" else siege.peer_port
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
        writer.write(sent)
        await writer.drain()
        mine = await _held(listener, writer)
        while sent and mine._reader.is_between:
            await asyncio.sleep(0.001)
        listener.sweep(listener.loop.time() + late_s + 1)
        got = await read(reader)
        writer.close()
        return got

    got = siege.repels(loris())
    assert got.status == (408 if sent else 0), got


def test_a_slow_body_is_let_go(siege: Siege) -> None:
    listener = _listener(siege, "edge")

    async def drip() -> Got:
        reader, writer = await asyncio.open_connection("127.0.0.1", siege.edge_port)
        writer.write(asked(LENGTH, body=BODY[:3]))
        await writer.drain()
        mine = await _held(listener, writer)
        while mine._waiting is None:
            if mine._begun:  # the straight way waited for all of it, and lets the general way wait on
                listener.sweep(listener.loop.time() + ROAD_BODY_IDLE_S + 1)
            await asyncio.sleep(0.001)
        listener.sweep(listener.loop.time() + ROAD_BODY_IDLE_S + 1)
        got = await read(reader)
        writer.close()
        return got

    got = siege.repels(drip())
    assert (got.status, got.error) == (408, "Server.ClientProxy.InvalidRequest")


def test_a_leg_without_a_certificate_or_with_one_nobody_knows_is_no_leg(siege: Siege) -> None:
    stranger, _ = an_identity(siege.road.folder, "stranger")
    for identity in (None, stranger):
        shot = written("POST", ECHO, siege.call(), BODY)
        got = siege.repels(send(siege.peer_port, [shot], tls_of(identity, siege.road.b.pem)))
        assert got == Got()
    assert siege.repels(send(siege.peer_port, [written("POST", ECHO, siege.call(), BODY)])) == Got()
