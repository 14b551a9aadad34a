"""One bind of the sender: connect, take messages by pace and window, submit their parts, write down what came of it.

Steps that change the store are finished also when the bind is being ended: a claim whose message nobody holds, or an
answer written twice, would be a message lost or counted twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, Final

import msgspec

from banyan.craft.notify.dispatch import Dispatch
from banyan.craft.notify.hearing import Hearing
from banyan.craft.notify.model import State
from banyan.craft.notify.pace import Pace
from banyan.craft.notify.session import Account, Session, connect, taken_id
from banyan.craft.notify.steps import Claimed, Done, Heard
from banyan.errors import Problem, Unavailable
from banyan.kernel.storage.worker import to_the_end
from banyan.limits_alerts import NOTIFY_RECONNECT_S, NOTIFY_WINDOW
from banyan.wire.smpp.codes import ESM_UDHI, RECEIPT_WANTED, Command, MessageState, Status, Tag
from banyan.wire.smpp.fields import Malformed
from banyan.wire.smpp.pdu import Address, Pdu, Queried, Query, Repeated, Short, decode
from banyan.wire.smpp.text import DATA_CODING, Coding, parts_of
from banyan.wire.smpp.times import relative

NOT_NOW: Final = frozenset({Status.RTHROTTLED, Status.RMSGQFUL})
TEMPORARY: Final = frozenset({*NOT_NOW, Status.RSYSERR, Status.RX_T_APPN, Status.RSUBMITFAIL, Status.RINVBNDSTS})
CHECK_S: Final = 1.0
SHARED: Final = 100
REFERENCE_AT: Final = 3
"""Where an 8-bit reference stands in a part: after the header's length, the element's kind and its length."""
_MARK: Final = int(Tag.USER_MESSAGE_REFERENCE).to_bytes(2, "big") + b"\0\2"
LATIN: Final = (Coding.LATIN_1, Coding.UCS_2)
GSM: Final = (Coding.GSM7, Coding.UCS_2)


class BindSettings(msgspec.Struct, frozen=True, kw_only=True):
    """A bind. `smsc` names the SMSC whose message ids it shares with other binds (its own name when empty)."""

    name: str
    account: Account
    smsc: str = ""
    rate: float = 50.0
    window: Annotated[int, msgspec.Meta(ge=1, le=NOTIFY_WINDOW)] = 50
    alphabet: Coding = Coding.GSM7
    """The SMSC's default alphabet: gsm7 or latin-1."""
    can_query: bool = False
    country: str = "886"
    """Numbers that the SMSC writes with a leading 0 are of this country."""


class Figures(msgspec.Struct):
    """What a bind did since the start."""

    name: str
    is_bound: bool = False
    submitted: int = 0
    taken: int = 0
    refused: int = 0
    throttled: int = 0
    receipts: int = 0
    connects: int = 0
    in_flight: int = 0
    trouble: str = ""


class _Job:
    __slots__ = ("left", "message", "state", "taken")

    def __init__(self, message: Claimed, parts: int) -> None:
        self.message, self.left, self.state = message, parts, State.SENT
        self.taken: list[tuple[int, str]] = []


