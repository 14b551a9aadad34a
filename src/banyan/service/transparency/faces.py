"""The log as C2SP files: checkpoint and tiles for any auditor's own tools, and ours as a witness of other logs.

Sources: c2sp.org/tlog-tiles (paths, caching), c2sp.org/tlog-witness (add-checkpoint).
"""

from __future__ import annotations

import asyncio

from banyan.errors import NotFound
from banyan.kernel.catalogue import FaceAnswer, FaceRequest
from banyan.kernel.catalogue.operation import Context
from banyan.kernel.ledger.witness import add_checkpoint
from banyan.limits import WITNESS_BODY_BYTES
from banyan.service.transparency.service import SERVICE
from banyan.service.transparency.shelf import Shelf, shelf_of
from banyan.wire.tlog.tiles import Tile, parse_path

FOR_EVER = (("Cache-Control", "public, max-age=31536000, immutable"),)
_shelf: list[Shelf] = []


@SERVICE.start
async def begin(ctx: Context) -> None:
    """Faces get no drawer: they are served from the shelf of the node that started last."""
    _shelf[:] = [shelf_of(ctx.db)]


@SERVICE.face("GET", path="/ledger/checkpoint")
async def checkpoint(request: FaceRequest) -> FaceAnswer:
    """The newest signed checkpoint."""
    head = await _shelf[0].ledger.head()
    if not head.checkpoint:
        raise NotFound("no checkpoint yet", remedy="come back in a few seconds")
    return FaceAnswer(head.checkpoint, media_type="text/plain; charset=utf-8", headers=(("Cache-Control", "no-cache"),))


@SERVICE.face("GET", path="/ledger/tile/{path*}")
async def tile(request: FaceRequest) -> FaceAnswer:
    """A tile of hashes or a bundle of entries."""
    wanted = parse_path(f"tile/{request.params['path']}")
    data = None if wanted is None else await _read(wanted)
    if data is None:
        raise NotFound("no such tile", remedy="read /ledger/checkpoint for the size, and take tiles within it")
    return FaceAnswer(data, media_type="application/octet-stream", headers=FOR_EVER)


@SERVICE.face("POST", path="/witness/add-checkpoint", rate="write")
async def witness(request: FaceRequest) -> FaceAnswer:
    """Cosign another log's checkpoint when it continues what we saw; `ledger.witness_for` of node.toml says whose."""
    shelf, body = _shelf[0], await request.body(WITNESS_BODY_BYTES)
    answer = await add_checkpoint(shelf.ledger_store, shelf.keys, shelf.witnessed, body, int(request.now))
    return FaceAnswer(answer.body.encode(), media_type=answer.media_type, status=answer.status)


@SERVICE.face("GET", path="/ledger/keys")
async def keys(request: FaceRequest) -> FaceAnswer:
    """The log's public keys, one a line: what `./banyan verify --keys` takes."""
    return FaceAnswer(
        "".join(f"{key}\n" for key in _shelf[0].keys.vkeys).encode(), media_type="text/plain; charset=utf-8"
    )


async def _read(wanted: Tile) -> bytes | None:
    ledger = _shelf[0].ledger
    tree, published = await ledger.tree(), (await ledger.head()).published
    count = published if wanted.level is None else published >> 8 * wanted.level
    if wanted.index * 256 + wanted.width > count:
        return None  # beyond the checkpoint: not promised to anybody yet

    def read() -> bytes | None:
        path = tree.file(wanted)
        return path.read_bytes() if path is not None else tree.cut(wanted)

    return await asyncio.to_thread(read)
