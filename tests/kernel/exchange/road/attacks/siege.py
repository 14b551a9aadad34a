"""The stage of the attacks: a real pair under fire, and what must hold after each shot.

Nothing of an attack reaches the service, neither log has it as an exchange that succeeded, nothing is reported as a
defect of ours, and the next honest call is answered.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from tests.kernel.exchange.road.pair import CONSUMER, ECHO, PRODUCER, Road, a_key, a_pair, keyid_of

from banyan.kernel.exchange.road.head import named_of
from banyan.kernel.exchange.road.tls import Identity
from banyan.wire.httpsig.digest import digest_field
from banyan.wire.httpsig.keys import Signer, signer_of
from banyan.wire.httpsig.message import Request
from banyan.wire.httpsig.peer import sign_request
from banyan.wire.httpsig.presented import Parameters
from banyan.wire.xroad.identifiers import parse_client

T = TypeVar("T")
Lines = list[tuple[bytes, bytes]]
MALLORY = "EE/BUSINESS/mallory"
"""A member of the directory with a gateway of its own, as honest as any to the eye."""
BODY = b'{"value": 42}'
HONEST = {"X-Road-Client": CONSUMER}


class Got(msgspec.Struct, frozen=True):
    """An answer as bytes tell it; status 0: the connection was closed without one."""

    status: int = 0
    fields: dict[str, str] = {}
    body: bytes = b""

    @property
    def error(self) -> str:
        return self.fields.get("x-road-error", "")

    @property
    def field(self) -> str:
        """The rule of HTTP that was broken, as the refusal begins."""
        return self.body.decode("latin-1").partition(":")[0]


class Siege:
    def __init__(self, road: Road, runner: asyncio.Runner) -> None:
        self.road = road
        self._runner = runner
        self._counted = 0

    @property
    def edge_port(self) -> int:
        return self.road.a.gateway.edge_port

    @property
    def peer_port(self) -> int:
        return self.road.b.gateway.peer_port

    @property
    def authority(self) -> str:
        return f"127.0.0.1:{self.peer_port}"

    def repels(self, attack: Coroutine[Any, Any, T]) -> T:
        """Run an attack that must come to nothing, and look whether all stands."""
        road = self.road
        seen, logged = len(road.service.seen), [len(keeper.log.kept) for keeper in road.keepers.values()]
        found = self._runner.run(attack)
        assert [one.target for one in road.service.seen[seen:]] == [], "it reached the service"
        for keeper, before in zip(road.keepers.values(), logged, strict=True):
            assert all(one.fault for one in keeper.log.kept[before:]), "it was logged as served"
        assert road.reported == [], "it was met as a defect of ours"
        self.serves()
        return found

    def run(self, story: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(story)

    def serves(self) -> None:
        reply = self._runner.run(self.road.call("POST", ECHO, HONEST, BODY))
        assert (reply.status, reply.body) == (200, BODY), reply

    # shots

    async def at_edge(self, *pieces: bytes) -> Got:
        return await send(self.edge_port, pieces)

    async def at_peer(self, *pieces: bytes, by: str = "ss1") -> Got:
        """Over TLS with the certificate of a gateway that the directory has."""
        return await send(self.peer_port, pieces, tls_of(self.road.keepers[by].identity, self.road.b.pem))

    async def forged(self, lines: Lines, body: bytes = BODY, *, by: str = "ss1", target: str = ECHO) -> Got:
        """Lines as given, over the leg."""
        return await self.at_peer(written("POST", target, lines, body), by=by)

    def call(
        self,
        *,
        body: bytes = BODY,
        signer: Signer | None = None,
        second: Signer | None = None,
        client: str = CONSUMER,
        target: str = ECHO,
        age_s: float = 0,
        nonce: str = "",
        authority: str = "",
        more: Sequence[tuple[bytes, bytes]] = (),
    ) -> Lines:
        """The lines of an honest call over the leg, signed, but for what is said; Host first."""
        self._counted += 1
        number = self._counted
        service = "/".join(target.split("/")[2:7]).partition("?")[0]
        unsigned: Lines = [
            (b"Host", (authority or self.authority).encode()),
            (b"Content-Length", b"%d" % len(body)),
            (b"content-digest", digest_field(body).encode()),
            (b"x-road-client", client.encode()),
            (b"x-road-service", service.encode()),
            (b"x-road-id", b"EE-%d" % number),
            (b"x-road-request-id", b"00000000-0000-4000-8000-%012d" % number),
            (b"x-directory-version", self.road.directory.version.encode()),
            *more,
        ]
        created = int(self.road.clock.now - age_s)
        stamp = Parameters(created=created, expires=created + 60, nonce=nonce or f"nonce-of-a-siege-{number:08}")
        request = Request("POST", authority or self.authority, target, named_of(unsigned))
        signed = sign_request(request, stamp, signer or key_of(client), second).fields
        return [*unsigned, *((name.encode(), signed[name][0].encode()) for name in ("signature-input", "signature"))]


def key_of(client: str, name: str = "") -> Signer:
    """The signer of the member of `client`; `name`: of another key under the same name."""
    owner = parse_client(client).owner
    return signer_of(keyid_of(owner), a_key(name or owner.member))


def changed(lines: Lines, name: bytes, value: bytes | Callable[[bytes], bytes]) -> Lines:
    assert any(one == name for one, _ in lines), f"{name!r} is there"
    return [(one, (value(old) if callable(value) else value) if one == name else old) for one, old in lines]


def without(lines: Lines, *names: bytes) -> Lines:
    return [line for line in lines if line[0] not in names]


def written(verb: str, target: str, lines: Lines, body: bytes = b"") -> bytes:
    head = b"".join(b"%b: %b\r\n" % line for line in lines)
    return f"{verb} {target} HTTP/1.1\r\n".encode() + head + b"\r\n" + body


def tls_of(identity: Identity | None, *trusted: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_flags |= ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN
    for pem in trusted:
        context.load_verify_locations(cadata=pem)
    if identity is not None:
        context.load_cert_chain(identity.certificate, identity.key)
    return context


async def send(port: int, pieces: Sequence[bytes], context: ssl.SSLContext | None = None) -> Got:
    """Write `pieces` and read one answer."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    except (OSError, ssl.SSLError):
        return Got()
    try:
        for piece in pieces:
            writer.write(piece)
            with contextlib.suppress(ConnectionError):
                await writer.drain()
        return await read(reader)
    finally:
        writer.close()
        with contextlib.suppress(OSError, ssl.SSLError):
            await writer.wait_closed()


