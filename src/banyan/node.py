"""The composition root: read node.toml, open the drawers, plug the services, serve, and close in order."""

from __future__ import annotations

import asyncio
import importlib
import os
import random
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path
from secrets import token_bytes

import msgspec
import uvicorn

from banyan.alerting import open_alerts
from banyan.consents import as_person
from banyan.craft.notify.outbox import Outbox
from banyan.demo.agencies.law import seed_law
from banyan.demo.agencies.sealed import Keeping
from banyan.demo.agencies.seeding import SERVICES as DEMO_SERVICES
from banyan.demo.agencies.seeding import lend_all, seed_registers
from banyan.demo.alerts import seed_alerts
from banyan.demo.allocation import seed_allocation
from banyan.demo.casualties import seed_drill
from banyan.demo.draws import seed_draw
from banyan.demo.federation.cards import holder_in
from banyan.demo.federation.hosting import hosted_here, seed_grants
from banyan.demo.federation.law import seed_order, seed_road_law
from banyan.demo.federation.seeding import SERVICES as ROAD_SERVICES
from banyan.demo.federation.seeding import seed_road_registers
from banyan.demo.loan.registering import close_app, register_app
from banyan.demo.personas import close_personas, seed_personas
from banyan.demo.preorders import seed_preorders
from banyan.demo.rationing import samples, seed_rationing
from banyan.demo.tracing import seed_tracing
from banyan.errors import Invalid, Problem, Unavailable
from banyan.fenced import demonstrate_fence, lend_fence
from banyan.kernel.catalogue import Catalogue, Operation, Service
from banyan.kernel.events import system_clock
from banyan.kernel.events.clock import Clock
from banyan.kernel.exchange import App, DoorSettings, Gate, build_door
from banyan.kernel.exchange.attendant import Attendant
from banyan.kernel.exchange.gate import emit_to_feeds
from banyan.kernel.exchange.keydesk import build_access
from banyan.kernel.exchange.keys import Keys
from banyan.kernel.exchange.record import AccessRecord, LogFile
from banyan.kernel.exchange.server import allow_connections, calm_collector, server_config
from banyan.kernel.exchange.token import holder_of, new_token
from banyan.kernel.identity.openid.provider import Provider
from banyan.kernel.identity.scopes import Scopes
from banyan.kernel.storage import Drawer, close_drawer, open_drawer
from banyan.lawful import Lawful, keep_publishing, open_lawful
from banyan.lending import agency_names, behind_rooms, lend_opendata, lend_orders, lend_rations, lend_services, outsides
from banyan.noticing import Notices, start_notices
from banyan.payhouse import payhouse
from banyan.persons import open_persons
from banyan.presence import presence_of
from banyan.recordhouse import keep_records
from banyan.registers import Issuer, lend_registers, nobodys
from banyan.roads import Road
from banyan.roadside import Roadside
from banyan.service.identity.desk import Desk
from banyan.settings import (
    Settings,
    line_secrets_from_environment,
    load_settings,
)
from banyan.traced import lend_tracing
from banyan.travelling import lend_travel

ROOT = Path(__file__).parents[2]
TOKEN_FILE = "administrator.token"  # noqa: S105 - a file's name
ADDRESS_FILE = "node.json"
DEMO_FOLDER = "demo"
REGISTERS = (*DEMO_SERVICES, *ROAD_SERVICES)
KEYS_FOLDER = "keys"
"""Keys that end with an order. Never in a backup of the data: docs/decisions/0083."""


class Node(msgspec.Struct, frozen=True):
    """A node that is open: call it through `gate`, serve it through `app`."""

    settings: Settings
    data: Path
    token: str
    is_new: bool
    """True when this start made the data folder's token: the first start."""
    gate: Gate
    catalogue: Catalogue
    drawers: Mapping[str, Drawer]
    app: App
    lawful: Lawful
    persons: Provider
    scopes: Scopes
    road: Road | None = None
    sms: Notices | None = None

    @property
    def notifier(self) -> Outbox | None:
        return self.sms.outbox if self.sms is not None else None


