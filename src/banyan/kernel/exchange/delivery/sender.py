"""The client's side: keep a message, bring it to the provider's gateway until that has it, keep the answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import Final
from urllib.parse import quote

import msgspec

from banyan.errors import Denied, Invalid, Limit, NotFound, Problem
from banyan.kernel.events.clock import EpochS
from banyan.kernel.exchange.delivery import contents, framing, receipts, sent
from banyan.kernel.exchange.delivery.breaker import backoff_s
from banyan.kernel.exchange.delivery.contents import Content
from banyan.kernel.exchange.delivery.envelope import (
    Envelope,
    fingerprint,
    for_attempt,
    lane_of,
    sealed,
    wants_async,
    with_envelope,
)
from banyan.kernel.exchange.delivery.lines import Carried, Lines
from banyan.kernel.exchange.delivery.logging import log_answer
from banyan.kernel.exchange.delivery.means import (
    Means,
    Told,
    answer_of,
    body_of,
    is_final,
    is_final_answer,
    used_otherwise,
    why_not_ours,
)
from banyan.kernel.exchange.delivery.receipts import Receipt
from banyan.kernel.exchange.delivery.sent import Sent
from banyan.kernel.exchange.road.model import Answer, Body, Call
from banyan.kernel.storage.store import Tx
from banyan.limits_road import (
    DELIVERY_ASK_MOST_S,
    DELIVERY_ASK_S,
    DELIVERY_BACKOFF_MOST_S,
    DELIVERY_BACKOFF_S,
    DELIVERY_PEER_WAITING,
    DELIVERY_RECEIPT_CHARACTERS,
    ROAD_CALL_S,
)
from banyan.wire.xroad.faults import Fault
from banyan.wire.xroad.headers import ERROR, last_of
from banyan.wire.xroad.identifiers import ClientId, encoded, parse_client, parse_service

ANSWERS: Final = b"/delivery/answers/"
"""The page of both sides for answers: brought by POST, asked for by GET, acknowledged by DELETE."""
RECEIPT: Final = b"x-banyan-receipt"


def answers_target(client: str, message_id: str) -> bytes:
    return ANSWERS + f"{quote(client, safe='')}/{quote(message_id, safe='')}".encode("ascii")


class Sender:
    """`open` counts, for each peer, what is under way to it."""

    def __init__(self, means: Means) -> None:
        self._means = means
        self.open: Counter[str] = Counter()
        self.sending = self._lines(_Sending(self))
        self.asking = self._lines(_Asking(self))

    @property
    def means(self) -> Means:
        return self._means

    async def start(self) -> None:
        await self.count()
        await self.sending.start()
        await self.asking.start()

    async def stop(self) -> None:
        await self.sending.stop()
        await self.asking.stop()

    async def count(self) -> None:
        """Count again what is under way."""
        depths = await self._means.store.read(sent.depths)
        self.open = Counter()
        for peer, state, count, _ in depths:
            if state != "dead":
                self.open[peer] += count

    async def accept(self, call: Call, body: Body, *, unfetched: bool = False) -> Sent:
        """Keep a message; durable when it returns. The same one again gives what became of the first.

        Raises Conflict: another request under the same X-Road-Id; Limit: 429 the peer has too many, 507 no room; Fault.
        """
        means, now = self._means, self._means.clock()
        client = encoded(call.asked.client)
        if await means.store.read(lambda tx: sent.find(tx, (client, call.message_id))) is None:
            self._check_room(encoded(call.target.service.provider.owner), body.size)
        call, envelope = sealed(call, now)
        content = await means.contents.take(body)
        try:
            print_ = fingerprint(call, content.sha256)
            message = Sent(
                seq=0, client=client, message_id=call.message_id, service=encoded(call.target.service),
                peer=encoded(call.target.service.provider.owner), lane=lane_of(call, envelope), fingerprint=print_,
                state="waiting", due=now, tries=0, accepted_at=envelope.accepted_at, until_at=envelope.until,
                receipt=self._receipt(call, print_, envelope.until, now), peer_receipt="", answer_receipt="",
                answer_status=0, changed_at=now, reason="", unfetched=int(unfetched),
            )  # fmt: skip
            means.trip("sent.before-commit")
            kept = await means.store.write(partial(_keep, message=message, call=call, content=content))
            means.trip("sent.committed")
        finally:
            means.contents.settle(content)
        if kept.fingerprint != print_:
            await means.contents.drop(means.store, [content.blob])
            raise used_otherwise()
        if kept.seq:  # known before
            await means.contents.drop(means.store, [content.blob])
            return kept
        self.open[message.peer] += 1
        means.contents.size += content.size
        self.sending.wake(message.peer)
        return message

    async def carry(self, message: Sent) -> Carried:
        """Bring one message to its provider's gateway."""
        means, now = self._means, self._means.clock()
        if why := why_not_ours(means, parse_client(message.client).owner):
            await self._bury(message, why)
            return None
        if now >= message.until_at:
            await self._bury(message, "It could not be delivered in time.")
            return None
        kept = await means.store.read(lambda tx: means.contents.get(tx, "sent", *message.key, "request"))
        if kept is None:  # answered meanwhile
            return None
        call = with_envelope(_call_of(kept.head), Envelope(message.accepted_at, message.until_at))
        call = for_attempt(call, means.new_id(), EpochS(now + ROAD_CALL_S))
        means.trip("sent.before-send")
        try:
            answer = await means.road.send(call, kept.body)
        except Problem as problem:
            return await self._not_sent(message, call, problem)
        try:
            means.trip("sent.after-send")
            return await self._sent(message, answer)
        finally:
            answer.body.close()

    async def ask(self, message: Sent) -> Carried:
        """Ask for an answer that should have been brought by now."""
        means = self._means
        client, provider = parse_client(message.client), parse_service(message.service).provider
        if why := why_not_ours(means, client.owner):
            await self._bury(message, f"{why} The provider's gateway took the message; its answer goes elsewhere.")
            return None
        about = Told("GET", answers_target(message.client, message.message_id))
        try:
            response = await means.road.tell(client, provider, about)
        except Problem as problem:
            await self._not_answered(message, problem.title)
            return False
        with body_of(response) as body:
            if response.status == 410:
                await self._bury(message, "The provider's gateway no longer knows this message.")
                return True
            if response.status != 200:
                await self._not_answered(message, "")
                return True
            receipt = (last_of(response.fields, RECEIPT) or b"").decode("latin-1")
            try:
                await self.take_answer(provider, message.key, receipt, body)
            except (Invalid, Denied) as problem:
                await self._not_answered(message, f"The provider's gateway sent a wrong answer. {problem.title}")
                return False
        with suppress(Problem), body_of(await means.road.tell(client, provider, _has_it(about))):
            pass  # a gateway that does not hear of it brings the answer once more
        return True

    async def take_answer(self, by: ClientId, key: sent.Key, receipt: str, frame: Body) -> None:
        """Keep an answer; durable when it returns, so the provider's gateway may forget its own.

        Raises NotFound: no such message; Denied: another member's; Invalid: not the answer that its receipt is of."""
        means = self._means
        message = await means.store.read(lambda tx: sent.find(tx, key))
        if message is None:
            remedy = "Forget its answer."
            raise NotFound("No such message.", remedy=remedy, kind="delivery-unknown", status=410)
        provider = parse_service(message.service).provider
        if provider.owner != by.owner:
            raise Denied("The message is another member's to answer.", remedy="Answer your own.", kind="delivery-other")
        if message.state in ("answered", "closed"):
            return
        head, body = await framing.unframed(frame)
        answer = framing.answer_from(head, body)
        content = await means.contents.take(body)
        try:
            said = self._check_receipt(receipt, message, "answered", framing.digest(head, content), answer.status)
            await log_answer(means, "client", receipt, said)
            await self._keep_answer(message, answer.status, receipt, head, content)
        finally:
            means.contents.settle(content)

    async def revive(self, message: Sent, until: EpochS) -> None:
        """Send a dead letter again."""
        now = self._means.clock()
        if await self._means.store.write(lambda tx: sent.revive(tx, message.key, until=until, now=now)):
            self.open[message.peer] += 1
            self.sending.hurry(message.peer)

    def _lines(self, waiting: _Sending | _Asking) -> Lines[Sent]:
        means = self._means
        return Lines(waiting, clock=means.clock, random=means.random, failed=self._failed)

    def _failed(self, peer: str, error: Exception) -> None:
        self._means.log("delivery.failed", {"peer": peer, "kind": type(error).__name__})

    def _check_room(self, peer: str, size: int) -> None:
        if self.open[peer] >= DELIVERY_PEER_WAITING:
            raise Limit(
                f"{DELIVERY_PEER_WAITING} messages to this member wait already (DELIVERY_PEER_WAITING).",
                remedy="Send again later, with the same X-Road-Id.",
                status=429,
                kind="delivery-full",
                retry_after_s=60,
            )
        self._means.contents.check_room(size)

    def _receipt(self, call: Call, print_: bytes, until: EpochS, now: EpochS) -> str:
        said = Receipt(
            "kept", encoded(call.asked.client), encoded(call.target.service), call.message_id, print_.hex(),
            int(now), int(until),
        )  # fmt: skip
        return receipts.signed(said, self._means.signer(call.asked.client.owner))

    def _check_receipt(
        self, text: str, message: Sent, says: receipts.Says, answer: str = "", status: int = 0
    ) -> Receipt:
        """Raises Invalid: the receipt is of something else, or signed by another member than the provider: then it
        would prove nothing against the one that is asked."""
        said, keyid = receipts.checked(text, self._means.key_of)
        of = (said.says, said.client, said.service, said.message_id, said.request, said.answer, said.status)
        request = message.fingerprint.hex()
        if of != (says, message.client, message.service, message.message_id, request, answer, status):
            raise Invalid.at("receipt", "Send the receipt of this message.")
        if self._means.owner_of(keyid) != parse_service(message.service).provider.owner:
            raise Invalid.at("receipt", "Sign the receipt by a key of the provider.")
        return said

    async def _sent(self, message: Sent, answer: Answer) -> Carried:
        means = self._means
        receipt = (last_of(answer.fields, RECEIPT) or b"").decode("latin-1")
        if answer.status == 202 and wants_async([(b"prefer", last_of(answer.fields, b"preference-applied") or b"")]):
            try:
                self._check_receipt(receipt[: DELIVERY_RECEIPT_CHARACTERS + 1], message, "taken")
            except Invalid as problem:
                await self._later(message, f"The provider's gateway sent a wrong receipt. {problem.title}")
                return False
            now = means.clock()
            ask_at = EpochS(now + backoff_s(0, means.random(), first=DELIVERY_ASK_S, most=DELIVERY_ASK_MOST_S))
            await means.store.write(lambda tx: sent.taken(tx, message.key, receipt, now=now, due=ask_at))
            means.trip("sent.recorded")
            self.asking.ensure(message.peer)
            return True
        if last_of(answer.fields, ERROR) is not None and not is_final_answer(answer):
            await self._later(message, f"The provider's gateway answered {answer.status}.")
            return False
        # Its gateway does not carry out later, or refuses for good: this is the answer.
        await self._answer_here(message, answer)
        return True

    async def _not_sent(self, message: Sent, call: Call, problem: Problem) -> Carried:
        if isinstance(problem, Fault) and is_final(problem):
            await self._answer_here(message, answer_of(problem, call, self._means.new_id()))
            return None
        await self._later(message, problem.title)
        return False

    async def _answer_here(self, message: Sent, answer: Answer) -> None:
        content = await self._means.contents.take(answer.body)
        try:
            await self._keep_answer(message, answer.status, "", framing.head_of(answer), content)
        finally:
            self._means.contents.settle(content)

    async def _keep_answer(self, message: Sent, status: int, receipt: str, head: bytes, content: Content) -> None:
        means, now = self._means, self._means.clock()

        def job(tx: Tx) -> tuple[bool, list[str]]:
            if not sent.answered(tx, message.key, receipt, status, now=now):
                return False, []
            blobs = contents.drop(tx, "sent", message.key, "request")
            if message.unfetched and status < 300:
                sent.close(tx, message.key, now=now)
            else:
                contents.put(tx, "sent", message.key, "answer", head=head, content=content)
            return True, blobs

        means.trip("answer.before-commit")
        is_new, blobs = await means.store.write(job)
        means.trip("answer.committed")
        if is_new and message.state != "dead":
            self._leave(message)
        await means.contents.drop(means.store, blobs)

    async def _bury(self, message: Sent, reason: str) -> None:
        now = self._means.clock()
        if await self._means.store.write(lambda tx: sent.bury(tx, message.key, reason, now=now)):
            self._leave(message)
            self._means.log("delivery.dead", {"peer": message.peer, "reason": reason})

    async def _later(self, message: Sent, reason: str) -> None:
        means = self._means
        first, most = DELIVERY_BACKOFF_S, DELIVERY_BACKOFF_MOST_S
        if message.state == "accepted":
            first, most = DELIVERY_ASK_S, DELIVERY_ASK_MOST_S
        wait_s = backoff_s(message.tries, means.random(), first=first, most=most)
        now = means.clock()
        due = EpochS(min(now + wait_s, message.until_at) if now < message.until_at else now + wait_s)
        await means.store.write(lambda tx: sent.again(tx, message, reason, due=due))

    async def _not_answered(self, message: Sent, reason: str) -> None:
        """Ask again later, while it has time."""
        if self._means.clock() >= message.until_at:
            await self._bury(message, "No answer came in time.")
        else:
            await self._later(message, reason)

    def _leave(self, message: Sent) -> None:
        """It is no longer under way; what waits in its lane may go."""
        self.open[message.peer] = max(0, self.open[message.peer] - 1)
        if message.lane:
            self.sending.wake(message.peer)


