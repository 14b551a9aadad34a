"""A gateway's own words to another: pages beside `/r1/`, over the pinned TLS of the road, signed by a member or not."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from banyan.kernel.events.clock import EpochS
from banyan.kernel.exchange.road import leg
from banyan.kernel.exchange.road.desk import Desk
from banyan.kernel.exchange.road.head import BadHttp, ResponseHead, named_of, write_request
from banyan.kernel.exchange.road.link import Pool
from banyan.kernel.exchange.road.model import DIRECTORY_VERSION, Body, Response, Route
from banyan.kernel.exchange.road.reach import authority_of, idle_link, pinned_link, unreachable
from banyan.kernel.exchange.road.spool import Held, Spool
from banyan.limits_road import ROAD_PAGE_BYTES
from banyan.wire.httpsig.message import Request
from banyan.wire.httpsig.peer import sign_request
from banyan.wire.xroad.codes import Code, Origin
from banyan.wire.xroad.faults import Fault
from banyan.wire.xroad.headers import CLIENT, DROPPED, MESSAGE_ID, REQUEST_ID, SERVICE, Field
from banyan.wire.xroad.identifiers import ClientId, encoded


class Peer:
    def __init__(self, desk: Desk, pool: Pool) -> None:
        self._desk = desk
        self._pool = pool

    async def ask(
        self,
        route: Route,
        verb: str,
        target: bytes,
        *,
        until: EpochS,
        fields: Sequence[Field] = (),
        body: Body | bytes = b"",
        member: ClientId | None = None,
        most: int = ROAD_PAGE_BYTES,
    ) -> Response:
        """What the gateway of `route` answers on a page of its own, whatever the status; its body, at most `most`
        bytes, is the asker's to close. `member`: sign as this member of ours. Raises Fault: nobody answered."""
        asked = Held(body) if isinstance(body, bytes) else body
        loop = asyncio.get_running_loop()
        deadline = loop.time() + until - self._desk.clock()
        own = [field for field in fields if field[0].lower() not in DROPPED]
        if member is not None:
            own = await self._signed(route, verb, target, fields=own, member=member, body=asked)
        head = ((b"host", authority_of(route).encode("ascii")), (b"content-length", b"%d" % asked.size), *own)

        def spool_for(head: ResponseHead) -> Spool:
            return self._desk.spooling.spool(("sha-256",), most=most)

        try:
            link = idle_link(self._pool, route) or await pinned_link(self._pool, route, deadline)
            came = await link.ask(verb, write_request(verb, target, head), asked, spool_for, deadline)
        except OSError as error:
            raise unreachable((route,), error) from error
        except BadHttp as error:
            message = f"The other gateway's answer cannot be taken: {error}."
            raise Fault(Origin.CLIENT_PROXY, Code.HTTP_ERROR, message=message, field=error.rule) from error
        self._pool.give(link)
        kept = tuple(field for field in came.head.fields if field[0].lower() not in DROPPED)
        return Response(came.head.status, kept, came.body, came.head.reason)

    async def _signed(
        self, route: Route, verb: str, target: bytes, *, fields: Sequence[Field], member: ClientId, body: Body
    ) -> list[Field]:
        """In the profile of calls: the service is the gateway that is asked."""
        desk = self._desk
        signing = desk.keys_of(member.owner, Origin.CLIENT_PROXY)
        request_id = desk.uuid().encode("ascii")
        whole = [
            *fields,
            (CLIENT, encoded(member).encode("ascii")),
            (SERVICE, encoded(route.server).encode("ascii")),
            (MESSAGE_ID, request_id),
            (REQUEST_ID, request_id),
            (DIRECTORY_VERSION, desk.around.directory.version.encode("ascii")),
            (leg.DIGEST, await leg.digest_field(body)),
        ]
        request = Request(verb, authority_of(route), target.decode("ascii"), named_of(whole))
        stamp = leg.stamp(desk.clock(), leg.nonce_of(desk.draw(16)))
        signed = sign_request(request, stamp, signing.first, signing.second)
        return [*whole, *leg.signature_fields(signed.fields)]
