"""The straight way at the provider's gateway: which calls it takes."""

from __future__ import annotations

import re
from typing import Final

import msgspec

from banyan.kernel.events.clock import EpochS
from banyan.kernel.exchange.road import leg
from banyan.kernel.exchange.road.behind import Plain, address_of, plain_behind
from banyan.kernel.exchange.road.connection import Connection
from banyan.kernel.exchange.road.desk import Desk
from banyan.kernel.exchange.road.link import Place
from banyan.kernel.exchange.road.model import Grant, Offer, Provider
from banyan.kernel.exchange.road.provision import Provision, purpose_of
from banyan.kernel.exchange.road.straight.answering_plans import AnswerPlan, Plan, answer_plan, plan_of
from banyan.kernel.exchange.road.straight.forms import ADDRESS, PATH, QUERY, VERB, Book
from banyan.kernel.exchange.road.straight.given import Given
from banyan.kernel.exchange.road.straight.linked import Linked, Preceded
from banyan.kernel.exchange.road.straight.served import Served
from banyan.kernel.exchange.road.straight.signed import Seal
from banyan.kernel.exchange.road.straight.taking import take
from banyan.kernel.exchange.road.verifying import Verifying
from banyan.limits import PEER_NONCE_CHARS, PEER_NONCE_LEAST_CHARS
from banyan.limits_road import ROAD_CALL_S, ROAD_LANES
from banyan.wire.xroad.access import checked_path
from banyan.wire.xroad.identifiers import ClientId, ServiceId, encoded, parse_client
from banyan.wire.xroad.target import META_SERVICES, parse_target

_NOWHERE: Final = (Place("", 0), b"", b"")


class Lane(msgspec.Struct, frozen=True):
    """A client, a service, this gateway as it was addressed, and a purpose: what follows from a grant and an offer."""

    client: ClientId
    member: ClientId
    """Of the client: the one that signs."""
    service: ServiceId
    owner: ClientId
    """Of the service."""
    offer: Offer
    grant: Grant
    purpose: str
    basis: str
    seal: Seal
    through: Provider
    """What the gateway had when `plain` was found out."""
    plain: Plain | None
    """None: more than a service at an address stands behind the offer."""
    place: Place
    host: bytes
    below: bytes
    authority: bytes
    named: tuple[bytes, bytes]
    """Client and service, as an answer names them."""


