"""A nation on paper: an authority, agencies with keys and gateways, and a network that a test cuts and heals."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine, Iterable
from functools import cache, wraps
from hashlib import sha256
from pathlib import Path
from typing import Any, ParamSpec

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from banyan.errors import Unavailable
from banyan.kernel.events.clock import EpochS
from banyan.kernel.exchange.directory import pages
from banyan.kernel.exchange.directory.authority import Authority, found
from banyan.kernel.exchange.directory.document import (
    Address,
    Certificate,
    Gateway,
    Key,
    Member,
    Name,
    Snapshot,
    Subsystem,
)
from banyan.kernel.exchange.directory.gossip import Gossip
from banyan.kernel.exchange.directory.keeper import Keeper
from banyan.kernel.exchange.directory.keyfiles import FileSigner, public_der
from banyan.kernel.exchange.directory.trust import Anchor
from banyan.wire.xroad.identifiers import ClientId, ServerId

P = ParamSpec("P")
INSTANCE = "TW"
START = EpochS(1_795_000_000.0)
YEAR = 365 * 86_400


class Clock:
    """Simulated; everybody's, unless a test gives somebody another."""

    def __init__(self, at: float = START) -> None:
        self.at = at

    def __call__(self) -> EpochS:
        return EpochS(self.at)


def in_loop(test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """An async test, in a loop of its own."""

    @wraps(test)
    def run(*arguments: P.args, **named: P.kwargs) -> None:
        asyncio.run(test(*arguments, **named))

    return run


@cache
def signer(serial: int = 1, twist: int = 0) -> FileSigner:
    seed = sha256(f"{serial} {twist}".encode()).digest()
    return FileSigner(INSTANCE, serial, ed25519=seed, ml_dsa_44=seed[::-1])


def an_anchor(serial: int = 1, *, twist: int = 0) -> Anchor:
    return Anchor(INSTANCE, signer(serial, twist).keys)


@cache
def a_key(code: str, number: int = 0) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(sha256(f"{code} {number}".encode()).digest())


@cache
def a_p256_key(code: str) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(int.from_bytes(sha256(code.encode()).digest()[:31]), ec.SECP256R1())


def a_certificate(code: str, number: int = 0, *, since: int = 0) -> Certificate:
    return Certificate(sha256(f"certificate {code} {number}".encode()).digest(), since, int(START) + YEAR)


def a_member(code: str, *, since: int = 0, port: int = 5500, number: int = 0) -> Member:
    key = Key(public_der(a_key(code, number)), 0, int(START) + YEAR)
    gateway = Gateway("gw", (Address(f"{code.lower()}.example", port),), (a_certificate(code),))
    return Member("GOV", code, Name(code, code), since, (key,), (Subsystem("data"),), (gateway,))


def server(code: str) -> ServerId:
    return ServerId(INSTANCE, "GOV", code, "gw")


def member(code: str) -> ClientId:
    return ClientId(INSTANCE, "GOV", code)


def data(code: str) -> ClientId:
    return ClientId(INSTANCE, "GOV", code, "data")


def with_member(snapshot: Snapshot, one: Member) -> Snapshot:
    others = tuple(other for other in snapshot.members if other.code != one.code)
    return msgspec.structs.replace(snapshot, members=(*others, one))


def without_member(snapshot: Snapshot, code: str) -> Snapshot:
    return msgspec.structs.replace(snapshot, members=tuple(one for one in snapshot.members if one.code != code))


def a_directory(
    folder: Path, clock: Clock, codes: Iterable[str] = ("CENTRE", "NHI", "NIA"), twist: int = 0
) -> Authority:
    """A founded directory; its keeper is the centre's own."""
    keeper = Keeper(folder, an_anchor(twist=twist), clock=clock)
    first = Snapshot(INSTANCE, 1, 0, tuple(a_member(code) for code in codes))
    return found(keeper, signer(twist=twist), clock=clock, first=first)


class Network:
    """Gateways in one process. `down` are dead; two of different `islands` do not reach each other."""

    def __init__(self) -> None:
        self.keepers: dict[ServerId, Keeper] = {}
        self.gossips: dict[ServerId, Gossip] = {}
        self.down: set[ServerId] = set()
        self.islands: dict[ServerId, int] = {}
        self.asked = 0

    def join(self, code: str, keeper: Keeper, *, seed: int = 0, centre: str | None = "CENTRE") -> Gossip:
        own = server(code)
        self.keepers[own] = keeper
        dice = random.Random(f"{code} {seed}")
        way = _Way(self, own)
        self.gossips[own] = Gossip(keeper, way, own=own, centre=server(centre) if centre else None, dice=dice)
        return self.gossips[own]

    def ask(self, asker: ServerId, asked: ServerId, verb: str, target: str, body: bytes) -> pages.Told:
        self.asked += 1
        is_apart = self.islands.get(asker, 0) != self.islands.get(asked, 0)
        if asked in self.down or asker in self.down or is_apart or asked not in self.keepers:
            raise Unavailable(f"{asked.member} does not answer.")
        return pages.answer(self.keepers[asked], verb, target, body)

    async def rounds(self, count: int = 1) -> None:
        for _ in range(count):
            for own, gossip in self.gossips.items():
                if own not in self.down:
                    await gossip.round()

    async def until_all_are(self, version: str, *, most: int) -> int:
        """How many rounds it takes until everybody who is up has the version."""
        for count in range(most + 1):
            if {k.standing.version for own, k in self.keepers.items() if own not in self.down} == {version}:
                return count
            await self.rounds()
        raise AssertionError(f"not within {most} rounds")


class _Way:
    def __init__(self, network: Network, own: ServerId) -> None:
        self._network, self._own = network, own

    async def ask(
        self, server: ServerId, verb: str, target: str, body: bytes = b"", *, most: int, wait_s: float
    ) -> bytes:
        told = self._network.ask(self._own, server, verb, target, body)
        if told.status != 200:
            raise Unavailable(told.body.decode())
        assert len(told.body) <= most
        return told.body
