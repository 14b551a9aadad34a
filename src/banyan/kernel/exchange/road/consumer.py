"""The client's side of the road: sign a call, send it to a gateway of the provider, hold the answer to it, log, return.

What was sent is logged, whatever came of it: an exchange that failed half way is the one that is asked about.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Sequence
from typing import Final

import msgspec

from banyan.errors import Invalid
from banyan.kernel.exchange.road import leg
from banyan.kernel.exchange.road.desk import Desk, Outcome, Signing
from banyan.kernel.exchange.road.faulting import TheirFault, of_signature
from banyan.kernel.exchange.road.head import BadHttp, ResponseHead, write_request
from banyan.kernel.exchange.road.link import Broken, Came
from banyan.kernel.exchange.road.model import DIRECTORY_VERSION, Answer, Body, Call, Exchanged, Route
from banyan.kernel.exchange.road.reach import Reach, authority_of, unreachable
from banyan.kernel.exchange.road.spool import Spool
from banyan.limits import XROAD_ERROR_BYTES
from banyan.limits_road import ROAD_ATTEMPTS
from banyan.wire.httpsig.errors import Refused, UnknownKey
from banyan.wire.httpsig.message import Response
from banyan.wire.httpsig.peer import verify_response
from banyan.wire.xroad.codes import Code, Origin
from banyan.wire.xroad.faults import Fault, parse_error
from banyan.wire.xroad.headers import Field, last_of
from banyan.wire.xroad.identifiers import encoded

_HARMLESS: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"})
"""Idempotent by RFC 9110 s9.2.2: sent again when a connection broke before the answer."""
_KEY: Final = b"idempotency-key"
_SIDE: Final = Origin.CLIENT_PROXY


class UnderWay(msgspec.Struct):
    """One call that is being sent."""

    call: Call
    body: Body
    request_hash: str
    signing: Signing
    sent: leg.Sent | None = None
    sent_at: float = 0.0
    authority: str = ""
    route: Route | None = None
    came: Came | None = None
    came_at: float = 0.0


class Consumer:
    def __init__(self, desk: Desk, reach: Reach) -> None:
        self._desk = desk
        self.reach = reach

    async def send(self, call: Call, body: Body) -> Answer:
        """The provider's answer; its body is the caller's to close. Raises Fault."""
        desk = self._desk
        desk.check_directory(_SIDE)
        signing = desk.keys_of(call.asked.client.owner, _SIDE)
        routes = self._routes(call)
        return await self._carried(UnderWay(call, body, await leg.hash_of(call, body), signing), routes)

    async def resumed(self, asked: UnderWay, failed: OSError | BadHttp | None = None) -> Answer:
        """The rest of a call that was sent: its answer came, or the first attempt failed. As `send`."""
        return await self._carried(asked, self._routes(asked.call) if failed is not None else (), failed)

    async def _carried(
        self, asked: UnderWay, routes: Sequence[Route], failed: OSError | BadHttp | None = None
    ) -> Answer:
        try:
            if asked.came is None:
                await self._ask(asked, routes, failed)
            answer = await self._held_to(asked)
        except Fault as fault:
            await self._log(asked, None, fault)
            raise
        except BaseException:
            if asked.came is not None:
                asked.came.body.close()
            raise
        try:
            await self._log(asked, answer, None)
        except Fault:
            answer.body.close()
            raise
        return answer

    def _routes(self, call: Call) -> Sequence[Route]:
        provider = call.target.service.provider
        routes = self._desk.around.directory.routes(provider)
        if not routes:
            message = f"Nobody in the directory is {encoded(provider)}, or no gateway serves it."
            fix = "Check the address; listClients lists who can be called."
            raise Fault(_SIDE, Code.UNKNOWN_MEMBER, message=message, field="address", fix=fix)
        if call.asked.server is None:
            return _open_ones(routes)
        chosen = [route for route in routes if route.server == call.asked.server]
        if not chosen:
            message = "The gateway in X-Road-Security-Server does not serve that provider."
            fix = "Leave the field out, or name a gateway of the provider."
            raise Fault(_SIDE, Code.INVALID_SECURITY_SERVER, message=message, field="X-Road-Security-Server", fix=fix)
        return _open_ones(chosen)

    async def _ask(self, asked: UnderWay, routes: Sequence[Route], error: OSError | BadHttp | None = None) -> None:
        """Until an answer came. `error`: of the attempt before. Raises Fault."""
        call = asked.call
        deadline = asyncio.get_running_loop().time() + call.until - self._desk.clock()
        digest, sticky = await leg.digest_field(asked.body), _sticky(call)
        for _ in range(ROAD_ATTEMPTS):
            if error is not None and not _is_worth_another(call.verb, error):
                break
            route, link = await self.reach.reach(routes, deadline, fresh=error is not None, sticky=sticky)
            try:
                written = self._signed(asked, route, digest)
                asked.came = await link.ask(call.verb, written, asked.body, self.spool_for, deadline)
            except (OSError, BadHttp) as failed:
                error = failed
                self.reach.ended(route, link, error)
            except BaseException as stopped:
                self.reach.ended(route, link, None if isinstance(stopped, Fault) else Broken("stopped", is_late=True))
                raise
            else:
                asked.came_at = self._desk.clock()
                self.reach.ended(route, link, None)
                return
        raise _no_answer(routes, error)

    def _signed(self, asked: UnderWay, route: Route, digest: bytes) -> bytes:
        """The head to send to `route`; each attempt has a nonce of its own."""
        desk, call = self._desk, asked.call
        asked.route, asked.authority = route, authority_of(route)
        asked.sent_at = now = desk.clock()
        version = desk.around.directory.version.encode("ascii")
        added = [(DIRECTORY_VERSION, version), (leg.DIGEST, digest), leg.left_field(call.until, now)]
        try:
            nonce = leg.nonce_of(desk.draw(16))
            sent = leg.signed_call(call, asked.authority, added, asked.signing, leg.stamp(now, nonce))
        except Refused as error:
            fix = "Send it once, in ASCII; percent-encode other characters."
            message = f"The field {error.rule} cannot be signed."
            raise Fault(_SIDE, Code.INVALID_REQUEST, message=message, field=error.rule, fix=fix) from error
        asked.sent = sent
        own = ((b"host", asked.authority.encode("ascii")), (b"content-length", b"%d" % asked.body.size))
        return write_request(call.verb, call.target.raw, (*own, *sent.fields))

    def spool_for(self, head: ResponseHead) -> Spool:
        most = XROAD_ERROR_BYTES if "x-road-error" in head.named else 0
        return self._desk.spooling.spool(leg.algorithms_in(head.named, "sha-256"), most=most)

    async def _held_to(self, asked: UnderWay) -> Answer:
        """The answer as it goes to the client. Raises Fault: it is one, or it is not the answer to this call."""
        assert asked.came is not None, "an answer came"
        assert asked.sent is not None, "it was asked"
        head, body = asked.came.head, asked.came.body
        is_fault = "x-road-error" in head.named
        try:
            if not is_fault or "signature" in head.named:
                response = Response(head.status, head.named)
                directory = self._desk.around.directory
                accepted = verify_response(response, asked.sent.message, directory.keys, self._desk.clock())
                if directory.signer(accepted.keyid) != asked.call.target.service.provider.owner:
                    raise UnknownKey("keyid", "is not a key of the provider")
                await leg.check_body(body, accepted.digests)
        except Refused as error:
            raise of_signature(error, _SIDE) from error
        self._see(asked, head)
        if is_fault:
            raise _their_fault(head, body)
        said = head.named.get("x-road-request-hash"), head.named.get("x-road-request-id")
        if said != ([asked.request_hash], [asked.call.request_id]):
            message = "The answer of the other gateway is to another request."
            fix = "Its operator looks why the request changed on its way."
            raise Fault(_SIDE, Code.INCONSISTENT_RESPONSE, message=message, field="x-road-request-hash", fix=fix)
        return Answer(head.status, head.reason, leg.off_leg(head.fields, of_request=False), body)

    def _see(self, asked: UnderWay, head: ResponseHead) -> None:
        """Tell the directory of another version at the other gateway."""
        seen, said = self._desk.around.seen, head.named.get("x-directory-version")
        if seen is not None and said and said[-1] != self._desk.around.directory.version:
            assert asked.route is not None, "somebody answered"
            seen(asked.route.server, said[-1])

    async def _log(self, asked: UnderWay, answer: Answer | None, fault: Fault | None) -> None:
        """Log what was sent and what came. Raises Fault(LoggingFailed)."""
        call, came = asked.call, asked.came
        local = self._desk.locals.get(call.asked.client)
        status = came.head.status if came is not None else 0
        code = fault.type_in() if fault is not None else ""
        try:
            if asked.sent is not None:
                exchanged = Exchanged(
                    xid=call.request_id,
                    role="client",
                    client=call.asked.client,
                    service=call.target.service,
                    message_id=call.message_id,
                    at=call.at,
                    status=status,
                    fault=code,
                    purpose=call.purpose,
                    request=leg.logged_call(call.verb, call.target.raw, asked.sent.fields, asked.authority),
                    answer=leg.logged_answer(status, came.head.reason, came.head.fields) if came is not None else None,
                    request_body=asked.body,
                    answer_body=came.body if came is not None else None,
                    keep_bodies_s=local.keep_bodies_s if local is not None else 0.0,
                )
                await self._desk.keep(exchanged, _SIDE)
        finally:
            if answer is None and came is not None:
                came.body.close()
            size = came.body.size if came is not None else 0
            outcome = Outcome(asked.body.size, size, status, code)
            self._desk.note(call, "client", (asked.sent_at, asked.came_at), outcome)


def _open_ones(routes: Sequence[Route]) -> Sequence[Route]:
    """Those that are not in maintenance. Raises Fault: all are."""
    found = [route for route in routes if not route.notice]
    if not found:
        message = f"The provider's gateway is in maintenance: {routes[0].notice}"
        raise Fault(_SIDE, Code.MAINTENANCE_MODE, message=message, fix="Try again later.")
    return found


def _sticky(call: Call) -> str:
    """Each gateway of the provider remembers by itself what was asked under an Idempotency-Key."""
    key = last_of(call.fields, _KEY)
    if not key:
        return ""
    return f"{encoded(call.asked.client)} {encoded(call.target.service)} {key.decode('latin-1')}"


def _is_worth_another(verb: str, failed: Exception) -> bool:
    if isinstance(failed, BadHttp | ssl.SSLError):
        return False
    if isinstance(failed, Broken) and (failed.is_late or not failed.was_sent):
        return not failed.is_late
    return verb in _HARMLESS


def _no_answer(routes: Sequence[Route], error: Exception | None) -> Fault:
    if isinstance(error, BadHttp):
        message = f"The other gateway's answer cannot be taken: {error}."
        fix = "Its operator looks what stands before it; an answer that is too large is asked for in parts."
        return Fault(_SIDE, Code.HTTP_ERROR, message=message, field=error.rule, fix=fix)
    return unreachable(routes, error)


def _their_fault(head: ResponseHead, body: Spool) -> Fault:
    fields: tuple[Field, ...] = head.fields
    try:
        told = parse_error(body.whole(XROAD_ERROR_BYTES), head.named.get("content-type", [""])[-1])
    except Invalid as error:
        message, fix = "The other gateway refused without a reason.", "Ask its operator."
        raise Fault(_SIDE, Code.INCONSISTENT_RESPONSE, message=message, fix=fix) from error
    return TheirFault(told, head.status, fields)
