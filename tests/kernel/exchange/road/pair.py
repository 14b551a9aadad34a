"""The stage of the road's tests: real gateways with mTLS on loopback, plain surroundings in memory, a scripted service.

    async with a_pair(tmp_path) as road:
        reply = await road.call("POST", "/r1/EE/BUSINESS/producer/sub/echo", {"X-Road-Client": CONSUMER}, b"{}")

`a_pair(..., a={...}, b={...})` swaps surroundings of either gateway (fields of `Surroundings`, or of `Settings`);
`road.add("ss3", PRODUCER)` starts one more gateway of a member; `road.clock.now` is everybody's time.
`reply` is what a client nobody here wrote got (`http.client`).
"""

from __future__ import annotations

import asyncio
import http.client
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from banyan.kernel.events.clock import EpochS
from banyan.kernel.exchange.road.behind import HttpProvider
from banyan.kernel.exchange.road.desk import Local, Signing, Surroundings
from banyan.kernel.exchange.road.gateway import Gateway, Settings
from banyan.kernel.exchange.road.model import Exchanged, Freshness, Grant, Offer, Priority, Route
from banyan.kernel.exchange.road.tls import Identity, fingerprint
from banyan.wire.httpsig.keys import signer_of, verifier_of
from banyan.wire.httpsig.peer import Keys
from banyan.wire.xroad.access import Endpoint, Rights
from banyan.wire.xroad.identifiers import ClientId, ServerId, ServiceId, encoded, parse_client
from banyan.wire.xroad.members import Listed

NOW = EpochS(1_795_438_800.0)
CONSUMER = "EE/BUSINESS/consumer/sub"
PRODUCER = "EE/BUSINESS/producer"
ECHO = "/r1/EE/BUSINESS/producer/sub/echo"
Script = Callable[["Seen"], Awaitable[bytes] | bytes]


class Moving:
    """A clock that a test moves."""

    def __init__(self, now: float = NOW) -> None:
        self.now = now

    def __call__(self) -> EpochS:
        return EpochS(self.now)


class Chance:
    """Bytes that differ each time and are the same in each run."""

    def __init__(self, seed: int = 1) -> None:
        self._numbers = count(seed << 64)

    def __call__(self, size: int) -> bytes:
        return next(self._numbers).to_bytes(size, "big")


class PlainDirectory:
    """A directory in memory that tests write to."""

    def __init__(self) -> None:
        self.version = "1"
        self.state: Freshness = "fresh"
        self.by_subsystem: dict[ClientId, list[Route]] = {}
        self.known: set[ClientId] = set()
        self.by_keyid: dict[str, tuple[Keys, ClientId]] = {}
        self.by_certificate: dict[bytes, ServerId] = {}
        self.served: set[tuple[ServerId, ClientId]] = set()

    def freshness(self, now: EpochS) -> Freshness:
        return self.state

    def routes(self, subsystem: ClientId) -> Sequence[Route]:
        return self.by_subsystem.get(subsystem, ())

    def is_known(self, client: ClientId) -> bool:
        return client in self.known

    def keys(self, keyid: str) -> Keys | None:
        found = self.by_keyid.get(keyid)
        return found[0] if found else None

    def signer(self, keyid: str) -> ClientId | None:
        found = self.by_keyid.get(keyid)
        return found[1] if found else None

    def server_of(self, certificate: bytes) -> ServerId | None:
        return self.by_certificate.get(certificate)

    def serves(self, server: ServerId, member: ClientId) -> bool:
        return (server, member) in self.served

    def listed(self) -> Sequence[Listed]:
        return [Listed(one, one.member, one.subsystem) for one in sorted(self.known)]


class PlainGrants:
    def __init__(self) -> None:
        self.by_service: dict[ServiceId, Offer] = {}
        self.granted: dict[tuple[ClientId, ServiceId], Grant] = {}

    def offer(self, service: ServiceId) -> Offer | None:
        return self.by_service.get(service)

    def offers(self, subsystem: ClientId) -> Sequence[Offer]:
        return [one for one in self.by_service.values() if one.id.provider == subsystem]

    def grant(self, client: ClientId, service: ServiceId, now: EpochS) -> Grant | None:
        return self.granted.get((client, service))

    def give(self, client: str, service: ServiceId, *endpoints: Endpoint, **more: Any) -> None:
        """All of the service, unless endpoints are named."""
        who = parse_client(client)
        self.granted[who, service] = Grant(who, service, Rights(endpoints or (Endpoint(),)), **more)


class PlainLog:
    """Keeps what is logged; `error` makes it fail."""

    def __init__(self) -> None:
        self.kept: list[Exchanged] = []
        self.error: Exception | None = None

    async def keep(self, exchanged: Exchanged) -> None:
        if self.error is not None:
            raise self.error
        self.kept.append(exchanged)


class Leave:
    def close(self) -> None:
        pass


