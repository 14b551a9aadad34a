"""A node that warns by SMS until it is killed: `python crashing.py FOLDER PORT COUNT START`. It prints how it stands.

`START` is its clock's first second. Whatever an earlier one did, it releases the same warning under the same keys.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterable
from pathlib import Path

import msgspec
from tests.service.alerts.values import CONTENT
from tests.service.alerts.world import ONLY, SECOND, WRITER, a_world, warrant

from banyan.alerting import names_of
from banyan.kernel.events.clock import EpochS
from banyan.node import open_node
from banyan.service.alerts.acting import id_of
from banyan.service.alerts.model import Area, Language
from banyan.service.alerts.outlets import Outlets
from banyan.service.alerts.sending import Sms
from banyan.service.alerts.shelf import Shelf, lend
from banyan.settings import SmsBind, SmsSettings


class Numbered:
    """So many telephones wherever it is."""

    def __init__(self, count: int) -> None:
        self._count = count

    def count(self, areas: tuple[Area, ...]) -> int:
        return self._count

    def of(self, areas: tuple[Area, ...]) -> Iterable[tuple[str, Language]]:
        return ((f"+8869{one:08}", "zh-Hant") for one in range(self._count))


async def main(folder: Path, port: int, count: int, start: float) -> None:
    os.environ["BANYAN_SMS_ONE"] = "secret"
    bind = SmsBind(name="one", host="127.0.0.1", port=port, system_id="banyan", rate=20_000, window=40)
    settings = msgspec.structs.replace(ONLY, sms=SmsSettings(enabled=True, binds=(bind,)))
    now = [start]
    async with open_node(folder, settings, clock=lambda: EpochS(now[0])) as node:
        assert node.sms is not None
        world = a_world(node, now)
        people = Outlets({"sms": Sms(node.sms.outbox, Numbered(count))}, is_for_people=True)
        sinks = Outlets({}, is_for_people=False)
        shelf = Shelf(
            ledger=node.lawful.ledger, random=os.urandom, names=names_of(node.persons), people=people, sinks=sinks
        )
        lend(node.drawers["alerts"], shelf)
        await warrant(node)
        content = msgspec.to_builtins(msgspec.structs.replace(CONTENT, channels=("sms",)))
        await world.call("draft", WRITER, key="key-draft", content=content)
        id = id_of("TW/GOV/EOC", "key-draft")
        stands = await world.call("propose", WRITER, key="key-propose", id=id)
        if stands.digest:  # else an earlier one released it
            await world.call("release", SECOND, key="key-release", id=id, digest=stands.digest)
        print("released", flush=True)  # noqa: T201 - the parent reads it
        while (await world.results(id))[1, "sms"] == "waiting":
            await world.turn()
            now[0] += 1
            await asyncio.sleep(0.01)
        print("over", (await world.results(id))[1, "sms"], flush=True)  # noqa: T201


asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])))
