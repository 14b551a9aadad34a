"""Hostile bytes on a real socket: bombs, smuggling, slow clients, bad encodings. Every one gets a clear end."""

from __future__ import annotations

import asyncio
import resource
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.kernel.exchange.sample import faces, sample
from tests.make import Node, live_node

from banyan.kernel.catalogue import FaceAnswer, FaceRequest, Service
from banyan.kernel.exchange.server import allow_connections
from banyan.limits import OPEN_CONNECTIONS, OPEN_FILES

HEAD = b"Host: localhost\r\n"


def slow(service: Service) -> Service:
    @service.face("GET", path="/slow", time_s=0.2)
    async def answer(request: FaceRequest) -> FaceAnswer:
        await asyncio.sleep(30)
        return FaceAnswer(b"late")

    @service.face("GET", path="/broken")
    async def broken(request: FaceRequest) -> FaceAnswer:
        raise RuntimeError("a person's number A123456789")

    return service


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Node]]:
    folder = tmp_path_factory.mktemp("hardening")
    (folder / "file.bin").write_bytes(b"0123456789")
    with live_node(folder, [slow(faces(sample(), folder))]) as (url, node):
        yield url, node


def send(live: tuple[str, Node], *parts: bytes, timeout_s: float = 10) -> bytes:
    """Send raw bytes and read until the server closes or has answered."""
    host, port = live[0].removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=timeout_s) as connection:
        for part in parts:
            try:
                connection.sendall(part)
            except (BrokenPipeError, ConnectionResetError):
                break
        connection.settimeout(timeout_s)
        answer = b""
        try:
            while chunk := connection.recv(65536):
                answer += chunk
        except ConnectionResetError:
            pass
        return answer


def status_of(answer: bytes) -> int:
    return int(answer.split(b" ")[1])


CLOSE = b"Connection: close\r\n\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n" + CLOSE


