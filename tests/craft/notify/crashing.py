"""A process that sends a campaign until it is killed: `python crashing.py FOLDER PORT COUNT`. It prints what it did."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from tests.craft.notify.tools import a_bind, an_outbox, sending, some, until


async def main(folder: Path, port: int, count: int) -> None:
    async with an_outbox(folder) as outbox:
        taken = await outbox.accept(some("trace/1", range(count), lane=1))
        print("accepted", taken.count, taken.already, flush=True)  # noqa: T201 - the parent reads it
        async with sending(outbox, a_bind(port, window=40)):

            async def is_over() -> bool:
                found = await outbox.progress("trace/1")
                return found.left == 0 and found.sent == 0

            await until(is_over, seconds=120)
        print("over", flush=True)  # noqa: T201


asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
