"""Bodies that wait: small ones in their row, so that they share a flush with others; large ones as blobs.

A blob is named by its content, so two messages may share one. It goes when no row names it and none is about to: that
is known in memory, for one process has the drawer open.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import tempfile
import threading
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Final, Literal, cast

import msgspec

from banyan.errors import Limit
from banyan.kernel.exchange.road.model import Body
from banyan.kernel.storage.blobs import Blobs
from banyan.kernel.storage.full import is_no_room, storage_full
from banyan.kernel.storage.statements import load_statements
from banyan.kernel.storage.store import Store, Tx
from banyan.limits_road import DELIVERY_BYTES, DELIVERY_INLINE_BYTES, ROAD_PIECE_BYTES

SQL: Final = load_statements("banyan.kernel.exchange.delivery", "contents.sql")
Side = Literal["sent", "received", "sync"]
Part = Literal["request", "answer"]


class Content(msgspec.Struct, frozen=True):
    """A body as it is kept. `blob` is empty when it is `inline`."""

    size: int
    sha256: bytes
    inline: bytes = b""
    blob: str = ""


class Kept(msgspec.Struct, frozen=True):
    head: bytes
    body: Body


class Whole:
    """A body in memory."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    @property
    def size(self) -> int:
        return len(self._content)

    async def chunks(self) -> AsyncIterator[bytes]:
        if self._content:
            yield self._content

    def whole(self, most: int) -> bytes:
        _check(self.size, most)
        return self._content

    def close(self) -> None:
        pass


class InFile:
    """A body in a blob; the file stays when it is closed."""

    def __init__(self, path: Path, size: int) -> None:
        self._path = path
        self._size = size

    @property
    def size(self) -> int:
        return self._size

    async def chunks(self) -> AsyncIterator[bytes]:
        at = 0
        while piece := await asyncio.to_thread(self._piece, at):  # nothing stays open when a reader goes away
            yield piece
            at += len(piece)

    def whole(self, most: int) -> bytes:
        _check(self._size, most)
        return self._path.read_bytes()

    def close(self) -> None:
        pass

    def _piece(self, at: int) -> bytes:
        with self._path.open("rb") as file:
            file.seek(at)
            return file.read(ROAD_PIECE_BYTES)


class Contents:
    """`work` is scratch on the same disk as the blobs. `size`: bytes that all bodies take, about."""

    def __init__(self, blobs: Blobs, work: Path) -> None:
        self._blobs = blobs
        self._work = work
        self._gate = threading.Lock()
        self._held: Counter[str] = Counter()
        self._doomed: set[str] = set()
        self.size = 0

    async def count(self, store: Store) -> None:
        """Count again what all bodies take; what is put away is not counted off until then."""
        self.size = await store.read(kept_bytes)

    def check_room(self, size: int = 0) -> None:
        """Raises Limit (507): as much is kept as may be, of both sides and of answers that are remembered."""
        if self.size + size > DELIVERY_BYTES:
            raise Limit(
                f"{DELIVERY_BYTES} bytes of messages are kept already (DELIVERY_BYTES).",
                remedy="Fetch and acknowledge answers that wait, then send the same again.",
                status=507,
                kind="delivery-no-room",
                retry_after_s=300,
            )

    async def take(self, body: Body) -> Content:
        """Keep a body; a large one is durable when it returns. `settle` it when its row is committed, or never will be.

        Raises Limit (507): the disk is full."""
        if body.size <= DELIVERY_INLINE_BYTES:
            content = body.whole(DELIVERY_INLINE_BYTES)
            return Content(len(content), hashlib.sha256(content).digest(), content)
        descriptor, name = tempfile.mkstemp(prefix="body-", dir=self._work)
        staged = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as file:
                async for piece in body.chunks():
                    await asyncio.to_thread(file.write, piece)
            return await asyncio.to_thread(self._hold, staged)
        except OSError as error:
            raise (storage_full() if is_no_room(error) else error) from error
        finally:
            await asyncio.to_thread(staged.unlink, missing_ok=True)

    def settle(self, content: Content) -> None:
        if content.blob:
            with self._gate:
                self._held[content.blob] -= 1
                if not self._held[content.blob]:
                    del self._held[content.blob]

    async def drop(self, store: Store, blobs: Iterable[str]) -> None:
        """Remove blobs that rows named until now, unless others do."""
        for blob in filter(None, blobs):
            with self._gate:
                self._doomed.add(blob)
            if await store.read(lambda tx, blob=blob: tx.row(SQL["refers"], file=blob)) is None:  # type: ignore[misc]  # a default binds the loop's value
                await asyncio.to_thread(self._remove, blob)

    async def sweep(self, store: Store) -> None:
        """Remove what a crash left: blobs that no row names."""
        await self.drop(store, await asyncio.to_thread(lambda: list(self._blobs.keys())))

    def body(self, inline: bytes, blob: str, size: int) -> Body:
        return InFile(self._blobs.path(blob), size) if blob else Whole(inline)

    def get(self, tx: Tx, side: Side, client: str, message_id: str, part: Part) -> Kept | None:
        row = tx.row(SQL["get"], side=side, client=client, message_id=message_id, part=part)
        if row is None:
            return None
        head, inline, blob, size = cast("tuple[bytes, bytes, str, int]", row)
        return Kept(head, self.body(inline, blob, size))

    def _hold(self, staged: Path) -> Content:
        with self._gate:  # from the file's appearing until it is held nobody may remove it
            ref = self._blobs.put_file(staged)
            self._held[ref.sha256] += 1
            self._doomed.discard(ref.sha256)
        return Content(ref.size, bytes.fromhex(ref.sha256), b"", ref.sha256)

    def _remove(self, blob: str) -> None:
        with self._gate:
            if blob in self._doomed and not self._held[blob]:
                self._blobs.remove(blob)
            self._doomed.discard(blob)


def put(tx: Tx, side: Side, key: tuple[str, str], part: Part, *, head: bytes, content: Content) -> None:
    """`key`: client and message id. In the transaction that says the message is kept."""
    client, message_id = key
    tx.run(
        SQL["put"],
        side=side,
        client=client,
        message_id=message_id,
        part=part,
        head=head,
        inline=content.inline,
        file=content.blob,
        size=content.size,
    )


def drop(tx: Tx, side: Side, key: tuple[str, str], *parts: Part) -> list[str]:
    """Forget parts; the blobs that `Contents.drop` may remove after the commit."""
    client, message_id = key
    rows = [tx.row(SQL["drop"], side=side, client=client, message_id=message_id, part=part) for part in parts]
    return [str(row[0]) for row in rows if row is not None and row[0]]


def kept_bytes(tx: Tx) -> int:
    row = tx.row(SQL["bytes"])
    return int(cast(int, row[0])) if row else 0


def _check(size: int, most: int) -> None:
    if size > most:
        raise Limit(f"The body has {size} bytes.", remedy=f"Send at most {most} bytes.", kind="body-too-large")
