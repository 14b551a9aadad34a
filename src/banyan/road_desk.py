"""The road as this node's officers see it: read models over the gateway's parts, for `service.exchange`."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Final

from banyan.errors import NotFound
from banyan.kernel.catalogue.operation import Text
from banyan.kernel.events.clock import EpochS, iso
from banyan.kernel.exchange.delivery import sent
from banyan.kernel.exchange.delivery.received import Received
from banyan.kernel.exchange.delivery.sent import Sent
from banyan.kernel.exchange.directory import upkeep
from banyan.kernel.exchange.directory.document import Member, Snapshot
from banyan.kernel.exchange.road.gated import SCHEME
from banyan.kernel.exchange.road.model import Grant, Offer, Timing
from banyan.kernel.exchange.siblings.meeting import Siblings
from banyan.kernel.exchange.siblings.model import Behind
from banyan.kernel.exchange.siblings.sealed import Sealed, seal
from banyan.limits_road import DIRECTORY_USABLE_S, DIRECTORY_WARN_S, EXCHANGE_CALLS, EXCHANGE_LETTERS
from banyan.roads import Road
from banyan.service.exchange import rules
from banyan.service.exchange.shelf import (
    Alert,
    CallRow,
    DirectoryStands,
    Here,
    Letter,
    MemberRow,
    ServiceRow,
)
from banyan.wire.xroad.access import Endpoint, Rights
from banyan.wire.xroad.identifiers import encoded, parse_client, parse_service

DAY_S: Final = 86_400.0
HOUR_S: Final = 3_600.0
_SHOWN: Final = 5
Title = Callable[[Offer], Text]


class Calls:
    """The newest calls. Implements `model.Monitor`. Questions about services are kept apart: the doctor asks a hundred
    at a look, and no call is to go for them."""

    def __init__(self) -> None:
        self._services: deque[CallRow] = deque(maxlen=EXCHANGE_CALLS)
        self._about: deque[CallRow] = deque(maxlen=EXCHANGE_CALLS)

    @property
    def newest(self) -> Sequence[CallRow]:
        """The newest first."""
        return sorted((*self._services, *self._about), key=lambda one: one.at, reverse=True)

    def note(self, timing: Timing) -> None:
        row = CallRow(
            xid=timing.call_id,
            at=EpochS(timing.request_in / 1_000),
            role=timing.role,
            client=encoded(timing.client),
            service=encoded(timing.service),
            method=timing.method,
            status=timing.status,
            fault=timing.fault,
            took_ms=max(0, timing.response_out - timing.request_in),
        )
        (self._about if row.is_about else self._services).appendleft(row)


class RoadDesk:
    """Implements `service.exchange.shelf.Road`."""

    def __init__(self, road: Road, calls: Calls, *, title: Title) -> None:
        self._road, self._calls, self._title = road, calls, title
        self.siblings: Siblings | None = None
        """Set once the acts on grants are known, which are kept behind this desk."""

    def here(self) -> Here:
        road = self._road
        standing = road.keeper.standing
        snapshot = standing.snapshot
        stands = DirectoryStands(
            version=standing.version,
            freshness=standing.freshness(road.clock()),
            issued_at=EpochS(standing.beat),
            until=EpochS(standing.beat + DIRECTORY_USABLE_S),
            authority=snapshot.instance if snapshot is not None else "",
        )
        host = road.settings.host
        tls = f" https://{host}:{road.gateway.edge_tls_port}" if road.gateway.edge_tls_port else ""
        return Here(
            server=encoded(road.server),
            edge=f"http://{road.settings.edge_host}:{road.gateway.edge_port}{tls}",
            peer=f"{host}:{road.gateway.peer_port}",
            directory=stands,
        )

    def members(self) -> Sequence[MemberRow]:
        snapshot = self._road.keeper.standing.snapshot
        if snapshot is None:
            return ()
        own = self._road.gateway.desk.signing
        rows = []
        for member in snapshot.members:
            id = f"{snapshot.instance}/{member.member_class}/{member.code}"
            is_here = parse_client(id) in own
            rows.append(MemberRow(id, _named(member), tuple(one.code for one in member.subsystems), is_here))
        return rows

    def services(self) -> Sequence[ServiceRow]:
        return [
            ServiceRow(
                id=encoded(offer.id),
                title=self._title(offer),
                endpoints=tuple(f"{one.method} {one.path}" for one in offer.endpoints),
                operation=_operation(offer),
                needs_purpose=offer.needs_purpose,
                is_enabled=offer.is_enabled,
                notice=offer.notice,
            )
            for offer in self._road.book.all_offers()
        ]

    def allow(self, grants: Sequence[rules.Grant]) -> None:
        self._road.book.put_grants(granted(one) for one in grants)

    def seal(self, member: str, content: bytes) -> Sealed | None:
        signing = self._road.gateway.desk.signing.get(parse_client(member))
        return seal(content, signing) if signing is not None else None

    def tell(self) -> None:
        if self.siblings is not None:
            self.siblings.wake()

    def calls(self) -> Sequence[CallRow]:
        return self._calls.newest

    async def letters(self) -> Sequence[Letter]:
        desk, store = self._road.post.desk, self._road.post.means.store
        found = [_letter(one) for one in await desk.dead()]
        found += [_set_aside(one) for one in await desk.aside()]
        for client in self._road.gateway.desk.locals:
            of_client = await store.read(
                partial(sent.of_client, client=encoded(client), after=0, limit=EXCHANGE_LETTERS)
            )
            found += [_letter(one) for one in of_client if one.state in ("waiting", "accepted")]
        return found[:EXCHANGE_LETTERS]

    async def revive(self, id: str) -> bool:
        return await self._settle(id, is_revived=True)

    async def discard(self, id: str) -> bool:
        return await self._settle(id, is_revived=False)

    async def alerts(self) -> Sequence[Alert]:
        """Certificates, the directory, peers that fail, letters that wait for a decision, a log nobody witnessed,
        gateways of the same member that know or offer something else."""
        found = [*self._certificates(), *self._directory(), *await self._deliveries(), *self._log()]
        behind = await self.siblings.behind() if self.siblings is not None else []
        return [*found, *(alert for one in behind for alert in _apart(one))]

    def _certificates(self) -> list[Alert]:
        road = self._road
        left = upkeep.held(road.agency.tls).until - road.clock()
        if left >= DIRECTORY_WARN_S:
            return []
        if left <= 0:
            return [Alert("certificate-over", {"server": encoded(road.server)}, "wrong")]
        return [Alert("certificate-soon", {"server": encoded(road.server), "days": str(int(left // DAY_S))})]

    def _directory(self) -> list[Alert]:
        road, standing = self._road, self._road.keeper.standing
        found = [Alert("split-view", {"version": standing.version}, "wrong") for _ in road.keeper.evidence[:1]]
        match standing.freshness(road.clock()):
            case "stale":
                hours = int((road.clock() - standing.beat) // HOUR_S)
                found.append(Alert("directory-stale", {"hours": str(hours)}))
            case "expired":
                found.append(Alert("directory-expired", {}, "wrong"))
        return found

    async def _deliveries(self) -> list[Alert]:
        lines = await self._road.post.desk.lines()
        open_peers = sorted({one.name for one in lines if one.breaker != "closed"})
        found = [Alert("breaker-open", {"peer": name}) for name in open_peers]
        dead = sum(one.count for one in lines if one.state in ("dead", "aside"))
        return [*found, Alert("dead-letters", {"count": str(dead)})] if dead else found

    def _log(self) -> list[Alert]:
        near = self._road.neighbours
        strange = [Alert("log-strange", {"server": encoded(one)}, "wrong") for one in sorted(near.strange)]
        return strange if near.is_met else [*strange, Alert("log-unwitnessed", {})]

    async def _settle(self, id: str, *, is_revived: bool) -> bool:
        """`id` is of `letters`: which side's, whose, and the client's own id."""
        desk = self._road.post.desk
        state, _, rest = id.partition(" ")
        client, _, message = rest.partition(" ")
        try:
            match state, is_revived:
                case "dead", True:
                    await desk.revive_dead(client, message)
                case "dead", False:
                    await desk.discard_dead(client, message)
                case "aside", True:
                    await desk.revive_aside(client, message)
                case "aside", False:
                    await desk.discard_aside(client, message, DISCARDED)
                case _:
                    return False
        except NotFound:
            return False
        return True


DISCARDED: Final = "The provider's officers gave this message up."


def _apart(one: Behind) -> Iterator[Alert]:
    unheard = one.unheard
    if unheard.acts:
        values = {
            "server": one.server,
            "count": str(unheard.acts),
            "ended": str(unheard.ended),
            "since": iso(unheard.since),
            "why": f"{one.why} " if one.why else "",
        }
        yield Alert("sibling-behind", values, "wrong" if unheard.ended else "warn")
    if one.others:
        more = " …" if len(one.others) > _SHOWN else ""
        yield Alert("sibling-offers", {"server": one.server, "services": ", ".join(one.others[:_SHOWN]) + more})


def granted(one: rules.Grant) -> Grant:
    """A grant of the officers as the gateway judges by it."""
    return Grant(
        client=parse_client(one.client),
        service=parse_service(one.service),
        rights=Rights(Endpoint(endpoint.method, endpoint.path) for endpoint in one.endpoints),
        purposes=dict(one.purposes),
        priority=one.priority,
        per_minute=one.per_minute,
        until=one.until,
        keep_bodies_s=one.keep_bodies_days * DAY_S,
    )


class Names:
    """What members are called, by their id: for people who see who used their data. Made once for each directory."""

    def __init__(self, road: Road) -> None:
        self._standing = road.keeper.standing
        self._of: Snapshot | None = None
        self._names: Mapping[str, str] = {}

    def __call__(self, agency: str) -> str:
        """The name in Chinese, else what there is; the id itself for who is no member."""
        snapshot = self._standing.snapshot
        if snapshot is not None and snapshot is not self._of:
            self._names = {
                f"{snapshot.instance}/{one.member_class}/{one.code}": one.name.zh or one.name.en
                for one in snapshot.members
            }
            self._of = snapshot
        return self._names.get(agency) or agency


def _operation(offer: Offer) -> str:
    """What a basis names: the gate's operation, or the service itself."""
    if offer.url.startswith(SCHEME):
        return offer.url.removeprefix(SCHEME)
    return encoded(offer.id) if offer.needs_purpose else ""


def _named(member: Member) -> Text:
    return {"zh-Hant": member.name.zh or member.code, "en": member.name.en or member.name.zh or member.code}


def _letter(one: Sent) -> Letter:
    is_dead = one.state == "dead"
    return Letter(
        id=f"{'dead' if is_dead else 'waiting'} {one.client} {one.message_id}",
        client=one.client,
        service=one.service,
        state="dead" if is_dead else "waiting",
        since=one.accepted_at,
        attempts=one.tries,
        next_at=one.due,
        last=one.reason,
    )


def _set_aside(one: Received) -> Letter:
    return Letter(
        id=f"aside {one.client} {one.message_id}",
        client=one.client,
        service=one.service,
        state="aside",
        since=one.accepted_at,
        attempts=one.tries,
        next_at=EpochS(0),
        last=one.reason,
    )
