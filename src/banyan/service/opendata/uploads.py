"""Files this process has received and that wait to be published, by a ticket nobody can guess.

A publish names a ticket, never a path: so no request can make the node read a file it was not sent.
"""

from __future__ import annotations

import asyncio
import secrets
import shutil
from pathlib import Path

import msgspec

from banyan.errors import Limit
from banyan.kernel.catalogue.operation import OPEN, Context
from banyan.limits import UPLOADS_WAITING
from banyan.service.opendata.service import SERVICE
from banyan.service.opendata.wording import refusal

_waiting: dict[str, Path] = {}


class BeginUpload(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A place for one file; asked before its bytes are read, so that only who may publish can send them."""


class Ticket(msgspec.Struct, frozen=True):
    """What `Publish.file` takes."""

    file: str


def offer(path: Path) -> str:
    """Let a publish take this file; it belongs to the publish from then on. Raises Limit when too many wait."""
    if len(_waiting) >= UPLOADS_WAITING:
        raise refusal(Limit, "publish.too_many_uploads", most=UPLOADS_WAITING)
    ticket = secrets.token_urlsafe(16)
    _waiting[ticket] = path
    return ticket


def path_of(ticket: str) -> Path | None:
    """Where the file of a ticket is, or is to be written."""
    return _waiting.get(ticket)


async def put(ticket: str, path: Path) -> None:
    """Move a file that was received elsewhere to its ticket's place."""
    await asyncio.to_thread(shutil.move, path, _waiting[ticket])


async def forget(ticket: str) -> None:
    """Remove the file and its ticket. An unknown ticket is fine."""
    path = _waiting.pop(ticket, None)
    if path is not None:
        await asyncio.to_thread(path.unlink, missing_ok=True)


@SERVICE.operation(
    "begin_upload",
    title={"zh-Hant": "準備上傳", "en": "Begin an upload"},
    summary={
        "zh-Hant": "取得上傳檔案的憑證；檔案本身送到 /api/opendata/upload。",
        "en": "A ticket for one file; the file itself goes to /api/opendata/upload.",
    },
    data=OPEN,
    audience="administrator",
    effect="write",
    channels=(),
)
async def begin_upload(ctx: Context, request: BeginUpload) -> Ticket:
    folder = ctx.db.work / "uploads"
    await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
    return Ticket(offer(folder / secrets.token_hex(16)))
