"""What [road] of node.toml says, as the gateway takes it. Raises Invalid naming what is wrong in it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from banyan.errors import Invalid
from banyan.kernel.exchange.directory import ca
from banyan.kernel.exchange.directory.keeper import Keeper
from banyan.kernel.exchange.directory.membership import Agency
from banyan.kernel.exchange.gate import Gate
from banyan.kernel.exchange.road import gateway as gateways
from banyan.kernel.exchange.road.desk import Local
from banyan.kernel.exchange.road.gated import SCHEME, endpoints_of, operations_of
from banyan.kernel.exchange.road.model import Offer
from banyan.kernel.exchange.road.tls import Identity
from banyan.kernel.exchange.road.weighed import Counted
from banyan.settings import RoadClient, RoadOffer, RoadSettings
from banyan.wire.xroad.access import Endpoint
from banyan.wire.xroad.identifiers import ClientId, ServiceId, parse_client, parse_service


def gateway_settings(settings: RoadSettings, agency: Agency, keeper: Keeper, spool: Path) -> gateways.Settings:
    """Where it listens and who it is. Raises Invalid: its agency has not joined."""
    snapshot = keeper.standing.snapshot
    if snapshot is None or not agency.tls.exists():
        raise Invalid.at("road.agency", f"{agency.folder} has not joined yet; say ./banyan agency join.")
    roots = (ca.pem(ca.read_certificate(one)).decode() for one in snapshot.roots)
    return gateways.Settings(
        server=agency.file.gateway,
        identity=Identity(agency.tls, agency.tls),
        anchors=tuple(roots),
        spool=spool,
        host=settings.host,
        peer_port=settings.peer_port,
        edge_host=settings.edge_host,
        edge_port=settings.edge_port,
        edge_tls_port=settings.edge_tls_port or None,
        authorities=tuple(f"{one.host}:{one.port}" for one in agency.file.addresses),
        spelling=settings.fault_codes,
    )


def local_of(one: RoadClient, data: Path) -> Local:
    """An information system that may call at the edge; its certificates' files lie below `data`."""
    try:
        certificates = tuple((data / name).read_text("ascii") for name in one.certificates)
    except (OSError, ValueError) as error:
        raise Invalid.at("road.clients", f"{one.id}: a certificate cannot be read: {error}.") from error
    if one.connection == "mutual" and not certificates:
        raise Invalid.at("road.clients", f"{one.id}: name its certificates, or another connection.")
    return Local(parse_client(one.id), one.connection, certificates, one.priority, one.per_minute)


def offer_of(one: RoadOffer, owners: Sequence[ClientId], gate: Gate) -> Offer:
    """A service behind this gateway, which hosts the members `owners`; of `gate:` its operations are asked."""
    service = parse_service(one.id)
    if service.provider.owner not in owners:
        raise Invalid.at("road.offers", f"{one.id}: this gateway does not host that member.")
    endpoints = tuple(Endpoint(*text.split(" ", 1)) for text in one.endpoints)
    is_personal = one.personal
    if one.url.startswith(SCHEME):
        answered = operations_of(gate, one.url)
        if not answered:
            raise Invalid.at("road.offers", f"{one.id}: {one.url} names no operation of this node.")
        endpoints = endpoints or endpoints_of(one.url, answered)
        is_personal = any(operation.subject for operation in answered)
    return Offer(
        service,
        "OPENAPI" if one.description else "REST",
        one.url,
        endpoints,
        one.timeout_s,
        one.enabled,
        one.notice,
        one.description,
        is_personal,
    )


def counted_of(settings: RoadSettings) -> dict[ServiceId, Counted]:
    """Services at addresses that give personal data. Raises Invalid: half of it is said."""
    found = {}
    for one in settings.offers:
        if not one.subject and not one.fields:
            continue
        if not (one.subject.startswith(("/", "?")) and one.fields and one.personal) or one.url.startswith(SCHEME):
            raise Invalid.at("road.offers", f"{one.id}: say personal, subject (/pointer or ?name) and fields, or none.")
        title = one.title or one.id
        found[parse_service(one.id)] = Counted(one.subject, one.fields, {"zh-Hant": title, "en": one.title_en or title})
    return found
