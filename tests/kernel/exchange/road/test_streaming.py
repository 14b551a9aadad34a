"""Bodies of all sizes pass, held whole in no gateway's memory."""

from __future__ import annotations

import asyncio
import hashlib
import http.client
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import msgspec
import pytest
from tests.kernel.exchange.road.alone import Ports, Used
from tests.kernel.exchange.road.pair import CONSUMER, ECHO, Seen, a_pair, an_identity, said

from banyan.kernel.exchange.road.head import BadHttp
from banyan.kernel.exchange.road.spool import Spooling, digest_of
from banyan.limits_road import MIB, ROAD_MEMORY_BYTES, ROAD_MEMORY_LEAST_BYTES

GIGABYTE = 1_000_000_000
LARGEST = 200_000_000
"""What a gateway's process may take at its peak: issue 5, point 2."""


def test_the_field_s_large_download_and_an_upload_of_its_size(tmp_path: Path) -> None:
    size = 13 * MIB + 104_729
    content = os.urandom(1 << 16) * (size // (1 << 16) + 1)
    content = content[:size]

    def script(seen: Seen) -> bytes:
        return said(content) if seen.verb == "GET" else said(hashlib.sha256(seen.body).hexdigest().encode())

    async def story() -> None:
        async with a_pair(tmp_path) as road:
            road.service.script = script
            down = await road.call("GET", f"{ECHO}?bytes={size}")
            assert (down.status, down.body == content, down.fields["content-length"]) == (200, True, str(size))
            up = await road.call("POST", ECHO, None, content)
            assert up.body.decode() == hashlib.sha256(content).hexdigest()
            assert road.service.seen[-1].get("Content-Length") == str(size)
            assert [road.a.gateway.spooling.held, road.b.gateway.spooling.held] == [0, 0]
            assert [one.request_body.size for one in road.b.log.kept] == [0, size]

    asyncio.run(story())
    assert list(tmp_path.glob("spool-*/*")) == [], "files of bodies have no name"


def test_a_chunked_upload_reaches_the_service_with_its_length(tmp_path: Path) -> None:
    pieces = [b"a" * 10, b"b" * 70_000, b"c"]

    def ask(port: int) -> bytes:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        connection.request("POST", ECHO, iter(pieces), {"X-Road-Client": CONSUMER}, encode_chunked=True)
        answer = connection.getresponse().read()
        connection.close()
        return answer

    async def story() -> None:
        async with a_pair(tmp_path) as road:
            assert await asyncio.to_thread(ask, road.a.gateway.edge_port) == b"".join(pieces)
            (seen,) = road.service.seen
            assert (seen.get("Content-Length"), seen.get("Transfer-Encoding")) == ("70011", None)

    asyncio.run(story())


def test_a_body_that_is_too_large_is_refused_and_the_limit_named(tmp_path: Path) -> None:
    async def story() -> None:
        async with a_pair(tmp_path, a={"body_bytes": 1000}) as road:
            reply = await road.call("POST", ECHO, None, b"x" * 1001)
            assert reply.status == 413
            assert "1000 bytes" in reply.json["message"]
            assert (await road.call("POST", ECHO, None, b"x" * 1000)).status == 200
            road.service.script = lambda seen: said(b"y" * 1001)
            reply = await road.call("GET", ECHO)
            assert (reply.status, reply.fields["x-road-error"]) == (500, "Server.ClientProxy.HttpError")
            assert road.a.log.kept[-1].fault == "Server.ClientProxy.HttpError"

    asyncio.run(story())


def test_a_spool_moves_to_a_file_and_hashes_what_was_there(tmp_path: Path) -> None:
    spooling = Spooling(tmp_path)
    spool = spooling.spool()
    content = b"".join(bytes([at % 251]) * 40_000 for at in range(50))
    for at in range(0, len(content), 33_333):
        assert spool.is_in_file == (at > ROAD_MEMORY_BYTES)
        spool.write(content[at : at + 33_333])
    assert (spool.size, spool.whole(3 * MIB), spooling.held) == (len(content), content, 0)
    assert spool.digest("sha-512") == hashlib.sha512(content).digest()
    assert list(tmp_path.iterdir()) == []

    async def read() -> bytes:
        assert await digest_of(spool, "sha-256") == hashlib.sha256(content).digest()
        return b"".join([piece async for piece in spool.chunks()])

    assert asyncio.run(read()) == content
    spool.close()


def test_many_bodies_share_the_memory_for_all(tmp_path: Path) -> None:
    spooling = Spooling(tmp_path, memory=300_001)
    spools = [spooling.spool() for _ in range(6)]
    for spool in spools:
        spool.write(b"x" * 100_000)
    assert [spool.is_in_file for spool in spools] == [False, False, False, True, True, True]
    assert spooling.held == 300_000
    small = spooling.spool()
    small.write(b"x" * ROAD_MEMORY_LEAST_BYTES)
    assert not small.is_in_file
    for spool in (*spools, small):
        spool.close()
    assert spooling.held == 0


def test_a_spool_takes_no_more_than_its_most(tmp_path: Path) -> None:
    spool = Spooling(tmp_path, most=10).spool(most=20)
    with pytest.raises(BadHttp, match="body-size: at most 10 bytes"):
        spool.write(b"x" * 11)


def test_all_bodies_in_files_share_their_room(tmp_path: Path) -> None:
    spooling = Spooling(tmp_path, files=3 * MIB)
    first, second = spooling.spool(), spooling.spool()
    first.write(b"x" * 2 * MIB)
    with pytest.raises(BadHttp, match="body-space") as refused:
        second.write(b"x" * 2 * MIB)
    assert refused.value.status == 507
    first.close()
    first.close()
    second.close()
    assert spooling.filed == 0
    third = spooling.spool()
    third.write(b"x" * 3 * MIB)
    third.close()
    with pytest.raises(BadHttp, match="body-space"):
        Spooling(tmp_path / "gone").spool().write(b"x" * 2 * MIB)


def test_a_digest_that_nobody_asked_for_in_time_is_made_again(tmp_path: Path) -> None:
    spool = Spooling(tmp_path).spool(("sha-256",))
    spool.write(b"x" * 2 * MIB)
    assert spool.digest("sha-512") == hashlib.sha512(b"x" * 2 * MIB).digest()
    spool.close()


def test_a_full_disk_is_told_to_the_client(tmp_path: Path) -> None:
    async def story() -> None:
        async with a_pair(tmp_path) as road:
            road.a.gateway.spooling.files = 100
            reply = await road.call("POST", ECHO, None, b"x" * 2 * MIB)
            assert (reply.status, "no room" in reply.json["message"]) == (507, True)
            assert (await road.call("POST", ECHO, None, b"x")).status == 200

    asyncio.run(story())


class Streaming(BaseHTTPRequestHandler):
    """Gives and takes a gigabyte without holding it; the PUT says what it got."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(GIGABYTE))
        self.end_headers()
        for piece in a_gigabyte():
            self.wfile.write(piece)

    def do_PUT(self) -> None:
        left = int(self.headers["Content-Length"])
        digest = hashlib.sha256()
        while left:
            piece = self.rfile.read(min(left, 1 << 20))
            left -= len(piece)
            digest.update(piece)
        told = digest.hexdigest().encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(told)))
        self.end_headers()
        self.wfile.write(told)

    def log_message(self, *args: object) -> None:
        pass


def a_gigabyte() -> Iterator[bytes]:
    piece = bytes(range(256)) * 3906 + b"\0" * 64
    assert len(piece) == 1_000_000
    return (piece for _ in range(1000))


@contextmanager
def two_processes(folder: Path, url: str) -> Iterator[tuple[Mapping[str, Ports], Mapping[str, subprocess.Popen[str]]]]:
    for name in ("ss1", "ss2"):
        an_identity(folder, name)
    root = Path(__file__).parents[4]
    command = [sys.executable, "-m", "tests.kernel.exchange.road.alone"]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    running = {
        name: subprocess.Popen(
            [*command, name, str(folder), url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=root,
            env=environment,
        )
        for name in ("ss1", "ss2")
    }
    try:
        ports = {name: msgspec.json.decode(told(one), type=Ports) for name, one in running.items()}
        for one in running.values():
            tell(one, msgspec.json.encode(ports).decode())
            told(one)
        yield ports, running
    finally:
        for one in running.values():
            assert one.stdin is not None
            one.stdin.close()
        for one in running.values():
            one.wait(60)
            assert one.stdout is not None
            one.stdout.close()


def told(one: subprocess.Popen[str]) -> str:
    assert one.stdout is not None
    return one.stdout.readline()


def tell(one: subprocess.Popen[str], line: str) -> None:
    assert one.stdin is not None
    one.stdin.write(line + "\n")
    one.stdin.flush()


@pytest.mark.slow
def test_a_gigabyte_passes_both_ways_under_200_mb_of_memory(tmp_path: Path) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Streaming)
    thread = Thread(target=server.serve_forever)
    thread.start()
    whole = hashlib.sha256()
    for piece in a_gigabyte():
        whole.update(piece)
    try:
        with two_processes(tmp_path, f"http://127.0.0.1:{server.server_port}") as (ports, running):
            connection = http.client.HTTPConnection("127.0.0.1", ports["ss1"].edge, timeout=600)
            fields = {"X-Road-Client": CONSUMER, "X-Banyan-Timeout": "300"}
            connection.request("GET", ECHO, headers=fields)
            answer = connection.getresponse()
            digest = hashlib.sha256()
            while piece := answer.read(1 << 20):
                digest.update(piece)
            assert (answer.status, digest.hexdigest()) == (200, whole.hexdigest())
            connection.request("PUT", ECHO, a_gigabyte(), {**fields, "Content-Length": str(GIGABYTE)})
            answer = connection.getresponse()
            assert (answer.status, answer.read().decode()) == (200, whole.hexdigest())
            connection.close()
            for name, one in running.items():
                tell(one, "used")
                used = msgspec.json.decode(told(one), type=Used)
                assert used.calls == 2
                sys.stdout.write(f"{name}: peak {used.peak_rss >> 20} MiB, {used.cpu_s:.1f} s of CPU\n")
                assert used.peak_rss < LARGEST
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
