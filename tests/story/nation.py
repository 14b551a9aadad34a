"""A demonstration nation behind a live server on this machine, and the lender's app behind another."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from pathlib import Path
from secrets import token_urlsafe
from typing import Any

import msgspec
from joserfc.jwk import ECKey
from tests.make import live_server

from banyan.demo.agencies.law import seed_law
from banyan.demo.agencies.sealed import Keeping
from banyan.demo.agencies.seeding import seed_registers
from banyan.demo.loan.app import LoanApp
from banyan.demo.loan.registering import CLIENT, register_app
from banyan.demo.loan.relying import Relying
from banyan.demo.personas import seed_personas
from banyan.kernel.catalogue import Service
from banyan.kernel.events.clock import Clock, EpochS
from banyan.kernel.exchange.attendant import Attendant
from banyan.kernel.exchange.hot import STATE
from banyan.node import Node, open_node
from banyan.service.powers.parts import SERVICE as POWERS
from banyan.settings import Settings

ONLY = Settings(
    services=(
        "banyan.service.identity.parts:SERVICE",
        "banyan.service.mydata.parts:SERVICE",
        "banyan.service.powers.parts:SERVICE",
        "banyan.service.transparency.parts:SERVICE",
    )
)


class Nation(msgspec.Struct):
    """`url` is the node's, `ahead_s` moves its clock on; `loan` the app's address."""

    url: str
    node: Node
    loop: asyncio.AbstractEventLoop
    moved: list[float]
    loan: str = ""
    key: ECKey | None = None
    app: LoanApp | None = None

    def do(self, awaited: Any) -> Any:
        """Run it in the node's own loop."""
        future: Future[Any] = asyncio.run_coroutine_threadsafe(awaited, self.loop)
        return future.result(60)

    def lapse(self, service: Service = POWERS) -> None:
        """One turn of the node's own attendant, as its timers would."""
        drawer = self.node.drawers[service.name]
        attendant = Attendant(service, drawer, self.node.gate, log=lambda name, fields: None, jitter=random.random)
        self.do(attendant._due())

    def publish(self) -> None:
        self.do(self.node.lawful.ledger.publish(int(self.node.gate.clock())))


Begin = Callable[[Path, Clock], AbstractAsyncContextManager[Node]]


@contextmanager
def live_nation(folder: Path) -> Iterator[Nation]:
    """A seeded demonstration and its loan app, both at addresses of localhost."""
    with live(folder, seeded) as nation, live_loan(nation, folder):
        yield nation


@contextmanager
def live(folder: Path, begin: Begin) -> Iterator[Nation]:
    """The node that `begin` opens, at an address of localhost, with a clock that can be moved on."""
    moved, ready, made = [0.0], threading.Event(), []

    def clock() -> EpochS:
        return EpochS(time.time() + moved[0])

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "lifespan":
            await made[0].app(scope, receive, send)
            return
        await receive()
        async with begin(folder, clock) as node:
            made.extend((node, asyncio.get_running_loop()))
            scope["state"][STATE] = getattr(node.app, "hot", None)
            ready.set()
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})

    with live_server(app) as address:
        assert ready.wait(60), "the nation did not start"
        yield Nation(address.replace("127.0.0.1", "localhost"), *made, moved)


@contextmanager
def live_loan(nation: Nation, folder: Path) -> Iterator[None]:
    """The lender's app, registered at the address that it got."""
    apps: list[LoanApp] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            for _ in ("startup", "shutdown"):
                message = await receive()
                await send({"type": f"{message['type']}.complete"})
            return
        await apps[0](scope, receive, send)

    with live_server(app) as address:
        nation.loan = address.replace("127.0.0.1", "localhost")
        nation.key = nation.do(register_app(nation.node.persons, folder / "demo", origin=nation.loan))
        nation.app = LoanApp(a_relying(nation), random=lambda: token_urlsafe(32))
        apps.append(nation.app)
        yield


def a_relying(nation: Nation) -> Relying:
    """The app's side of the protocol, with a key of its own for tokens."""
    assert nation.key is not None
    return Relying(
        nation.url,
        CLIENT,
        nation.key,
        back=f"{nation.loan}/cb",
        clock=nation.node.gate.clock,
        random=lambda: token_urlsafe(32),
    )


@asynccontextmanager
async def seeded(folder: Path, clock: Clock) -> AsyncIterator[Node]:
    """The node, filled."""
    async with open_node(folder, ONLY, clock=clock, is_demo=True) as node:
        await seed_personas(node.persons)
        await seed_law(node.gate)
        keeping = Keeping(node.scopes, node.lawful.conscience.subject, node.lawful.policy)
        await seed_registers(node.drawers, keeping)
        yield node