def plug(paths: tuple[str, ...]) -> list[Service]:
    """Import the services named `package.module:NAME`. Raises Invalid naming the line that does not lead to one."""
    services = []
    for path in paths:
        module, _, name = path.partition(":")
        try:
            found = getattr(importlib.import_module(module), name)
        except (ImportError, AttributeError, ValueError) as error:
            raise Invalid.at("services", f"{path!r} cannot be imported ({error})") from error
        if not isinstance(found, Service):
            raise Invalid.at("services", f"{path!r} is not a Service")
        services.append(found)
    return services


@asynccontextmanager
async def open_node(
    data: Path, settings: Settings, *, clock: Clock = system_clock, is_demo: bool = False
) -> AsyncIterator[Node]:
    """Open every store under `data`, start the services (`is_demo`: the demonstration's registers and personas too),
    and close all at the end. Raises Problem when it cannot."""
    from banyan.channel.chat import build_chat
    from banyan.channel.mcp import build_mcp
    from banyan.channel.web import build_portal

    services = [*plug(settings.services), *(REGISTERS if is_demo else ())]
    _make_folders(data, services)
    token, is_new = _kept_token(data)
    async with AsyncExitStack() as stack:
        log = partial(_log, settings.log)
        operations = list(Catalogue(services).operations.values())
        line = [_line(settings, operations, data, clock=clock)] if settings.line.enabled else []
        keys = Keys(_kept_secret(data))
        desk = build_access(keys)
        _make_folders(data, [*line, desk])
        drawers = _open_drawers(stack, data, (*services, *line, desk), settings, clock=clock)
        chat = build_chat(operations, secret=_kept_secret(data), contact=_contact(settings))
        portal = build_portal([*services, chat], site=settings.site, web=ROOT / "web")
        catalogue = Catalogue([*services, *line, desk, chat, build_mcp(operations), *portal.services])
        lawful = await stack.enter_async_context(
            open_lawful(
                data, member=settings.member, engine=settings.storage.engine, clock=clock, settings=settings.ledger
            )
        )
        way = Roadside(settings.road, data, clock=clock, log=log, engine=settings.storage.engine)
        lawfully = partial(Gate, conscience=lawful.conscience, remotes=way.remotes())
        gate = lawfully(catalogue, drawers, clock=clock, emit=emit_to_feeds(drawers, clock), log=log)
        persons = await stack.enter_async_context(open_persons(data, engine=settings.storage.engine, clock=clock))
        asks = as_person(gate, persons, name_of=lawful.conscience.subject)
        identity = Desk(persons, settings.site.public_url, is_demo, outsides(settings), as_person=asks)
        lend_services(drawers, settings, lawful, identity, operations=catalogue.operations, words=portal.messages)
        lend_opendata(drawers, settings, lawful, gate, folder=data / DEMO_FOLDER)
        lend_rations(drawers, settings, lawful, clock, data=data)
        scopes = Scopes(persons.store, data / KEYS_FOLDER, random=token_bytes)
        _lend_registers(drawers, gate, lawful, scopes, settings.member, is_demo=is_demo)
        sms = await start_notices(stack, data, settings, lawful, scopes, clock=clock, log=log, is_demo=is_demo)
        _lend_powers(drawers, gate, lawful, scopes, settings, agency_of=agency_names(persons), sms=sms, data=data)
        await _open_alerts(stack, drawers, lawful, persons, settings=settings, data=data, clock=clock, is_demo=is_demo)
        road = await way.open(stack, gate, lawful, drawers)
        app = build_door(
            catalogue,
            gate,
            identify=holder_of(token),
            settings=_door(settings, data),
            log=log,
            render=portal.render,
            record=_record(stack, data),
            keys=keys,
            present=presence_of(persons, issuer=settings.site.public_url, name_of=lawful.conscience.subject),
        )
        app = behind_rooms(app, drawers, settings, clock)
        await _close_demo(persons, is_demo=is_demo)
        await gate.start()
        stack.push_async_callback(gate.stop)
        await way.start(stack)
        yield Node(settings, data, token, is_new, gate, catalogue, drawers, app, lawful, persons, scopes, road, sms)


