"""The provider's side: keep a message, hand it to the provider once, keep the answer until the client's side has it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import Final

import msgspec

from banyan.errors import Denied, Limit, Problem
from banyan.kernel.events.clock import EpochS
from banyan.kernel.exchange.delivery import contents, framing, receipts, received
from banyan.kernel.exchange.delivery.breaker import backoff_s
from banyan.kernel.exchange.delivery.contents import Content, Kept
from banyan.kernel.exchange.delivery.dressing import dressed
from banyan.kernel.exchange.delivery.envelope import APPLIED, fingerprint, for_provider, lane_of, opened
from banyan.kernel.exchange.delivery.lines import Carried, Lines
from banyan.kernel.exchange.delivery.logging import log_answer
from banyan.kernel.exchange.delivery.means import (
    Hands,
    Means,
    NotHanded,
    Told,
    Unsure,
    answer_of,
    body_of,
    used_otherwise,
    why_not_ours,
)
from banyan.kernel.exchange.delivery.receipts import Receipt
from banyan.kernel.exchange.delivery.received import Key, Received
from banyan.kernel.exchange.delivery.sender import RECEIPT, answers_target
from banyan.kernel.exchange.road.model import Answer, Body, Call, Response
from banyan.kernel.storage.store import Tx
from banyan.limits_road import (
    DELIVERY_BACKOFF_MOST_S,
    DELIVERY_BACKOFF_S,
    DELIVERY_CLIENT_WAITING,
    DELIVERY_HAND_S,
    DELIVERY_HANDINGS,
    DELIVERY_SWEEP_ROWS,
)
from banyan.wire.xroad.codes import Code, Origin
from banyan.wire.xroad.faults import Fault
from banyan.wire.xroad.identifiers import ClientId, encoded, parse_client, parse_service

TAKEN: Final = b"Accepted"
Outcome = Answer | NotHanded | Unsure | Fault
_CRASHED: Final = "This gateway stopped while the provider had the message."


class Receiver:
    """`open` counts, for each client, what waits here for a provider."""

    def __init__(self, means: Means, hands: Hands) -> None:
        self._means = means
        self._hands = hands
        self.open: Counter[str] = Counter()
        self.unrecorded: dict[int, tuple[Received, Outcome]] = {}
        lines = partial(Lines[Received], clock=means.clock, random=means.random, failed=self._failed)
        self.handing = lines(_Handing(self))
        self.bringing = lines(_Bringing(self))

    @property
    def means(self) -> Means:
        return self._means

    async def start(self) -> None:
        await self.recover()
        await self.count()
        await self.handing.start()
        await self.bringing.start()

    async def stop(self) -> None:
        await self.handing.stop()
        await self.bringing.stop()

    async def count(self) -> None:
        self.open = Counter(await self._means.store.read(received.waiting_of_clients))

    async def recover(self) -> None:
        """What the last run was handing over may be with its provider."""
        while found := await self._means.store.read(lambda tx: received.handing(tx, DELIVERY_SWEEP_ROWS)):
            for message in found:
                await self._unsure(message, _CRASHED)

    async def take(self, call: Call, body: Body) -> Answer:
        """Keep a message; durable when it returns. The same one again is answered the same.

        Raises Conflict: another request under the same X-Road-Id; Limit: the client has too many here, or all bodies
        too many bytes; Fault."""
        means, now = self._means, self._means.clock()
        envelope, key = opened(call, now), Key(encoded(call.asked.client), call.message_id)
        known = await means.store.read(lambda tx: received.find(tx, key))
        if known is None:
            self._check_room(key.client)
            means.contents.check_room(body.size)
        content = await means.contents.take(body)
        try:
            print_ = fingerprint(call, content.sha256)
            message = Received(
                seq=0, kind="async", client=key.client, message_id=key.message_id,
                service=encoded(call.target.service), peer=encoded(call.asked.client.owner),
                lane=lane_of(call, envelope), fingerprint=print_, state="waiting", due=now, tries=0, handings=0,
                accepted_at=envelope.accepted_at, until_at=envelope.until, receipt=self._taken(call, print_, now),
                answer_receipt="", answer_status=0, changed_at=now, reason="",
            )  # fmt: skip
            means.trip("received.before-commit")
            kept = await means.store.write(partial(_keep, message=message, call=call, content=content))
            means.trip("received.committed")
        finally:
            means.contents.settle(content)
        if kept.seq:
            await means.contents.drop(means.store, [content.blob])
        else:
            self.open[key.client] += 1
            means.contents.size += content.size
            self.handing.wake(message.service)
        if kept.fingerprint != print_:
            raise used_otherwise()
        if kept.state == "answered":  # it was brought in vain, or is on its way
            await means.store.write(lambda tx: received.bring_now(tx, key, now=now))
            self.bringing.wake(kept.peer)
        return _taken_answer(kept.receipt)

    async def carry(self, message: Received) -> Carried:
        """Hand one message to its provider."""
        means, now = self._means, self._means.clock()
        asked = await self._request_of(message)
        if asked is None:  # it was over before its turn came
            return None
        call, body = asked
        if why := why_not_ours(means, call.target.service.provider.owner):
            await self._aside(message, why)
            return None
        if now >= message.until_at and not message.handings:
            late = Fault(
                Origin.SERVER_PROXY, Code.SERVICE_FAILED,
                message="The provider could not take the message in time.", fix="Send a new one.",
            )  # fmt: skip
            await self._refused(message, late)
            return None
        if not await means.store.write(lambda tx: received.hand(tx, message, now=now)):
            return None
        means.trip("received.handing")
        outcome = await self._handed(call, body, message.handings)
        means.trip("received.handed")
        message = msgspec.structs.replace(message, handings=message.handings + 1)
        try:
            return await self._record(message, outcome)
        except Exception:  # the worker loop records it; what the provider said is kept until there is room for it
            self.unrecorded[message.seq] = message, outcome
            raise

    async def settle(self) -> None:
        """Record what could not be recorded when it came. Raises Problem: it still cannot."""
        for seq, (message, outcome) in tuple(self.unrecorded.items()):
            await self._record(message, outcome)
            self.unrecorded.pop(seq, None)  # another line may have been as quick

    async def _handed(self, call: Call, body: Body, handings: int) -> Outcome:
        until = EpochS(self._means.clock() + DELIVERY_HAND_S)
        handed = for_provider(msgspec.structs.replace(call, until=until), handings)
        try:
            return await dressed(await self._hands.hand(handed, body), call, body)
        except (NotHanded, Unsure, Fault) as told:
            return told
        except Exception as error:  # a defect of ours in the middle of it
            self._failed(encoded(call.target.service), error)
            return Unsure(f"The gateway failed: {type(error).__name__}.")

    async def _record(self, message: Received, outcome: Outcome) -> Carried:
        means, key = self._means, message.key
        why = why_not_ours(means, parse_service(message.service).provider.owner)
        if why and isinstance(outcome, Fault | Answer):  # it left while this was handed over
            await self._aside(message, f"{why} Its service has answered already.")
            return None
        match outcome:
            case NotHanded():
                wait_s = max(outcome.after_s, self._backoff_s(message.tries))
                due, reason = EpochS(means.clock() + wait_s), str(outcome)
                await means.store.write(lambda tx: received.not_handed(tx, key, reason, due=due))
                return False
            case Unsure():
                await self._unsure(message, str(outcome))
                return False
            case Fault():
                await self._refused(message, outcome)
            case Answer():
                await self._keep_answer(message, outcome)
                outcome.body.close()
        return True

    async def bring(self, message: Received) -> Carried:
        """Bring one answer to its client's gateway."""
        means = self._means
        kept = await means.store.read(lambda tx: means.contents.get(tx, "received", *message.key.pair, "answer"))
        if kept is None:  # its client's gateway fetched it meanwhile
            return None
        service = parse_service(message.service)
        if why := why_not_ours(means, service.provider.owner):
            await self._bring_later(message, why)
            return None
        fields = ((RECEIPT, message.answer_receipt.encode("ascii")),)
        about = answers_target(message.client, message.message_id)
        told = Told("POST", about, fields, framing.Framed(kept.head, kept.body))
        means.trip("received.answered")
        try:
            response = await means.road.tell(service.provider, parse_client(message.client), told)
        except Problem as problem:
            await self._bring_later(message, problem.title)
            return False
        with body_of(response):
            means.trip("received.brought")
        if response.status not in (200, 204, 410):
            await self._bring_later(message, f"The client's gateway answered {response.status}.")
            return True if response.status < 500 else None
        await self.returned(message)
        return True

    async def returned(self, message: Received) -> None:
        """Its client's gateway has the answer: only what this was answered with is left."""
        means, now = self._means, self._means.clock()
        await log_answer(means, "provider", message.answer_receipt, receipts.own(message.answer_receipt))

        def job(tx: Tx) -> list[str]:
            if not received.returned(tx, message.key, now=now):
                return []
            return contents.drop(tx, "received", message.key.pair, "request", "answer")

        blobs = await means.store.write(job)
        means.trip("received.returned")
        await means.contents.drop(means.store, blobs)

    async def asked(self, by: ClientId, key: Key, *, has_it: bool) -> Response:
        """A client's gateway asks for an answer (GET), or says that it has it (DELETE). 410: it is not here.

        Raises Denied."""
        message, kept = await self._means.store.read(lambda tx: self._with_answer(tx, key))
        if message is None:
            return Response(410)
        if message.peer != encoded(by.owner):
            raise Denied("The message is another member's.", remedy="Ask for your own.", kind="delivery-other")
        if message.state != "answered":
            return Response(410 if message.state == "returned" else 202)
        if has_it:
            await self.returned(message)
            return Response(204)
        assert kept is not None, "an answer that waits is kept"
        fields = ((RECEIPT, message.answer_receipt.encode("ascii")),)
        return Response(200, fields, framing.Framed(kept.head, kept.body))

    def _with_answer(self, tx: Tx, key: Key) -> tuple[Received | None, Kept | None]:
        """At one moment: its client's gateway may say meanwhile that it has it, and then it is gone."""
        return received.find(tx, key), self._means.contents.get(tx, "received", *key.pair, "answer")

    async def refuse(self, message: Received, fault: Fault) -> None:
        """An officer discards a message that was set aside: its client gets this as the answer."""
        await self._refused(message, fault)

    async def _refused(self, message: Received, fault: Fault) -> None:
        call, body = await self._asked_of(message)
        answer = answer_of(fault, call, self._means.new_id())
        await self._keep_answer(message, await dressed(answer, call, body, is_fault=True))

    async def _asked_of(self, message: Received) -> tuple[Call, Body]:
        asked = await self._request_of(message)
        assert asked is not None, "a message that is not over has its request"
        return asked

    async def _request_of(self, message: Received) -> tuple[Call, Body] | None:
        means = self._means
        kept = await means.store.read(lambda tx: means.contents.get(tx, "received", *message.key.pair, "request"))
        return None if kept is None else (msgspec.msgpack.decode(kept.head, type=Call), kept.body)

    async def _keep_answer(self, message: Received, answer: Answer) -> None:
        means, now, head = self._means, self._means.clock(), framing.head_of(answer)
        content = await means.contents.take(answer.body)
        said = Receipt(
            "answered", message.client, message.service, message.message_id, message.fingerprint.hex(), int(now),
            status=answer.status, answer=framing.digest(head, content),
        )  # fmt: skip
        receipt = receipts.signed(said, means.signer(parse_service(message.service).provider.owner))

        def job(tx: Tx) -> bool:
            if not received.answered(tx, message.key, receipt, answer.status, now=now):
                return False
            contents.put(tx, "received", message.key.pair, "answer", head=head, content=content)
            return True

        try:
            is_new = await means.store.write(job)
        finally:
            means.contents.settle(content)
        if is_new:
            self.left(message)
            self.bringing.wake(message.peer)

    async def _unsure(self, message: Received, reason: str) -> None:
        """The provider may have got it: again with a mark, unless it does not know a message again, or too often."""
        means, key = self._means, message.key
        call, _ = await self._asked_of(message)
        if message.handings >= DELIVERY_HANDINGS or not self._hands.may_repeat(call):
            await self._aside(message, reason)
            return
        due = EpochS(means.clock() + self._backoff_s(message.tries))
        await means.store.write(lambda tx: received.unsure(tx, key, reason, due=due))

    async def _aside(self, message: Received, reason: str) -> None:
        """An officer decides."""
        means, now = self._means, self._means.clock()
        if await means.store.write(lambda tx: received.aside(tx, message.key, reason, now=now)):
            self.left(message)
            means.log("delivery.aside", {"service": message.service, "handings": message.handings})

    def left(self, message: Received) -> None:
        """It no longer waits for its provider; the next of its lane may go."""
        self.open[message.client] = max(0, self.open[message.client] - 1)
        if message.lane:
            self.handing.wake(message.service)

    async def _bring_later(self, message: Received, reason: str) -> None:
        due = EpochS(self._means.clock() + self._backoff_s(message.tries))
        await self._means.store.write(lambda tx: received.bring_again(tx, message.key, reason, due=due))

    def _backoff_s(self, tries: int) -> float:
        return backoff_s(tries, self._means.random(), first=DELIVERY_BACKOFF_S, most=DELIVERY_BACKOFF_MOST_S)

    def _check_room(self, client: str) -> None:
        if self.open[client] >= DELIVERY_CLIENT_WAITING:
            raise Limit(
                f"{DELIVERY_CLIENT_WAITING} messages of this client wait already (DELIVERY_CLIENT_WAITING).",
                remedy="Send again later.",
                status=429,
                kind="delivery-full",
                retry_after_s=60,
            )

    def _taken(self, call: Call, print_: bytes, now: EpochS) -> str:
        service = call.target.service
        said = Receipt(
            "taken", encoded(call.asked.client), encoded(service), call.message_id, print_.hex(), int(now)
        )  # fmt: skip
        return receipts.signed(said, self._means.signer(service.provider.owner))

    def _failed(self, key: str, error: Exception) -> None:
        self._means.log("delivery.failed", {"line": key, "kind": type(error).__name__})


