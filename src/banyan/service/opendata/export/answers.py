"""Answers of the export faces: entity tags, conditional requests, streamed bodies, page numbers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator

from banyan.errors import Invalid
from banyan.kernel.catalogue.operation import FaceAnswer, FaceRequest

_CACHE = ("Cache-Control", "public, max-age=60")
_OPEN = ("Access-Control-Allow-Origin", "*")
MAX_PAGE = 1_000_000
BLOCK_BYTES = 128 * 1024


def tag(*parts: object) -> str:
    """A weak entity tag of what the document was made from, and of the program's form of it."""
    return 'W/"' + "-".join(str(part).replace('"', "") for part in ("v1", *parts)) + '"'


def answer(
    request: FaceRequest, body: bytes | Iterable[bytes], media_type: str, *, etag: str, links: str = ""
) -> FaceAnswer:
    """200 with the body, or 304 when the caller has it (RFC 9110 s13.1.2)."""
    headers = (_CACHE, _OPEN, ("Vary", "Accept-Language"), *((("Link", links),) if links else ()))
    if etag and etag in (held.strip() for held in request.header("if-none-match").split(",")):
        return FaceAnswer(b"", media_type=media_type, status=304, headers=headers, etag=etag)
    sent = body if isinstance(body, bytes) else _streamed(body)
    return FaceAnswer(sent, media_type=media_type, headers=headers, etag=etag)


async def _streamed(chunks: Iterable[bytes]) -> AsyncIterator[bytes]:
    """The chunks in blocks, each made off the event loop: a page of 500 datasets costs some 400 ms in all."""
    iterator = iter(chunks)
    while block := await asyncio.to_thread(_block, iterator):
        yield block


def _block(iterator: Iterator[bytes]) -> bytes:
    parts: list[bytes] = []
    size = 0
    for chunk in iterator:
        parts.append(chunk)
        size += len(chunk)
        if size >= BLOCK_BYTES:
            break
    return b"".join(parts)


def page_number(request: FaceRequest) -> int:
    """`?page=`, from 1. Raises Invalid naming the field."""
    text = next((value for key, value in request.query if key == "page"), "1")
    if not (text.isascii() and text.isdecimal() and 1 <= len(text) <= 7 and 1 <= int(text) <= MAX_PAGE):
        raise Invalid.at("page", f"a whole number from 1 to {MAX_PAGE}", status=400)
    return int(text)


def page_count(total: int, size: int) -> int:
    return max(1, -(-total // size))
