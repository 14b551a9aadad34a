"""A node's gateway on the road between agencies: its parts opened, joined and run.

The hot path knows the parts by the Protocols of `road.model` alone; here is the one place that knows them all.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from secrets import token_bytes
from typing import Any

import msgspec
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from banyan.errors import Invalid, Problem, Unavailable
from banyan.kernel.events.clock import Clock, EpochS
from banyan.kernel.exchange.conscience import Conscience
from banyan.kernel.exchange.delivery.office import PostOffice
from banyan.kernel.exchange.delivery.through import post_of
from banyan.kernel.exchange.directory import ca, pkcs11
from banyan.kernel.exchange.directory import centre as centres
from banyan.kernel.exchange.directory.centre import Centre
from banyan.kernel.exchange.directory.gossip import Gossip
from banyan.kernel.exchange.directory.keeper import Keeper, Refused
from banyan.kernel.exchange.directory.membership import Agency
from banyan.kernel.exchange.directory.pages import PREFIX
from banyan.kernel.exchange.directory.rekeying import release, take_up_keys
from banyan.kernel.exchange.directory.tending import tend
from banyan.kernel.exchange.directory.travel import RoadPeers, add_pages
from banyan.kernel.exchange.directory.upkeep import Upkeep
from banyan.kernel.exchange.gate import Gate, Log
from banyan.kernel.exchange.messages.monitor import Observer, keep_observing
from banyan.kernel.exchange.messages.neighbours import WITNESSED, Neighbours, over_peer
from banyan.kernel.exchange.messages.opening import Opened, open_messages, origin_of
from banyan.kernel.exchange.messages.pages import LogPages
from banyan.kernel.exchange.messages.rounds import keep_publishing
from banyan.kernel.exchange.road.admission import FairAdmission
from banyan.kernel.exchange.road.behind import HttpProvider
from banyan.kernel.exchange.road.behind_gate import Behind
from banyan.kernel.exchange.road.desk import Signing, Surroundings
from banyan.kernel.exchange.road.edges import installing
from banyan.kernel.exchange.road.edges.configuration import ConfSigner
from banyan.kernel.exchange.road.edges.rooms import WithRooms
from banyan.kernel.exchange.road.gated import GateProvider
from banyan.kernel.exchange.road.gateway import Gateway
from banyan.kernel.exchange.road.granting import Book
from banyan.kernel.exchange.road.model import Answer, Monitor, Timing
from banyan.kernel.exchange.road.tls import Identity
from banyan.kernel.exchange.road.weighed import Counted, WeighedServices
from banyan.kernel.storage import Store, close_drawer, open_drawer
from banyan.kernel.storage.durable import write_file
from banyan.limits import PEER_AGE_S, PEER_AHEAD_S
from banyan.limits_road import DIRECTORY_ASK_S, DIRECTORY_DOCUMENT_BYTES, ROAD_TEND_S, ROAD_UPKEEP_S
from banyan.road_declared import counted_of, gateway_settings, local_of, offer_of
from banyan.road_watching import observer_of, place_pages
from banyan.settings import RoadRemote, RoadSettings, road_metrics_token_from_environment
from banyan.wire.xroad import signedconf
from banyan.wire.xroad.codes import Origin
from banyan.wire.xroad.headers import Field
from banyan.wire.xroad.identifiers import ServerId, ServiceId, parse_client
from banyan.wire.xroad.sharedparams import Authority
from banyan.wire.xroad.target import Target

FOLDER = "road"
RUNNING = "running.json"
"""What ran here last, for `./banyan exchange doctor`."""
ANYWHERE = ("0.0.0.0", "::")  # noqa: S104 - not listened at here: what an operator writes for it


class Running(msgspec.Struct, frozen=True):
    """`edge`: where this gateway's clients call by plain HTTP, and which of them may; `peer_host` and `peer_port` where
    it may itself be asked as by a peer; `remotes` as in node.toml."""

    agency: str
    edge: str
    peer_port: int
    clients: tuple[str, ...]
    remotes: tuple[RoadRemote, ...] = ()
    peer_host: str = "127.0.0.1"


class LaterGateway:
    """`gated.Carrier` for a gate that is made before its gateway."""

    def __init__(self) -> None:
        self.gateway: Gateway | None = None

    async def ask(self, verb: str, target: Target, fields: Sequence[Field], body: bytes) -> Answer:
        if self.gateway is None:
            raise Unavailable("This node's gateway is not running.", remedy="Set [road] in node.toml.")
        return await self.gateway.ask(verb, target, fields, body)


class Road(msgspec.Struct, frozen=True):
    """The parts of one gateway, open; `start` it when the gate is ready, `run` it until it is cancelled."""

    settings: RoadSettings
    agency: Agency
    gateway: Gateway
    keeper: Keeper
    gossip: Gossip
    upkeep: Upkeep
    messages: Opened
    neighbours: Neighbours
    post: PostOffice
    book: Book
    observer: Observer
    clock: Clock
    log: Log
    folder: Path
    centre: Centre | None = None
    agencies: Sequence[Agency] = ()
    """Its own, and those that it hosts."""
    beside: list[Callable[[], Awaitable[None]]] = []
    """What runs too; each until it is cancelled."""

    @property
    def server(self) -> ServerId:
        return self.gateway.settings.server

    async def start(self) -> None:
        """Listen, and deliver what waits from before."""
        await self.gateway.start()
        await self.post.start()
        own = self.settings
        running = Running(
            agency=str(self.agency.folder),
            edge=f"http://{own.edge_host}:{self.gateway.edge_port}",
            peer_port=self.gateway.peer_port,
            clients=tuple(one.id for one in own.clients if one.connection == "http"),
            remotes=own.remotes,
            peer_host="127.0.0.1" if own.host in ANYWHERE else own.host,
        )
        await asyncio.to_thread(write_file, self.folder / RUNNING, msgspec.json.encode(running))

    async def stop(self) -> None:
        await self.gateway.stop()
        await self.post.stop()

    async def run(self) -> None:
        """Gossip, renew, publish, be witnessed; until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.gossip.run())
            group.create_task(self._repeated(ROAD_UPKEEP_S, lambda: self.upkeep.step(self.clock())))
            group.create_task(self._repeated(ROAD_UPKEEP_S, self.take_up_keys))
            group.create_task(
                keep_publishing(self.messages.messages, self.neighbours, clock=self.clock, tell=self._tell)
            )
            group.create_task(keep_observing(self.observer, tell=self._tell))
            for one in self.beside:
                group.create_task(_awaited(one))
            if self.centre is not None:
                group.create_task(self._repeated(ROAD_TEND_S, partial(self._tend, self.centre)))

    async def _repeated(self, every_s: float, step: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await step()
            except (Problem, Refused, OSError) as problem:  # it is tried again; officers see what stays wrong
                self.log("road.failed", {"kind": type(problem).__name__})
            await asyncio.sleep(every_s)

    async def take_up_keys(self) -> None:
        """Those that officers put in force while this gateway runs."""
        standing = self.keeper.standing
        for name in await take_up_keys(self.gateway.desk, self.agencies, standing, self.clock()):
            self.log("road.key", {"key": name})

    async def _tend(self, centre: Centre) -> None:
        if await asyncio.to_thread(tend, centre, self.keeper):
            release(self.gateway.desk, self.keeper.standing)
            self.gossip.wake()

    def _tell(self, event: str, fields: Mapping[str, object]) -> None:
        self.log(event, {name: value for name, value in fields.items() if isinstance(value, str | int | float)})


async def _awaited(run: Callable[[], Awaitable[None]]) -> None:
    await run()


@asynccontextmanager
async def open_road(
    data: Path,
    settings: RoadSettings,
    *,
    gate: Gate,
    conscience: Conscience,
    monitor: Monitor,
    clock: Clock,
    log: Log,
    engine: str = "sqlite",
    dice: random.Random | None = None,
) -> AsyncIterator[Road]:
    """Open all parts below `data`; nothing listens yet. Raises Problem: the agency has not joined, a file is gone."""
    dice = dice or random.SystemRandom()
    agencies = _agencies(data, settings, clock)
    agency, keeper = agencies[0], agencies[0].keeper()
    folder = data / FOLDER
    for one in (folder, folder / "spool"):
        one.mkdir(mode=0o700, parents=True, exist_ok=True)
    async with AsyncExitStack() as stack:
        owners = [one.file.owner for one in agencies]
        origin = origin_of(agency.file.gateway.parts)
        messages = await stack.enter_async_context(
            open_messages(
                folder / "messages", origin=origin, members=owners, clock=clock, random=token_bytes, engine=engine
            )
        )
        calls, services = (_admission(stack, one, clock) for one in (Origin.CLIENT_PROXY, Origin.SERVER_PROXY))
        server = agency.file.gateway
        observer = observer_of(messages, server, settings.telemetry, calls=calls, services=services, clock=clock)
        book = Book(offer_of(one, owners, gate) for one in settings.offers)
        recalled = await messages.messages.recent(EpochS(clock() - PEER_AGE_S - PEER_AHEAD_S))
        around = Surroundings(
            directory=keeper.standing,
            grants=book,
            provider=GateProvider(gate),  # with services and rooms as soon as the gateway has its spool
            log=messages.messages,
            calls=calls,
            services=services,
            monitor=_Both(monitor, observer),
        )
        gateway = Gateway(
            gateway_settings(settings, agency, keeper, folder / "spool"),
            around,
            signing={one.file.owner: Signing(*one.signers()) for one in agencies},
            locals={local.id: local for local in (local_of(one, data) for one in settings.clients)},
            clock=clock,
            report=lambda text, error: log("road.report", {"what": text, "kind": type(error).__name__}),
            recalled=[(one.keyid, one.nonce) for one in recalled],
        )
        centre = _centre(data, settings, clock)
        neighbours = _joined(stack, gateway, messages, keeper, folder, observer=observer, settings=settings)
        gossip, upkept = _directory(gateway, agency, keeper, centre, clock=clock, dice=dice)
        around.seen = lambda server, version: gossip.hint(version, server)
        store = _delivery(stack, folder / "delivery", clock, engine)
        post = post_of(gateway, store, folder / "delivery", random=dice.random, log=log)
        around.provider = post.once(_provider(stack, gateway, post, conscience, counted_of(settings)))
        parts = (agency, gateway, keeper, gossip, upkept, messages, neighbours, post, book, observer)
        yield Road(settings, *parts, clock, log, folder, centre, agencies)


class _Both:
    """A `Monitor`: the officers' console and the operator's records."""

    def __init__(self, *monitors: Monitor) -> None:
        self._monitors = monitors

    def note(self, timing: Timing) -> None:
        for monitor in self._monitors:
            monitor.note(timing)


def _provider(
    stack: AsyncExitStack,
    gateway: Gateway,
    post: PostOffice,
    conscience: Conscience,
    counted: Mapping[ServiceId, Counted],
) -> WithRooms:
    """What stands behind offers: this node's gate, services at their addresses, rooms of events."""
    services = HttpProvider(gateway.spooling, gateway.desk.clock)
    stack.callback(services.close)
    weighed = WeighedServices(services, conscience, counted, gateway.desk.clock)
    return WithRooms(post.rooms, Behind(gateway.desk.around.provider, weighed))


def _agencies(data: Path, settings: RoadSettings, clock: Clock) -> list[Agency]:
    """The node's own first, then those that it hosts."""
    names = (settings.agency, *settings.hosted)
    return [Agency(data / name, clock=clock, load_key=pkcs11.load_key) for name in names]


def _delivery(stack: AsyncExitStack, folder: Path, clock: Clock, engine: str) -> Store:
    package = "banyan.kernel.exchange.delivery"
    drawer = open_drawer(folder, service="delivery", package=package, clock=clock, store=engine)
    stack.push_async_callback(close_drawer, drawer)
    return drawer.sql


def _admission(stack: AsyncExitStack, origin: Origin, clock: Clock) -> FairAdmission:
    made = FairAdmission(origin, clock)
    stack.callback(made.close)
    return made


def _centre(data: Path, settings: RoadSettings, clock: Clock) -> Centre | None:
    if not settings.centre:
        return None
    return centres.opened(data / settings.centre, clock=clock, random=token_bytes, load_key=pkcs11.load_key)


def _joined(
    stack: AsyncExitStack,
    gateway: Gateway,
    messages: Opened,
    keeper: Keeper,
    folder: Path,
    *,
    observer: Observer,
    settings: RoadSettings,
) -> Neighbours:
    """The log's pages and witnesses, and the edge's own pages."""
    standing, clock = keeper.standing, gateway.desk.clock

    def routes() -> dict[ServerId, Any]:
        return {one: way for one in standing.servers() if (way := standing.way(one)) is not None}

    neighbours = Neighbours(
        gateway.settings.server,
        messages.keys,
        messages.store,
        folder / "messages" / "log" / WITNESSED,
        servers=standing.servers,
        ask=over_peer(gateway.peer, routes, clock, DIRECTORY_ASK_S),
        clock=clock,
    )
    LogPages(messages.messages, messages.keys, neighbours).place(gateway.pages)
    edge = installing.Settings(
        _conf_signer(gateway.settings.identity.certificate),
        f"{settings.edge_host}:{settings.edge_port}",
        monitors=frozenset(map(parse_client, settings.monitors)),
        authorities=lambda: _authorities(keeper),
        past_keys=standing.past_keys,
    )
    place_pages(gateway, observer, road_metrics_token_from_environment())
    documents = installing.install(gateway, edge, archive=messages.messages, operations=observer)
    stack.callback(documents.close)
    return neighbours


def _directory(
    gateway: Gateway, agency: Agency, keeper: Keeper, centre: Centre | None, *, clock: Clock, dice: random.Random
) -> tuple[Gossip, Upkeep]:
    peers = RoadPeers(gateway.peer, keeper, clock=clock)

    def follow() -> None:
        """Authorities that entered the directory count from the next handshake on; who left this host is let go."""
        release(gateway.desk, keeper.standing)
        for one in keeper.standing.snapshot.roots if keeper.standing.snapshot else ():
            gateway.tls.trust(ca.pem(ca.read_certificate(one)).decode())

    gossip = Gossip(keeper, peers, own=gateway.settings.server, dice=dice, news=follow)
    add_pages(gateway.pages, keeper, centre=centre, heard=gossip.wake)

    async def renew(request: bytes) -> bytes:
        if centre is not None:
            return await asyncio.to_thread(_renewed, centre, request)
        snapshot = keeper.standing.snapshot
        if snapshot is None or snapshot.home is None:
            raise Unavailable("The directory names no centre.", remedy="Ask the centre to renew by file.")
        home = ServerId(snapshot.instance, *snapshot.home)
        most = 2 * DIRECTORY_DOCUMENT_BYTES
        return await peers.ask(home, "POST", f"{PREFIX}renewals", request, most=most, wait_s=DIRECTORY_ASK_S)

    def reload(path: Path) -> None:
        gateway.tls.renew(Identity(path, path))

    return gossip, Upkeep(agency, keeper, renew=renew, reload=reload)


def _renewed(centre: Centre, request: bytes) -> bytes:
    with centre.turn():
        return msgspec.json.encode(centre.renew(request))


def _conf_signer(pem: Path) -> ConfSigner:
    """The gateway vouches for its rendering of the directory by the key of its TLS certificate."""
    text = pem.read_bytes()
    key = serialization.load_pem_private_key(text, None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise Invalid.at("road.agency", f"{pem} holds no key on P-256.")
    certificate = ca.read_certificate(text[text.index(b"-----BEGIN CERTIFICATE") :])

    def sign(data: bytes) -> bytes:
        return key.sign(data, ec.ECDSA(hashes.SHA256()))

    return ConfSigner(ca.der(certificate), signedconf.ECDSA_SHA256, sign)


def _authorities(keeper: Keeper) -> tuple[Authority, ...]:
    snapshot = keeper.standing.snapshot
    roots = snapshot.roots if snapshot is not None else ()
    return tuple(Authority(ca.read_certificate(one).subject.rfc4514_string(), one) for one in roots)
