"""The post of one gateway: both sides, their pages, and the desk of its officer. Implements `road.model.Handover`."""

from __future__ import annotations

import asyncio
from typing import Final

from banyan.errors import Problem
from banyan.kernel.exchange.delivery.desk import Desk
from banyan.kernel.exchange.delivery.keeping import sweep
from banyan.kernel.exchange.delivery.means import Hands, Means
from banyan.kernel.exchange.delivery.once import Once
from banyan.kernel.exchange.delivery.pages import STATUS, Caller, ClientPages, PeerPages, accepted
from banyan.kernel.exchange.delivery.pushing import Pusher
from banyan.kernel.exchange.delivery.receiver import Receiver
from banyan.kernel.exchange.delivery.rooms import Rooms
from banyan.kernel.exchange.delivery.sender import ANSWERS, Sender
from banyan.kernel.exchange.road.model import Answer, Body, Call, Delivery, Provider
from banyan.kernel.exchange.road.pages import Pages, Placed
from banyan.limits_road import DELIVERY_SWEEP_S, ROAD_BODY_BYTES

_FRAME_BYTES: Final = ROAD_BODY_BYTES


class PostOffice:
    def __init__(self, means: Means, hands: Hands) -> None:
        self.means = means
        self.sender = Sender(means)
        self.receiver = Receiver(means, hands)
        self.desk = Desk(means, self.sender, self.receiver)
        self.pusher = Pusher(means, self.sender, self._failed)
        self.rooms = Rooms(means, self.pusher.tell)
        self._sweeper: asyncio.Task[None] | None = None

    def add_pages(self, pages: Pages, caller: Caller) -> None:
        """`caller` admits who asks at the edge as a call would be."""
        pages.add("edge", STATUS, Placed(ClientPages(self.means, self.sender, caller)))
        peers = PeerPages(self.sender, self.receiver)
        pages.add("peer", ANSWERS, Placed(peers, most=_FRAME_BYTES, is_signed=True))

    async def start(self) -> None:
        await self.means.contents.sweep(self.means.store)
        await self.means.contents.count(self.means.store)
        await self.receiver.start()
        await self.sender.start()
        await self.pusher.start()
        self._sweeper = asyncio.create_task(self._sweep(), name="delivery sweep")

    async def stop(self) -> None:
        """What is under way stays in the store and goes on at the next start."""
        if self._sweeper is not None:
            self._sweeper.cancel()
            await asyncio.gather(self._sweeper, return_exceptions=True)
        await self.pusher.stop()
        await self.sender.stop()
        await self.receiver.stop()

    def once(self, provider: Provider) -> Provider:
        """The same provider, asked once for each Idempotency-Key of a client."""
        return Once(self.means, provider)

    async def accept(self, call: Call, body: Body) -> Answer:
        return accepted(await self.sender.accept(call, body))

    async def take(self, call: Call, body: Body, delivery: Delivery) -> Answer:
        """`delivery` was found out now; what counts when the provider is asked is found out then."""
        return await self.receiver.take(call, body)

    def _failed(self, what: str, error: Exception) -> None:
        self.means.log("delivery.failed", {"line": what, "kind": type(error).__name__})

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(DELIVERY_SWEEP_S)
            try:
                await sweep(self.means)
                await self.rooms.prune()
                await self.means.contents.count(self.means.store)
                await self.sender.count()
                await self.receiver.count()
            except (Problem, OSError) as problem:  # a full disk passes; it is put away next time
                self.means.log("delivery.sweep_failed", {"kind": type(problem).__name__})
