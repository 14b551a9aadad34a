"""A node with three real files published, shared by the talk tests of one run."""

from __future__ import annotations

import asyncio
import shutil
import threading
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import pytest
from tests.make import Node, a_node, shared_data

import banyan.service.opendata.parts  # noqa: F401 - registers every part
from banyan.channel.talk import State, Talk, Turn
from banyan.kernel.catalogue.dialogue import Language, Utterance
from banyan.kernel.exchange.gate import Bound
from banyan.kernel.identity.caller import SYSTEM, Caller
from banyan.service.opendata import uploads
from banyan.service.opendata.publish import Publish
from banyan.service.opendata.service import SERVICE

T = TypeVar("T")
ASKER = Caller(kind="anonymous", id="anonymous", channel="chat")
FILES = (
    ("supplies/raw/maskdata_20200214T085535.csv.gz", "maskdata", "健保特約機構口罩剩餘數量明細清單"),
    ("supplies/outlets.csv.gz", "outlets", "健保特約藥局名冊"),
    ("flood/tw_evacuation_shelters.csv.gz", "shelters", "避難收容處所"),
)


class Desk(msgspec.Struct):
    """The node in its own event loop, and the dialogue over it."""

    node: Node
    talk: Talk
    loop: asyncio.AbstractEventLoop

    def run(self, story: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(story, self.loop).result(60)

    def say(self, text: str, state: State | None = None, *, lang: Language = "zh-Hant", **said: Any) -> Turn:
        call = Bound(self.node.gate, ASKER, None)
        words = Utterance(text=text, lang=lang, **said)
        return self.run(self.talk.turn(words, state or State(lang=lang), call))


async def publish(node: Node, path: Path, name: str, title: str) -> None:
    """Publish a real file as an agency would, by its ticket."""
    staged = node.drawers["opendata"].work / path.name
    await asyncio.to_thread(shutil.copyfile, path, staged)
    request = Publish(file=uploads.offer(staged), filename=path.name, name=name, title=title)
    await node.gate.call("opendata.publish", request, caller=SYSTEM)


@pytest.fixture(scope="session")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    paths = [(shared_data(file), name, title) for file, name, title in FILES]
    folder = tmp_path_factory.mktemp("talk")
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    stop = asyncio.Event()
    opened: list[Desk] = []
    ready = threading.Event()

    async def live() -> None:
        async with a_node(folder, [SERVICE]) as node:
            for path, name, title in paths:
                await publish(node, path, name, title)
            talk = Talk(list(node.catalogue.operations.values()), contact="1999")
            opened.append(Desk(node, talk, loop))
            ready.set()
            await stop.wait()

    living = asyncio.run_coroutine_threadsafe(live(), loop)
    while not ready.wait(0.05):
        if living.done():
            living.result()
    yield opened[0]
    loop.call_soon_threadsafe(stop.set)
    living.result(60)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)
    loop.close()
