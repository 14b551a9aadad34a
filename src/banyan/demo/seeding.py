"""Publish the demonstration nation through the same gate as anybody: agencies, themes, then each messy file."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Final

import msgspec

from banyan.demo.nation import AGENCIES, DATASETS, NOTE, NOTE_EN, THEMES, DemoDataset
from banyan.demo.outlets import SEED
from banyan.demo.supplies import FOLLOWED, ITEMS
from banyan.errors import NotFound, Problem
from banyan.kernel.events.clock import Clock
from banyan.kernel.exchange import Gate
from banyan.kernel.identity.caller import SYSTEM
from banyan.service.opendata import uploads
from banyan.service.opendata.agencies import SaveAgency, SaveTheme
from banyan.service.opendata.committing import Published
from banyan.service.opendata.datasets import DatasetQuery, SaveDataset
from banyan.service.opendata.ingest import Options
from banyan.service.opendata.live import Follow
from banyan.service.opendata.model import Contact
from banyan.service.opendata.publish import Publish
from banyan.service.opendata.uploads import BeginUpload, Ticket

REWRITE_S: Final = 30
SETTLE_S: Final = 3
"""Before the first rewriting: a node that starts has enough to do."""
Say = Callable[[str], None]


async def seed_nation(gate: Gate, folder: Path, *, say: Say) -> int:
    """Publish what is not there yet; the number of datasets published. `folder` keeps the
    files, so that the live ones can be followed."""
    missing = [dataset for dataset in DATASETS if not await _is_there(gate, dataset.name)]
    if not missing:
        return 0
    say(f"  demonstration nation: {len(missing)} datasets (generated, not real) …")
    for agency in AGENCIES:
        await gate.call(
            "opendata.save_agency",
            SaveAgency(
                name=agency.name,
                title=agency.title,
                title_en=agency.title_en,
                code=agency.code,
                description=f"{agency.description}（示範機關）",
                contact=Contact(
                    name=f"{agency.title}資料開放窗口",
                    email=f"{agency.name}@banyan.example",
                    phone="02-0000-0000",
                ),
            ),
            caller=SYSTEM,
        )
    for theme in THEMES:
        request = SaveTheme(name=theme.name, title=theme.title, title_en=theme.title_en, code=theme.code)
        await gate.call("opendata.save_theme", request, caller=SYSTEM)
    done = 0
    for number, dataset in enumerate(missing, 1):
        try:
            rows = await _publish(gate, folder, dataset)
        except Problem as problem:
            say(f"    {number}/{len(missing)} {dataset.title}: {problem.title}")
            continue
        done += 1
        say(f"    {number}/{len(missing)} {dataset.title}: {rows:,} rows")
        await _feed_map(gate, dataset.name, say)
    return done


async def _feed_map(gate: Gate, register: str, say: Say) -> None:
    """Let a register feed the stock map, where it does and the node has one."""
    followed = [one for one in FOLLOWED if one.register == register]
    if not followed or "supplies.follow_register" not in gate.catalogue.operations:
        return
    for item in ITEMS:
        await gate.call("supplies.save_item", msgspec.structs.asdict(item), caller=SYSTEM)
    for one in followed:
        try:
            await gate.call("supplies.follow_register", msgspec.structs.asdict(one), caller=SYSTEM)
        except Problem as problem:
            say(f"    {one.source}: {problem.title} {problem.remedy}")


async def _is_there(gate: Gate, name: str) -> bool:
    try:
        await gate.call("opendata.dataset", DatasetQuery(name=name), caller=SYSTEM)
    except NotFound:
        return False
    return True


async def _publish(gate: Gate, folder: Path, dataset: DemoDataset) -> int:
    path = folder / dataset.file
    await asyncio.to_thread(write_file, path, dataset, gate.clock())
    ticket: Ticket = await gate.call("opendata.begin_upload", BeginUpload(), caller=SYSTEM)
    copy = folder / f".{dataset.file}.upload"
    await asyncio.to_thread(shutil.copyfile, path, copy)
    await uploads.put(ticket.file, copy)
    agency = next(agency for agency in AGENCIES if agency.name == dataset.agency)
    published: Published = await gate.call(
        "opendata.publish",
        Publish(
            file=ticket.file,
            filename=dataset.file,
            name=dataset.name,
            title=dataset.title,
            notes=f"{dataset.notes}\n\n{NOTE}",
            agency=dataset.agency,
            tags=dataset.tags,
            themes=(dataset.theme,),
            frequency=dataset.frequency,
            options=Options(key=dataset.key),
        ),
        caller=SYSTEM,
    )
    year = datetime.fromtimestamp(gate.clock(), UTC).year
    request = SaveDataset(
        name=dataset.name,
        title_en=dataset.title_en,
        notes_en=f"{dataset.notes_en}\n\n{NOTE_EN}",
        spatial=dataset.spatial,
        identifier=f"{agency.code}-{DATASETS.index(dataset) + 1:06d}",
        temporal_from=f"{year}-01-01",
        temporal_to=f"{year}-12-31",
        contact=Contact(name=f"{agency.title}資料開放窗口", email=f"{agency.name}@banyan.example"),
    )
    await gate.call("opendata.save_dataset", request, caller=SYSTEM)
    if dataset.live_s:
        follow = Follow(resource=published.resource_id, source=str(path.resolve()), every_s=dataset.live_s)
        await gate.call("opendata.follow", follow, caller=SYSTEM)
    return sum(table.rows for table in published.tables)


async def keep_alive(folder: Path, *, clock: Clock) -> None:
    """Rewrite the live files as their agencies would, until cancelled."""
    live = [dataset for dataset in DATASETS if dataset.live_s]
    written = dict.fromkeys((dataset.name for dataset in live), 0.0)
    await asyncio.sleep(SETTLE_S)
    while True:
        for dataset in live:
            if clock() - written[dataset.name] >= dataset.live_s - 1:
                written[dataset.name] = clock()
                await asyncio.to_thread(write_file, folder / dataset.file, dataset, clock())
        await asyncio.sleep(REWRITE_S)


def write_file(path: Path, dataset: DemoDataset, now: float) -> None:
    """The dataset's file as its agency would hand it in at `now`; whole or not there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    staged = path.with_name(f".{path.name}.new")
    staged.write_bytes(dataset.make(Random(f"{SEED}-{dataset.name}"), now))  # noqa: S311 - invented data
    staged.rename(path)
