"""A gateway that is killed as soon as an officer's act is durable: `python sibling_crashing.py DATA WHERE [GRANT]`.

`WHERE`: `untold` kills before the siblings are told, `unwritten` between the ledger's entry and the record. It proposes
and approves a grant; with `GRANT` it ends that one. It says the grant's id before it is killed.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any

from tests.test_agency_siblings import approved, ended, proposed

from banyan.node import open_node
from banyan.road_desk import RoadDesk
from banyan.service.exchange.shelf import shelf_of
from banyan.settings import load_settings


def killed(*_: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


async def main(data: Path, where: str, grant: str = "") -> None:
    async with open_node(data, load_settings(data / "node.toml")) as node:
        id = grant or await proposed(node)
        print(id, flush=True)  # noqa: T201 - the parent reads it
        shelf = shelf_of(node.drawers["exchange"])
        if where == "untold":
            RoadDesk.tell = killed  # type: ignore[method-assign]
        else:
            append = shelf.ledger.append_once

            async def and_no_more(key: str, entry: bytes) -> int:
                await append(key, entry)
                killed()
                raise AssertionError("a killed process goes no further")

            shelf.ledger.append_once = and_no_more  # type: ignore[method-assign]
        await (ended(node, id) if grant else approved(node, id))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), *sys.argv[2:]))
