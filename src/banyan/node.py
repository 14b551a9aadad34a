"""The composition root: read node.toml, open the drawers, plug the services, and close in order."""

from __future__ import annotations

import importlib
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from secrets import token_bytes

import msgspec

from banyan.alerting import Given, open_alerts
from banyan.chat_asking import connect_chat
from banyan.consents import as_person
from banyan.craft.notify.outbox import Outbox
from banyan.demo.agencies.sealed import Keeping
from banyan.demo.agencies.seeding import SERVICES as DEMO_SERVICES
from banyan.demo.agencies.seeding import lend_all
from banyan.demo.federation.cards import holder_in
from banyan.demo.federation.seeding import SERVICES as ROAD_SERVICES
from banyan.demo.handset.service import simulated
from banyan.demo.handset.talking import Handset
from banyan.demo.loan.registering import close_app
from banyan.demo.personas import close_personas
from banyan.demo.rationing import samples
from banyan.errors import Invalid
from banyan.fenced import lend_fence, open_positions
from banyan.heralding import herald
from banyan.kernel.catalogue import Catalogue, Operation, Service
from banyan.kernel.events import system_clock
from banyan.kernel.events.clock import Clock
from banyan.kernel.exchange import App, DoorSettings, Gate, build_door
from banyan.kernel.exchange.gate import Log, emit_to_feeds
from banyan.kernel.exchange.keydesk import build_access
from banyan.kernel.exchange.keys import Keys
from banyan.kernel.exchange.record import AccessRecord, LogFile
from banyan.kernel.exchange.token import holder_of, new_token
from banyan.kernel.identity.openid.provider import Provider
from banyan.kernel.identity.scopes import Scopes
from banyan.kernel.storage import Drawer, close_drawer, open_drawer
from banyan.kernel.storage.durable import write_secret
from banyan.lawful import Lawful, open_lawful
from banyan.lending import agency_names, behind_rooms, lend_opendata, lend_orders, lend_rations, lend_services, outsides
from banyan.noticing import Notices, start_notices
from banyan.persons import open_persons
from banyan.presence import presence_of
from banyan.registers import Issuer, lend_registers, nobodys
from banyan.reminding import lend_reminders
from banyan.roads import Road
from banyan.roadside import Roadside
from banyan.running import TOKEN_FILE
from banyan.service.identity.desk import Desk
from banyan.settings import (
    Settings,
    line_secrets_from_environment,
)
from banyan.terminal import write_event
from banyan.traced import lend_tracing
from banyan.travelling import lend_travel

ROOT = Path(__file__).parents[2]
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
        log = partial(write_event, settings.log)
        operations = list(Catalogue(services).operations.values())
        line = [_line(settings, operations, data, clock=clock)] if settings.line.enabled else []
        keys = Keys(_kept_secret(data))
        desk = build_access(keys)
        drawers = _open_drawers(stack, data, (*services, *line, desk), settings, clock=clock)
        chat = build_chat(operations, secret=_kept_secret(data), contact=_contact(settings))
        handset, phone = simulated(is_needed=is_demo and not settings.line.enabled)
        portal = build_portal([*services, chat, *phone], site=settings.site, web=ROOT / "web")
        catalogue = Catalogue([*services, *line, desk, chat, *phone, build_mcp(operations), *portal.services])
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
        await _lend_powers(drawers, gate, lawful, scopes, settings, persons=persons, sms=sms, data=data, log=log,
                           handset=handset)  # fmt: skip
        await open_alerts(stack, drawers, lawful, persons, settings, given=Given(gate, way, sms, data), is_demo=is_demo)
        await herald(stack, drawers, portal, clock)
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
        await _start(stack, gate, way)
        yield Node(settings, data, token, is_new, gate, catalogue, drawers, app, lawful, persons, scopes, road, sms)


async def _start(stack: AsyncExitStack, gate: Gate, way: Roadside) -> None:
    """What follows feeds and timers, then the road; stopped in the other order."""
    await gate.start()
    stack.push_async_callback(gate.stop)
    await way.start(stack)


async def _lend_powers(
    drawers: Mapping[str, Drawer],
    gate: Gate,
    lawful: Lawful,
    scopes: Scopes,
    settings: Settings,
    *,
    persons: Provider,
    sms: Notices | None,
    data: Path,
    log: Log,
    handset: Handset | None,
) -> None:
    """Orders, and the services that run under one only."""
    agency_of = agency_names(persons)
    positions = await open_positions(drawers, settings.fence, data, clock=gate.clock, log=log)
    notifier = sms.outbox if sms is not None else None
    lend_reminders(drawers, scopes, sms)
    lend_orders(drawers, lawful, scopes)
    lend_fence(drawers, lawful, scopes, agency_of, notifier=notifier, positions=positions)
    connect_chat(drawers, settings, gate, scopes=scopes, lawful=lawful, handset=handset)
    lend_tracing(drawers, lawful, scopes, data=data, notifier=notifier, operations=gate.catalogue.operations)
    lend_travel(
        drawers, gate, lawful, scopes, agency_of=agency_of, random=token_bytes,
        allow_private=settings.fetch.allow_private,
    )  # fmt: skip


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
    _make_folders(data, services)
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


def _kept_token(data: Path) -> tuple[str, bool]:
    """The administrator token of this folder; made at first start. Why a file: docs/decisions/0003."""
    path = data / TOKEN_FILE
    if path.exists():
        return path.read_text(encoding="ascii").strip(), False
    token = new_token()
    write_secret(path, token.encode("ascii"))
    return token, True


def _make_folders(data: Path, services: Sequence[Service]) -> None:
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
    return build_line(operations, setup, clock=clock, log=partial(write_event, settings.log))


def _contact(settings: Settings) -> str:
    """How to reach a person, as the chat says it."""
    site = settings.site
    return "、".join(part for part in (site.contact_name, site.contact_phone, site.contact_email) if part)


def _kept_secret(data: Path) -> bytes:
    """The key that signs sessions and form tokens; made at first start."""
    path = data / "secret"
    if not path.exists():
        write_secret(path, token_bytes(32))
    return path.read_bytes()
