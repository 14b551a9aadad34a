"""The road's clients are plain HTTP: curl and `requests`, as processes of their own, against the real pair."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import shutil
import subprocess
import zipfile
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from tests.kernel.exchange.road.conformance.stage import BASE, LARGE, SECURED, Town, a_town
from tests.kernel.exchange.road.pair import CONSUMER, Seen, said

from banyan.kernel.exchange.road.edges.proving import prove
from banyan.wire.tlog.checkpoint import verifier_of
from banyan.wire.xroad import faults

CURL = shutil.which("curl")
PEERS = Path(__file__).parents[5] / ".venv-peers/bin/python"
REQUESTS = """
import json, sys, requests
edge, base, client = sys.argv[1:]
session = requests.Session()
session.headers["X-Road-Client"] = client
session.trust_env = False
told = {}
reply = session.post(f"{edge}{base}/echo/a%2Fb?x=%20", json={"value": 42}, headers={"X-Road-Id": "r-1"})
told["post"] = [reply.status_code, reply.json(), reply.headers["X-Road-Id"], bool(reply.headers["X-Road-Request-Hash"])]
reply = session.get(f"{edge}{base}/wsdl", headers={"Accept": "text/xml"})
told["fault"] = [reply.status_code, reply.headers["X-Road-Error"], reply.headers["Content-Type"]]
reply = session.get(f"{edge}{base}/service", allow_redirects=False)
told["redirect"] = [reply.status_code, reply.headers["Location"]]
reply = session.get(f"{edge}/listClients", headers={"Accept": "application/json"})
told["clients"] = sorted("/".join(filter(None, (one["id"]["member_code"], one["id"].get("subsystem_code"))))
                         for one in reply.json()["member"])
reply = session.get(f"{edge}{base}/listMethods")
told["methods"] = sorted(one["service_code"] for one in reply.json()["service"])
def pieces():
    for _ in range(100):
        yield b"x" * 10_000
