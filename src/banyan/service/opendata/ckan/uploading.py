"""A file that came in a form: published as a table when it can be read as one, else kept as it is."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import msgspec

from banyan.errors import Problem
from banyan.kernel.catalogue.operation import UploadedFile
from banyan.service.opendata import uploads
from banyan.service.opendata.ckan.action import Ask
from banyan.service.opendata.committing import Published
from banyan.service.opendata.model import Dataset
from banyan.service.opendata.publish import Publish
from banyan.service.opendata.uploads import BeginUpload

TABLES = (".csv", ".tsv", ".txt", ".xlsx", ".json", ".ndjson", ".jsonl", ".geojson", ".parquet", ".gz", ".zip")


async def publish_file(ask: Ask, dataset: Dataset, *, name: str, id: str) -> str:
    """Publish the form's first file into the dataset, as the next version of resource `id` when given.

    Returns the resource's id. What looks like a table but cannot be read as one is kept as a file: CKAN takes any.
    """
    file = ask.files[0]
    asked = Publish(
        filename=file.filename or "upload",
        name=dataset.name,
        resource=id,
        resource_name=name,
        add=not id,
        accept=("columns", "shrunk"),
    )
    spare = await asyncio.to_thread(_spare, file)
    try:
        if file.filename.lower().endswith(TABLES):
            try:
                return await _published(ask, asked, file.path)
            except Problem as problem:
                if problem.status not in (400, 415, 422):
                    raise
                return await _published(ask, _as_file(asked), spare)
        return await _published(ask, _as_file(asked), file.path)
    finally:
        await asyncio.to_thread(spare.unlink, missing_ok=True)


def _spare(file: UploadedFile) -> Path:
    """A second name of the same bytes: a publish takes the first away."""
    spare = file.path.with_name(f"{file.path.name}.spare")
    os.link(file.path, spare)
    return spare


def _as_file(asked: Publish) -> Publish:
    return msgspec.structs.replace(asked, as_file=True)


async def _published(ask: Ask, asked: Publish, path: Path) -> str:
    ticket = (await ask.call("begin_upload", BeginUpload())).file
    try:
        await uploads.put(ticket, path)
        made: Published = await ask.call("publish", msgspec.structs.replace(asked, file=ticket))
    finally:
        await uploads.forget(ticket)
    return made.resource_id
