"""A live node with the small board, for pages of the docs whose blocks are run."""

from __future__ import annotations

import asyncio
import tempfile
from contextlib import ExitStack
from copy import copy
from pathlib import Path
from typing import Self
from urllib.request import Request, urlopen

import msgspec
from tests.kit.make import EVENTS
from tests.make import frozen_clock, live_node

from banyan.kernel.catalogue import Context, FaceAnswer, FaceRequest, Service
from banyan.kernel.catalogue.operation import OPEN, Face, Operation
from banyan.kernel.storage import close_drawer
from banyan.kernel.storage.drawer import open_drawer
from banyan.service.supplies.keeping import kept_of
from banyan.service.supplies.model import BoardEvent
from banyan.service.supplies.parts import SERVICE


def fill(folder: Path) -> None:
    """Write the small board's events into the journal of a drawer."""

    async def run() -> None:
        drawer = open_drawer(folder, service="supplies", package=SERVICE.package, clock=frozen_clock())
        try:
            kept = kept_of(drawer)
            for event in EVENTS:
                await kept.commit(event)
            await kept.close()
        finally:
            await close_drawer(drawer)

    asyncio.run(run())


class Live:
    """The node at `url`, until it is closed."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory()))
        fill(folder / "supplies")
        self.url, node = self._stack.enter_context(live_node(folder, [committing()]))
        self._kept = kept_of(node.drawers["supplies"])

    @property
    def seq(self) -> int:
        return self._kept.board.seq

    def commit(self, event: BoardEvent) -> None:
        """Write an event as a source would; it is on the board when this returns."""
        body = msgspec.msgpack.encode(event)
        with urlopen(Request(f"{self.url}/test/commit", body, method="POST"), timeout=10) as answer:
            assert answer.status == 200

    def close(self) -> None:
        self._stack.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def committing() -> Service:
    """The supplies service, and a way for a test to write into its board from another thread."""
    service = copy(SERVICE)
    service.faces = [*SERVICE.faces, Face(("POST",), "/test/commit", _commit)]
    service.operations = SERVICE.operations | {"test_commit": COMMIT}
    return service


class Commit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    event: bytes


async def _run(ctx: Context, request: Commit) -> int:
    return (await kept_of(ctx.db).commit(msgspec.msgpack.decode(request.event, type=BoardEvent))).seq


COMMIT = Operation(
    id="supplies.test_commit",
    title={"zh-Hant": "測試", "en": "Test"},
    summary={"zh-Hant": "測試", "en": "Test"},
    request=Commit,
    answer=int,
    data=OPEN,
    audience="public",
    effect="read",
    purpose="open-data",
    method="POST",
    path="",
    keys=(),
    channels=(),
    run=_run,
)


async def _commit(request: FaceRequest) -> FaceAnswer:
    seq: int = await request.call("supplies.test_commit", Commit(await request.body(1 << 20)))
    return FaceAnswer(b"%d" % seq)
