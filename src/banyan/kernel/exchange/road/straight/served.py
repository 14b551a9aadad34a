"""A call that the straight way has verified and let in: its answer signed, logged, written."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from hashlib import sha512
from typing import TYPE_CHECKING, Final

import msgspec

from banyan.kernel.events.clock import EpochS
from banyan.kernel.exchange.road import leg
from banyan.kernel.exchange.road.calls import call_of
from banyan.kernel.exchange.road.connection import Connection, Incoming
from banyan.kernel.exchange.road.head import read_request
from banyan.kernel.exchange.road.model import Answer, Call, Delivery, Exchanged, Signed, Ticket, Timing
from banyan.kernel.exchange.road.provision import Served as UnderWay
from banyan.kernel.exchange.road.spool import Held
from banyan.kernel.exchange.road.straight.answering_plans import AnswerPlan, Plan
from banyan.kernel.exchange.road.straight.forms import PATH, RAW, REASON, REQUEST_PATH, STATUS, VERB
from banyan.kernel.exchange.road.straight.signed import digest_field
from banyan.wire.httpsig.digest import digests_of
from banyan.wire.httpsig.message import Request
from banyan.wire.xroad.block import request_hash
from banyan.wire.xroad.codes import Origin
from banyan.wire.xroad.headers import usual_request_fields
from banyan.wire.xroad.target import parse_target

if TYPE_CHECKING:
    from banyan.kernel.exchange.road.straight.answering import Lane, StraightAnswering

_SIDE: Final = Origin.SERVER_PROXY


class Served(msgspec.Struct, eq=False, kw_only=True):
    """What is needed of one call until the other gateway has the answer. Who asks for it (`linked`, `given`) ends with
    `answer`, or with `hand_over` when what came is not of the usual kind."""

    way: StraightAnswering
    plan: Plan
    lane: Lane
    connection: Connection
    raw: bytes
    """The head as it came, without the empty line."""
    row: tuple[bytes, ...]
    body: bytes
    path: bytes
    """What is asked of the service, judged."""
    keyid: str
    at: EpochS
    until: EpochS
    ticket: Ticket = msgspec.UNSET  # type: ignore[assignment]
    leave: Callable[[], object] = bool
    """Ends what is being asked."""
    written: bytes = b""
    request_hash: str = ""
    asked_at: EpochS = EpochS(0.0)
    answered_at: float = 0.0
    status: int = 0
    body_answered: bytes = b""

    def begin(self, ticket: Ticket) -> None:
        """Somebody is asked now."""
        row, body, head = self.row, self.body, self.plan.block
        self.ticket = ticket
        self.request_hash = request_hash(head.form % head.pick(row), sha512(body).digest() if body else None)
        self.asked_at = self.way.desk.clock()

    def call(self) -> Call:
        """As what is no service at an address is given it."""
        lane = self.lane
        return self.plan.called.call(self.row, lane.client, lane.service, lane.purpose, at=self.at, until=self.until)

    def forsake(self) -> None:
        """Whatever becomes of the call, nobody waits for it."""
        self.ticket.close()
        self.leave()

    def ended(self) -> None:
        """Nobody is asked any more."""
        self.answered_at = self.way.desk.clock()
        self.leave = bool  # else who was asked and this hold each other until the collector comes: 8 us a call
        self.ticket.close()

    def answer(self, plan: AnswerPlan, row: tuple[bytes, ...], body: bytes) -> None:
        """The service has answered so, and the call `ended`."""
        self.body_answered, self.status = body, int(row[STATUS])
        fields = self._signed(plan, row)
        date = b"" if plan.has_date else b"date: %b\r\n" % self.connection.date()
        self.written = b"HTTP/1.1 %b %b\r\n%b\r\ncontent-length: %b\r\n%b" % (
            row[STATUS],
            row[REASON],
            fields,
            row[plan.length],
            date,
        )
        self._log(Signed(b"%b\r\n%b" % (row[STATUS], row[REASON]), fields))

    def hand_over(self, answering: Callable[[], Awaitable[Answer]]) -> None:
        """The general way goes on from here: the service was asked; `answering` says what came, or raises."""
        under_way, self.leave = self._under_way(), bool

        async def ended() -> Answer:
            try:
                return await answering()
            finally:
                under_way.answered_at = self.answered_at or self.way.desk.clock()
                self.ticket.close()

        self.connection.handed_over(self.raw, lambda incoming: self.way.provision.resumed(incoming, under_way, ended()))

    def _signed(self, plan: AnswerPlan, row: tuple[bytes, ...]) -> bytes:
        """The fields on the leg."""
        lane, asked, desk = self.lane, self.row, self.way.desk
        params = lane.seal.stated(plan.listed, self.answered_at)
        whole = (
            *row,
            asked[self.plan.message_id],
            *lane.named,
            asked[self.plan.request_id],
            self.request_hash.encode("ascii"),
            desk.around.directory.version.encode("ascii"),
            digest_field(self.body_answered),
            b":%b:" % asked[self.plan.check.signature],
            asked[VERB],
            asked[REQUEST_PATH],
            params,
        )
        made, fields = lane.seal.signed(plan.base, whole), plan.fields
        signed = b"signature-input: gw=%b\r\nsignature: gw=:%b:" % (params, made)
        return fields.form % fields.pick(whole) + signed

    def _log(self, answer: Signed) -> None:
        lane, row, plan = self.lane, self.row, self.plan
        start = self.raw.index(b"\r\n") + 2
        request = Signed(
            b"%b\r\n%b" % (row[VERB], row[RAW]), self.raw[start:], authority=row[plan.host].decode("ascii")
        )
        exchanged = Exchanged(
            xid=row[plan.request_id].decode("ascii"),
            role="provider",
            client=lane.client,
            service=lane.service,
            message_id=row[plan.message_id].decode("ascii"),
            at=self.at,
            status=self.status,
            purpose=lane.purpose,
            basis=lane.basis,
            request=request,
            answer=answer,
            request_body=Held(self.body),
            answer_body=Held(self.body_answered),
            keep_bodies_s=lane.grant.keep_bodies_s,
        )
        self.way.desk.put(exchanged, self._logged)

    def _logged(self, _: int, error: Exception | None) -> None:
        try:
            self._concluded(error)
        except Exception as defect:  # the log tells others after this one
            self.way.desk.report("road: an answer failed", defect)
            self.connection.abort()

    def _concluded(self, error: Exception | None) -> None:
        if error is None:
            self._note()
            self.connection.replied(self.written, self.body_answered)
            return
        fault, under_way = self.way.desk.unlogged(error, _SIDE), self._under_way()

        async def refused(incoming: Incoming) -> Answer:
            return await self.way.provision.unlogged(incoming, under_way, fault)

        self.connection.handed_over(self.raw, refused)

    def _note(self) -> None:
        desk, row = self.way.desk, self.row
        if desk.around.monitor is None:
            return
        timing = Timing(
            role="provider",
            call_id=row[self.plan.request_id].decode("ascii"),
            message_id=row[self.plan.message_id].decode("ascii"),
            client=self.lane.client,
            service=self.lane.service,
            method=row[VERB].decode("ascii"),
            path=row[PATH].decode("latin-1"),
            request_in=int(self.at * 1000),
            request_out=int(self.asked_at * 1000),
            response_in=int(self.answered_at * 1000),
            response_out=int(desk.clock() * 1000),
            request_size=len(self.body),
            response_size=len(self.body_answered),
            status=self.status,
        )
        desk.around.monitor.note(timing)

    def _under_way(self) -> UnderWay:
        """The same call as the general way has it."""
        desk, lane = self.way.desk, self.lane
        head = read_request(self.raw)
        fields = leg.off_leg(head.fields, of_request=True)
        asked = usual_request_fields(fields, head.named, strict=desk.is_strict)
        ids = (head.named["x-road-request-id"][0], asked.message_id)
        target = parse_target(head.target, strict=desk.is_strict)
        call = call_of(head.verb, target, asked, fields=fields, ids=ids, at=self.at, left_s=leg.left_s(head.named))
        return UnderWay(
            msgspec.structs.replace(call, purpose=lane.purpose),
            Request(head.verb, head.host, head.target.decode("ascii"), head.named),
            self.keyid,
            head.fields,
            digests_of(head.named),
            lane.seal.signing,
            body=Held(self.body),
            request_hash=self.request_hash,
            delivery=Delivery(lane.offer, self.path, lane.basis, lane.grant, self.keyid),
            asked_at=self.asked_at,
            answered_at=self.answered_at,
        )
