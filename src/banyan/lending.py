"""What the composition root lends each plugged service: the node's ledger, law, keys, provider and settings."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from functools import partial
from ipaddress import IPv6Network
from pathlib import Path
from secrets import token_bytes
from typing import Any, Final

import msgspec

from banyan.consents import ending_tokens
from banyan.craft.draw.beacon import in_folder
from banyan.kernel.catalogue import Messages, Operation
from banyan.kernel.events.clock import Clock
from banyan.kernel.exchange import App, Gate
from banyan.kernel.exchange.request import is_address, origin_of
from banyan.kernel.identity import acting
from banyan.kernel.identity.openid.outside import Outside
from banyan.kernel.identity.openid.provider import Provider
from banyan.kernel.identity.scopes import Scopes
from banyan.kernel.storage import Drawer
from banyan.lawful import Lawful
from banyan.openly import publisher
from banyan.paying import provider_of
from banyan.pushing import pusher
from banyan.service.allocation.shelf import Shelf as AllocationShelf
from banyan.service.allocation.shelf import lend as lend_plans
from banyan.service.casualties.shelf import Shelf as CasualtiesShelf
from banyan.service.casualties.shelf import lend as lend_casualties
from banyan.service.credentials.shelf import Shelf as CredentialsShelf
from banyan.service.credentials.shelf import lend as lend_credentials
from banyan.service.identity.desk import Desk
from banyan.service.identity.desk import lend as lend_desk
from banyan.service.mydata.shelf import Shelf as OwnShelf
from banyan.service.mydata.shelf import lend as lend_own
from banyan.service.opendata.desk import FetchRules, set_rules
from banyan.service.opendata.export.site import Site, configure
from banyan.service.powers.shelf import Shelf as PowersShelf
from banyan.service.powers.shelf import lend as lend_powers
from banyan.service.rationing.draw.shelf import DrawShelf
from banyan.service.rationing.draw.shelf import lend as lend_draws
from banyan.service.rationing.preorder.desk import Desk as PreorderDesk
from banyan.service.rationing.preorder.desk import lend_desk as lend_preorder
from banyan.service.rationing.preorder.lotting import DrawLots
from banyan.service.rationing.shelf import Shelf as RationingShelf
from banyan.service.rationing.shelf import lend as lend_rationing
from banyan.service.rationing.waiting.layer import Layer
from banyan.service.rationing.waiting.rooms import Rooms, rooms_of
from banyan.service.rationing.waiting.rooms import lend as lend_rooms
from banyan.service.transparency.shelf import Shelf, lend
from banyan.settings import Settings, outside_secret_from_environment

OWN_RECORD: Final = "civil.household_record"
"""Where people see their own birth date, on a node that has it: preorder asks there."""
BEACONS_FOLDER: Final = "beacons"
"""Below the data: `ROUND.json` as drand answered it, for who would rather copy a file than paste it."""


def outsides(settings: Settings) -> tuple[Outside, ...]:
    """The outside issuers of node.toml, with their secrets."""
    return tuple(
        Outside(
            id=one.id,
            title={"zh-Hant": one.title, "en": one.title_en},
            issuer=one.issuer,
            client_id=one.client_id,
            client_secret=outside_secret_from_environment(one.id),
            acr=one.acr,
            assurance=one.assurance,
            number_claim=one.number_claim,
        )
        for one in settings.identity.outside
    )


def agency_names(provider: Provider) -> Callable[[str], Awaitable[str]]:
    """What an agency of this node's register is called; the id of one that is not there."""

    async def name_of(id: str) -> str:
        found = await provider.store.read(lambda tx: acting.agency_by_id(tx, id))
        return found.name["zh-Hant"] if found is not None else id

    return name_of


def lend_orders(drawers: Mapping[str, Drawer], lawful: Lawful, scopes: Scopes) -> None:
    """What emergency orders need, when the node has them: the keys that end with an order too."""
    if "powers" in drawers:
        why = lawful.conscience
        lend_powers(drawers["powers"], PowersShelf(lawful.policy, lawful.ledger, scopes, why.forget, why.bases))


