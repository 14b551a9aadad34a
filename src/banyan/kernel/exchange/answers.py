"""Sending answers: bytes with ETag and 304, files with ranges, streams with back-pressure; HEAD sends no body.

Sources: RFC 9110 s8.8.3 (ETag), s13.1.2 (If-None-Match), s14 (ranges).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping, Sequence
from contextlib import suppress
from email.utils import formatdate
from pathlib import Path
from typing import Any
from zlib import crc32

import msgspec

from banyan.kernel.catalogue.operation import FaceAnswer
from banyan.kernel.exchange.deadline import Deadlines
from banyan.kernel.exchange.request import DoorRequest
from banyan.kernel.exchange.security import KEYED_CACHE, PRIVATE_CACHE, Headers
from banyan.limits import FILE_CHUNK_BYTES
from banyan.wire.sse import MEDIA_TYPE as EVENT_STREAM

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
TEXT_TYPES = ("text/", "application/xml", "application/javascript")


class Sent(msgspec.Struct):
    """What was sent: for the access record, and so that a late error knows the head is out."""

    status: int = 0
    bytes: int = 0
    started: bool = False


class Wire:
    """The sending side of one request."""

    __slots__ = ("_deadlines", "_idle_s", "_send", "_task", "receive", "request", "sent")

    def __init__(self, request: DoorRequest, send: Send, receive: Callable[[], Awaitable[Any]]) -> None:
        self.request = request
        self.receive = receive
        self.sent = Sent()
        self._send = send
        self._task: asyncio.Task[Any] | None = None

    def timed(self, task: asyncio.Task[Any], deadlines: Deadlines, idle_s: float) -> None:
        """From now on the limit is `idle_s` for each chunk, not for the whole answer."""
        self._task, self._deadlines, self._idle_s = task, deadlines, idle_s

    async def head(self, status: int, headers: Headers) -> None:
        self.sent.status = status
        self.sent.started = True
        await self._send({"type": "http.response.start", "status": status, "headers": headers})

    async def chunk(self, body: bytes, *, more: bool) -> None:
        self.sent.bytes += len(body)
        await self._send({"type": "http.response.body", "body": body, "more_body": more})

    async def answer(self, answer: FaceAnswer, headers: Headers) -> None:
        """Send `answer`; `headers` are the route's own, already encoded."""
        if answer.headers:
            headers = _merged(headers, answer.headers)
        headers.append((b"content-type", content_type(answer.media_type)))
        if isinstance(answer.body, bytes):
            await self._bytes(answer, answer.body, headers)
        elif isinstance(answer.body, Path):
            await self._file(answer, answer.body, headers)
        else:
            await self._stream(answer, answer.body, headers)

    async def _bytes(self, answer: FaceAnswer, body: bytes, headers: Headers) -> None:
        request, status = self.request, answer.status
        if status == 200 and request.method in ("GET", "HEAD"):
            tag = quoted(answer.etag) if answer.etag else etag_of(body)
            headers.append((b"etag", tag))
            known = request.raw_header(b"if-none-match")
            if known and is_known(known, tag):
                await self._not_modified(headers)
                return
        if status != 204:
            headers.append((b"content-length", b"%d" % len(body)))
        if request.method == "HEAD":
            body = b""
        sent = self.sent
        sent.status, sent.started, sent.bytes = status, True, len(body)
        await self._send({"type": "http.response.start", "status": status, "headers": headers})
        await self._send({"type": "http.response.body", "body": body, "more_body": False})

    async def _not_modified(self, headers: Headers) -> None:
        await self.head(304, [pair for pair in headers if pair[0] != b"content-type"])
        await self.chunk(b"", more=False)

    async def _file(self, answer: FaceAnswer, path: Path, headers: Headers) -> None:
        stat = await asyncio.to_thread(path.stat)
        tag = quoted(answer.etag or f"{stat.st_mtime_ns:x}-{stat.st_size:x}")
        headers += [
            (b"etag", tag),
            (b"accept-ranges", b"bytes"),
            (b"last-modified", formatdate(stat.st_mtime, usegmt=True).encode()),
        ]
        self._progress()
        request = self.request
        if is_known(request.raw_header(b"if-none-match"), tag):
            await self._not_modified(headers)
            return
        wanted = _wanted_range(request, tag, stat.st_size) if answer.status == 200 else None
        if wanted == ():
            headers.append((b"content-range", b"bytes */%d" % stat.st_size))
            headers.append((b"content-length", b"0"))
            await self.head(416, headers)
            await self.chunk(b"", more=False)
            return
        start, end = wanted or (0, stat.st_size)
        if wanted:
            headers.append((b"content-range", b"bytes %d-%d/%d" % (start, end - 1, stat.st_size)))
        headers.append((b"content-length", b"%d" % (end - start)))
        await self.head(206 if wanted else answer.status, headers)
        if request.method == "HEAD":
            await self.chunk(b"", more=False)
            return
        await self._chunks(_file_chunks(path, start, end))

    async def _stream(self, answer: FaceAnswer, chunks: AsyncIterator[bytes], headers: Headers) -> None:
        if answer.etag:
            tag = quoted(answer.etag)
            headers.append((b"etag", tag))
            if answer.status == 200 and is_known(self.request.raw_header(b"if-none-match"), tag):
                await _closed(chunks)
                await self.head(304, [pair for pair in headers if pair[0] != b"content-type"])
                await self.chunk(b"", more=False)
                return
        self._progress()
        if answer.media_type == EVENT_STREAM:
            self.request.mark_endless()
        await self.head(answer.status, headers)
        if self.request.method == "HEAD":
            await _closed(chunks)
            await self.chunk(b"", more=False)
            return
        await self._chunks(chunks)

    async def _chunks(self, chunks: AsyncIterator[bytes]) -> None:
        """Pump chunks out; stop at once when the reader goes away, so that nobody computes for nobody."""
        pump = asyncio.ensure_future(self._pump(chunks))
        watch = asyncio.ensure_future(self._gone())
        try:
            await asyncio.wait((pump, watch), return_when=asyncio.FIRST_COMPLETED)
            if pump.done():
                pump.result()
        finally:
            for task in (pump, watch):
                task.cancel()
            with suppress(asyncio.CancelledError):
                await watch
            with suppress(asyncio.CancelledError):
                await pump
            await _closed(chunks)

    async def _pump(self, chunks: AsyncIterator[bytes]) -> None:
        async for chunk in chunks:
            await self.chunk(chunk, more=True)
            self._progress()
        await self.chunk(b"", more=False)

    def _progress(self) -> None:
        if self._task is not None:
            self._deadlines.start(self._task, self._idle_s)

    async def _gone(self) -> None:
        while (await self.receive())["type"] != "http.disconnect":
            pass