class OpenDoor:
    """An admission that lets everybody in and remembers whom."""

    def __init__(self) -> None:
        self.entered: list[tuple[ClientId, Priority, int]] = []

    async def enter(
        self, client: ClientId, priority: Priority, per_minute: int, until: EpochS, *, service: ServiceId | None = None
    ) -> Leave:
        self.entered.append((client, priority, per_minute))
        return Leave()

    def enter_now(
        self, client: ClientId, priority: Priority, per_minute: int, until: EpochS, *, service: ServiceId | None = None
    ) -> Leave:
        self.entered.append((client, priority, per_minute))
        return Leave()


class Seen(msgspec.Struct, frozen=True):
    """One request as the service behind the provider's gateway got it."""

    verb: str
    target: str
    fields: tuple[tuple[str, str], ...]
    body: bytes

    def get(self, name: str) -> str | None:
        return next((value for known, value in reversed(self.fields) if known.lower() == name.lower()), None)


class ScriptedService:
    """A provider that answers by `script` (a whole HTTP message); by default it echoes the body as JSON."""

    def __init__(self) -> None:
        self.seen: list[Seen] = []
        self.script: Script = echo
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> str:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return f"http://127.0.0.1:{self.port}"

    async def stop(self) -> None:
        self._server.close()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                verb, target, _ = head[0].split(" ")
                pairs = [line.split(": ", 1) for line in head[1:] if line]
                fields = tuple((name, value) for name, value in pairs)
                length = next((int(value) for name, value in fields if name.lower() == "content-length"), 0)
                seen = Seen(verb, target, fields, await reader.readexactly(length))
                self.seen.append(seen)
                told = self.script(seen)
                writer.write(told if isinstance(told, bytes) else await told)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()


def echo(seen: Seen) -> bytes:
    return said(seen.body if seen.verb != "HEAD" else b"", (("Content-Type", "application/json"),))


def said(body: bytes = b"", fields: Sequence[tuple[str, str]] = (), status: str = "200 OK") -> bytes:
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields)
    return f"HTTP/1.1 {status}\r\n{lines}Content-Length: {len(body)}\r\n\r\n".encode("latin-1") + body


class Reply(msgspec.Struct, frozen=True):
    """What a client got. `fields` by name in small letters, the last of each; `lines` all of them."""

    status: int
    fields: Mapping[str, str]
    lines: tuple[tuple[str, str], ...]
    body: bytes

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.body)


class Keeper(msgspec.Struct):
    """A gateway on the stage with what it stands on."""

    gateway: Gateway
    server: ServerId
    identity: Identity
    pem: str
    log: Any
    grants: Any
    calls: Any
    services: Any
    provider: HttpProvider


