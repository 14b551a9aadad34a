"""Two gateways in one process that can crash, be parted and be late: the post under test, with everything else plain.

A crash is an exception that no code of the house catches: the gateway's tasks are cancelled where they are, its store
is opened again, and all it had in memory is gone.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from banyan.errors import Problem
from banyan.kernel.events.clock import EpochS
from banyan.kernel.exchange.delivery.contents import Contents, Whole
from banyan.kernel.exchange.delivery.hands import GrantedHands
from banyan.kernel.exchange.delivery.means import Means, Told
from banyan.kernel.exchange.delivery.office import PostOffice
from banyan.kernel.exchange.delivery.pages import ClientPages, PeerPages, client_of
from banyan.kernel.exchange.road.faulting import TheirFault, fault_answer
from banyan.kernel.exchange.road.model import Answer, Body, Call, Exchanged, Grant, Offer, Request, Response
from banyan.kernel.storage.blobs import Blobs
from banyan.kernel.storage.migrations import load_steps, migrate
from banyan.kernel.storage.sqlite import SqliteStore
from banyan.kernel.storage.store import SchemaStore
from banyan.wire.httpsig.keys import Signer, Verifier, signer_of, verifier_of
from banyan.wire.xroad.access import Endpoint, Rights
from banyan.wire.xroad.codes import Code, Origin
from banyan.wire.xroad.faults import Fault, parse_error
from banyan.wire.xroad.headers import Field, last_of, message_id_of, parse_request_fields, request_fields
from banyan.wire.xroad.identifiers import ClientId, ServiceId, encoded
from banyan.wire.xroad.target import target_of

PACKAGE = "banyan.kernel.exchange.delivery"
NOW = 1_795_438_800.0
HOSPITAL = ClientId("TW", "COM", "HOSPITAL", "his")
CLINIC = ClientId("TW", "COM", "HOSPITAL", "clinic")
NHI = ClientId("TW", "GOV", "NHI", "records")
STORE = ServiceId(*NHI.parts, "store")
"""Keeps the rule of Idempotency-Key."""
ODD = ServiceId(*NHI.parts, "odd")
"""Knows no request again."""
_KEYS = {
    member.owner: Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32)
    for number, member in enumerate((HOSPITAL, NHI), 1)
}


class Crash(BaseException):
    """The process is gone."""


def signer(member: ClientId) -> Signer:
    return signer_of(encoded(member), _KEYS[member])


def key_of(keyid: str) -> Verifier | None:
    for member, key in _KEYS.items():
        if encoded(member) == keyid:
            return verifier_of(keyid, key.public_key())
    return None


def owner_of(keyid: str) -> ClientId | None:
    return next((member for member in _KEYS if encoded(member) == keyid), None)


def a_call(
    message_id: str = "m1",
    *fields: Field,
    client: ClientId = HOSPITAL,
    service: ServiceId = STORE,
    verb: str = "POST",
    path: bytes = b"/visits",
    at: float = NOW,
) -> Call:
    """As a gateway has read it at its edge."""
    said = [
        (b"X-Road-Client", encoded(client).encode()),
        (b"X-Road-Id", message_id.encode()),
        (b"Prefer", b"respond-async"),
        *fields,
    ]
    asked = parse_request_fields(said)
    ids = ("0b0c9a3c-0000-4000-8000-000000000000", message_id_of(asked, ""))
    target = target_of(service, path)
    return Call(verb, target, asked, tuple(request_fields(asked, *ids)), *ids, EpochS(at), EpochS(at + 60))


class Counting:
    """A provider that counts what arrives, and what it did: once for each Idempotency-Key, as the rule asks."""

    def __init__(self) -> None:
        self.arrived: Counter[tuple[str, str]] = Counter()
        self.unmarked: Counter[tuple[str, str]] = Counter()
        self.done: dict[tuple[str, str], int] = {}
        self.order: list[str] = []
        self.behave: Callable[[Call], Answer | None] = lambda _: None
        self.seen: list[Call] = []

    async def ask(self, offer: Offer, call: Call, path: bytes, body: Body, basis: str) -> Answer:
        key = (encoded(call.asked.client), (last_of(call.fields, b"idempotency-key") or b"").decode())
        answer = self.behave(call)
        content = b"".join([piece async for piece in body.chunks()])
        self.seen.append(call)
        self.arrived[key] += 1
        self.unmarked[key] += last_of(call.fields, b"x-banyan-again") is None
        self.order.append(call.message_id)
        number = self.done.setdefault(key, len(self.done) + 1)
        if answer is not None:
            return answer
        return Answer(200, b"OK", ((b"content-type", b"text/plain"),), Whole(b"%d:%b" % (number, content)))


class PlainGrants:
    def __init__(self) -> None:
        self.offers_: dict[ServiceId, Offer] = {
            STORE: Offer(STORE, "REST", "http://provider.invalid", knows_repeats=True),
            ODD: Offer(ODD, "REST", "http://provider.invalid"),
        }
        self.denied: set[ClientId] = set()

    def offer(self, service: ServiceId) -> Offer | None:
        return self.offers_.get(service)

    def offers(self, subsystem: ClientId) -> list[Offer]:
        return [offer for offer in self.offers_.values() if offer.id.provider == subsystem]

    def grant(self, client: ClientId, service: ServiceId, now: EpochS) -> Grant | None:
        return None if client in self.denied else Grant(client, service, Rights([Endpoint()]))


class Behind(msgspec.Struct):
    grants: PlainGrants
    provider: Counting


class PlainLog:
    def __init__(self) -> None:
        self.kept: list[Exchanged] = []

    async def keep(self, exchanged: Exchanged) -> None:
        self.kept.append(exchanged)


class Gateway:
    """One gateway with its folder; `trip` is asked at each named moment."""

    def __init__(self, town: Town, folder: Path, open_store: Callable[[], SchemaStore] | None = None) -> None:
        self.town = town
        self.folder = folder
        self.grants = PlainGrants()
        self.trip: Callable[[str], None] = lambda _: None
        self.logged: list[tuple[str, Mapping[str, Any]]] = []
        self.log = PlainLog()
        self.is_up = False
        self.left: set[ClientId] = set()
        """Who was hosted here and is no more."""
        self._open_store = open_store or self._own_store

    def _own_store(self) -> SchemaStore:
        return SqliteStore(self.folder / "records.db")

    def _signer(self, member: ClientId) -> Signer:
        if member in self.left:
            raise Fault(Origin.CLIENT_PROXY, Code.CANNOT_CREATE_SIGNATURE, message="It is hosted here no more.")
        return signer(member)

    async def open(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.store = self._open_store()
        migrate(self.store, PACKAGE, load_steps(PACKAGE), at=NOW)
        town = self.town
        self.means = Means(
            store=self.store,
            contents=Contents(Blobs(self.folder / "blobs", self.folder / "work"), self.folder / "work"),
            road=MemoryRoad(town, self),
            signer=self._signer,
            key_of=key_of,
            owner_of=owner_of,
            clock=lambda: EpochS(town.now),
            random=town.random.random,
            new_id=lambda: str(UUID(int=town.random.getrandbits(128), version=4)),
            log=lambda name, fields: self.logged.append((name, fields)),
            message_log=self.log,
            trip=lambda point: self.trip(point),  # noqa: PLW0108  # a test sets another one while it runs
        )
        hands = GrantedHands(Behind(self.grants, town.provider), lambda: EpochS(town.now))
        self.office = PostOffice(self.means, hands)
        self.peer_pages = PeerPages(self.office.sender, self.office.receiver)
        self.client_pages = ClientPages(self.means, self.office.sender, client_of)
        self.is_up = True
        await self.office.receiver.recover()
        await self.means.contents.sweep(self.store)
        await self.means.contents.count(self.store)
        await self.office.sender.count()
        await self.office.receiver.count()

    @property
    def lines(self) -> list[Any]:
        return [
            self.office.sender.sending,
            self.office.receiver.handing,
            self.office.receiver.bringing,
            self.office.sender.asking,
        ]

    async def crash(self) -> None:
        self.is_up = False
        for lines in self.lines:
            await lines.stop()
        await asyncio.sleep(0)  # the store ends its view of this turn
        self.store.shut()  # here, not in a thread: what a crash left of cursors is freed by this one

    async def get(self, path: str, *, client: ClientId = HOSPITAL, verb: str = "GET") -> Response:
        fields = ((b"X-Road-Client", encoded(client).encode()),)
        return await self.client_pages(Request(verb, b"/r1-async/" + path.encode(), fields, Whole(b"")))


class MemoryRoad:
    """Calls of one gateway to the other. `parted` loses requests, `deaf` loses answers."""

    def __init__(self, town: Town, own: Gateway) -> None:
        self._town = town
        self._own = own

    async def send(self, call: Call, body: Body) -> Answer:
        async def taken(other: Gateway) -> Answer:
            self._town.sent += 1
            arrived = msgspec.msgpack.decode(msgspec.msgpack.encode(call), type=Call)
            return await other.office.take(arrived, await _copied(body), None)  # type: ignore[arg-type]  # not looked at

        return await self._carried(self._town.of(call.target.service.provider), taken, call.message_id)

    async def tell(self, by: ClientId, to: ClientId, request: Told) -> Response:
        async def asked(other: Gateway) -> Response:
            body = await _copied(request.body) if request.body else Whole(b"")
            return await other.peer_pages(Request(request.verb, request.target, request.fields, body, member=by.owner))

        response = await self._carried(self._town.of(to), asked, request.target.decode())
        return response

    async def _carried(self, other: Gateway, job: Callable[[Gateway], Any], about: str) -> Any:
        town = self._town
        if town.parted or not other.is_up:
            raise _lost("The other gateway cannot be reached.")
        try:
            answer = await job(other)
        except Crash:
            town.crashed.append(other)
            other.is_up = False
            raise _lost("The other gateway broke off.") from None
        except Problem as problem:
            told = fault_answer(problem, "detail", (), "documented", Origin.SERVER_PROXY)
            raise TheirFault(parse_error(told.body.whole(10_000), "application/json"), told.status) from problem
        if town.deaf(about):
            raise _lost("The answer was lost.")
        return answer


class Town:
    """Hospital's gateway `a`, the insurance's `b`, one provider, one clock."""

    def __init__(self, folder: Path, stores: tuple[Callable[[], SchemaStore], Callable[[], SchemaStore]] | None = None):
        self.now = NOW
        self.random = Random(5)
        self.provider = Counting()
        self.parted = False
        self.deaf: Callable[[str], bool] = lambda _: False
        self.crashed: list[Gateway] = []
        self.sent = 0
        self.a = Gateway(self, folder / "a", stores[0] if stores else None)
        self.b = Gateway(self, folder / "b", stores[1] if stores else None)

    async def __aenter__(self) -> Town:
        await self.a.open()
        await self.b.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        for gateway in (self.a, self.b):
            if gateway.is_up:
                await gateway.crash()

    def of(self, client: ClientId) -> Gateway:
        return self.b if client.owner == NHI.owner else self.a

    async def restart(self, gateway: Gateway) -> None:
        await gateway.crash()
        await gateway.open()

    async def accept(self, message_id: str = "m1", body: bytes = b"visit", **options: Any) -> Answer:
        fields = options.pop("fields", ())
        return await self.a.office.accept(a_call(message_id, *fields, at=self.now, **options), Whole(body))

    async def turn(self) -> int:
        """Everything that may go, once, at both; a gateway that crashes on the way is opened again."""
        moved = 0
        for gateway in (self.a, self.b):
            try:
                for lines in gateway.lines:
                    moved += await lines.turn()
            except Crash:
                self.crashed.append(gateway)
            for crashed in self.crashed:
                moved += 1
                await self.restart(crashed)
            self.crashed.clear()
        return moved

    async def settle(self, most: int = 200) -> None:
        """Turn until nothing moves at this time."""
        for _ in range(most):
            if not await self.turn():
                return
        raise AssertionError("the post never comes to rest")

    async def pass_time(self, seconds: float, step: float = 60.0) -> None:
        """Let time pass, the gateways working."""
        until = self.now + seconds
        while self.now < until:
            await self.settle()
            self.now = min(until, self.now + step)
        await self.settle()


async def _copied(body: Body) -> Whole:
    return Whole(b"".join([piece async for piece in body.chunks()]))


def _lost(message: str) -> Fault:
    return Fault(Origin.CLIENT_PROXY, Code.NETWORK_ERROR, message=message)


def run(job: Any) -> Any:
    return asyncio.run(job)
