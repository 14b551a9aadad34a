"""Our side of bench/stock_http.py: a whole node as `./banyan up --empty` opens it, with the board filled.

The rate class of the route is given a figure nobody reaches, and the load comes with a forwarded address, so that
every request takes its token from a bucket as it would in service.
"""

import asyncio
import sys
import tempfile
from pathlib import Path

import uvicorn
import uvloop
from bench._stock_board import change, events

from banyan.craft.place import grid
from banyan.kernel.exchange.server import allow_connections, server_config
from banyan.limits import RATES
from banyan.node import open_node
from banyan.service.supplies.keeping import kept_of
from banyan.settings import Settings


async def main(port: int, size: int, at: float, every_s: float) -> None:
    RATES["read"] = (1e9, 10**9)
    allow_connections()
    with tempfile.TemporaryDirectory() as folder:
        async with open_node(Path(folder), Settings()) as node:
            kept = kept_of(node.drawers["supplies"])
            for event in events(size, at):
                await kept.commit(event)
            grid.warm().join()
            task = asyncio.create_task(change(kept.commit, list(kept.board.row_of), at, every_s))
            try:
                await uvicorn.Server(server_config(node.app, port=port)).serve()
            finally:
                task.cancel()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4])))
