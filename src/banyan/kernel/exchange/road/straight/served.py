"""A call that the straight way has verified and let in: the service asked, its answer signed, logged, written."""

from __future__ import annotations

from hashlib import sha512
from typing import TYPE_CHECKING, Final

import msgspec

from banyan.kernel.events.clock import EpochS
from banyan.kernel.exchange.road import leg
from banyan.kernel.exchange.road.behind import HttpProvider, answer_of
from banyan.kernel.exchange.road.calls import call_of
from banyan.kernel.exchange.road.connection import Connection, Incoming
from banyan.kernel.exchange.road.head import BadHttp, read_request
from banyan.kernel.exchange.road.link import Came, Link
from banyan.kernel.exchange.road.model import Answer, Delivery, Exchanged, Signed, Ticket, Timing
from banyan.kernel.exchange.road.provision import Served as UnderWay
from banyan.kernel.exchange.road.spool import Held
from banyan.kernel.exchange.road.straight.answering_plans import AnswerPlan, Plan, length_line
from banyan.kernel.exchange.road.straight.asked import BODILESS
from banyan.kernel.exchange.road.straight.forms import PATH, RAW, REASON, REQUEST_PATH, STATUS, VERB
from banyan.kernel.exchange.road.straight.signed import digest_field
from banyan.limits_road import ROAD_STRAIGHT_BYTES
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
    """`link.Asker` of one call towards its service; what it needs of it until the other gateway has the answer."""

    way: StraightAnswering
    plan: Plan
    lane: Lane
    provider: HttpProvider
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
    link: Link = msgspec.UNSET  # type: ignore[assignment]
    ticket: Ticket = msgspec.UNSET  # type: ignore[assignment]
    written: bytes = b""
    deadline: float = 0.0
    request_hash: str = ""
    asked_at: float = 0.0
    answered_at: float = 0.0
    status: int = 0
    answer: bytes = b""

    def ask(self, link: Link, ticket: Ticket) -> None:
        """The service, over an idle link."""
        lane, row, body, way = self.lane, self.row, self.body, self.way
        self.link, self.ticket = link, ticket
        target = (lane.below + self.path) or b"/"
        head, asked = self.plan.block, self.plan.asked
        self.request_hash = request_hash(head.form % head.pick(row), sha512(body).digest() if body else None)
        whole = (*row, b"", b"", lane.host, target)
        self.written = asked.form % asked.pick(whole) + length_line(row[VERB], len(body)) + b"\r\n"
        self.asked_at = now = way.desk.clock()
        self.deadline = link.pool.loop.time() + min(lane.offer.timeout_s, self.until - now)
        verb = row[VERB].decode("ascii")
        link.ask_for(self, verb, self.written + body, self.provider.spool_for, self.deadline)

    def answered(self, data: bytes) -> int:
        found = self.way.answers.find(data)
        if found is None:
            return -1
        plan, match = found
        row, end = match.groups(), match.end()
        missing = end + int(row[plan.length]) - len(data)
        if missing or row[STATUS] in BODILESS:
            return missing if 0 < missing <= ROAD_STRAIGHT_BYTES else -1
        self.link.freed()
        self.provider.pool.give(self.link)
        self.answered_at = self.way.desk.clock()
        self.ticket.close()
        self.answer, self.status = data[end:], int(row[STATUS])
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
        return 0

    def told(self, came: Came | None, error: OSError | BadHttp | None) -> None:
        """An answer of another form, or none."""
        lane, verb = self.lane, self.row[VERB].decode("ascii")
        provider, under_way = self.provider, self._under_way()

        async def answering() -> Answer:
            try:
                if came is not None:
                    provider.pool.give(self.link)
                    self.way.answers.learn(came.head.fields)
                    return answer_of(came)
                body = Held(self.body)
                return await provider.asked(lane.place, verb, self.written, body, deadline=self.deadline, failed=error)
            finally:
                under_way.answered_at = self.way.desk.clock()
                self.ticket.close()

        self.connection.handed_over(
            self.raw, lambda incoming: self.way.provision.resumed(incoming, under_way, answering())
        )

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
            digest_field(self.answer),
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
            answer_body=Held(self.answer),
            keep_bodies_s=lane.grant.keep_bodies_s,
        )
        self.way.desk.put(exchanged, self._logged)

    def forsake(self) -> None:
        self.ticket.close()
        if not self.status:
            self.link.forsaken()

    def _logged(self, _: int, error: Exception | None) -> None:
        try:
            self._concluded(error)
        except Exception as defect:  # the log tells others after this one
            self.way.desk.report("road: an answer failed", defect)
            self.connection.abort()

    def _concluded(self, error: Exception | None) -> None:
        if error is None:
            self._note()
            self.connection.replied(self.written, self.answer)
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
            response_size=len(self.answer),
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
