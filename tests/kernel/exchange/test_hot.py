"""Hot answers: the same as the general way's, only for plain requests, counted, in order, and never a way around."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httptools
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.kernel.exchange.test_hardening import send, status_of
from tests.make import SECRET, TOKEN, Node, a_node, live_node

from banyan.kernel.catalogue import Catalogue, Context, Service
from banyan.kernel.events.clock import EpochS
from banyan.kernel.exchange import DoorSettings, build_door
from banyan.kernel.exchange.hot import HotConnection, HotDoor, plain_headers, request_line
from banyan.kernel.exchange.record import Access, AccessRecord
from banyan.kernel.exchange.token import holder_of
from banyan.kernel.ledger.usage import OpenUsage, Use
from banyan.limits import HEADER_COUNT, HOT_HEAD_BYTES, RATES

HOST = b"Host: localhost\r\n"
LINE = b"GET /api/hot/where?a=1 HTTP/1.1\r\n"
PLAIN = LINE + HOST + b"\r\n"
CLOSE = b"Connection: close\r\n\r\n"
LAST = b"GET /health HTTP/1.1\r\n" + HOST + CLOSE
GIVEN = [(b"date", b"Thu, 26 Nov 2026 03:00:00 GMT")]
TEXT = {"zh-Hant": "哪裡", "en": "Where"}


class Where(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    a: int = 0


class Way(msgspec.Struct, frozen=True):
    """Which way answered; in service both say the same."""

    way: str


def hot_service(*, audience: Any = "public") -> Service:
    service = Service("hot", title=TEXT, package="tests.kernel.exchange")

    @service.operation("where", title=TEXT, summary=TEXT, data=("open",), audience=audience)
    async def where(ctx: Context, request: Where) -> Way:
        return Way("gen")

    @service.operation("slow", title=TEXT, summary=TEXT, data=("open",), audience="public")
    async def slow(ctx: Context, request: Where) -> Way:
        await asyncio.sleep(0.05)
        return Way("slow")

    def run(query: bytes, now: EpochS) -> bytes | None:
        if query == b"a=9":
            raise RuntimeError("A123456789")
        return b'{"way":"hot"}' if query in (b"a=1", b"") else None

    service.hot("where", lambda db: run, max_age_s=10, stale_s=30)
    return service


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Node]]:
    with live_node(tmp_path_factory.mktemp("hot"), [hot_service()]) as (url, node):
        yield url, node


def ways(answer: bytes) -> list[str]:
    """Which way each answer in the bytes of a connection came; `-` for one that is neither."""
    names = ("hot", "gen", "slow", "ok")
    found = []
    for part in answer.split(b"HTTP/1.1 ")[1:]:
        body = part.partition(b"\r\n\r\n")[2]
        found.append(next((name for name in names if b'"%s"' % name.encode() in body), "-"))
    return found


def head_of(answer: bytes) -> list[bytes]:
    """The lines of a head, without what must differ."""
    lines = answer.partition(b"\r\n\r\n")[0].split(b"\r\n")
    return [line for line in lines if not line.startswith((b"date:", b"etag:", b"content-length:", b"connection:"))]


def open_connection(live: tuple[str, Node]) -> socket.socket:
    host, port = live[0].removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=10)


def one(connection: socket.socket, request: bytes) -> bytes:
    """One request and its whole answer on a kept connection."""
    connection.sendall(request)
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += connection.recv(65536)
    head, _, body = answer.partition(b"\r\n\r\n")
    length = next((line for line in head.split(b"\r\n") if line.startswith(b"content-length: ")), b"content-length: 0")
    left = 0 if request.startswith(b"HEAD") else int(length[16:]) - len(body)
    while left > 0:
        chunk = connection.recv(65536)
        answer, left = answer + chunk, left - len(chunk)
    return answer


def kept(live: tuple[str, Node], *requests: bytes) -> list[bytes]:
    """Answers to requests sent one after another on one connection."""
    with open_connection(live) as connection:
        return [one(connection, request) for request in requests]


def test_a_plain_request_is_answered_hot_with_the_head_of_the_general_way(live: tuple[str, Node]) -> None:
    hot, general = kept(live, PLAIN, PLAIN.replace(b"a=1", b"a=2"))
    assert (ways(hot), ways(general)) == (["hot"], ["gen"])
    assert head_of(hot) == head_of(general)
    assert b"cache-control: public, max-age=10, stale-while-revalidate=30\r\n" in hot
    assert b"access-control-allow-origin: *\r\n" in hot
    assert b"content-security-policy: default-src 'none'" in hot


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (PLAIN.replace(b"a=1", b"a=%31"), 200),
        (PLAIN.replace(b"a=1", b"a=1#f"), 200),
        (PLAIN.replace(b"a=1", b"a=x"), 422),
        (PLAIN.replace(b"a=1", b"b=1"), 422),
        (PLAIN.replace(b"/where", b"//where"), 404),
        (PLAIN.replace(b"/where", b"/where/"), 404),
        (PLAIN.replace(b"GET", b"POST"), 405),
        (PLAIN.replace(b"HTTP/1.1", b"HTTP/1.0"), 200),
        (PLAIN.replace(b"HTTP/1.1", b"HTTP/1.9"), 400),
        (PLAIN.replace(b"localhost", b"evil.example"), 421),
        (LINE + b"\r\n", 421),
        (LINE + HOST + HOST + b"\r\n", 400),
        (LINE + HOST + b"Authorization: Bearer " + TOKEN.encode() + b"\r\n\r\n", 200),
        (LINE + HOST + b"authorization: x\r\n\r\n", 200),
        (LINE + HOST + b"X-CKAN-API-Key: x\r\n\r\n", 200),
        (LINE + HOST + b"Cookie: lang=en; session=x\r\n\r\n", 200),
        (LINE + HOST + b"Content-Length: 0\r\n\r\n", 200),
        (LINE + HOST + b"Content-Length: 3\r\n\r\nabc", 200),
        (LINE + HOST + b"Content-Length: x\r\n\r\n", 400),
        (LINE + HOST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 200),
        (LINE + HOST + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (LINE + HOST + b"Expect: 100-continue\r\n\r\n", 200),
        (LINE + HOST + b"Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n", 200),
        (LINE + HOST + b"Bad Header: x\r\n\r\n", 400),
        (LINE + HOST + b"X : y\r\n\r\n", 400),
        (LINE + HOST + b"X: a\x00b\r\n\r\n", 400),
        (LINE + HOST + b"X: y\r\n" * (HEADER_COUNT + 1) + b"\r\n", 431),
        (LINE + HOST + b"X: " + b"y" * HOT_HEAD_BYTES + b"\r\n\r\n", 200),
        (LINE + HOST + b"If-None-Match: a\r\nIf-None-Match: b\r\n\r\n", 200),
    ],
)  # fmt: skip
def test_anything_else_goes_the_general_way(live: tuple[str, Node], request_bytes: bytes, status: int) -> None:
    whole = send(live, request_bytes.replace(b"\r\n\r\n", b"\r\n" + CLOSE, 1))
    assert "hot" not in ways(whole)
    assert status_of(whole) == status
    with open_connection(live) as connection:
        connection.sendall(request_bytes)
        assert "hot" not in ways(connection.recv(65536)), "as it stands"


def test_a_plain_head_may_hold_what_browsers_send(live: tuple[str, Node]) -> None:
    browser = (
        LINE + HOST + b"Connection: keep-alive\r\nsec-ch-ua: \"Chromium\";v=\"140\"\r\nAccept: */*\r\n"
        b"User-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\nAccept-Encoding: gzip, deflate, br\r\nCookie: lang=en\r\n"
        b"Accept-Language: zh-TW,zh;q=0.9\r\nReferer: http://localhost/map\r\nDNT: 1\r\n\r\n"
    )  # fmt: skip
    assert ways(kept(live, browser)[0]) == ["hot"]


def test_answers_keep_the_order_of_requests(live: tuple[str, Node]) -> None:
    slow = b"GET /api/hot/slow HTTP/1.1\r\n" + HOST + b"\r\n"
    general = PLAIN.replace(b"a=1", b"a=2")
    assert ways(send(live, slow + PLAIN + LAST)) == ["slow", "gen", "ok"], "in one piece"
    assert ways(send(live, PLAIN + general + LAST)) == ["gen", "gen", "ok"]
    with open_connection(live) as connection:
        connection.sendall(slow)
        connection.sendall(PLAIN)  # while the slow one is at work
        connection.sendall(LAST)
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk
    assert ways(answer)[0] == "slow"
    assert ways(answer)[-1] == "ok"


def test_one_connection_goes_both_ways(live: tuple[str, Node]) -> None:
    general = PLAIN.replace(b"a=1", b"a=2")
    answers = kept(live, PLAIN, PLAIN, general, PLAIN, general, PLAIN)
    assert [ways(answer) for answer in answers] == [["hot"], ["hot"], ["gen"], ["hot"], ["gen"], ["hot"]]


def test_head_and_not_modified_are_as_of_the_general_way(live: tuple[str, Node]) -> None:
    with open_connection(live) as connection:
        full = one(connection, PLAIN)
        tag = next(line for line in full.split(b"\r\n") if line.startswith(b"etag: "))[6:]
        head = one(connection, PLAIN.replace(b"GET", b"HEAD"))
        conditional = LINE + HOST + b"If-None-Match: " + tag + b"\r\n\r\n"
        same = one(connection, conditional)
        other = one(connection, conditional.replace(tag, b'"x"'))
        general_head = one(connection, PLAIN.replace(b"GET", b"HEAD").replace(b"a=1", b"a=2"))
        general_tag = next(line for line in general_head.split(b"\r\n") if line.startswith(b"etag: "))[6:]
        general_same = one(connection, conditional.replace(tag, general_tag).replace(b"a=1", b"a=2"))
    assert head.endswith(b"\r\n\r\n")
    assert b"content-length: 13\r\n" in head
    assert head_of(head) == head_of(general_head)
    assert status_of(same) == status_of(general_same) == 304
    assert head_of(same) == head_of(general_same)
    assert same.endswith(b"etag: " + tag + b"\r\n\r\n")
    assert ways(other) == ["hot"]


def test_a_failing_hot_way_is_logged_and_the_general_way_answers(live: tuple[str, Node]) -> None:
    assert ways(kept(live, PLAIN.replace(b"a=1", b"a=9"))[0]) == ["gen"]
    failures = [fields for name, fields in live[1].logged if name == "hot.failed"]
    assert failures[-1] == {"kind": "RuntimeError", "operation": "hot.where"}


def test_a_head_begun_after_a_hot_answer_must_end_in_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("banyan.kernel.exchange.server.HEADER_TIME_S", 0.1)
    with live_node(tmp_path, [hot_service()]) as live, open_connection(live) as connection:
        assert ways(one(connection, PLAIN)) == ["hot"]
        connection.sendall(b"GET /he")
        assert status_of(connection.recv(65536)) == 408


def test_an_idle_connection_is_closed_after_its_last_hot_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("banyan.kernel.exchange.server.KEEP_ALIVE_S", 0.2)
    with live_node(tmp_path, [hot_service()]) as live, open_connection(live) as connection:
        assert ways(one(connection, PLAIN)) == ["hot"]
        assert ways(one(connection, PLAIN)) == ["hot"]
        assert connection.recv(65536) == b"", "closed, and nothing said"


def test_a_rate_is_taken_once_and_refused_by_the_general_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(RATES, "read", (0.001, 4))
    away = LINE + HOST + b"X-Forwarded-For: 203.0.113.7\r\n\r\n"
    with live_node(tmp_path, [hot_service()], rate_scale=1.0) as live, open_connection(live) as connection:
        answers = [one(connection, away.replace(b"a=1", query)) for query in (b"a=1", b"a=2", b"a=1", b"a=1", b"a=1")]
        assert [ways(answer) for answer in answers] == [["hot"], ["gen"], ["hot"], ["hot"], ["-"]]
        assert status_of(answers[-1]) == 429
        assert ways(one(connection, PLAIN)) == ["hot"], "a program of this machine has no rate"


def test_every_hot_answer_is_recorded(tmp_path: Path) -> None:
    lines: list[bytes] = []

    async def story() -> None:
        async with a_node(tmp_path, [hot_service()]) as node:
            record = AccessRecord(lines.append)
            app = build_door(
                Catalogue([hot_service()]),
                node.gate,
                identify=holder_of(TOKEN),
                settings=DoorSettings(secret=SECRET, work=tmp_path, member="TW/GOV/1"),
                log=lambda *_: None,
                record=record,
            )
            hot: HotDoor = app.hot  # type: ignore[attr-defined]
            connection = HotConnection("203.0.113.7", "http")
            parent = b"traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n"
            first = hot.reply(LINE + HOST + parent + b"\r\n", connection, GIVEN)
            assert first is not None
            assert hot.reply(PLAIN.replace(b"GET", b"HEAD"), connection, GIVEN) is not None
            assert hot.reply(PLAIN.replace(b"a=1", b"a=2"), connection, GIVEN) is None
            use = Use("hot.where", "open", "open-data", "anonymous", "api", "answered")
            assert isinstance(node.gate.usage, OpenUsage)
            assert node.gate.usage.counts == {use: 2}
            touched = [(touch.operation, touch.channel, touch.outcome) for touch in node.gate.touchpoints.recent()]
            assert touched == [("hot.where", "api", "answered")] * 2
            metrics = record.metrics({}, node.gate.usage.counts).decode()
            assert 'banyan_requests_total{route="/api/hot/where",method="GET",status="200"} 1' in metrics
            app.close()  # type: ignore[attr-defined]

    asyncio.run(story())
    found = [msgspec.json.decode(line, type=Access) for line in b"".join(lines).splitlines()]
    assert [(line.method, line.route, line.status, line.bytes) for line in found] == [
        ("GET", "/api/hot/where", 200, 13),
        ("HEAD", "/api/hot/where", 200, 0),
    ]
    assert {(line.op, line.basis, line.caller, line.channel, line.member) for line in found} == {
        ("hot.where", "open", "anonymous", "api", "TW/GOV/1")
    }
    assert found[0].trace == "4bf92f3577b34da6a3ce929d0e0e4736"
    assert len(found[1].trace) == 32


def test_behind_a_trusted_proxy_its_word_counts(tmp_path: Path) -> None:
    forwarded = LINE + HOST + b"X-Forwarded-For: 203.0.113.7\r\nX-Forwarded-Proto: https\r\n\r\n"

    async def story() -> None:
        async with a_node(tmp_path, [hot_service()], trusted_proxies=("10.0.0.1",)) as node:
            hot: HotDoor = node.app.hot  # type: ignore[attr-defined]
            by_proxy, direct = HotConnection("10.0.0.1", "http"), HotConnection("10.0.0.2", "http")
            answer, plain = hot.reply(forwarded, by_proxy, GIVEN), hot.reply(forwarded, direct, GIVEN)
            assert answer is not None
            assert plain is not None
            assert b"strict-transport-security" in answer
            assert b"strict-transport-security" not in plain
            assert by_proxy.head is not None
            assert by_proxy.head.client == "203.0.113.7"

    asyncio.run(story())


def test_what_is_not_open_to_anybody_cannot_be_hot(tmp_path: Path) -> None:
    async def story() -> None:
        with pytest.raises(AssertionError, match="not open to anybody"):
            async with a_node(tmp_path, [hot_service(audience="officer")]):
                pass

    asyncio.run(story())


def test_what_a_peer_runs_is_not_hot_here(tmp_path: Path) -> None:
    async def story() -> None:
        async with a_node(tmp_path, [hot_service()], remotes={"hot": object()}) as node:  # type: ignore[dict-item]
            assert node.gate.hot("hot.where") is None
            assert not node.app.hot  # type: ignore[attr-defined]

    asyncio.run(story())


class Parsed:
    """What httptools, the general way's parser, sees."""

    def __init__(self) -> None:
        self.url, self.ended, self.body = b"", 0, b""
        self.headers: list[tuple[bytes, bytes]] = []

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.lower(), value))

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        self.ended += 1


