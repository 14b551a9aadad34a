"""A call that the straight way has sent: what came back is held to it, logged, and written to the client."""

from __future__ import annotations

from hashlib import sha512
from typing import TYPE_CHECKING, Final

import msgspec

from banyan.kernel.events.clock import EpochS
from banyan.kernel.exchange.road import leg
from banyan.kernel.exchange.road.calls import call_of
from banyan.kernel.exchange.road.connection import Connection, Incoming
from banyan.kernel.exchange.road.consumer import UnderWay
from banyan.kernel.exchange.road.head import BadHttp, named_of, read_request
from banyan.kernel.exchange.road.link import Came, Link
from banyan.kernel.exchange.road.model import Answer, Exchanged, Route, Signed, Ticket, Timing
from banyan.kernel.exchange.road.reach import authority_of
from banyan.kernel.exchange.road.spool import Held
from banyan.kernel.exchange.road.straight.asking_plans import AnswerPlan, Plan
from banyan.kernel.exchange.road.straight.forms import PATH, QUERY, RAW, REASON, REQUEST_PATH, STATUS, VERB
from banyan.kernel.exchange.road.straight.signed import digest_field, listed_in
from banyan.limits_road import ROAD_CALL_S, ROAD_STRAIGHT_BYTES
from banyan.wire.httpsig.message import Request
from banyan.wire.xroad.block import request_hash
from banyan.wire.xroad.codes import Origin
from banyan.wire.xroad.headers import request_fields, usual_request_fields
from banyan.wire.xroad.target import parse_target

if TYPE_CHECKING:
    from banyan.kernel.exchange.road.straight.asking import Lane, StraightAsking

_LEFT: Final = b"%d" % (ROAD_CALL_S * 1000)
BODILESS: Final = frozenset({b"204", b"304"})
_SIDE: Final = Origin.CLIENT_PROXY