@pytest.mark.parametrize(
    ("request_bytes", "statuses"),
    [
        (b"GET /health HTTP/1.1\r\n" + HEAD + CLOSE, {200}),
        (b"GET /health HTTP/1.1\r\n" + CLOSE, {421}),
        (b"GET /health HTTP/1.1\r\n" + HEAD + HEAD + CLOSE, {400}),
        (b"GET /health HTTP/1.1\r\nHost: evil.example\r\n" + CLOSE, {421}),
        (b"GET /%FF HTTP/1.1\r\n" + HEAD + CLOSE, {400}),
        (b"GET /a%00b HTTP/1.1\r\n" + HEAD + CLOSE, {400}),
        (b"GET /a%2 HTTP/1.1\r\n" + HEAD + CLOSE, {400}),
        (b"GET /text/..%2f..%2fetc%2fpasswd.txt HTTP/1.1\r\n" + HEAD + CLOSE, {400}),
        (b"GET /text/../../etc/passwd HTTP/1.1\r\n" + HEAD + CLOSE, {404}),
        (b"GET /text/%2e%2e/x HTTP/1.1\r\n" + HEAD + CLOSE, {400}),
        (b"GET /text/a%5cb.txt HTTP/1.1\r\n" + HEAD + CLOSE, {400}),
        (b"GET /api/sample/echo?word=%FF HTTP/1.1\r\n" + HEAD + CLOSE, {400}),
        (b"GET /api/sample/echo?word=a&word=b HTTP/1.1\r\n" + HEAD + CLOSE, {422}),
        (b"GET /api/sample/echo?word=" + b"a" * 17_000 + b" HTTP/1.1\r\n" + HEAD + CLOSE, {414}),
        (b"GET /" + b"%41" * 800 + b" HTTP/1.1\r\n" + HEAD + CLOSE, {414}),
        (b"GET /health HTTP/1.1\r\n" + HEAD + b"X: y\r\n" * 120 + CLOSE, {431}),
        (b"GET /health HTTP/1.1\r\n" + HEAD + b"X: " + b"y" * 200_000 + b"\r\n" + CLOSE, {431}),
        (b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\n" + HEAD + CLOSE, {431}),
        (b"GET /health HTTP/1.1\r\n" + HEAD + b"Bad Header: x\r\n" + CLOSE, {400}),
        (b"GET /health HTTP/1.1\r\n" + HEAD + b"X: a\x00b\r\n" + CLOSE, {400}),
        (b"GET /health HTTP/9.9\r\n" + HEAD + CLOSE, {400}),
        (b"\x16\x03\x01\x02\x00\x01\x00", {400}),
        (b"POST /size HTTP/1.1\r\n" + HEAD + b"Content-Length: 3\r\nContent-Length: 4\r\n" + CLOSE + b"abc", {400}),
        (b"POST /size HTTP/1.1\r\n" + HEAD + b"Content-Length: -1\r\n" + CLOSE, {400}),
        (
            b"POST /size HTTP/1.1\r\n"
            + HEAD
            + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n"
            + CLOSE
            + b"0\r\n\r\n",
            {400},
        ),
        (b"POST /size HTTP/1.1\r\n" + HEAD + CHUNKED + b"zz\r\n", {400}),
        (b"POST /size HTTP/1.1\r\n" + HEAD + CHUNKED + b"3\r\nabc\r\n0\r\n\r\n", {200}),
        (b"TRACE /health HTTP/1.1\r\n" + HEAD + CLOSE, {405}),
        (b"POST /health HTTP/1.1\r\n" + HEAD + b"Content-Length: 0\r\n" + CLOSE, {405}),
    ],
)  # fmt: skip
def test_hostile_bytes_get_a_clear_answer(live: tuple[str, Node], request_bytes: bytes, statuses: set[int]) -> None:
    assert status_of(send(live, request_bytes)) in statuses


def test_an_oversized_body_is_refused_before_and_while_it_comes(live: tuple[str, Node]) -> None:
    head = b"POST /api/sample/ask HTTP/1.1\r\n" + HEAD + b"Content-Type: application/json\r\n"
    declared = send(live, head + b"Content-Length: 2000000\r\n" + CLOSE)
    assert status_of(declared) == 413
    chunk = b"10000\r\n" + b" " * 65536 + b"\r\n"
    undeclared = send(live, head + b"Transfer-Encoding: chunked\r\n" + CLOSE, *[chunk] * 20, b"0\r\n\r\n")
    assert status_of(undeclared) == 413


def test_a_head_in_pieces_is_read_and_pipelined_requests_are_answered(live: tuple[str, Node]) -> None:
    whole = b"GET /api/sample/item/7 HTTP/1.1\r\n" + HEAD + b"\r\n"
    last = b"GET /api/sample/item/8 HTTP/1.1\r\n" + HEAD + CLOSE
    answer = send(live, *(whole[start : start + 5] for start in range(0, len(whole), 5)), last)
    assert b'{"id":7' in answer
    assert b'{"id":8' in answer


def test_a_body_that_comes_after_its_answer_is_no_head(live: tuple[str, Node]) -> None:
    """What is refused before its body was read: the rest is passed over, and the next request has its own answer."""
    host, port = live[0].removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(b"POST /nowhere HTTP/1.1\r\n" + HEAD + b"Content-Length: 300000\r\n\r\n")
        assert status_of(connection.recv(65_536)) == 404
        connection.sendall(b"x" * 300_000 + b"GET /health HTTP/1.1\r\n" + HEAD + CLOSE)
        answer = b""
        while chunk := connection.recv(65_536):
            answer += chunk
    assert [int(one[:3]) for one in answer.split(b"HTTP/1.1 ")[1:]] == [200]


def test_a_body_that_never_comes_after_its_answer_is_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("banyan.kernel.exchange.server.HEADER_TIME_S", 0.1)
    with live_node(tmp_path, [faces(sample(), tmp_path)]) as live:
        after = send(live, b"POST /nowhere HTTP/1.1\r\n" + HEAD + b"Content-Length: 300000\r\n\r\nx")
    assert [int(one[:3]) for one in after.split(b"HTTP/1.1 ")[1:]] == [404]


def test_a_slow_operation_is_given_up(live: tuple[str, Node]) -> None:
    answer = send(live, b"GET /slow HTTP/1.1\r\n" + HEAD + CLOSE)
    assert status_of(answer) == 504
    assert "處理逾時".encode() in answer


def test_an_unforeseen_failure_shows_nothing_of_itself(live: tuple[str, Node]) -> None:
    answer = send(live, b"GET /broken HTTP/1.1\r\n" + HEAD + CLOSE)
    assert status_of(answer) == 500
    assert b"A123456789" not in answer
    failures = [fields for name, fields in live[1].logged if name == "door.failed"]
    assert failures
    assert "A123456789" not in str(failures)
    assert failures[-1]["kind"] == "RuntimeError"


def test_open_files_are_not_taken_up_by_readers_of_the_feed() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(512, hard), hard))
    try:
        bound = allow_connections()
        wanted = OPEN_CONNECTIONS + OPEN_FILES
        assert bound == (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard))
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (bound, hard)
        assert allow_connections() == bound
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_head_that_never_ends_is_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("banyan.kernel.exchange.server.HEADER_TIME_S", 0.2)
    with live_node(tmp_path, [sample()]) as live:
        assert status_of(send(live, b"GET /health HTTP/1.1\r\nHost: loc")) == 408
        assert status_of(send(live, b"")) == 408
        after_one = send(live, b"GET /health HTTP/1.1\r\n" + HEAD + b"\r\n" + b"GET /he")
        assert after_one.count(b"HTTP/1.1") == 2
        assert b"408 Request Timeout" in after_one