PIECES = st.sampled_from(
    [
        b"\r\n", b"\n", b"\r", b" ", b":", b"\t", b"\x00", b"\xff", b"GET ", b"a=1", b"?", b"Content-Length: 3\r\n",
        b"Transfer-Encoding: chunked\r\n", b"Connection: close\r\n", b" HTTP/1.1", b"Host: localhost\r\n", b"X: y\r\n",
        b"Connection: keep-alive\r\n", b"Accept: */*\r\n", b" folded\r\n", b"Upgrade: x\r\n", b"abc", PLAIN,
    ]
)  # fmt: skip


@given(
    st.lists(st.tuples(st.integers(0, len(PLAIN)), PIECES, st.integers(0, 3)), max_size=3),
)
def test_what_is_answered_hot_is_one_whole_request_to_the_parser_too(edits: list[tuple[int, bytes, int]]) -> None:
    data = PLAIN
    for at, piece, cut in edits:
        data = data[:at] + piece + data[at + cut :]
    found = request_line(["/api/hot/where"])(data)
    headers = None if found is None else plain_headers(data[found.end() :])
    if found is None or headers is None:
        return
    parsed = Parsed()
    httptools.HttpRequestParser(parsed).feed_data(data)
    assert parsed.ended == 1
    assert parsed.body == b""
    assert parsed.url == found[2] + (b"?" + found[3] if found[3] is not None else b"")
    assert dict(parsed.headers).get(b"host") == headers.get(b"host")
    assert len([name for name, _ in parsed.headers if name == b"host"]) <= 1