def _merged(headers: Headers, own: Sequence[tuple[str, str]]) -> Headers:
    """The route's headers and the answer's own; the answer's win, except that nothing private becomes cacheable."""
    given = [(name.lower().encode("latin-1"), _header(value)) for name, value in own]
    if PRIVATE_CACHE in headers or KEYED_CACHE in headers:
        given = [pair for pair in given if pair[0] != b"cache-control" or b"immutable" in pair[1]]
    names = {name for name, _ in given}
    return [pair for pair in headers if pair[0] not in names] + given


async def _closed(chunks: AsyncIterator[bytes]) -> None:
    close = getattr(chunks, "aclose", None)
    if close is not None:
        await close()


async def _file_chunks(path: Path, start: int, end: int) -> AsyncIterator[bytes]:
    # Opened here: a thread that opens it would leave it open when the reader goes away in that moment.
    with path.open("rb") as file:
        file.seek(start)
        left = end - start
        while left > 0:
            chunk = await asyncio.to_thread(file.read, min(FILE_CHUNK_BYTES, left))
            if not chunk:
                return
            left -= len(chunk)
            yield chunk


def _header(value: str) -> bytes:
    """A header value; CR, LF and NUL would start another header, so they never leave (RFC 9110 s5.5)."""
    assert not set(value) & {"\r", "\n", "\x00"}, "a header value has one line"
    return value.encode("latin-1")


_CONTENT_TYPES: dict[str, bytes] = {}


def content_type(media_type: str) -> bytes:
    """With `charset=utf-8` for text that does not say."""
    known = _CONTENT_TYPES.get(media_type)
    if known is None:
        text = media_type
        if text.startswith(TEXT_TYPES) and "charset" not in text:
            text += "; charset=utf-8"
        known = _header(text)
        if len(_CONTENT_TYPES) < 256:
            _CONTENT_TYPES[media_type] = known
    return known


def etag_of(body: bytes) -> bytes:
    """A weak validator: CRC-32 and length. 3x cheaper than SHA-256 and it guards a cache, not a secret."""
    return b'W/"%x-%x"' % (crc32(body), len(body))


def quoted(etag: str) -> bytes:
    return _header(etag if etag.startswith(('"', 'W/"')) else f'"{etag}"')


def is_known(if_none_match: bytes, tag: bytes) -> bool:
    """Weak comparison of If-None-Match with our tag."""
    if not if_none_match:
        return False
    wanted = tag.removeprefix(b"W/")
    return if_none_match.strip() == b"*" or any(
        part.strip().removeprefix(b"W/") == wanted for part in if_none_match.split(b",")
    )


def _wanted_range(request: DoorRequest, tag: bytes, size: int) -> tuple[int, int] | tuple[()] | None:
    """One byte range as (start, end); None: send all; (): cannot be satisfied. Several ranges: send all."""
    text = request.header("range")
    condition = request.raw_header(b"if-range")
    if not text.startswith("bytes=") or "," in text or (condition and condition != tag):
        return None
    first, dash, last = text[6:].strip().partition("-")
    if not dash or not all(part.isascii() and (part.isdigit() or not part) for part in (first, last)):
        return None
    if first:
        start, end = _place(first), min(_place(last) + 1, size) if last else size
        return (start, end) if start < end else (() if start >= size else None)
    if not last:
        return None
    return (max(0, size - _place(last)), size) if _place(last) and size else ()


def _place(digits: str) -> int:
    """A place in a file; more digits than any file is long (and than `int` reads) are a place behind its end."""
    return int(digits) if len(digits) <= 18 else 10**18
