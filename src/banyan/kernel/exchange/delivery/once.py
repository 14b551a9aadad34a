"""Synchronous calls that ask to be known: the same client, service and Idempotency-Key get the same answer for a day.

`Once` stands before a provider. Only with it may a client's gateway send a call that changes something a second time:
it cannot know whether the first arrived.
"""

from __future__ import annotations

import asyncio
from hashlib import sha256

import msgspec

from banyan.errors import Conflict
from banyan.kernel.events.clock import EpochS
from banyan.kernel.exchange.delivery import contents, framing, received
from banyan.kernel.exchange.delivery.envelope import ACCEPTED, AGAIN, fingerprint, idempotency_of
from banyan.kernel.exchange.delivery.hands import may_repeat, not_reached
from banyan.kernel.exchange.delivery.means import Means
from banyan.kernel.exchange.delivery.received import Key, Received
from banyan.kernel.exchange.road.behind import Plain, plain_behind
from banyan.kernel.exchange.road.model import Answer, Body, Call, Offer, Provider
from banyan.kernel.storage.store import Tx
from banyan.limits_road import DELIVERY_REMEMBERED_S
from banyan.wire.xroad.faults import Fault
from banyan.wire.xroad.headers import last_of
from banyan.wire.xroad.identifiers import encoded


class Once:
    """A Provider in front of a Provider."""

    def __init__(self, means: Means, provider: Provider) -> None:
        self._means = means
        self._provider = provider
        self._running: dict[Key, asyncio.Future[None]] = {}

    def plain(self, offer: Offer) -> Plain | None:
        """Of a call without an Idempotency-Key."""
        return plain_behind(self._provider, offer)

    async def ask(self, offer: Offer, call: Call, path: bytes, body: Body, basis: str) -> Answer:
        """Raises Conflict: the key is another request's, or nobody knows what became of its first; Fault as the
        provider's."""
        said = idempotency_of(call.fields)
        if not said or last_of(call.fields, ACCEPTED) is not None:  # a message of the post is known by it already
            return await self._provider.ask(offer, call, path, body, basis)
        key = Key(encoded(call.asked.client), f"{encoded(call.target.service)} {said}", "sync")
        while (running := self._running.get(key)) is not None:
            await asyncio.wait([running])
        done = self._running[key] = asyncio.get_running_loop().create_future()
        try:
            message = await self._noted(offer, call, body, key)
            if message.state == "answered":
                return await self._known(message)
            if message.handings > 1:
                again = (AGAIN, b"%d" % (message.handings - 1))
                call = msgspec.structs.replace(call, fields=(*call.fields, again))
            return await self._remembered(message, await self._asked(message, offer, call, path, body, basis=basis))
        finally:
            del self._running[key]
            done.set_result(None)

    async def _asked(
        self, message: Received, offer: Offer, call: Call, path: bytes, body: Body, *, basis: str
    ) -> Answer:
        try:
            return await self._provider.ask(offer, call, path, body, basis)
        except Fault as fault:
            if not_reached(fault) and message.handings == 1:
                await self._means.store.write(lambda tx: received.forget(tx, message))
            raise

    async def _noted(self, offer: Offer, call: Call, body: Body, key: Key) -> Received:
        """The record of this call, made now or before; committed before the provider is asked."""
        now, means = self._means.clock(), self._means
        if await means.store.read(lambda tx: received.find(tx, key)) is None:
            means.contents.check_room()
        print_ = fingerprint(call, await _sha256(body))
        message = Received(
            seq=0, kind="sync", client=key.client, message_id=key.message_id, service=encoded(call.target.service),
            peer=encoded(call.asked.client.owner), lane="", fingerprint=print_, state="handing", due=now, tries=0,
            handings=1, accepted_at=now, until_at=EpochS(now + DELIVERY_REMEMBERED_S), receipt="", answer_receipt="",
            answer_status=0, changed_at=now, reason="",
        )  # fmt: skip

        def job(tx: Tx) -> Received:
            if received.add(tx, message):
                return message
            known = received.find(tx, key)
            assert known is not None, "a call that is not new is known"
            if known.fingerprint == print_ and known.state == "handing" and may_repeat(call, offer):
                received.hand_again(tx, key, now=now)
                return msgspec.structs.replace(known, handings=known.handings + 1)
            return known

        found = await means.store.write(job)
        if found.fingerprint != print_:
            remedy = "Send a new key with a new request, or the same request again."
            raise Conflict("Idempotency-Key names another request.", remedy=remedy, kind="delivery-key-used")
        if found.seq and found.state == "handing" and not may_repeat(call, offer):
            remedy = "Ask the provider whether it was carried out: it does not know a request again by its key."
            raise Conflict("Nobody knows what became of this request.", remedy=remedy, kind="delivery-unsure")
        return found

    async def _known(self, message: Received) -> Answer:
        means = self._means
        kept = await means.store.read(lambda tx: means.contents.get(tx, "sync", *message.key.pair, "answer"))
        assert kept is not None, "an answer that is remembered is kept"
        return framing.answer_from(kept.head, kept.body)

    async def _remembered(self, message: Received, answer: Answer) -> Answer:
        """The answer once it is durable, so that the same request never gets another one."""
        means, now, head = self._means, self._means.clock(), framing.head_of(answer)
        content = await means.contents.take(answer.body)

        def job(tx: Tx) -> None:
            if received.answered(tx, message.key, "", answer.status, now=now):
                contents.put(tx, "sync", message.key.pair, "answer", head=head, content=content)

        try:
            await means.store.write(job)
            means.contents.size += content.size
        finally:
            means.contents.settle(content)
            answer.body.close()
        return framing.answer_from(head, means.contents.body(content.inline, content.blob, content.size))


async def _sha256(body: Body) -> bytes:
    hashed = sha256()
    async for piece in body.chunks():
        hashed.update(piece)
    return hashed.digest()
