"""A drawer with the publishing desk in it, for tests that publish without a door."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
from tests.make import NOW

from banyan.kernel.catalogue.operation import Context
from banyan.kernel.events import EpochS, Event, feed
from banyan.kernel.identity.caller import ANONYMOUS, SYSTEM, Caller
from banyan.kernel.storage import Drawer, close_drawer, open_drawer
from banyan.service.opendata import publish, registry, uploads
from banyan.service.opendata.committing import Published
from banyan.service.opendata.model import Dataset, Resource, Version
from banyan.service.opendata.publish import Publish

MASKS = (
    "20200208T195006",
    "20200209T021807",
    "20200210T162910",
    "20200214T085535",
    "20200214T162535",
    "20200303T112340",
    "20210621T181725",
)
"""The seven real national mask lists, in order; the fourth renames a column."""


class Workshop:
    """One open drawer; its clock stands still until a test moves it."""

    def __init__(self, db: Drawer) -> None:
        self.db = db
        self.now = NOW
        self.logged: list[tuple[str, Mapping[str, object]]] = []
        self._count = 0

    def ctx(self, caller: Caller = SYSTEM) -> Context:
        async def nobody(operation: str, request: msgspec.Struct, *, purpose: str = "") -> Any:
            raise AssertionError(f"{operation} was called")

        async def emit(event: Event) -> None:
            await self.db.sql.write(lambda tx: feed.append(tx, event))

        def log(name: str, fields: Mapping[str, object]) -> None:
            self.logged.append((name, fields))

        return Context(caller=caller, now=EpochS(self.now), db=self.db, call=nobody, emit=emit, log=log)

    @property
    def citizen(self) -> Context:
        return self.ctx(ANONYMOUS)

    def offer(self, content: bytes) -> str:
        """Put an upload in place; its ticket."""
        self._count += 1
        path = self.db.work / f"upload-{self._count}"
        path.write_bytes(content)
        return uploads.offer(path)

    async def publish(self, content: bytes | str, filename: str = "stock.csv", **asked: Any) -> Published:
        content = content.encode() if isinstance(content, str) else content
        return await publish.publish(self.ctx(), Publish(file=self.offer(content), filename=filename, **asked))

    async def dataset(self, name: str = "stock") -> Dataset:
        found = await self.db.sql.read(lambda tx: registry.dataset_by(tx, name))
        assert found is not None, f"no dataset {name}"
        return found

    async def served(self, name: str = "stock") -> tuple[Resource, Version]:
        resource = (await self.dataset(name)).resources[0]
        version = await self.db.sql.read(lambda tx: registry.version_of(tx, resource))
        assert version is not None, "nothing is served"
        return resource, version

    async def topics(self) -> list[str]:
        return [event.topic for event in await feed.read(self.db.sql, 0)]

    def leftovers(self) -> list[str]:
        """Files of the work folder; empty when no publish runs."""
        return [path.name for path in self.db.work.rglob("*") if path.is_file()]


@asynccontextmanager
async def workshop(folder: Path) -> AsyncIterator[Workshop]:
    """Open (or open again) the drawer in `folder` as the node does."""
    db = open_drawer(folder, service="opendata", package="banyan.service.opendata", clock=lambda: NOW)
    shop = Workshop(db)
    try:
        await publish.begin_day(shop.ctx())
        yield shop
    finally:
        await publish.end_day(shop.ctx())
        await close_drawer(db)


def plain(path: Path) -> bytes:
    return gzip.decompress(path.read_bytes())
