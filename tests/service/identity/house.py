"""A node with the provider and its pages, in this process or behind a live server, and people and apps to try it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from secrets import token_bytes
from typing import Any

from tests.kernel.identity.openid.making import MASTER, TYPES, a_basic, a_client, a_service
from tests.make import Node, a_node, frozen_clock, live_node

from banyan.channel.web import build_portal
from banyan.kernel.events import system_clock
from banyan.kernel.events.clock import Clock
from banyan.kernel.identity.openid import records
from banyan.kernel.identity.openid.client_auth import secret_hash
from banyan.kernel.identity.openid.clients import checked
from banyan.kernel.identity.openid.keys import Secrets
from banyan.kernel.identity.openid.model import Account, Client
from banyan.kernel.identity.openid.outside import Outside
from banyan.kernel.identity.openid.provider import Provider
from banyan.kernel.storage.migrations import load_steps, migrate
from banyan.kernel.storage.sqlite import SqliteStore
from banyan.service.identity.desk import Desk, lend
from banyan.service.identity.parts import SERVICE
from banyan.settings import Site

ROOT = Path(__file__).parents[3]
BYE = "https://app.example/bye"
PEOPLE = (
    Account(id="ann", name="ann", kind="citizen", is_demo=True),
    Account(id="bob", name="bob", kind="citizen", is_demo=True, assurance="aal1"),
    Account(id="eve", name="eve", kind="officer", agency="TW/GOV/CDC", roles=("epi",), is_demo=True),
    Account(id="real", name="real", kind="officer", agency="TW/GOV/CDC"),
)


def the_apps() -> tuple[Client, ...]:
    museum = {
        "id": "museum",
        "auth": "client_secret_post",
        "secret_hash": secret_hash("museum-secret"),
        "logout_uris": (BYE,),
        "id_alg": "RS256",
    }
    return (
        a_client(resources=("https://tax.example",)),
        a_service(),
        a_basic(logout_uris=(BYE,), id_alg="RS256"),
        a_basic(**museum),
    )


def a_provider(folder: Path, *, clock: Clock) -> tuple[Provider, SqliteStore]:
    folder.mkdir(parents=True, exist_ok=True)
    store = SqliteStore(folder / "identity.db")
    migrate(store, "banyan.kernel.identity", load_steps("banyan.kernel.identity"), at=0.0)
    return Provider(store, Secrets(MASTER), clock=clock, random=token_bytes, types=TYPES), store


async def peopled(provider: Provider, apps: tuple[Client, ...]) -> None:
    def job(tx: Any) -> None:
        for client in apps:
            records.put_client(tx, checked(client), 0.0)
        for account in PEOPLE:
            records.add_account(tx, account)

    await provider.store.write(job)


@asynccontextmanager
async def a_house(
    folder: Path,
    *,
    issuer: str = "",
    clock: Clock | None = None,
    has_personas: bool = True,
    apps: tuple[Client, ...] = (),
) -> AsyncIterator[tuple[Node, Provider]]:
    """A node in this process."""
    portal = build_portal([SERVICE], site=Site(), web=ROOT / "web")
    clock = clock or frozen_clock()
    provider, store = a_provider(folder, clock=clock)
    settings = {"public_url": issuer} if issuer else {}
    try:
        async with a_node(
            folder, [SERVICE], clock=clock, render=portal.render, extra=portal.services, **settings
        ) as node:
            lend(node.drawers[SERVICE.name], Desk(provider, issuer, has_personas))
            await peopled(provider, apps or the_apps())
            yield node, provider
    finally:
        await store.close()


@contextmanager
def a_live_house(
    folder: Path, *, apps: tuple[Client, ...] = (), outsides: tuple[Outside, ...] = ()
) -> Iterator[tuple[str, Provider]]:
    """A node behind a live server on this machine, by the real clock."""
    portal = build_portal([SERVICE], site=Site(), web=ROOT / "web")
    provider, store = a_provider(folder, clock=system_clock)
    asyncio.run(peopled(provider, apps or the_apps()))
    options: dict[str, Any] = {"clock": system_clock, "render": portal.render, "extra": portal.services}
    with live_node(folder, [SERVICE], **options) as (url, node):
        lend(node.drawers[SERVICE.name], Desk(provider, "", True, outsides))
        yield url, provider
    asyncio.run(store.close())
