"""The log as C2SP files: checkpoint and tiles for any auditor's own tools, and ours as a witness of other logs.

Sources: c2sp.org/tlog-tiles (paths, caching), c2sp.org/tlog-witness (add-checkpoint).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from banyan.errors import NotFound
from banyan.kernel.catalogue import FaceAnswer, FaceRequest
from banyan.kernel.catalogue.operation import Asking, Context, Effect
from banyan.kernel.ledger.log import Ledger
from banyan.kernel.ledger.witness import add_checkpoint
from banyan.limits import WITNESS_BODY_BYTES
from banyan.service.transparency.service import SERVICE
from banyan.service.transparency.shelf import shelf_of
from banyan.wire.tlog.tiles import Tile, parse_path

FOR_EVER = (("Cache-Control", "public, max-age=31536000, immutable"),)
F = TypeVar("F", bound=Callable[..., Any])
PLAIN = "text/plain; charset=utf-8"


class Nothing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Nothing to ask."""


class File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    path: str


class Note(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    body: bytes


def _served(name: str, zh: str, en: str, *, effect: Effect = "read") -> Callable[[F], F]:
    """An operation behind a face: it has the drawer, and so the log of its own node."""
    return SERVICE.operation(
        name,
        title={"zh-Hant": zh, "en": en},
        summary={"zh-Hant": f"透明日誌：{zh}。", "en": f"Transparency log: {en.lower()}."},
        data=("open",),
        audience="public",
        effect=effect,
        purpose="open-data" if effect == "read" else "public-intake",
        channels=(),
    )


@_served("newest", "最新的檢查點", "Newest checkpoint")
async def newest(ctx: Context, request: Nothing) -> FaceAnswer:
    head = await shelf_of(ctx.db).ledger.head()
    if not head.checkpoint:
        raise NotFound("no checkpoint yet", remedy="come back in a few seconds")
    return FaceAnswer(head.checkpoint, media_type=PLAIN, headers=(("Cache-Control", "no-cache"),))


@_served("file", "雜湊磚與紀錄檔", "Tile of hashes or bundle of entries")
async def file(ctx: Context, request: File) -> FaceAnswer:
    wanted = parse_path(f"tile/{request.path}")
    data = None if wanted is None else await _read(shelf_of(ctx.db).ledger, wanted)
    if data is None:
        raise NotFound("no such tile", remedy="read /ledger/checkpoint for the size, and take tiles within it")
    return FaceAnswer(data, media_type="application/octet-stream", headers=FOR_EVER)


@_served("keys", "公開金鑰", "Public keys")
async def public_keys(ctx: Context, request: Nothing) -> FaceAnswer:
    lines = "".join(f"{key}\n" for key in shelf_of(ctx.db).keys.vkeys)
    return FaceAnswer(lines.encode(), media_type=PLAIN)


@_served("cosign", "為他人的日誌共同簽署", "Cosign another log's checkpoint", effect="write")
async def cosign(ctx: Context, request: Note) -> FaceAnswer:
    shelf = shelf_of(ctx.db)
    answer = await add_checkpoint(shelf.ledger_store, shelf.keys, shelf.witnessed, request.body, int(ctx.now))
    return FaceAnswer(answer.body.encode(), media_type=answer.media_type, status=answer.status)


@SERVICE.face("GET", path="/ledger/checkpoint")
async def checkpoint(request: FaceRequest) -> FaceAnswer:
    """The newest signed checkpoint."""
    return await _answer(request, "newest", {})


@SERVICE.face("GET", path="/ledger/tile/{path*}")
async def tile(request: FaceRequest) -> FaceAnswer:
    """A tile of hashes or a bundle of entries."""
    return await _answer(request, "file", {"path": request.params["path"]})


@SERVICE.face("GET", path="/ledger/keys")
async def keys(request: FaceRequest) -> FaceAnswer:
    """The log's public keys, one a line: what `./banyan verify --keys` takes."""
    return await _answer(request, "keys", {})


@SERVICE.face("POST", path="/witness/add-checkpoint", rate="write")
async def witness(request: FaceRequest) -> FaceAnswer:
    """Cosign another log's checkpoint when it continues what we saw; `ledger.witness_for` of node.toml says whose."""
    return await _answer(request, "cosign", Note(await request.body(WITNESS_BODY_BYTES)))


async def _answer(request: FaceRequest, operation: str, asked: Asking) -> FaceAnswer:
    answer = await request.call(f"transparency.{operation}", asked)
    assert isinstance(answer, FaceAnswer), "a served file is sent as it is"
    return answer


async def _read(ledger: Ledger, wanted: Tile) -> bytes | None:
    tree, published = await ledger.tree(), (await ledger.head()).published
    count = published if wanted.level is None else published >> 8 * wanted.level
    if wanted.index * 256 + wanted.width > count:
        return None  # beyond the checkpoint: not promised to anybody yet

    def read() -> bytes | None:
        path = tree.file(wanted)
        return path.read_bytes() if path is not None else tree.cut(wanted)

    return await asyncio.to_thread(read)
