"""A node that publishes without end and is killed meanwhile: `python -m tests.faults.publisher publish|live FOLDER`.

After each acknowledged version it prints the version's number and content. Every table has ROWS rows with one value,
so a reader can tell a whole version from a mixture.
"""

from __future__ import annotations

import asyncio
import sys
from itertools import count
from pathlib import Path

from tests.service.opendata.workshop import Workshop, workshop

from banyan.kernel.events import EpochS
from banyan.kernel.storage import Drawer
from banyan.service.opendata import live, registry
from banyan.service.opendata.desk import FetchRules, desk_of, set_rules
from banyan.service.opendata.live import Follow

ROWS = 400


def table_of(number: int) -> str:
    return "code,value\n" + "".join(f"{row},{number}\n" for row in range(ROWS))


async def publish_for_ever(folder: Path) -> None:
    async with workshop(folder / "drawer") as shop:
        start = await _last(shop.db) + 1
        await desk_of(shop.db).warm()
        _tell("ready 0")
        for number in count(start):
            published = await shop.publish(table_of(number), agency="測試機關")
            _tell(f"done {published.tables[0].version} {number}")


async def follow_for_ever(folder: Path) -> None:
    """Follow a file that its writer leaves half-written between two looks."""
    source = folder / "source" / "stock.csv"
    source.parent.mkdir(exist_ok=True)
    async with workshop(folder / "drawer") as shop:
        set_rules(shop.db, FetchRules(watch_folders=(source.parent,)))
        start = await _last(shop.db) + 1
        if start == 1:
            await shop.publish(table_of(start))
            _tell(f"done 1 {start}")
        resource, _ = await shop.served()
        await live.follow(shop.ctx(), Follow(resource=resource.id, source=str(source), every_s=5))
        await desk_of(shop.db).warm()
        _tell("ready 0")
        for number in count(start + 1):
            text = table_of(number)
            source.write_text(text[: len(text) // 3])
            await _looks(shop, resource.id)
            source.write_text(text)
            await _looks(shop, resource.id)
            _, served = await shop.served()
            _tell(f"done {served.number} {number}")


async def _looks(shop: Workshop, resource_id: str) -> None:
    for _ in range(2):
        shop.now = EpochS(shop.now + 5)
        await live.look_at(shop.ctx(), resource_id)


async def _last(db: Drawer) -> int:
    """The number the next version will have, less one: each version's content is its number."""
    found = await db.sql.read(lambda tx: registry.dataset_by(tx, "stock"))
    return found.resources[0].version if found else 0


def _tell(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run({"publish": publish_for_ever, "live": follow_for_ever}[sys.argv[1]](Path(sys.argv[2])))