class _Handing:
    """The messages for one service."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver

    async def keys(self) -> Sequence[str]:
        late = {message.service for message, _ in self._receiver.unrecorded.values()}
        return sorted({*await self._receiver.means.store.read(received.services), *late})

    async def due(self, key: str, now: EpochS, most: int) -> Sequence[Received]:
        await self._receiver.settle()
        return await self._receiver.means.store.read(lambda tx: received.to_hand(tx, key, now, most))

    async def next_due(self, key: str) -> EpochS | None:
        due = await self._receiver.means.store.read(lambda tx: received.next_to_hand(tx, key))
        return self._receiver.means.clock() if self._receiver.unrecorded else due

    def name(self, message: Received) -> str:
        return str(message.seq)

    async def carry(self, message: Received) -> Carried:
        return await self._receiver.carry(message)

    async def is_back(self, key: str) -> None:
        """A provider that was away gets what waits in its time: some of it said when."""


class _Bringing:
    """The answers for one member."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver

    async def keys(self) -> Sequence[str]:
        return await self._receiver.means.store.read(received.peers)

    async def due(self, key: str, now: EpochS, most: int) -> Sequence[Received]:
        return await self._receiver.means.store.read(lambda tx: received.to_bring(tx, key, now, most))

    async def next_due(self, key: str) -> EpochS | None:
        return await self._receiver.means.store.read(lambda tx: received.next_to_bring(tx, key))

    def name(self, message: Received) -> str:
        return str(message.seq)

    async def carry(self, message: Received) -> Carried:
        return await self._receiver.bring(message)

    async def is_back(self, key: str) -> None:
        means = self._receiver.means
        await means.store.write(lambda tx: received.hasten(tx, key, now=means.clock()))


def _taken_answer(receipt: str) -> Answer:
    return Answer(202, TAKEN, (APPLIED, (RECEIPT, receipt.encode("ascii"))), contents.Whole(b""))


def _keep(tx: Tx, *, message: Received, call: Call, content: Content) -> Received:
    """The message as it is kept; `seq` is 0 when it is new."""
    if received.add(tx, message):
        contents.put(tx, "received", message.key.pair, "request", head=msgspec.msgpack.encode(call), content=content)
        return message
    known = received.find(tx, message.key)
    assert known is not None, "a message that is not new is known"
    return known
