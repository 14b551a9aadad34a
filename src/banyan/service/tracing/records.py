"""Requests as kept, and their results: a sealed file each, whose key ends with the order."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Final, Literal

import msgspec
import numpy as np

from banyan.craft.tracing.sealed import read_sealed, write_sealed
from banyan.craft.tracing.tracing import Hits
from banyan.kernel.storage.statements import load_statements
from banyan.kernel.storage.store import Row, Tx
from banyan.limits_tracing import TRACE_EVIDENCE
from banyan.service.tracing.shelf import Shelf

SQL: Final = load_statements("banyan.service.tracing", "tracing.sql")
State = Literal["counted", "releasing", "released", "dropped"]
KEY_BYTES: Final = 32


class Request(msgspec.Struct, frozen=True):
    """A row of the table."""

    id: str
    question: str
    at: float
    day: int
    officer: str
    agency: str
    order_id: str
    reason: str
    state: State
    contacts: int
    shown: str
    key: bytes
    noted: int
    told: int
    second_officer: str
    second_agency: str
    released_at: float


def request_of(tx: Tx, id: str) -> Request | None:
    row = tx.row(SQL["request"], id=id)
    return None if row is None else _request(row)


def newest(tx: Tx, limit: int) -> list[Request]:
    return [_request(row) for row in tx.rows(SQL["requests"], limit=limit)]


def _request(row: Row) -> Request:
    values = dict(zip(Request.__struct_fields__, row, strict=True))
    values["key"] = bytes(values["key"])  # type: ignore[arg-type]
    return msgspec.convert(values, Request, strict=False)


def kept(hits: Hits) -> Hits:
    """The first TRACE_EVIDENCE meetings of each contact; `hits` are in the order of phone and time."""
    if not len(hits):
        return hits
    starts = np.flatnonzero(np.r_[True, hits.phone[1:] != hits.phone[:-1]])
    place = np.arange(len(hits)) - np.repeat(starts, np.diff(np.r_[starts, len(hits)]))
    return hits.take(place < TRACE_EVIDENCE)


def result_path(shelf: Shelf, id: str) -> Path:
    return shelf.folder / "results" / f"{id}.sealed"


async def put_result(shelf: Shelf, order: str, id: str, hits: Hits) -> bytes:
    """Write it; the sealed key, to be kept in the request's row."""
    key = shelf.random(KEY_BYTES)
    path = result_path(shelf, id)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    columns = [getattr(hits, name) for name in Hits.__struct_fields__]
    plain = zlib.compress(len(hits).to_bytes(8, "big") + b"".join(one.tobytes() for one in columns), 1)
    write_sealed(path, plain, key, random=shelf.random)
    return await shelf.scopes.seal(shelf.scope_of(order), _subject(id), key, context=id.encode())


async def result_of(shelf: Shelf, request: Request) -> Hits:
    """Raises Destroyed once the order is over."""
    key = await shelf.scopes.open(
        shelf.scope_of(request.order_id), _subject(request.id), request.key, context=request.id.encode()
    )
    plain = zlib.decompress(read_sealed(result_path(shelf, request.id), key))
    size, at, columns = int.from_bytes(plain[:8], "big"), 8, []
    for kind in (np.uint32, np.int64, np.int32, np.int32, np.int32):
        columns.append(np.frombuffer(plain, kind, size, at))
        at += columns[-1].nbytes
    return Hits(*columns)  # type: ignore[arg-type]


def _subject(id: str) -> bytes:
    return f"tracing/{id}".encode()
