"""What the composition root lends the alerts: who agencies are, the channels, and how strangers' addresses are asked.

Two sets of channels that share nothing: those that reach people, and sinks for exercises and tests.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from secrets import token_bytes

import msgspec
import urllib3

from banyan import __version__
from banyan.errors import Problem
from banyan.kernel.events.clock import Clock
from banyan.kernel.identity import acting
from banyan.kernel.identity.openid.provider import Provider
from banyan.kernel.storage import Drawer
from banyan.lawful import Lawful
from banyan.limits_alerts import HUB_BODY, HUB_TIME_S
from banyan.service.alerts.model import Channel
from banyan.service.alerts.outlets import Outlets, Transport
from banyan.service.alerts.seen import Seen
from banyan.service.alerts.shelf import Ask, Shelf, lend
from banyan.service.opendata.fetch import Place, checked
from banyan.settings import Settings


class Channels(msgspec.Struct, frozen=True):
    """Transports of this node: to people, and the sinks."""

    people: Mapping[Channel, Transport] = {}
    sinks: Mapping[Channel, Transport] = {}
    phones: Callable[[], Sequence[Seen]] | None = None


async def open_alerts(
    stack: AsyncExitStack,
    drawers: Mapping[str, Drawer],
    lawful: Lawful,
    provider: Provider,
    *,
    settings: Settings,
    clock: Clock,
    networks: Path | None,
) -> None:
    """Open the channels and lend them. `networks`: the folder of the demonstration's simulated ones, which are closed
    with the stack; None: no channel but the page and the feeds is connected."""
    if "alerts" not in drawers:
        return
    channels = Channels()
    if networks is not None:
        from banyan.demo.alerts import open_networks

        channels = Channels(*await open_networks(stack, networks, clock))
    lend_alerts(drawers, settings, lawful, provider, channels)


def lend_alerts(
    drawers: Mapping[str, Drawer], settings: Settings, lawful: Lawful, provider: Provider, channels: Channels
) -> None:
    """Give the alerts what is the node's, on a node that has them."""
    if "alerts" not in drawers:
        return
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
    )
    lend(drawers["alerts"], shelf)


def names_of(provider: Provider) -> Callable[[str], Awaitable[dict[str, str]]]:
    """What an agency is called, zh-Hant and en; its id when the register has none."""

    async def names(id: str) -> dict[str, str]:
        found = await provider.store.read(lambda tx: acting.agency_by_id(tx, id))
        return dict(found.name) if found is not None else {"zh-Hant": id, "en": id}

    return names


def asker(*, allow_private: bool) -> Ask:
    """Asks an address that a stranger gave: vetted as a fetched one is, no redirect, bounded in time and answer."""

    async def ask(method: str, url: str, body: bytes, headers: tuple[tuple[str, str], ...]) -> tuple[int, bytes]:
        return await asyncio.to_thread(partial(_ask, method, url, body, dict(headers), allow_private=allow_private))

    return ask


def _ask(method: str, url: str, body: bytes, headers: dict[str, str], *, allow_private: bool) -> tuple[int, bytes]:
    try:
        place = checked(url, allow_private=allow_private)
    except Problem:
        return 0, b""
    name = f"[{place.host}]" if ":" in place.host else place.host
    host = name if place.port in (80, 443) else f"{name}:{place.port}"
    sent = {"Host": host, "User-Agent": f"banyan/{__version__}", **headers}
    with _pool(place) as pool:
        try:
            answer = pool.urlopen(
                method, place.target, body=body or None, headers=sent, redirect=False, retries=False,
                preload_content=False,
            )  # fmt: skip
            said = answer.read(HUB_BODY) if method == "GET" else b""
        except (urllib3.exceptions.HTTPError, OSError):
            return 0, b""
        status = answer.status
        answer.close()
        return status, said


def _pool(place: Place) -> urllib3.HTTPConnectionPool:
    timeout = urllib3.Timeout(total=HUB_TIME_S)
    if place.scheme == "https":
        return urllib3.HTTPSConnectionPool(
            place.address, place.port, timeout=timeout, server_hostname=place.host, assert_hostname=place.host
        )
    return urllib3.HTTPConnectionPool(place.address, place.port, timeout=timeout)