class Asked(msgspec.Struct, eq=False, kw_only=True):
    """`link.Asker` of one call; what it needs of it until the client has its answer."""

    way: StraightAsking
    lane: Lane
    connection: Connection
    link: Link
    route: Route
    ticket: Ticket
    raw: bytes
    """The client's head, without the empty line."""
    row: tuple[bytes, ...]
    body: bytes
    at: EpochS
    request_id: str = ""
    message_id: str = ""
    purpose: str = ""
    authority: str = ""
    request_hash: str = ""
    signature: bytes = b""
    """Ours, in base64."""
    fields: bytes = b""
    """On the leg, as `Signed.text`."""
    came_at: float = 0.0
    status: int = 0
    written: bytes = b""
    answer: bytes = b""

    def sign(self, plan: Plan) -> None:
        """Make it a message of the leg."""
        desk, lane, row, body = self.way.desk, self.lane, self.row, self.body
        self.request_id = request_id = desk.uuid()
        self.message_id = row[plan.message_id].decode("ascii") if plan.message_id >= 0 else lane.prefix + desk.uuid()
        if plan.purpose >= 0:
            self.purpose = row[plan.purpose].decode("ascii")
        self.authority = authority_of(self.route)
        params = lane.seal.stated(plan.listed, self.at, leg.nonce_of(desk.draw(16)))
        whole = (
            *row,
            request_id.encode("ascii"),
            self.message_id.encode("ascii"),
            lane.named,
            desk.around.directory.version.encode("ascii"),
            digest_field(body),
            _LEFT,
            self.authority.encode("ascii"),
            row[QUERY] or b"?",
            params,
        )
        head, sent = plan.block, plan.sent
        self.request_hash = request_hash(head.form % head.pick(whole), sha512(body).digest() if body else None)
        self.signature = made = lane.seal.signed(plan.base, whole)
        signed = b"signature-input: gw=%b\r\nsignature: gw=:%b:" % (params, made)
        self.fields = sent.form % sent.pick(whole) + signed

    def send(self) -> None:
        verb, body, link = self.row[VERB], self.body, self.link
        written = b"%b %b HTTP/1.1\r\nhost: %b\r\ncontent-length: %d\r\n%b\r\n\r\n%b" % (
            verb,
            self.row[RAW],
            self.authority.encode("ascii"),
            len(body),
            self.fields,
            body,
        )
        deadline = link.pool.loop.time() + ROAD_CALL_S
        link.ask_for(self, verb.decode("ascii"), written, self.way.consumer.spool_for, deadline)

    def answered(self, data: bytes) -> int:
        found = self.way.answers.find(data)
        if found is None:
            return -1
        plan, match = found
        row, end = match.groups(), match.end()
        missing = end + int(row[plan.length]) - len(data)
        if missing or row[STATUS] in BODILESS:
            return missing if 0 < missing <= ROAD_STRAIGHT_BYTES else -1
        whole = (*row, b":%b:" % self.signature, self.row[VERB], self.row[REQUEST_PATH])
        self.answer = data[end:]
        if not self._is_held_to(plan, whole):
            return -1
        self.link.freed()
        self.way.consumer.reach.ended(self.route, self.link, None)
        self._tell_version(row[plan.version].decode("ascii"))
        version = self.way.desk.around.directory.version.encode("ascii")
        told = plan.told
        self.written = told.form % told.pick((*whole, version, b"" if plan.has_date else self.connection.date()))
        self.status = int(row[STATUS])
        self._log(Signed(b"%b\r\n%b" % (row[STATUS], row[REASON]), data[match.end(REASON + 1) + 2 : end - 4]))
        return 0

    def told(self, came: Came | None, error: OSError | BadHttp | None) -> None:
        """An answer of another form, or none."""
        failed = error if came is None else None
        self.way.consumer.reach.ended(self.route, self.link, failed)
        under_way = self._under_way(came)

        async def general(incoming: Incoming) -> Answer:
            carrying = self.way.consumer.resumed(under_way, failed)
            answer = await self.way.edge.resumed(incoming.head.fields, self.ticket, carrying)
            if came is not None and "signature" in came.head.named:
                self.way.answers.learn(came.head.fields, listed_in(came.head.named))
            return answer

        self.connection.handed_over(self.raw, general)

    def _is_held_to(self, plan: AnswerPlan, row: tuple[bytes, ...]) -> bool:
        """The answer is to this request, by the provider, now."""
        desk = self.way.desk
        directory, now = desk.around.directory, desk.clock()
        self.came_at = now
        if row[plan.request_hash] != self.request_hash.encode("ascii"):
            return False
        if row[plan.request_id] != self.request_id.encode("ascii"):
            return False
        keyid = plan.check.holds(row, self.answer, directory, now)
        return bool(keyid) and directory.signer(keyid) == self.lane.owner

    def _tell_version(self, said: str) -> None:
        around = self.way.desk.around
        if around.seen is not None and said != around.directory.version:
            around.seen(self.route.server, said)

    def _log(self, answer: Signed) -> None:
        lane = self.lane
        exchanged = Exchanged(
            xid=self.request_id,
            role="client",
            client=lane.client,
            service=lane.service,
            message_id=self.message_id,
            at=self.at,
            status=self.status,
            purpose=self.purpose,
            request=Signed(b"%b\r\n%b" % (self.row[VERB], self.row[RAW]), self.fields, authority=self.authority),
            answer=answer,
            request_body=Held(self.body),
            answer_body=Held(self.answer),
            keep_bodies_s=lane.local.keep_bodies_s,
        )
        self.way.desk.put(exchanged, self._logged)

    def forsake(self) -> None:
        self.ticket.close()
        if not self.status:
            self.way.consumer.reach.ended(self.route, self.link, None)
            self.link.forsaken()

    def _logged(self, _: int, error: Exception | None) -> None:
        try:
            self._concluded(error)
        except Exception as defect:  # the log tells others after this one
            self.way.desk.report("road: an answer failed", defect)
            self.connection.abort()

    def _concluded(self, error: Exception | None) -> None:
        self._note()
        if error is None:
            self.ticket.close()
            self.connection.replied(self.written, self.answer)
            return
        fault = self.way.desk.unlogged(error, _SIDE)

        async def refused() -> Answer:
            raise fault

        self.connection.handed_over(
            self.raw, lambda incoming: self.way.edge.resumed(incoming.head.fields, self.ticket, refused())
        )

    def _note(self) -> None:
        desk = self.way.desk
        if desk.around.monitor is None:
            return
        timing = Timing(
            role="client",
            call_id=self.request_id,
            message_id=self.message_id,
            client=self.lane.client,
            service=self.lane.service,
            method=self.row[VERB].decode("ascii"),
            path=self.row[PATH].decode("latin-1"),
            request_in=int(self.at * 1000),
            request_out=int(self.at * 1000),
            response_in=int(self.came_at * 1000),
            response_out=int(desk.clock() * 1000),
            request_size=len(self.body),
            response_size=len(self.answer),
            status=self.status,
        )
        desk.around.monitor.note(timing)

    def _under_way(self, came: Came | None) -> UnderWay:
        """The same call as the general way has it."""
        desk, lane = self.way.desk, self.lane
        head = read_request(self.raw)
        asked = usual_request_fields(head.fields, head.named, strict=desk.is_strict)
        ids = (self.request_id, self.message_id)
        target = parse_target(head.target, strict=desk.is_strict)
        call = call_of(head.verb, target, asked, fields=request_fields(asked, *ids), ids=ids, at=self.at)
        fields = Signed(b"", self.fields).fields
        request = Request(head.verb, self.authority, head.target.decode("ascii"), named_of(fields))
        return UnderWay(
            call,
            Held(self.body),
            self.request_hash,
            lane.seal.signing,
            sent=leg.Sent(request, fields),
            sent_at=self.at,
            authority=self.authority,
            route=self.route,
            came=came,
            came_at=desk.clock() if came is not None else 0.0,
        )