async def read(reader: asyncio.StreamReader) -> Got:
    """One answer; nothing when the connection ends first."""
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        fields = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
        body = await reader.readexactly(int(fields.get("content-length", "0")))
    except (asyncio.IncompleteReadError, OSError, ssl.SSLError):
        return Got()
    return Got(int(head[0].split(" ")[1]), fields, body)


@contextlib.contextmanager
def a_siege(folder: Path) -> Iterator[Siege]:
    """One pair for all attacks of a module: each must leave it as it was."""
    with asyncio.Runner() as runner:

        @contextlib.asynccontextmanager
        async def stage() -> AsyncIterator[Road]:
            async with a_pair(folder, a={"body_bytes": 200_000}, b={"body_bytes": 200_000, "recalled": ()}) as road:
                await road.add("ss3", MALLORY)
                road.register(f"{MALLORY}/sub", "ss3")
                road.offer(f"{PRODUCER}/sub/echo", CONSUMER)
                yield road

        stack = stage()
        road = runner.run(_entered(stack))
        try:
            yield Siege(road, runner)
        finally:
            runner.run(_left(stack))


async def _entered(stack: contextlib.AbstractAsyncContextManager[Road]) -> Road:
    return await stack.__aenter__()


async def _left(stack: contextlib.AbstractAsyncContextManager[Road]) -> None:
    await stack.__aexit__(None, None, None)


Attack = Callable[[Siege], Awaitable[Got]]