class _Sending:
    """The messages to one peer."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    async def keys(self) -> Sequence[str]:
        return await self._sender.means.store.read(lambda tx: sent.keys(tx, "waiting"))

    async def due(self, key: str, now: EpochS, most: int) -> Sequence[Sent]:
        return await self._sender.means.store.read(lambda tx: sent.due(tx, "waiting", key, now=now, limit=most))

    async def next_due(self, key: str) -> EpochS | None:
        return await self._sender.means.store.read(lambda tx: sent.next_due(tx, "waiting", key))

    def name(self, message: Sent) -> str:
        return str(message.seq)

    async def carry(self, message: Sent) -> Carried:
        return await self._sender.carry(message)

    async def is_back(self, key: str) -> None:
        means = self._sender.means
        await means.store.write(lambda tx: sent.hasten(tx, key, now=means.clock()))


class _Asking:
    """The messages that one peer has and has not answered."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    async def keys(self) -> Sequence[str]:
        return await self._sender.means.store.read(lambda tx: sent.keys(tx, "accepted"))

    async def due(self, key: str, now: EpochS, most: int) -> Sequence[Sent]:
        return await self._sender.means.store.read(lambda tx: sent.due(tx, "accepted", key, now=now, limit=most))

    async def next_due(self, key: str) -> EpochS | None:
        return await self._sender.means.store.read(lambda tx: sent.next_due(tx, "accepted", key))

    def name(self, message: Sent) -> str:
        return str(message.seq)

    async def carry(self, message: Sent) -> Carried:
        return await self._sender.ask(message)

    async def is_back(self, key: str) -> None:
        """They are asked for one by one, in their time."""


def _keep(tx: Tx, *, message: Sent, call: Call, content: Content) -> Sent:
    """The message as it is kept; `seq` is 0 when it is new."""
    if sent.add(tx, message):
        contents.put(tx, "sent", message.key, "request", head=msgspec.msgpack.encode(call), content=content)
        return message
    known = sent.find(tx, message.key)
    assert known is not None, "a message that is not new is known"
    return known


def _has_it(about: Told) -> Told:
    return msgspec.structs.replace(about, verb="DELETE")


def _call_of(head: bytes) -> Call:
    return msgspec.msgpack.decode(head, type=Call)