class Line:
    """One bind, for as long as `run` runs. `jitter` gives 0 to 1."""

    def __init__(
        self,
        settings: BindSettings,
        dispatch: Dispatch,
        *,
        jitter: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._settings, self._dispatch, self._jitter, self._sleep = settings, dispatch, jitter, sleep
        self._smsc = settings.smsc or settings.name
        self._done: list[Done] = []
        self._room = asyncio.Event()
        self._news = asyncio.Event()
        self._claimed = 0
        self._cut: dict[str, tuple[Coding, list[bytes]]] = {}
        self._shared: dict[tuple[str, Coding, bool, str], Repeated] = {}
        self._pace = Pace(settings.rate, 0.0)
        self._hearing = Hearing(dispatch, self._smsc, settings.country)
        self.figures = Figures(settings.name)

    async def run(self) -> None:
        """Stay bound until cancelled."""
        first, longest = NOTIFY_RECONNECT_S
        pause = first
        while True:
            try:
                session = await connect(self._settings.account, self._heard)
            except Unavailable as error:
                self.figures.trouble = error.title
                await self._sleep(pause * (0.5 + self._jitter() / 2))
                pause = min(longest, pause * 2)
                continue
            pause = first
            self.figures.is_bound, self.figures.trouble = True, ""
            self.figures.connects += 1
            try:
                await self._serve(session)
            finally:
                self.figures.is_bound = False
                session.close()
            await self._sleep(pause * self._jitter())

    async def _serve(self, session: Session) -> None:
        """Send and hear until the connection is lost; then write down what is in doubt."""
        self._pace = Pace(self._settings.rate, _now())
        tasks = [asyncio.create_task(one) for one in (self._feed(session), self._record(), self._look(session))]
        lost = asyncio.create_task(session.lost.wait())
        try:
            await asyncio.wait([*tasks, lost], return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            await session.unbind()
            raise
        finally:
            session.close()
            for task in (*tasks, lost):
                task.cancel()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
            await session.lost.wait()  # every pending request has been called back
            await to_the_end(self._write_down())
            for error in ended:
                if isinstance(error, Exception) and not isinstance(error, Problem):
                    raise error

    async def _feed(self, session: Session) -> None:
        """Claim what pace and window allow, and submit it."""
        while not session.lost.is_set():
            if self._dispatch.is_empty():
                await self._dispatch.wait()
                continue
            if self._claimed >= self._settings.window:
                self._room.clear()
                await self._room.wait()
                continue
            wait = self._pace.ready_in(_now())
            if wait > 0:
                await self._sleep(wait)
                continue
            room = min(self._settings.window - self._claimed, self._pace.room(_now()))
            await to_the_end(self._submit(session, room))

    async def _submit(self, session: Session, room: int) -> None:
        messages = await self._dispatch.claim(room)
        self._claimed += len(messages)
        self.figures.in_flight = self._claimed
        octets: list[bytes] = []
        now = self._dispatch.outbox.clock()
        for message in messages:
            if self._dispatch.is_stopped(message.campaign):
                self._finish(message, State.STOPPED)
            elif 0 < message.expires <= now:
                self._finish(message, State.EXPIRED)
            elif session.lost.is_set():
                self._finish(message, State.WAITING)  # no octet of it left
            else:
                octets += self._pdus(session, message, now)
        self._pace.spend(len(octets))
        self.figures.submitted += len(octets)
        await session.write(b"".join(octets))

    def _pdus(self, session: Session, message: Claimed, now: float) -> list[bytes]:
        try:
            coding, parts = self._parts(message)
        except Malformed:
            self._finish(message, State.FAILED)
            return []
        job, moment = _Job(message, len(parts)), _now()
        repeated = self._repeated(message, coding, has_header=len(parts) > 1, now=now)
        mark = _MARK + message.reference.to_bytes(2, "big")
        return [
            repeated.octets(session.number(self._answered(job, number), moment), message.to[1:], part, mark)
            for number, part in enumerate(parts, 1)
        ]

    def _parts(self, message: Claimed) -> tuple[Coding, list[bytes]]:
        """Its parts; a text that many get is cut once, and only the reference in its headers is another."""
        found = self._cut.get(message.text)
        if found is None:
            codings = GSM if self._settings.alphabet == Coding.GSM7 else LATIN
            if len(self._cut) >= SHARED:
                self._cut.clear()
            found = self._cut[message.text] = parts_of(message.text, reference=0, codings=codings, is_wide=False)
        coding, parts = found
        if len(parts) == 1:
            return found
        reference = bytes((message.reference & 0xFF,))
        return coding, [part[:REFERENCE_AT] + reference + part[REFERENCE_AT + 1 :] for part in parts]

    def _repeated(self, message: Claimed, coding: Coding, *, has_header: bool, now: float) -> Repeated:
        """What messages alike share of their PDUs; made once for each sender, coding and time left."""
        validity = relative(message.expires - now) if message.expires else ""
        key = (message.sender, coding, has_header, validity)
        found = self._shared.get(key)
        if found is None:
            if len(self._shared) >= SHARED:
                self._shared.clear()
            found = self._shared[key] = Repeated(
                Short(
                    source=_source(message.sender),
                    destination=Address("", 1, 1),
                    esm_class=ESM_UDHI if has_header else 0,
                    validity=validity,
                    registered_delivery=RECEIPT_WANTED,
                    data_coding=DATA_CODING[coding],
                )
            )
        return found

    def _answered(self, job: _Job, number: int) -> Callable[[int, bytes], None]:
        def answered(status: int, octets: bytes) -> None:
            if status == Status.ROK:
                job.taken.append((number, taken_id(octets)))
                self.figures.taken += 1
                self._pace.took(_now())
            elif status < 0:
                job.state = State.SENDING  # no answer: in doubt
            else:
                self._refused(job, status)
            job.left -= 1
            if not job.left:
                self._finish(job.message, job.state, tuple(job.taken))

        return answered

    def _refused(self, job: _Job, status: int) -> None:
        self.figures.refused += 1
        if status in NOT_NOW:
            self.figures.throttled += 1
            self._pace.refused(_now())
        if status not in TEMPORARY:
            job.state = State.FAILED
        elif job.state == State.SENT:
            job.state = State.WAITING

    def _finish(self, message: Claimed, state: State, taken: tuple[tuple[int, str], ...] = ()) -> None:
        self._done.append(Done(message, state, self._smsc, taken))
        self._news.set()

    def _heard(self, session: Session, pdu: Pdu) -> None:
        self._hearing.take(session, pdu)
        self._news.set()

    async def _record(self) -> None:
        """Write down answers and receipts as they come, many with one flush."""
        while True:
            await self._news.wait()
            self._news.clear()
            await to_the_end(self._write_down())

    async def _write_down(self) -> None:
        done, self._done = self._done, []
        heard = await self._hearing.receipts()
        try:
            await self._dispatch.record(done, [one for _, one in heard])
        except BaseException:
            self._done = done + self._done  # not written: it is tried again
            self._hearing.put_back(heard)
            raise
        self._claimed -= len(done)
        self.figures.in_flight = self._claimed
        self.figures.receipts += len(heard)
        self._room.set()
        self._hearing.answer(heard)
        await self._hearing.replies()

    async def _look(self, session: Session) -> None:
        """Keep the connection alive, let doubts end, and ask for what should have been heard of."""
        if self._settings.can_query:
            await self._ask(session)
        while True:
            await to_the_end(self._dispatch.release())
            await self._sleep(CHECK_S)
            session.check()

    async def _ask(self, session: Session) -> None:
        """query_sm for pressing messages that were taken before and not heard of: once for each connection."""
        overdue = await self._dispatch.overdue(self._dispatch.outbox.clock(), self._settings.window)
        octets = [
            session.request(Command.QUERY_SM, Query(id, _source(sender)), self._queried(id))
            for smsc, id, sender in overdue
            if smsc == self._smsc
        ]
        await session.write(b"".join(octets))

    def _queried(self, id: str) -> Callable[[int, bytes], None]:
        def answered(status: int, octets: bytes) -> None:
            if status != Status.ROK:
                return
            try:
                body = decode(octets).body
            except Malformed:
                return
            if isinstance(body, Queried) and 1 <= body.message_state <= MessageState.REJECTED:
                self._hearing.add(Heard(self._smsc, (id,), MessageState(body.message_state)))
                self._news.set()

        return answered


def _source(sender: str) -> Address:
    """A short code is the network's own (ton 3), a name alphanumeric (ton 5), +… international (ton 1)."""
    if sender.startswith("+"):
        return Address(sender[1:], 1, 1)
    return Address(sender, 3 if sender.isdigit() else 5, 0)


def _now() -> float:
    return asyncio.get_running_loop().time()
