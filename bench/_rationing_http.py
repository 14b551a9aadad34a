"""Our side of the HTTP figures: a whole node under an order, its outlets stocked; and wrk with 64 tills before it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "src")]

TILLS: Final = 64
PATH: Final = "/api/rationing/forward"
LUA: Final = """
local n, batch = 0, %d
math.randomseed(%d)
local run = math.random(0, 2^30)
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = "Bearer %s"
local function number()
  local digits, sum = {"A", tostring(math.random(1, 2))}, 1
  sum = sum + tonumber(digits[2]) * 8
  for place = 7, 1, -1 do
    local one = math.random(0, 9)
    digits[#digits + 1] = tostring(one)
    sum = sum + one * place
  end
  return table.concat(digits) .. (10 - sum %% 10) %% 10
end
request = function()
  local sales = {}
  for place = 1, batch do
    n = n + 1
    sales[place] = string.format(
      '{"terminal":"%%08x%%08x","counter":%%d,"number":"%%s","born":"1980-01-01","item":"mask-adult","qty":3,' ..
      '"outlet":"outlet-%%d","channel":"health_centre"}', run, n %% 64, math.floor(n / 64) + 1, number(), n %% 6500)
  end
  return wrk.format(nil, nil, nil, '{"sales":[' .. table.concat(sales, ",") .. "]}")
end
done = function(s, l, r)
  io.write(string.format("SAID %%d %%d %%f %%f %%f\\n", s.requests, s.errors.status + s.errors.read + s.errors.connect
    + s.errors.timeout, s.duration / 1e6, l:percentile(50) / 1e3, l:percentile(99) / 1e3))
end
"""


class OurNode:
    """The node in a process of its own; `run` sells through it with 64 connections."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process = subprocess.Popen(
            [sys.executable, __file__, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        self._port, self._token = self._process.stdout.readline().split()
        self._round = 0

    def run(self, seconds: float, batch: int) -> dict[str, float]:
        self._round += 1
        script = self._folder / f"load{self._round}.lua"
        script.write_text(LUA % (batch, self._round, self._token))
        done = subprocess.run(
            ["wrk", "-t1", f"-c{TILLS}", f"-d{max(1, round(seconds))}s", "--timeout", "30s", "-s", str(script),
             f"http://127.0.0.1:{self._port}{PATH}"],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        said = next(line for line in done.stdout.splitlines() if line.startswith("SAID"))
        requests, errors, took, p50, p99 = (float(one) for one in said.split()[1:])
        assert not errors, f"{errors} requests failed"
        return {"per_s": requests * batch / took, "requests_per_s": requests / took, "p50_ms": p50, "p99_ms": p99}

    def sold(self) -> int:
        """Units, as the node says at its end."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        sold = int(self._process.stdout.readline())
        self._process.wait(60)
        return sold


async def serve(folder: Path) -> None:
    import uvicorn
    from tests.service.rationing.counter.world import order

    from banyan.kernel.exchange.server import allow_connections, calm_collector, server_config
    from banyan.node import open_node
    from banyan.service.rationing.engine.keeping import engine_of
    from banyan.service.rationing.engine.model import Command, Deliver
    from banyan.settings import Settings

    services = ("rationing", "powers", "mydata")
    settings = Settings(services=tuple(f"banyan.service.{one}.parts:SERVICE" for one in services))
    allow_connections()
    async with open_node(folder / "node", settings) as node:
        await order(node, time.time())
        engine = engine_of(node.drawers["rationing"])
        stocks: list[Command] = [
            Deliver(key=b"stocking" + n.to_bytes(8, "big"), outlet=f"outlet-{n}", item="mask-adult", qty=1_000_000)
            for n in range(6_500)
        ]
        await engine.do_each(stocks)
        calm_collector()  # as `./banyan up` does before it serves
        server = uvicorn.Server(server_config(node.app))
        task = asyncio.create_task(server.serve())
        while not server.started:  # noqa: ASYNC110 - uvicorn tells it in no other way
            await asyncio.sleep(0.01)
        print(server.servers[0].sockets[0].getsockname()[1], node.token, flush=True)
        await asyncio.to_thread(sys.stdin.read)
        server.should_exit = True
        await task
        print(sum(stock.sold for stock in (await engine.stocks()).values()), flush=True)


if __name__ == "__main__":
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(Path(sys.argv[1])))