reply = session.post(f"{edge}{base}/echo", data=pieces())
told["chunked"] = [reply.status_code, len(reply.content)]
print(json.dumps(told))
"""


def staged(folder: Path, story: Callable[[Town], Awaitable[None]]) -> None:
    async def run() -> None:
        async with a_town(folder) as town:
            await story(town)
            assert not town.road.reported

    asyncio.run(run())


async def ran(*command: str, cwd: Path) -> bytes:
    found = await asyncio.to_thread(
        subprocess.run, command, capture_output=True, timeout=120, check=False, cwd=cwd, env={"PATH": "/usr/bin:/bin"}
    )
    assert found.returncode == 0, (command, found.stdout[-2000:], found.stderr[-2000:])
    return found.stdout


@pytest.mark.skipif(CURL is None, reason="no curl")
def test_curl_as_a_client(tmp_path: Path) -> None:
    async def curl(*arguments: str) -> bytes:
        return await ran(str(CURL), "--silent", "--show-error", "--path-as-is", *arguments, cwd=tmp_path)

    async def story(town: Town) -> None:
        edge, client = town.road.edge_url, f"X-Road-Client: {CONSUMER}"
        json_type = "Content-Type: application/json"
        reply = await curl("-H", client, "-H", json_type, "-d", '{"value": 42}', f"{edge}{BASE}/echo")
        assert json.loads(reply) == {"value": 42}
        head = await curl("-I", "-H", client, f"{edge}{BASE}/echo")
        assert head.startswith(b"HTTP/1.1 200 OK\r\n")
        refused = await curl("-H", client, "-H", "Accept: application/xml", f"{edge}{BASE}/nothing")
        assert faults.parse_error(refused, "application/xml").type == "Server.ServerProxy.UnknownService"
        climbing = await curl("-H", client, f"{edge}{BASE}/echo/../../../x")
        assert faults.parse_error(climbing, "application/json").type == "Server.ServerProxy.InvalidRequest"
        town.road.service.script = large
        await curl("-H", client, "-o", "large", f"{edge}{BASE}/test?bytes={LARGE}")
        assert (tmp_path / "large").read_bytes() == CONTENT
        town.road.service.script = lambda seen: said(b"%d" % len(seen.body))
        expecting = ("-H", client, "-H", "Expect: 100-continue", "--data-binary", "@large")
        assert await curl(*expecting, f"{edge}{BASE}/echo") == b"%d" % LARGE

    staged(tmp_path, story)


CONTENT = hashlib.shake_128(b"large").digest(LARGE)


def large(seen: Seen) -> bytes:
    return said(CONTENT, (("Content-Type", "application/octet-stream"),))


@pytest.mark.skipif(CURL is None, reason="no curl")
def test_curl_downloads_as_the_manual_says(tmp_path: Path) -> None:
    """UG-SIGDOC: `curl -J -O http://sec1.gov/verificationconf`, and the signed documents of a query."""

    async def curl(*arguments: str) -> bytes:
        return await ran(str(CURL), "--silent", "--show-error", *arguments, cwd=tmp_path)

    async def story(town: Town) -> None:
        edge = town.road.edge_url
        fields = ("-H", f"X-Road-Client: {CONSUMER}", "-H", "X-Road-Id: abc12345")
        await curl(*fields, "-d", "{}", f"{edge}{BASE}/echo")
        await curl("-J", "-O", f"{edge}/verificationconf")
        assert zipfile.is_zipfile(tmp_path / "verificationconf.zip")
        client = "xRoadInstance=EE&memberClass=BUSINESS&memberCode=consumer&subsystemCode=sub"
        await curl("-J", "-O", f"{edge}/asic?queryId=abc12345&{client}&force")
        keys = [verifier_of(one) for one in town.logs["ss1"].keys.vkeys]
        with zipfile.ZipFile(io.BytesIO((tmp_path / "abc12345.zip").read_bytes())) as archive:
            for name in archive.namelist():
                assert prove(archive.read(name), logs=keys, key_of=town.road.directory.keys).message_id == "abc12345"

    staged(tmp_path, story)


@pytest.mark.skipif(CURL is None, reason="no curl")
def test_curl_with_a_certificate(tmp_path: Path) -> None:
    async def story(town: Town) -> None:
        (tmp_path / "edge.pem").write_text(town.road.a.pem)
        url = f"https://ss1:{town.road.a.gateway.edge_tls_port}{BASE}/echo"
        port = town.road.a.gateway.edge_tls_port
        usual = ("--silent", "--resolve", f"ss1:{port}:127.0.0.1", "--cacert", "edge.pem", "-k")
        shown = ("--cert", str(town.identity.certificate), "--key", str(town.identity.key))
        fields = ("-H", f"X-Road-Client: {SECURED}", "-d", "{}", url)
        assert await ran(str(CURL), *usual, *shown, *fields, cwd=tmp_path) == b"{}"
        refused = json.loads(await ran(str(CURL), *usual, *fields, cwd=tmp_path))
        assert refused["type"] == "Server.ClientProxy.SslAuthenticationFailed"

    staged(tmp_path, story)


@pytest.mark.peers
def test_requests_as_a_client(tmp_path: Path) -> None:
    if not PEERS.exists():
        pytest.skip("no .venv-peers")

    def script(seen: Seen) -> bytes:
        if seen.verb == "GET":
            return said(b"", (("Location", "/elsewhere"),), "302 Found")
        return said(seen.body, (("Content-Type", "application/json"),))

    async def story(town: Town) -> None:
        town.road.service.script = script
        told = json.loads(await ran(str(PEERS), "-c", REQUESTS, town.road.edge_url, BASE, CONSUMER, cwd=tmp_path))
        assert told == {
            "post": [200, {"value": 42}, "r-1", True],
            "fault": [500, "Server.ServerProxy.ServiceType", "text/xml;charset=utf-8"],
            "redirect": [302, "/elsewhere"],
            "clients": [
                "consumer",
                "consumer/secured",
                "consumer/sub",
                "consumer/sub/system",
                "producer",
                "producer/s/ub",
                "producer/sub",
            ],
            "methods": ["echo", "service", "test"],
            "chunked": [200, 1_000_000],
        }
        assert [seen.target for seen in town.road.service.seen] == ["/a%2Fb?x=%20", "/", "/"]
        assert town.road.service.seen[-1].get("Content-Length") == "1000000"

    staged(tmp_path, story)
