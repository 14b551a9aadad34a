"""What a call on the road cannot do without, each measured alone in a warm loop: CPU microseconds for one gateway.

    .venv/bin/python bench/_exchange_floor.py

The sum is a floor for this code on this machine: a gateway that did nothing else, and whose caches were always warm.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import socket
import ssl
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "src")]

from bench._exchange_pairs import make_identity  # noqa: E402
from cryptography.hazmat.primitives.asymmetric import ec  # noqa: E402
from tests.kernel.exchange.messages.house import exchanged  # noqa: E402
from tests.wire.httpsig.road import NOW, a_request, an_answer  # noqa: E402

from banyan.kernel.exchange.messages.record import written  # noqa: E402
from banyan.kernel.exchange.road.head import read_request, read_response, write_request, write_response  # noqa: E402
from banyan.kernel.storage.journal import Journal  # noqa: E402
from banyan.wire.httpsig import peer  # noqa: E402
from banyan.wire.httpsig.p256 import ECDSA_P256, P256Verifier, p256_signer  # noqa: E402
from banyan.wire.httpsig.presented import Parameters, presented  # noqa: E402

ROUNDS, TIMES = 15, 150
GROUP = 8
"""Calls that share a write to the journal at 32 connections, about."""
RECORD = os.urandom(1_900)


class Nothing:
    """A key whose signatures cost nothing, so that what stands around them is measured."""

    keyid, alg = "", ECDSA_P256

    def sign(self, base: bytes) -> bytes:
        return bytes(64)

    def verify(self, base: bytes, signature: bytes) -> bool:
        return True


def least(step: Callable[[], object], times: int = TIMES) -> float:
    found = []
    for _ in range(ROUNDS):
        began = time.process_time()
        for _ in range(times):
            step()
        found.append((time.process_time() - began) / times)
    return min(found) * 1e6


def keys() -> dict[str, float]:
    key, base = ec.generate_private_key(ec.SECP256R1()), bytes(700)
    signer, verifier = p256_signer("k", key), P256Verifier("k", key.public_key())
    made = signer.sign(base)
    return {"sign": least(lambda: signer.sign(base)), "verify": least(lambda: verifier.verify(base, made))}


def profile() -> dict[str, float]:
    """RFC 9421 around the keys: one message signed, one held to its signature."""
    request = a_request()
    answer = an_answer(request)
    told = presented(request.fields)["gw"].parameters
    key = Nothing()
    key.keyid = presented(answer.fields)["gw"].parameters.keyid or ""
    known = peer.Keys(key)
    bare = {name: lines for name, lines in request.fields.items() if not name.startswith("signature")}
    unsigned = type(request)(request.method, request.authority, request.target, bare)
    own = Parameters(created=told.created, expires=told.expires, nonce=told.nonce)
    return {
        "profile": least(lambda: peer.sign_request(unsigned, own, key))
        + least(lambda: peer.verify_response(answer, request, lambda keyid: known, NOW))
    }


def http() -> dict[str, float]:
    """Two heads read, two written."""
    request, answer = a_request(), an_answer(a_request())
    asked = tuple((name.encode(), lines[0].encode()) for name, lines in request.fields.items())
    said = tuple((name.encode(), lines[0].encode()) for name, lines in answer.fields.items())
    if "host" not in request.fields:
        asked = ((b"host", b"gateway"), *asked)
    head = write_request("GET", b"/r1/TW/GOV/provider/files/bytes/1000", asked)[:-4]
    back = write_response(200, b"OK", said)[:-4]
    reading = least(lambda: read_request(head)) + least(lambda: read_response(back, "GET"))
    writing = least(lambda: write_request("GET", b"/r1", asked)) + least(lambda: write_response(200, b"OK", said))
    return {"http": reading + writing}


def tls(folder: Path) -> dict[str, float]:
    """One record of 1.5 KB sealed and one opened."""
    make_identity(folder / "a.pem")
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    server.load_cert_chain(folder / "a.pem")
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    ours = client.wrap_bio(back, there)
    theirs = server.wrap_bio(there, back, server_side=True)
    for _ in range(4):
        for side in (ours, theirs):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue

    def step() -> None:
        ours.write(RECORD[:1_500])
        theirs.read(65_536)

    return {"tls": least(step)}


def sockets() -> dict[str, float]:
    """Two messages sent and two received on loopback, without a loop around."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        ours = socket.create_connection(listening.getsockname())
        theirs, _ = listening.accept()
    with ours, theirs:

        def step() -> None:
            ours.send(RECORD[:1_500])
            theirs.recv(65_536)

        return {"sockets": 2 * least(step)}


def hashes() -> dict[str, float]:
    """Digests of the bodies (1 KB), of the header block, of the record, of two signatures, of the leaf."""
    kb, block = RECORD[:1_000], RECORD[:500]

    def step() -> None:
        for one in (kb, RECORD, block, block[:100], block[:100]):
            hashlib.sha256(one).digest()
        hashlib.sha512(block).digest()

    return {"hashes": least(step)}


def log(folder: Path) -> dict[str, float]:
    """The record made, and its share of one durable write of GROUP of them."""
    journal, one = Journal(folder / "journal"), exchanged(1)

    async def group() -> None:
        await journal.append(RECORD * GROUP)

    def appended(times: int = 40) -> float:
        async def all_of_them() -> None:
            for _ in range(times):
                await group()

        return _cpu_us(all_of_them()) / times / GROUP

    try:
        return {
            "record": least(lambda: written(one, bytes(16))),
            "journal": min(appended() for _ in range(5)),
        }
    finally:
        journal.close()


def loop() -> dict[str, float]:
    """A task and three waits, as a call has them."""

    async def waits() -> None:
        for _ in range(3):
            await asyncio.sleep(0)

    async def all_of_them() -> None:
        for _ in range(50):
            await asyncio.gather(*(asyncio.ensure_future(waits()) for _ in range(10)))

    return {"loop": min(_cpu_us(all_of_them()) for _ in range(10)) / 500}


def _cpu_us(job: Coroutine[Any, Any, None]) -> float:
    async def timed() -> float:
        began = time.process_time()
        await job
        return (time.process_time() - began) * 1e6

    return asyncio.run(timed())


def floors() -> dict[str, float]:
    with tempfile.TemporaryDirectory(dir=ROOT) as name:
        folder = Path(name)
        found = keys() | profile() | http() | tls(folder) | sockets() | hashes() | log(folder) | loop()
    return found | {"sum": sum(found.values())}


if __name__ == "__main__":
    for name, cost in floors().items():
        print(f"{name:10} {cost:7.1f} us")