def _lend_powers(
    drawers: Mapping[str, Drawer],
    gate: Gate,
    lawful: Lawful,
    scopes: Scopes,
    settings: Settings,
    *,
    agency_of: Callable[[str], Awaitable[str]],
    sms: Notices | None,
    data: Path,
) -> None:
    """Orders, and the services that run under one only."""
    notifier = sms.outbox if sms is not None else None
    lend_orders(drawers, lawful, scopes)
    lend_fence(drawers, lawful, scopes, agency_of, notifier=notifier)
    lend_tracing(drawers, lawful, scopes, data=data, notifier=notifier, operations=gate.catalogue.operations)
    lend_travel(
        drawers, gate, lawful, scopes, agency_of=agency_of, random=token_bytes,
        allow_private=settings.fetch.allow_private,
    )  # fmt: skip


async def _open_alerts(
    stack: AsyncExitStack,
    drawers: Mapping[str, Drawer],
    lawful: Lawful,
    persons: Provider,
    *,
    settings: Settings,
    data: Path,
    clock: Clock,
    is_demo: bool,
) -> None:
    networks = data / DEMO_FOLDER / "networks" if is_demo else None
    await open_alerts(stack, drawers, lawful, persons, settings=settings, clock=clock, networks=networks)


async def _close_demo(persons: Provider, *, is_demo: bool) -> None:
    """A folder that was a demonstration once lets none of its personas and apps in."""
    if is_demo:
        return
    await close_personas(persons)
    await close_app(persons)


def _lend_registers(
    drawers: Mapping[str, Drawer], gate: Gate, lawful: Lawful, scopes: Scopes, member: str, *, is_demo: bool
) -> None:
    """The demonstration's registers get their keys, and rationing what it may ask of them."""
    keeping = Keeping(scopes, lawful.conscience.subject, lawful.policy)
    lend_all(drawers, keeping, REGISTERS)
    issuer = Issuer(holder_in(drawers, keeping), samples if is_demo else nobodys)
    lend_registers(drawers, gate, lawful.policy, member=member, issuer=issuer)


def _open_drawers(
    stack: AsyncExitStack, data: Path, services: Sequence[Service], settings: Settings, *, clock: Clock
) -> dict[str, Drawer]:
    """Each service's own drawer, closed with the node."""
    drawers: dict[str, Drawer] = {}
    for service in services:
        drawer = open_drawer(
            data / service.name,
            service=service.name,
            package=service.package,
            clock=clock,
            store=settings.storage.engine,
        )
        stack.push_async_callback(close_drawer, drawer)
        drawers[service.name] = drawer
    return drawers


def _record(stack: AsyncExitStack, data: Path) -> AccessRecord:
    """The access record over its file, written out with the node's end."""
    access = LogFile(data / "log" / "access.jsonl")
    stack.callback(access.close)
    record = AccessRecord(access.write)
    stack.callback(record.flush)
    return record


def _door(settings: Settings, data: Path) -> DoorSettings:
    """What node.toml says of the door."""
    return DoorSettings(
        secret=_kept_secret(data),
        work=data / "work",
        member=settings.member,
        public_url=settings.site.public_url,
        hosts=settings.http.allowed_hosts,
        trusted_proxies=settings.http.trusted_proxies,
    )


