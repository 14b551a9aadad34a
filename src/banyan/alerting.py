"""What the composition root lends the alerts: who agencies are, the channels, and how strangers' addresses are asked.

Two sets of channels that share nothing: those that reach people, and sinks for exercises and tests.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from secrets import token_bytes
from typing import Final

import msgspec

from banyan.alert_keys import load_signer
from banyan.area_sms import lend_area_sms, operators_of
from banyan.following import feeds_of, follow
from banyan.kernel.exchange import Gate
from banyan.kernel.identity import acting
from banyan.kernel.identity.openid.provider import Provider
from banyan.kernel.storage import Drawer
from banyan.lawful import Lawful
from banyan.limits_alerts import HUB_BODY, HUB_TIME_S
from banyan.noticing import Notices
from banyan.outward import ask
from banyan.roadside import Roadside
from banyan.service.alerts.afar import Afar
from banyan.service.alerts.model import Channel
from banyan.service.alerts.others import Source
from banyan.service.alerts.outlets import Outlets, Transport
from banyan.service.alerts.seen import Seen
from banyan.service.alerts.shelf import Ask, Shelf, lend
from banyan.service.alerts.signer import Signer
from banyan.settings import Settings
from banyan.warning_networks import open_channels

NETWORKS: Final = "demo/networks"
KEYS: Final = "alerts/keys"


class Channels(msgspec.Struct, frozen=True):
    """Transports of this node: to people, and the sinks."""

    people: Mapping[Channel, Transport] = {}
    sinks: Mapping[Channel, Transport] = {}
    phones: Callable[[], Sequence[Seen]] | None = None
    afar: Afar | None = None


class Given(msgspec.Struct, frozen=True):
    """What of the node the channels go through."""

    gate: Gate
    way: Roadside
    sms: Notices | None
    data: Path


async def open_alerts(
    stack: AsyncExitStack,
    drawers: Mapping[str, Drawer],
    lawful: Lawful,
    provider: Provider,
    settings: Settings,
    *,
    given: Given,
    is_demo: bool,
) -> None:
    """Open the channels and lend them; they are closed with the stack. The demonstration's are simulated networks, else
    those that node.toml names. Raises Invalid for one that is not complete."""
    sms, data, clock = given.sms, given.data, given.gate.clock
    await lend_area_sms(drawers, settings, lawful, sms=sms, data=data)
    if "alerts" not in drawers:
        return
    if is_demo:
        from banyan.demo.alerts import open_networks
        from banyan.demo.handsets import Sent

        handsets = Sent(sms.outbox, sms.simulator) if sms is not None and sms.simulator is not None else None
        channels = Channels(*await open_networks(stack, data / NETWORKS, clock, handsets))
    else:
        afar = operators_of(settings, given.way, given.gate)
        channels = Channels(await open_channels(stack, data, settings, clock=clock, afar=afar), afar=afar)
    signer = await asyncio.to_thread(load_signer, data / KEYS, settings.member, clock=clock)
    feeds = feeds_of(settings)
    if is_demo and not feeds:
        from banyan.demo.other_feed import demo_feed

        feeds = [demo_feed(clock)]
    sources = tuple(one.source for one in feeds)
    lend_alerts(drawers["alerts"], settings, lawful, provider, channels, signer=signer, sources=sources, sms=sms)
    await follow(stack, drawers["alerts"], feeds, clock)


def lend_alerts(
    db: Drawer,
    settings: Settings,
    lawful: Lawful,
    provider: Provider,
    channels: Channels,
    *,
    signer: Signer | None,
    sources: tuple[Source, ...] = (),
    sms: Notices | None = None,
) -> None:
    """Give the alerts what is the node's."""
    inside = settings.fetch.allow_private
    shelf = Shelf(
        ledger=lawful.ledger,
        random=token_bytes,
        names=names_of(provider),
        people=Outlets(channels.people, is_for_people=True),
        sinks=Outlets(channels.sinks, is_for_people=False),
        ask=asker(allow_private=inside),
        may_push_inside=inside,
        public_url=settings.site.public_url,
        phones=channels.phones,
        signer=signer,
        sources=sources,
        sms=sms.outbox if sms is not None else None,
        afar=channels.afar,
    )
    lend(db, shelf)


def names_of(provider: Provider) -> Callable[[str], Awaitable[dict[str, str]]]:
    """What an agency is called, zh-Hant and en; its id when the register has none."""

    async def names(id: str) -> dict[str, str]:
        found = await provider.store.read(lambda tx: acting.agency_by_id(tx, id))
        return dict(found.name) if found is not None else {"zh-Hant": id, "en": id}

    return names


def asker(*, allow_private: bool) -> Ask:
    """Asks a subscriber's callback."""

    async def asked(method: str, url: str, body: bytes, headers: tuple[tuple[str, str], ...]) -> tuple[int, bytes]:
        at_most = HUB_BODY if method == "GET" else 0
        said = await ask(
            method, url, dict(headers), body, time_s=HUB_TIME_S, at_most=at_most, allow_private=allow_private
        )
        return said.status, said.body

    return asked