def test_a_body_that_stops_coming_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("banyan.kernel.exchange.request.BODY_IDLE_S", 0.3)
    with live_node(tmp_path, [faces(sample(), tmp_path)]) as live:
        answer = send(live, b"POST /size HTTP/1.1\r\n" + HEAD + b"Content-Length: 100\r\n" + CLOSE + b"abc")
        assert status_of(answer) == 504


def test_a_reader_that_stops_reading_is_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("banyan.kernel.exchange.door.SEND_IDLE_S", 0.3)
    monkeypatch.setattr("banyan.kernel.exchange.server.HEADER_TIME_S", 0.2)
    ended = threading.Event()
    service = sample()

    @service.face("GET", path="/endless")
    async def endless(request: FaceRequest) -> FaceAnswer:
        async def chunks():  # type: ignore[no-untyped-def]
            try:
                while True:
                    yield b"x" * 1_000_000
            finally:
                ended.set()

        return FaceAnswer(chunks(), media_type="application/octet-stream")

    with live_node(tmp_path, [service]) as (url, _):
        host, port = url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=10) as connection:
            connection.sendall(b"GET /endless HTTP/1.1\r\n" + HEAD + b"\r\n")
            assert ended.wait(10)
            assert status_of(send((url, _), b"GET /health HTTP/1.1\r\n" + HEAD + CLOSE)) == 200
            assert len(drained(connection)) < 50_000_000


def drained(connection: socket.socket) -> bytes:
    """What was on its way before the server gave up."""
    data = b""
    try:
        while chunk := connection.recv(1 << 20):
            data += chunk
    except ConnectionResetError:
        pass
    return data


def test_a_process_that_calmed_its_collector_ends_without_a_word() -> None:
    """DuckDB's binding tells on the screen what was never let go; Ctrl-C showed 50 lines of it."""
    script = "import duckdb; from banyan.kernel.exchange.server import calm_collector as calm; duckdb.connect(); calm()"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert (done.stdout, done.stderr) == ("", "")
