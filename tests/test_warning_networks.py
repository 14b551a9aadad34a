"""A node that is no demonstration warns people by what node.toml names: cell broadcast and LINE, each once."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from uuid import UUID

import msgspec
import pytest
from tests.make import NOW
from tests.service.alerts.values import CONTENT
from tests.service.alerts.world import ONLY, SECOND, WRITER, warrant

from banyan.craft.notify.cells.simulator import Simulator
from banyan.errors import Invalid
from banyan.kernel.events.clock import EpochS
from banyan.kernel.identity.caller import SYSTEM
from banyan.node import Node, open_node
from banyan.service.alerts import dispatch
from banyan.settings import BscAt, CellSettings, Line, Settings

IDS = ("466-92-10101-1", "466-92-10101-2", "466-92-10101-3")
SITES = "cell,lon,lat\n466-92-10101-1,121.60,23.98\n466-92-10101-2,121.55,23.90\n466-92-10101-3,120.20,23.00\n"
"""Two in Hualien, one far from it."""
TOKEN = "line-token"


class Heard(msgspec.Struct):
    """What a LINE of our own was asked: (path, retry key, body). `statuses` are answered first."""

    broadcasts: list[tuple[str, str, dict[str, object]]] = []
    statuses: list[int] = []
    url: str = ""


@contextmanager
def a_line() -> Iterator[Heard]:
    """The two calls as LINE documents them: a bearer token, a UUID as retry key, 409 for one that was used."""
    heard = Heard([], [])

    class Door(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            assert self.path.startswith("/v2/bot/insight/followers?date=20261123")  # the day before, by Taipei's clock
            self.answer(200, {"status": "ready", "followers": 900, "targetedReaches": 800, "blocks": 20})

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            key = str(UUID(self.headers["x-line-retry-key"]))
            used = {one for _, one, _ in heard.broadcasts}
            status = heard.statuses.pop(0) if heard.statuses else 409 if key in used else 200
            heard.broadcasts.append((self.path, key, body))
            self.answer(status if self.headers["authorization"] == f"Bearer {TOKEN}" else 401, {})

        def answer(self, status: int, said: dict[str, object]) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(said).encode())

        def log_message(self, format: str, *args: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Door) as server:
        heard.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield heard
        server.shutdown()


def settings(folder: Path, port: int, line_url: str) -> Settings:
    sites = folder / "sites.csv"
    sites.write_text(SITES, encoding="utf-8")
    cells = CellSettings(
        enabled=True, file=str(sites), port=0, bscs=(BscAt(name="bsc-1", host="127.0.0.1", port=port),)
    )  # fmt: skip
    return msgspec.structs.replace(ONLY, cells=cells, line=Line(enabled=True, api_url=line_url, warnings=True))


async def release(node: Node) -> str:
    await warrant(node)
    asked = {"key": "key-000001", "content": msgspec.to_builtins(CONTENT)}
    stands = await node.gate.call("alerts.draft", asked, caller=WRITER)
    stands = await node.gate.call("alerts.propose", {"key": "key-000002", "id": stands.id}, caller=WRITER)
    asked = {"key": "key-000003", "id": stands.id, "digest": stands.digest}
    await node.gate.call("alerts.release", asked, caller=SECOND)
    return str(stands.id)


def test_a_released_warning_is_on_the_air_and_in_the_chat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BANYAN_LINE_SECRET", "secret")
    monkeypatch.setenv("BANYAN_LINE_TOKEN", TOKEN)
    now = [float(NOW)]

    async def story(heard: Heard) -> None:
        base = Simulator(IDS, clock=lambda: now[0])
        port = await base.listen()
        try:
            async with open_node(
                tmp_path / "node", settings(tmp_path, port, heard.url), clock=lambda: EpochS(now[0])
            ) as node:
                await release(node)
                heard.statuses.append(500)
                for _ in range(30):  # LINE's first answer is a failure, the controller's comes when it comes
                    await dispatch.turn(node.gate.context("alerts", SYSTEM), None)  # type: ignore[arg-type]
                    now[0] += 30
                    if base.shown(IDS[0]) and len(heard.broadcasts) > 1:
                        break
                    await asyncio.sleep(0.05)
        finally:
            await base.stop()

    with a_line() as heard:
        asyncio.run(story(heard))
        (first, key, said), (_, again, same) = heard.broadcasts[:2]
    assert (first, key, said) == ("/v2/bot/message/broadcast", again, same)  # tried again under the same key
    texts = [one["text"] for one in said["messages"]]  # type: ignore[index,attr-defined]
    assert [text.splitlines()[0] for text in texts] == ["花蓮縣淹水警戒", "Flood warning: Hualien County"]


def test_the_controller_has_it_for_the_cells_of_the_area_only(tmp_path: Path) -> None:
    now = [float(NOW)]

    async def story() -> dict[str, set[str]]:
        base = Simulator(IDS, clock=lambda: now[0])
        port = await base.listen()
        one = settings(tmp_path, port, "http://127.0.0.1:9")
        try:
            async with open_node(
                tmp_path / "node", msgspec.structs.replace(one, line=Line()), clock=lambda: EpochS(now[0])
            ) as node:
                await release(node)
                async with asyncio.timeout(30):
                    while not base.shown(IDS[0]):
                        await dispatch.turn(node.gate.context("alerts", SYSTEM), None)  # type: ignore[arg-type]
                        now[0] += 30
                        await asyncio.sleep(0.05)
                return {cell: {shown.language for shown in base.shown(cell)} for cell in IDS}
        finally:
            await base.stop()

    shown = asyncio.run(story())
    assert shown[IDS[0]] == shown[IDS[1]] != set()
    assert shown[IDS[2]] == set()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"line": Line(warnings=True)}, "line.warnings"),
        ({"cells": CellSettings(enabled=True)}, "cells.file"),
        ({"cells": CellSettings(enabled=True, file="{folder}/sites.csv")}, "cells.bscs"),
        ({"cells": CellSettings(enabled=True, file="{folder}/bad.csv")}, "cells.file"),
    ],
)
def test_a_channel_that_is_not_complete_stops_the_start(tmp_path: Path, changes: dict[str, object], field: str) -> None:
    (tmp_path / "sites.csv").write_text(SITES, encoding="utf-8")
    (tmp_path / "bad.csv").write_text(SITES + "466-92-10101-4,nowhere,23\n", encoding="utf-8")
    cells = changes.get("cells")
    if isinstance(cells, CellSettings):
        file = cells.file.format(folder=tmp_path)
        changes = {"cells": msgspec.structs.replace(cells, file=file)}

    async def start() -> None:
        async with open_node(tmp_path / "node", msgspec.structs.replace(ONLY, **changes)):
            pass

    with pytest.raises(Invalid, match=field):
        asyncio.run(start())
