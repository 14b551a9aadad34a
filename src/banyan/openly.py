"""How a service that may not know the open-data service publishes a file of its own: lent by the composition root."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from secrets import token_hex

from banyan.kernel.exchange import Gate
from banyan.kernel.identity.caller import SYSTEM
from banyan.kernel.storage import Drawer
from banyan.service.allocation.shelf import Dataset
from banyan.service.opendata import uploads
from banyan.service.opendata.datasets import SaveDataset
from banyan.service.opendata.ingest import Options
from banyan.service.opendata.publish import Publish
from banyan.service.opendata.uploads import BeginUpload, Ticket

ENDING = "allocation"


def publisher(gate: Gate, db: Drawer, *, agency: str) -> Callable[[Dataset], Awaitable[None]]:
    """Publish a file as the next version of its dataset, as the system, through the gate. `db`: whose work folder
    holds the file meanwhile; `agency`: the name of the publishing agency."""

    async def publish(dataset: Dataset) -> None:
        ticket: Ticket = await gate.call("opendata.begin_upload", BeginUpload(), caller=SYSTEM)
        path = db.work / f"{ENDING}-{token_hex(8)}"
        await asyncio.to_thread(path.write_bytes, dataset.body)
        await uploads.put(ticket.file, path)
        fields = "\n".join(f"- {name}：{what}" for name, what in dataset.columns.items())
        request = Publish(
            file=ticket.file,
            filename=dataset.filename,
            name=dataset.name,
            title=dataset.title,
            notes=f"{dataset.notes}\n\n{fields}",
            agency=agency,
            tags=dataset.tags,
            frequency="不定期",
            options=Options(key=(next(iter(dataset.columns)),)),
            accept=("columns", "shrunk"),
        )
        await gate.call("opendata.publish", request, caller=SYSTEM)
        words = SaveDataset(
            name=dataset.name, title=dataset.title, title_en=dataset.title_en, notes_en=dataset.notes_en
        )
        await gate.call("opendata.save_dataset", words, caller=SYSTEM)

    return publish