class Road:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = Moving()
        self.directory = PlainDirectory()
        self.service = ScriptedService()
        self.keepers: dict[str, Keeper] = {}
        self.reported: list[tuple[str, BaseException]] = []
        self.url = ""

    @property
    def a(self) -> Keeper:
        """The client's gateway."""
        return self.keepers["ss1"]

    @property
    def b(self) -> Keeper:
        """The provider's gateway."""
        return self.keepers["ss2"]

    @property
    def edge_url(self) -> str:
        return f"http://127.0.0.1:{self.a.gateway.edge_port}"

    async def add(self, name: str, *members: str, **swaps: Any) -> Keeper:
        """Start a gateway of these members (`instance/class/member`), registered in the directory.

        `swaps`: fields of Surroundings or Settings, `locals` (Local structs), `signing`, `recalled`."""
        owners = [parse_client(member) for member in members]
        server = ServerId(owners[0].instance, owners[0].member_class, owners[0].member, name)
        identity, pem = an_identity(self.folder, name)
        anchors = tuple(self._pems.values()) if hasattr(self, "_pems") else ()
        self._pems: dict[str, str] = {**getattr(self, "_pems", {}), name: pem}
        for other in self.keepers.values():
            other.gateway.tls.trust(pem)
        spool = self.folder / f"spool-{name}"
        spool.mkdir(exist_ok=True)
        own = {
            "server": server,
            "identity": identity,
            "anchors": (*anchors, pem),
            "spool": spool,
            **{one: swaps.pop(one) for one in Settings.__struct_fields__ if one in swaps},
        }
        settings = Settings(**own)
        locals_of = {local.id: local for local in swaps.pop("locals", ())}
        signing = swaps.pop("signing", None) or {
            owner: Signing(signer_of(keyid_of(owner), a_key(owner.member))) for owner in owners
        }
        recalled = swaps.pop("recalled", ())
        around = {
            "directory": self.directory,
            "grants": PlainGrants(),
            "log": PlainLog(),
            "calls": OpenDoor(),
            "services": OpenDoor(),
            "provider": None,
            **swaps,
        }
        gateway = Gateway(
            settings,
            Surroundings(**around),
            signing=signing,
            locals=locals_of,
            clock=self.clock,
            draw=Chance(len(self.keepers) + 1),
            report=lambda text, error: self.reported.append((text, error)),
            recalled=recalled,
        )
        provider = HttpProvider(gateway.spooling, self.clock)
        if around["provider"] is None:
            gateway.desk.around.provider = provider
        await gateway.start()
        keeper = Keeper(
            gateway,
            server,
            identity,
            pem,
            around["log"],
            around["grants"],
            around["calls"],
            around["services"],
            provider,
        )
        self.keepers[name] = keeper
        der = ssl.PEM_cert_to_DER_cert(pem)
        self.directory.by_certificate[fingerprint(der)] = server
        for owner in owners:
            key = verifier_of(keyid_of(owner), a_key(owner.member).public_key())
            self.directory.by_keyid.setdefault(keyid_of(owner), (Keys(key), owner))
            self.directory.served.add((server, owner))
            self.directory.known.add(owner)
        return keeper

    def route(self, name: str) -> Route:
        keeper = self.keepers[name]
        pin = fingerprint(ssl.PEM_cert_to_DER_cert(keeper.pem))
        return Route(keeper.server, "127.0.0.1", keeper.gateway.peer_port, (pin,))

    def register(self, subsystem: str, *names: str) -> ClientId:
        """Put a subsystem in the directory, served by these gateways (all of those if named)."""
        who = parse_client(subsystem)
        self.directory.known.add(who)
        self.directory.by_subsystem[who] = [self.route(name) for name in names]
        return who

    def offer(self, service: str, *clients: str, name: str = "ss2", path: str = "", **more: Any) -> ServiceId:
        """Offer `instance/class/member/subsystem/service` at a gateway, granted whole to `clients`."""
        *_, code = parts = service.split("/")
        found = ServiceId(*[part.replace("%2F", "/") for part in parts])
        assert code
        url = more.pop("url", self.url + path)
        self.keepers[name].grants.by_service[found] = Offer(found, more.pop("type", "REST"), url, **more)
        for client in clients:
            self.keepers[name].grants.give(client, found)
        return found

    async def call(
        self,
        verb: str,
        target: str,
        fields: Mapping[str, str] | None = None,
        body: bytes | None = None,
        *,
        port: int = 0,
        context: ssl.SSLContext | None = None,
    ) -> Reply:
        """By a client of the standard library, at the edge of gateway A unless `port` says another."""
        sent = {"X-Road-Client": CONSUMER} if fields is None else dict(fields)
        at = port or (self.a.gateway.edge_tls_port if context else self.a.gateway.edge_port)
        return await asyncio.to_thread(_asked, at, context, verb, target, sent, body)


def _asked(
    port: int, context: ssl.SSLContext | None, verb: str, target: str, fields: Mapping[str, str], body: bytes | None
) -> Reply:
    if context is None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    else:
        connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=60, context=context)
    try:
        connection.request(verb, target, body, dict(fields))
        answer = connection.getresponse()
        lines = tuple(answer.getheaders())
        return Reply(answer.status, {name.lower(): value for name, value in lines}, lines, answer.read())
    finally:
        connection.close()


@asynccontextmanager
async def a_road(folder: Path) -> AsyncIterator[Road]:
    """An empty stage: add gateways to it."""
    road = Road(folder)
    road.url = await road.service.start()
    try:
        yield road
    finally:
        for keeper in road.keepers.values():
            await keeper.gateway.stop(1.0)
            keeper.provider.close()
        await road.service.stop()


@asynccontextmanager
async def a_pair(
    folder: Path, *, a: Mapping[str, Any] | None = None, b: Mapping[str, Any] | None = None
) -> AsyncIterator[Road]:
    """Gateway A (`ss1`) with a consumer, gateway B (`ss2`) with a producer whose service `echo` is granted to it."""
    async with a_road(folder) as road:
        local = Local(parse_client(CONSUMER), "http")
        await road.add("ss1", "EE/BUSINESS/consumer", **{"locals": (local,), **(a or {})})
        await road.add("ss2", PRODUCER, **(b or {}))
        road.register(CONSUMER, "ss1")
        road.register(f"{PRODUCER}/sub", "ss2")
        if isinstance(road.b.grants, PlainGrants):
            road.offer(f"{PRODUCER}/sub/echo", CONSUMER)
        yield road


def keyid_of(owner: ClientId) -> str:
    return f"{encoded(owner)}/2026"


@cache
def a_key(name: str) -> ec.EllipticCurvePrivateKey:
    """The same for the same name."""
    return ec.derive_private_key(int.from_bytes(name.encode()[:20].ljust(20, b"\1"), "big"), ec.SECP256R1())


def an_identity(folder: Path, name: str) -> tuple[Identity, str]:
    """A self-signed certificate in files, and its PEM; the one that is there, if any."""
    made = Identity(folder / f"{name}.pem", folder / f"{name}.key")
    if made.certificate.exists():
        return made, made.certificate.read_text()
    key = a_key(f"tls {name}")
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2090, 1, 1, tzinfo=UTC))
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM).decode()
    made.certificate.write_text(pem)
    made.key.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    made.key.chmod(0o600)
    return made, pem