class StraightAnswering:
    """Takes calls off a listener for peers. `after`: how often a form comes before it is known."""

    def __init__(self, desk: Desk, provision: Provision, verifying: Verifying, after: int) -> None:
        self.desk, self.provision, self.verifying = desk, provision, verifying
        self.requests: Book[Plan] = Book(plan_of, after)
        self.answers: Book[AnswerPlan] = Book(answer_plan, after)
        self.taken = 0
        """Calls, since the start."""
        self._lanes: dict[tuple[bytes, ...], Lane] = {}

    def take(self, connection: Connection, data: bytes) -> int:
        """`connection.Quick`."""
        return take(self, connection, data)

    def is_taken(self, connection: Connection, data: bytes, plan: Plan, match: re.Match[bytes]) -> bool:
        row, body = match.groups(), data[match.end() :]
        desk = self.desk
        directory, now = desk.around.directory, desk.clock()
        server = directory.server_of(connection.certificate)
        if server is None or directory.freshness(now) == "expired":
            return False
        lane = self._lane(plan, row, now)
        if lane is None:
            return False
        if not directory.serves(server, lane.member) or not directory.is_known(lane.client):
            return False
        path = checked_path(lane.grant.rights, row[VERB].decode("ascii"), row[PATH]) + row[QUERY]
        keyid = plan.check.holds((*row, lane.authority, row[QUERY] or b"?"), body, directory, now)
        nonce = row[plan.check.nonce].decode("ascii")
        if not keyid or directory.signer(keyid) != lane.member:
            return False
        if not PEER_NONCE_LEAST_CHARS <= len(nonce) <= PEER_NONCE_CHARS:
            return False
        until = EpochS(now + min(ROAD_CALL_S, int(row[plan.left]) / 1000))
        return self._admitted(
            Served(
                way=self,
                plan=plan,
                lane=lane,
                connection=connection,
                raw=data[: match.end() - 4],
                row=row,
                body=body,
                path=path,
                keyid=keyid,
                at=now,
                until=until,
            ),
            nonce,
        )

    def _admitted(self, served: Served, nonce: str) -> bool:
        """Everything holds. False: there is no place, or no link to the service; or the message came before."""
        lane, around = served.lane, self.desk.around
        enter_now = getattr(around.services, "enter_now", None)
        plain = lane.plain if lane.plain is not None and lane.plain.before is None else None
        link = plain.service.pool.idle(lane.place) if plain is not None and enter_now is not None else None
        if enter_now is None or (plain is not None and link is None):
            return False
        grant, plan = lane.grant, served.plan
        ticket = enter_now(lane.client, grant.priority, grant.per_minute, served.until, service=lane.service)
        if ticket is None or not self._is_new(served, nonce):
            if link is not None:
                link.pool.give(link)
            if ticket is not None:
                ticket.close()
            return False
        self.taken += 1
        served.connection.taken(served.forsake)
        served.begin(ticket)
        if plain is not None and link is not None:
            Linked(served, plain.service, link).ask(served.asked_at)
        elif lane.plain is not None:
            Preceded(served, lane.plain).ask()
        else:
            Given(served).ask()
        said, directory = served.row[plan.version].decode("ascii"), around.directory
        if around.seen is not None and said != directory.version:
            server = directory.server_of(served.connection.certificate)
            if server is not None:
                around.seen(server, said)
        return True

    def _is_new(self, served: Served, nonce: str) -> bool:
        return self.verifying.nonces.take(served.keyid, nonce, served.plan.check.created(served.row), served.at)

    def _lane(self, plan: Plan, row: tuple[bytes, ...], now: EpochS) -> Lane | None:
        """None: for the general way. Raises Fault."""
        purpose = row[plan.purpose] if plan.purpose >= 0 else b""
        key = (row[plan.client], row[ADDRESS], row[plan.service], row[plan.host], purpose)
        grants, lane = self.desk.around.grants, self._lanes.get(key)
        if lane is None:
            lane = self._made(key, now)
            if lane is None:
                return None
            if len(self._lanes) >= ROAD_LANES:
                self._lanes.clear()
            self._lanes[key] = lane
        grant = grants.grant(lane.client, lane.service, now)
        if (
            grant is not lane.grant
            or grants.offer(lane.service) is not lane.offer
            or self.desk.signing.get(lane.owner) is not lane.seal.signing
            or self.desk.around.provider is not lane.through
        ):
            del self._lanes[key]  # the next call finds out anew
            return None
        return lane if not grant.until or now < grant.until else None

    def _made(self, key: tuple[bytes, ...], now: EpochS) -> Lane | None:
        desk, around = self.desk, self.desk.around
        said_client, address, said_service, host, said_purpose = key
        client = parse_client(said_client.decode("ascii"), strict=desk.is_strict)
        service = parse_target(address, strict=desk.is_strict).service
        owner, named = service.provider.owner, leg.service_field(service)[1]
        signing, grant = desk.signing.get(owner), around.grants.grant(client, service, now)
        authority = host.decode("ascii").lower()
        if said_service != named or service.service in META_SERVICES or authority not in self.verifying.authorities:
            return None
        if signing is None or signing.second is not None or grant is None:
            return None
        offer = self.provision.offered(service)
        purpose, basis = purpose_of(offer, grant, said_purpose.decode("ascii"))
        plain = plain_behind(around.provider, offer)
        place, at, below = address_of(offer.url) if plain is not None else _NOWHERE
        return Lane(
            client=client,
            member=client.owner,
            service=service,
            owner=owner,
            offer=offer,
            grant=grant,
            purpose=purpose,
            basis=basis,
            seal=Seal(signing),
            through=around.provider,
            plain=plain,
            place=place,
            host=at,
            below=below,
            authority=authority.removesuffix(":443").encode("ascii"),
            named=(encoded(client).encode("ascii"), named),
        )
