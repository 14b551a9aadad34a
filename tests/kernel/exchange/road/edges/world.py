"""A directory, grants and callers that a test writes down."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

from banyan.kernel.events.clock import EpochS
from banyan.kernel.exchange.road.model import Call, Freshness, Grant, Offer, Request, Response, Route
from banyan.kernel.exchange.road.spool import Held
from banyan.wire.httpsig.peer import Keys
from banyan.wire.xroad import headers
from banyan.wire.xroad.headers import Field
from banyan.wire.xroad.identifiers import ClientId, ServerId, ServiceId
from banyan.wire.xroad.members import Listed
from banyan.wire.xroad.target import parse_target

NOW = EpochS(1_795_438_800.0)
NHI, CARE = ClientId("TW", "GOV", "nhi"), ClientId("TW", "GOV", "nhi", "care")
NIA, BORDER = ClientId("TW", "GOV", "nia"), ClientId("TW", "GOV", "nia", "border")
ABROAD = ClientId("EE", "GOV", "ria", "sub")
GW_NHI, GW_NIA = ServerId("TW", "GOV", "nhi", "gw1"), ServerId("TW", "GOV", "nia", "gw1")
LISTED = (
    Listed(NHI, "健保署"),
    Listed(CARE, "健保署", "Care"),
    Listed(NIA, "移民署"),
    Listed(BORDER, "移民署"),
    Listed(ABROAD.owner, "RIA"),
    Listed(ABROAD, "RIA"),
)


class PlainDirectory:
    """Two agencies at home, each with a gateway, and one abroad."""

    def __init__(self) -> None:
        self.version = "7"
        self.state: Freshness = "fresh"
        self.known: dict[str, Keys] = {}
        self.people: Sequence[Listed] = LISTED

    def freshness(self, now: EpochS) -> Freshness:
        return self.state

    def routes(self, subsystem: ClientId) -> Sequence[Route]:
        server = {CARE: GW_NHI, BORDER: GW_NIA}.get(subsystem)
        if server is None:
            return ()
        return (Route(server, f"{server.server}.{server.member}.example", 5500, (hashlib.sha256(b"c").digest(),)),)

    def is_known(self, client: ClientId) -> bool:
        return any(one.id == client for one in self.people)

    def keys(self, keyid: str) -> Keys | None:
        return self.known.get(keyid)

    def signer(self, keyid: str) -> ClientId | None:
        return None

    def server_of(self, certificate: bytes) -> ServerId | None:
        return None

    def serves(self, server: ServerId, member: ClientId) -> bool:
        return True

    def listed(self) -> Sequence[Listed]:
        return self.people


class PlainGrants:
    def __init__(self, offers: Sequence[Offer], grants: Mapping[tuple[ClientId, str], Grant] | None = None) -> None:
        self._offers, self._grants = offers, grants or {}

    def offer(self, service: ServiceId) -> Offer | None:
        return next((one for one in self._offers if one.id == service), None)

    def offers(self, subsystem: ClientId) -> Sequence[Offer]:
        return [one for one in self._offers if one.id.provider == subsystem]

    def grant(self, client: ClientId, service: ServiceId, now: EpochS) -> Grant | None:
        return self._grants.get((client, service.service))


def asked_for(target: bytes, *fields: Field, verb: str = "GET", body: bytes = b"") -> Request:
    return Request(verb, target, fields, Held(body))


def a_call(target: bytes, *fields: Field, verb: str = "GET", client: ClientId = CARE) -> Call:
    sent = [(b"X-Road-Client", "/".join(client.parts).encode()), *fields]
    asked = headers.parse_request_fields(sent)
    own = tuple(headers.request_fields(asked, "r-1", "m-1"))
    return Call(verb, parse_target(target), asked, own, "r-1", "m-1", NOW, EpochS(NOW + 60))


def text_of(response: Response) -> bytes:
    return response.body if isinstance(response.body, bytes) else response.body.whole(1 << 20)


def field_of(response: Response, name: bytes) -> str:
    return (headers.last_of(response.fields, name) or b"").decode("latin-1")


def changed(directory: PlainDirectory, *more: Listed) -> None:
    """A new version with somebody more."""
    directory.version = str(int(directory.version) + 1)
    directory.people = (*directory.people, *more)
