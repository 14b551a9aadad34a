"""A node with a round of preorder, a payment provider with faults, and citizens with numbers.

The clock stands in 2023, before a round of drand that is published since: a draw is a real one.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any, Final

from tests.make import Client
from tests.service.rationing.draw.world import BEACON, DECIDES
from tests.service.rationing.draw.world import ROUND as DRAND_ROUND

from banyan.demo.payments.app import PaymentsApp
from banyan.demo.payments.book import Book
from banyan.kernel.catalogue import Context
from banyan.kernel.events.clock import EpochS
from banyan.kernel.identity.caller import SYSTEM, Caller
from banyan.limits_rationing import PREORDER_DRAW_S
from banyan.node import Node, open_node
from banyan.paying import HttpProvider, Send
from banyan.service.rationing.engine.keeping import engine_of
from banyan.service.rationing.engine.model import Stock
from banyan.service.rationing.preorder import records
from banyan.service.rationing.preorder.advancing import advanced
from banyan.service.rationing.preorder.counting import Figures, counted
from banyan.service.rationing.preorder.desk import Desk, lend_desk
from banyan.service.rationing.preorder.lotting import DrawLots
from banyan.service.rationing.preorder.records import Order
from banyan.service.rationing.shelf import person_called
from banyan.settings import Settings

Play = Callable[[Callable[["World"], Awaitable[None]]], None]
"""`play(story)`: run `async def story(world)` in a world of its own."""
ONLY: Final = Settings(services=("banyan.service.rationing.parts:SERVICE", "banyan.service.transparency.parts:SERVICE"))
OFFICE: Final = Caller("officer", "o-1", agency="TW/GOV/NHI", roles=("supplies",), assurance="aal2")
STORE: Final = Caller("app", "till-1", agency="TW/COM/STORE")
OTHER_STORE: Final = Caller("app", "till-2", agency="TW/COM/OTHER")
DAY: Final = 86_400.0
HOUR: Final = 3_600.0
CLOSES: Final = DECIDES - PREORDER_DRAW_S
OPENS: Final = CLOSES - 3 * DAY
KEY: Final = "a shop's key"
SECRET: Final = b"the secret of the provider's words"
PRICE: Final = 52


def a_round(**changed: Any) -> dict[str, Any]:
    """Nine adult masks for NT$45 and NT$7, for ten people, by a draw."""
    return {
        "id": "w37-adult", "title_zh": "第三十七週成人口罩", "title_en": "Adult masks, week 37", "item": "mask-adult",
        "quantity": 9, "capacity": 10, "price": 45, "fee": 7, "opens": OPENS, "closes": CLOSES,
        "pay_until": CLOSES + 2 * DAY, "reserve_pay_s": int(DAY), "reserve_until": CLOSES + 5 * DAY,
        "pickup_from": CLOSES + 4 * DAY, "pickup_until": CLOSES + 11 * DAY, "outlets": ["TW/COM/STORE"],
    } | changed  # fmt: skip


class World:
    """`now` moves the clock; `turn` lets the worker do what is due, and the provider's words arrive."""

    def __init__(self, node: Node, now: list[float]) -> None:
        self.node, self.now = node, now
        self.client = Client(node.app)
        self.drawer = node.drawers["rationing"]
        chance = Random(7)
        self.book = Book(lambda: self.now[0], chance.randrange)
        self.app = PaymentsApp(self.book, key=KEY, secret=SECRET, shop="")
        self.random = chance.randbytes
        self.provide(self.send)

    def provide(self, send: Send) -> None:
        """The provider, behind another wire."""
        lend_desk(self.drawer, Desk(DrawLots(), self.random, HttpProvider(send), (SECRET,)))

    async def send(self, method: str, path: str, body: bytes) -> tuple[int, bytes]:
        """The shop's request, to the provider's application in this process."""
        headers = {"authorization": f"Bearer {KEY}"}
        reply = await Client(self.app).request(method, path, headers=headers, body=body)
        return reply.status, reply.body

    def citizen(self, number: int) -> Caller:
        """The n-th citizen, signed in."""
        subject = self.node.lawful.conscience.subject(a_number(number)).hex()
        return Caller("citizen", f"c-{number}", channel="web", assurance="aal2", subject=subject)

    async def call(self, operation: str, caller: Caller = OFFICE, /, **asked: Any) -> Any:
        return await self.node.gate.call(f"rationing.{operation}", asked, caller=caller)

    async def publish(self, **changed: Any) -> str:
        made = await self.call("make_round", **a_round(**changed))
        await self.call("act_on_round", round=made.id, do="publish")
        self.now[0] = max(self.now[0], float(a_round(**changed)["opens"]))
        return str(made.id)

    async def register(self, *numbers: int, round: str = "w37-adult", born: str = "1980-05-01") -> None:
        for one in numbers:
            await self.call("preorder", self.citizen(one), round=round, born=born)

    async def turn(self, round: str = "w37-adult") -> None:
        """What the node's attendant would do now."""
        while not await advanced(self.context, round):
            pass

    async def draw(self, round: str = "w37-adult") -> None:
        """Close the list, have it witnessed, wait for drand, and settle it."""
        self.now[0] = CLOSES + 1
        await self.turn(round)
        await self.node.lawful.ledger.publish(int(self.now[0]))
        beacons = self.node.data / "beacons"
        beacons.mkdir(exist_ok=True)
        (beacons / f"{DRAND_ROUND}.json").write_text(BEACON)
        self.now[0] = DECIDES + 10
        await self.turn(round)

    async def deliver(self) -> int:
        """The provider's words that are due, through the door; how many were heard."""

        async def post(body: bytes, signature: str) -> int:
            headers = {"payment-signature": signature, "content-type": "application/json"}
            return (await self.client.request("POST", "/preorder/payments", headers=headers, body=body)).status

        return await self.app.deliver(post)

    async def order(self, number: int, round: str = "w37-adult") -> Order:
        person = person_called(self.drawer, self.citizen(number).subject)
        found = await self.drawer.sql.read(lambda tx: records.order_of(tx, round, person))
        assert found is not None, f"citizen {number} has no order"
        return found

    async def mine(self, number: int) -> Any:
        return (await self.call("my_orders", self.citizen(number)))[0]

    async def orders(self, round: str = "w37-adult") -> list[Order]:
        """All of them."""
        found: list[Order] = []
        for state in ("registered", "withdrawn", "won", "waiting", "lost", "refused", "paid", "collected", "lapsed",
                      "forfeited", "cancelled"):  # fmt: skip
            found += await self.drawer.sql.read(
                lambda tx, state=state: records.orders(tx, "in_state", round=round, state=state)
            )
        return found

    async def ask_to_pay(self, number: int, method: str = "atm", round: str = "w37-adult") -> str:
        """The reference of the charge."""
        await self.call("pay_preorder", self.citizen(number), round=round, method=method)
        order = await self.order(number, round)
        charges = await self.drawer.sql.read(lambda tx: records.charges_of(tx, order.id))
        return next(one.reference for one in charges if one.state == "open")

    async def pay(self, number: int, *, amount: int = PRICE, method: str = "atm", round: str = "w37-adult") -> str:
        """Ask, pay and be told."""
        reference = await self.ask_to_pay(number, method, round)
        self.book.pay(reference, amount)
        await self.deliver()
        return reference

    async def pool(self, round: str = "w37-adult") -> Stock:
        return await engine_of(self.drawer).stock(f"preorder.{round}", "mask-adult")

    async def figures(self, round: str = "w37-adult") -> Figures:
        kept = await self.drawer.sql.read(lambda tx: records.round_of(tx, round))
        assert kept is not None
        return await self.drawer.sql.read(lambda tx: counted(tx, kept))

    @property
    def context(self) -> Context:
        return self.node.gate.context("rationing", SYSTEM)

    async def conserved(self, round: str = "w37-adult") -> None:
        """Whatever came is kept for goods, held for a while, or on its way back; and no place is given twice."""
        orders = {one.id for one in await self.orders(round)}
        came = 0
        for id in orders:
            charges = await self.drawer.sql.read(lambda tx, id=id: records.charges_of(tx, id))
            words = {word.id: word for one in charges for word in self.book.words.get(one.reference, ())}
            heard = await self.drawer.sql.read(lambda tx, id=id: heard_of(tx, id))
            came += sum(word.amount for word in words.values() if word.type == "payment.received" and word.id in heard)
        figures = await self.figures(round)
        assert came == figures.kept + figures.held + sum(figures.back.values())


def heard_of(tx: Any, order: str) -> set[str]:
    return {str(row[0]) for row in tx.rows(records.SQL["heard"], preorder=order)}


def a_number(number: int) -> str:
    """The n-th national number, with its check digit."""
    digits = f"1{number:07}"
    weights = (8, 7, 6, 5, 4, 3, 2, 1)
    total = 1 + sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=True))
    return f"A{digits}{(10 - total % 10) % 10}"


@asynccontextmanager
async def a_world(folder: Path, settings: Settings = ONLY) -> AsyncIterator[World]:
    now = [OPENS - HOUR]
    async with open_node(folder, settings, clock=lambda: EpochS(now[0])) as node:
        yield World(node, now)


def played_in(folder: Path) -> Play:
    """Stories over this folder."""

    def run(story: Callable[[World], Awaitable[None]]) -> None:
        async def lived() -> None:
            async with a_world(folder) as world:
                await story(world)

        asyncio.run(lived())

    return run