async def serve(
    data: Path,
    *,
    host: str,
    port: int,
    empty: bool,
    also: tuple[str, ...] = (),
    prepare: Callable[[Node], Awaitable[None]] | None = None,
) -> int:
    """Run a node until it is told to stop (SIGINT, SIGTERM); 0 after a clean end. `also` are services besides those of
    node.toml; `prepare` is awaited once it is open and before it answers."""
    settings = load_settings(data / "node.toml", Path.cwd() / "node.toml", ROOT / "node.toml")
    settings = msgspec.structs.replace(settings, services=tuple(dict.fromkeys((*settings.services, *also))))
    if not empty:
        road = hosted_here(data, settings.road, clock=system_clock, is_usual=not port)
        settings = msgspec.structs.replace(settings, road=road)
    host, port = host or settings.http.host, port or settings.http.port
    allow_connections()
    async with open_node(data, settings, is_demo=not empty) as node:
        if prepare is not None:
            await prepare(node)
        server = _Server(server_config(node.app, host=host, port=port))
        calm_collector()
        tasks = [asyncio.create_task(_attend(node)), asyncio.create_task(_sign(node))]
        if node.road is not None:
            tasks.append(asyncio.create_task(node.road.run()))
        if not empty:
            tasks.append(asyncio.create_task(_demonstrate(node, server)))
            tasks.append(asyncio.create_task(_take_payments(node, server)))
            tasks.append(asyncio.create_task(_see_patients(node, server)))
        tasks.append(asyncio.create_task(_greet(node, server, host, port)))
        try:
            await server.serve()
        except SystemExit as error:  # uvicorn's word for an address that cannot be had
            raise Unavailable(
                f"{host}:{port} cannot be listened on.", remedy="Is another server there? Choose one with --port."
            ) from error
        finally:
            (data / ADDRESS_FILE).unlink(missing_ok=True)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
    return 0


class _Server(uvicorn.Server):
    """uvicorn, told to stop by us: its own handler raises the signal again after serving, which would end the process
    before the drawers are closed."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        try:
            yield
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)


async def _attend(node: Node) -> None:
    """Let every service's handlers work; they are awaited here."""
    async with asyncio.TaskGroup() as group:
        for name, drawer in node.drawers.items():
            service = node.catalogue.services[name]
            log = partial(_log, node.settings.log)
            group.create_task(Attendant(service, drawer, node.gate, log=log, jitter=random.random).run())


async def _sign(node: Node) -> None:
    """Keep the ledger's checkpoints coming."""
    await keep_publishing(node.lawful, clock=node.gate.clock, log=partial(_log, node.settings.log))


async def _demonstrate(node: Node, server: uvicorn.Server) -> None:
    """Publish the demonstration nation once the portal answers, and keep its live registers alive."""
    await seed_personas(node.persons)
    await seed_law(node.gate)
    await seed_road_law(node.gate)
    await register_app(node.persons, node.data / DEMO_FOLDER)
    keeping = Keeping(node.scopes, node.lawful.conscience.subject, node.lawful.policy)
    await seed_registers(node.drawers, keeping)
    await seed_road_registers(node.drawers, keeping, node.gate.clock())
    await seed_order(node.gate)
    await seed_rationing(node.gate, node.drawers, keeping, member=node.settings.member)
    await seed_drill(node.gate)
    await seed_alerts(node.gate)
    if node.road is not None:
        await seed_grants(node.gate, {one.id for one in node.road.settings.offers})
    await _started(server)
    fenced = partial(demonstrate_fence, node.drawers, node.lawful, node.scopes, agency_names(node.persons))
    fence, traced = fenced(gate=node.gate, notifier=node.notifier), seed_tracing(node.gate)
    await asyncio.gather(_keep_nation(node), seed_draw(node.gate), traced, fence)


async def _keep_nation(node: Node) -> None:
    """Publish the demonstration nation's datasets, then keep its live registers alive."""
    from banyan.demo.seeding import keep_alive, seed_nation

    folder = node.data / DEMO_FOLDER
    if "opendata" not in node.drawers:
        return
    try:
        await seed_nation(node.gate, folder, say=_say)
    except Problem as problem:
        _say(f"  demonstration nation: {problem.title} {problem.remedy}")
    await asyncio.gather(seed_allocation(node.gate, say=_say), keep_alive(folder, clock=node.gate.clock))