def lend_services(
    drawers: Mapping[str, Drawer],
    settings: Settings,
    lawful: Lawful,
    desk: Desk,
    *,
    operations: Mapping[str, Operation],
    words: Messages,
) -> None:
    """Give the services of this node what is the node's own."""
    if "credentials" in drawers:
        taken = CredentialsShelf(
            provider=desk.provider,
            operations=operations,
            words=words,
            register=lawful.conscience.bases,
            member=settings.member,
            names={"zh-Hant": settings.site.publisher, "en": settings.site.publisher_en},
            issuer=settings.site.public_url,
        )
        lend_credentials(drawers["credentials"], taken)
    if "transparency" in drawers:
        log = (lawful.ledger, lawful.ledger_store, lawful.policy, lawful.keys)
        lend(drawers["transparency"], Shelf(*log, lawful.witnessed, lawful.cosigner))
    if "mydata" in drawers:
        own = OwnShelf(
            ledger=lawful.ledger,
            policy=lawful.policy,
            name_of=lawful.conscience.subject,
            bases=lawful.conscience.bases,
            sign=partial(desk.provider.sign, alg="ES256", kind="consent+jwt"),
            random=token_bytes,
            contact=settings.site.contact_email,
            on_ended=(ending_tokens(desk.provider),),
            sign_event=partial(desk.provider.sign, alg="ES256", kind="secevent+jwt"),
            push=pusher(allow_private=settings.fetch.allow_private),
            may_push_inside=settings.fetch.allow_private,
        )
        lend_own(drawers["mydata"], own)
    if "casualties" in drawers:  # its own key, out of the one that names persons: a keyed hash of a label
        why = lawful.conscience
        key, named = why.subject("casualties/register"), agency_names(desk.provider)
        shelf = CasualtiesShelf(key, token_bytes, why.subject, named, lawful.policy, why.bases)
        lend_casualties(drawers["casualties"], shelf)
    if "openid" in drawers:
        lend_desk(drawers["openid"], desk)


def lend_opendata(
    drawers: Mapping[str, Drawer], settings: Settings, lawful: Lawful, gate: Gate, *, folder: Path
) -> None:
    """How the portal may fetch and what it says of itself. `folder`: the demonstration's own, which may be watched."""
    if "opendata" in drawers:
        watched = tuple(Path(one).resolve() for one in settings.fetch.watch_folders)
        set_rules(drawers["opendata"], FetchRules(settings.fetch.allow_private, (*watched, folder.resolve())))
        configure(msgspec.convert(settings.site, Site, from_attributes=True))
    _lend_allocation(drawers, settings, lawful, gate)


def lend_rations(
    drawers: Mapping[str, Drawer], settings: Settings, lawful: Lawful, clock: Clock, *, data: Path
) -> None:
    """The key that rationing names persons by, its own, and where its engine lives. Beacons that an operator puts below
    `data` are taken for draws."""
    if "rationing" in drawers:
        name_of = lawful.conscience.subject
        engine = settings.storage.engine
        database = "" if engine == "sqlite" else engine
        shelf = RationingShelf(name_of("rationing/register"), token_bytes, clock, name_of, database)
        lend_rationing(drawers["rationing"], shelf)
        lots = DrawShelf(lawful.ledger, name_of("rationing/draws"), in_folder(data / BEACONS_FOLDER), token_bytes)
        lend_draws(drawers["rationing"], lots)
        lend_rooms(drawers["rationing"], Rooms(name_of("rationing/waiting"), token_bytes))
        register = OWN_RECORD if OWN_RECORD.partition(".")[0] in drawers else ""
        provider, words = provider_of(settings)
        orders = PreorderDesk(DrawLots(), token_bytes, provider, words, register)
        lend_preorder(drawers["rationing"], orders)


def _lend_allocation(drawers: Mapping[str, Drawer], settings: Settings, lawful: Lawful, gate: Gate) -> None:
    """What allocation plans are proven by, and how they become open data."""
    db = drawers.get("allocation")
    if db is not None:
        way = publisher(gate, db, agency=settings.site.publisher) if "opendata" in drawers else None
        lend_plans(db, AllocationShelf(lawful.ledger, way))


def behind_rooms(door: App, drawers: Mapping[str, Drawer], settings: Settings, clock: Clock) -> App:
    """The door behind its waiting rooms, on a node that rations. An IPv6 address counts by its network (/64): a
    household has one, with more addresses in it than a nation has people."""
    if "rationing" not in drawers:
        return door
    trusted = settings.http.trusted_proxies

    def address_of(scope: MutableMapping[str, Any]) -> str:
        client = str((scope.get("client") or ("",))[0])
        if client in trusted:
            forwarded = dict(scope["headers"]).get(b"x-forwarded-for", b"").decode("latin-1")
            client = origin_of(client, forwarded, trusted)
        return client if ":" not in client or not is_address(client) else str(IPv6Network(f"{client}/64", strict=False))

    return Layer(door, drawers["rationing"], rooms_of(drawers["rationing"]), clock=clock, address_of=address_of)
