"""What an officer sees of the post and may do about it: lines, dead letters, messages that were set aside."""

from __future__ import annotations

from typing import Literal

import msgspec

from banyan.errors import Conflict, NotFound
from banyan.kernel.events.clock import EpochS
from banyan.kernel.exchange.delivery import received, sent
from banyan.kernel.exchange.delivery.keeping import closed
from banyan.kernel.exchange.delivery.means import Means
from banyan.kernel.exchange.delivery.received import Key, Received
from banyan.kernel.exchange.delivery.receiver import Receiver
from banyan.kernel.exchange.delivery.sender import Sender
from banyan.kernel.exchange.delivery.sent import Sent
from banyan.kernel.storage.store import Tx
from banyan.limits_road import DELIVERY_LIFE_MOST_S, DELIVERY_LIFE_S, DELIVERY_PAGE, DELIVERY_REVIVE_S
from banyan.wire.xroad.codes import Code, Origin
from banyan.wire.xroad.faults import Fault


class LineShown(msgspec.Struct, frozen=True):
    """One line: `name` is a member (what goes to it) or a service (what its provider is to get). `oldest` is when the
    oldest was accepted; `breaker` says whether the other side is left alone just now."""

    way: Literal["out", "in"]
    name: str
    state: str
    count: int
    oldest: EpochS
    breaker: str


class Desk:
    def __init__(self, means: Means, sender: Sender, receiver: Receiver) -> None:
        self._means = means
        self._sender = sender
        self._receiver = receiver

    async def lines(self) -> list[LineShown]:
        now = self._means.clock()
        out = await self._means.store.read(sent.depths)
        into = await self._means.store.read(received.depths)
        return [
            *(LineShown("out", peer, state, count, oldest, self._sender.sending.state(peer).state(now))
              for peer, state, count, oldest in out),
            *(LineShown("in", service, state, count, oldest, self._receiver.handing.state(service).state(now))
              for service, state, count, oldest in into),
        ]  # fmt: skip

    async def dead(self, after: int = 0) -> list[Sent]:
        """Dead letters, DELIVERY_PAGE at a time in order of `seq`."""
        return await self._means.store.read(lambda tx: sent.dead(tx, after, DELIVERY_PAGE))

    async def aside(self, after: int = 0) -> list[Received]:
        """Messages set aside: their provider broke off under them, and nobody knows whether it acted."""
        return await self._means.store.read(lambda tx: received.asides(tx, after, DELIVERY_PAGE))

    async def revive_dead(self, client: str, message_id: str) -> None:
        """Send a dead letter once more, for as long as a new one. Raises NotFound; Conflict: it is too old, for the
        provider's gateway might no longer know that it has it."""
        now = self._means.clock()
        message = await self._dead((client, message_id))
        if now >= message.accepted_at + DELIVERY_REVIVE_S:
            raise Conflict(
                "The message is too old to be sent again.",
                remedy="Discard it; its client sends a new one.",
                kind="delivery-too-old",
            )
        until = EpochS(min(now + DELIVERY_LIFE_S, message.accepted_at + DELIVERY_REVIVE_S + DELIVERY_LIFE_MOST_S))
        await self._sender.revive(message, until)

    async def discard_dead(self, client: str, message_id: str) -> None:
        """Give a dead letter up; its client sees `closed`. Raises NotFound."""
        means, now = self._means, self._means.clock()
        message = await self._dead((client, message_id))

        def job(tx: Tx) -> list[str]:
            return closed(tx, message, now)

        await means.contents.drop(means.store, await means.store.write(job))

    async def revive_aside(self, client: str, message_id: str) -> None:
        """Hand a message to its provider once more: the officer knows that it did not act, or knows it again.
        Raises NotFound."""
        now = self._means.clock()
        message = await self._aside(client, message_id)
        if await self._means.store.write(lambda tx: received.revive(tx, message.key, now=now)):
            self._receiver.open[message.client] += 1
            self._receiver.handing.hurry(message.service)

    async def discard_aside(self, client: str, message_id: str, reason: str) -> None:
        """Do not hand it over any more; its client gets a refusal with the officer's reason. Raises NotFound."""
        message = await self._aside(client, message_id)
        fault = Fault(
            Origin.SERVER_PROXY, Code.SERVICE_FAILED, message=reason, fix="Ask the provider, or send a new one."
        )
        await self._receiver.refuse(message, fault)

    async def _dead(self, key: sent.Key) -> Sent:
        message = await self._means.store.read(lambda tx: sent.find(tx, key))
        if message is None or message.state != "dead":
            raise NotFound("No dead letter has this id.", remedy="Look at the list again.", kind="delivery-unknown")
        return message

    async def _aside(self, client: str, message_id: str) -> Received:
        message = await self._means.store.read(lambda tx: received.find(tx, Key(client, message_id)))
        if message is None or message.state != "aside":
            raise NotFound("No such message is set aside.", remedy="Look at the list again.", kind="delivery-unknown")
        return message