async def _take_payments(node: Node, server: uvicorn.Server) -> None:
    """The demonstration's payment provider, where node.toml names none, and rounds of preorder to pay for."""
    await _started(server)
    if "rationing" not in node.drawers or node.settings.payments.url:
        return
    shop = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    async with payhouse(node.drawers, shop, node.gate.clock) as book:
        try:
            await seed_preorders(node.gate, book, subject=node.lawful.conscience.subject)
        except Problem as problem:
            _say(f"  demonstration preorders: {problem.title} {problem.remedy}")
        await asyncio.Event().wait()


async def _see_patients(node: Node, server: uvicorn.Server) -> None:
    """The demonstration's travel history and a hospital's record system that asks for it."""
    await _started(server)
    port = server.servers[0].sockets[0].getsockname()[1]
    await keep_records(node.gate, port, subject=node.lawful.conscience.subject, say=_say)


async def _greet(node: Node, server: uvicorn.Server, host: str, port: int) -> None:
    """Say where the portal is, once it answers; and leave the address where `./banyan publish` looks for it."""
    await _started(server)
    bound = server.servers[0].sockets[0].getsockname()[1] if server.servers else port
    shown = "localhost" if host in ("127.0.0.1", "0.0.0.0", "::", "::1", "") else host  # noqa: S104 - only compared
    url = f"http://{shown}:{bound}"
    (node.data / ADDRESS_FILE).write_bytes(msgspec.json.encode({"url": url, "pid": os.getpid()}))
    if node.is_new:
        _say(f"  administrator token (shown once; kept in {node.data / TOKEN_FILE}):\n    {node.token}")
    if node.road is not None:
        edge = f"http://{shown}:{node.road.gateway.edge_port}"
        _say(f"  road between agencies: {edge}/r1/…  other gateways at port {node.road.gateway.peer_port}")
    _say(f"Banyan is up: {url}  (stop with Ctrl-C)")


async def _started(server: uvicorn.Server) -> None:
    while not server.started:  # noqa: ASYNC110 - uvicorn tells it in no other way
        await asyncio.sleep(0.02)


def _kept_token(data: Path) -> tuple[str, bool]:
    """The administrator token of this folder; made at first start. Why a file: docs/decisions/0003."""
    path = data / TOKEN_FILE
    if path.exists():
        return path.read_text(encoding="ascii").strip(), False
    token = new_token()
    _write_secret(path, token.encode("ascii"))
    return token, True


def _make_folders(data: Path, services: list[Service]) -> None:
    """The folders, closed to the machine's other users: records hold private datasets and how to reach people."""
    for folder in (data, *(data / name for name in ("work", "log", *(service.name for service in services)))):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def _line(settings: Settings, operations: list[Operation], data: Path, *, clock: Clock) -> Service:
    """The LINE channel. Raises Invalid when its secrets are not in the environment."""
    from banyan.channel.line import LineDesk, build_line

    channel_secret, token = line_secrets_from_environment()
    setup = LineDesk(
        api_url=settings.line.api_url,
        channel_secret=channel_secret,
        token=token,
        secret=_kept_secret(data),
        contact=_contact(settings),
    )
    return build_line(operations, setup, clock=clock, log=partial(_log, settings.log))


def _contact(settings: Settings) -> str:
    """How to reach a person, as the chat says it."""
    site = settings.site
    return "、".join(part for part in (site.contact_name, site.contact_phone, site.contact_email) if part)


def _kept_secret(data: Path) -> bytes:
    """The key that signs sessions and form tokens; made at first start."""
    path = data / "secret"
    if not path.exists():
        _write_secret(path, token_bytes(32))
    return path.read_bytes()


def _write_secret(path: Path, content: bytes) -> None:
    """Readable by the owner only, whole or not there at all."""
    staged = path.with_suffix(".new")
    descriptor = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    staged.rename(path)


def _log(style: str, name: str, fields: Mapping[str, str | int | float]) -> None:
    if style == "json":
        line = msgspec.json.encode({"event": name, **fields}).decode()
        print(line, file=sys.stderr, flush=True)  # noqa: T201 - the log's one way out


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - the terminal is this verb's channel
