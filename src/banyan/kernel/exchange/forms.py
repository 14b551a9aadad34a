"""Form bodies: urlencoded, and multipart streamed to disk. Every part, field and file is bounded.

Source: RFC 7578 (multipart/form-data), WHATWG HTML 4.10.21.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from tempfile import mkstemp
from typing import IO, TYPE_CHECKING

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from banyan.errors import Limit
from banyan.kernel.catalogue.operation import FormData, UploadedFile
from banyan.kernel.exchange.binder import Unreadable, pairs_of
from banyan.limits import FORM_FIELD_BYTES, FORM_FILES, FORM_PART_HEADER_BYTES, FORM_PARTS, UPLOAD_BYTES

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks


def urlencoded(body: bytes) -> FormData:
    try:
        text = body.decode("ascii")
    except UnicodeDecodeError:
        raise Unreadable("form is not percent-encoded", remedy="percent-encode the text as UTF-8") from None
    return FormData(fields=pairs_of(text), files=[])


async def multipart(chunks: AsyncIterator[bytes], content_type: str, work: Path) -> FormData:
    """Read a multipart body, files to `work`. On any error the files written so far are removed."""
    boundary = parse_options_header(content_type)[1].get(b"boundary", b"")
    if not 0 < len(boundary) <= 256:
        raise Unreadable("multipart without a boundary", remedy="send Content-Type with boundary=")
    reader = _Reader(work)
    try:
        parser = MultipartParser(boundary, reader.callbacks(), max_size=UPLOAD_BYTES)
        async for chunk in chunks:
            parser.write(chunk)
        parser.finalize()
        if not reader.ended:
            raise Unreadable("multipart ends early", remedy="send the whole form")
        return FormData(fields=reader.fields, files=reader.files)
    except FormParserError as error:
        reader.discard()
        raise Unreadable(f"broken multipart: {error}", remedy="send a multipart/form-data body") from None
    except BaseException:
        reader.discard()
        raise
    finally:
        reader.close()


class _Reader:
    """Parser callbacks; state is the part being read."""

    def __init__(self, work: Path) -> None:
        self.fields: list[tuple[str, str]] = []
        self.files: list[UploadedFile] = []
        self.ended = False
        self._work = work
        self._parts = 0
        self._file: IO[bytes] | None = None
        self._path = Path()
        self._reset()

    def _reset(self) -> None:
        self._header_name = self._header_value = b""
        self._headers: dict[bytes, bytes] = {}
        self._header_bytes = 0
        self._value = bytearray()
        self._size = 0
        self._name = self._filename = ""

    def callbacks(self) -> MultipartCallbacks:
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._on_header_name,
            "on_header_value": self._on_header_value,
            "on_header_end": self._on_header_end,
            "on_headers_finished": self._start,
            "on_part_data": self._data,
            "on_part_end": self._finish,
            "on_end": self._end,
        }

    def _begin(self) -> None:
        self._reset()
        self._parts += 1
        if self._parts > FORM_PARTS:
            raise Limit(f"more than {FORM_PARTS} form parts", remedy="send fewer fields")

    def _on_header_name(self, data: bytes, start: int, end: int) -> None:
        self._header_name += data[start:end]
        self._bound_header(end - start)

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._header_value += data[start:end]
        self._bound_header(end - start)

    def _bound_header(self, size: int) -> None:
        self._header_bytes += size
        if self._header_bytes > FORM_PART_HEADER_BYTES:
            raise Limit(f"part headers over {FORM_PART_HEADER_BYTES} bytes", remedy="shorten the file name")

    def _on_header_end(self) -> None:
        self._headers[self._header_name.lower()] = self._header_value
        self._header_name = self._header_value = b""

    def _start(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        self._name = _text(options.get(b"name", b""))
        if not self._name:
            raise Unreadable("a form part has no name", remedy="name every field of the form")
        if b"filename" in options:
            self._filename = _text(options[b"filename"])
            if len(self.files) >= FORM_FILES:
                raise Limit(f"more than {FORM_FILES} files", remedy="send the files one after another")
            handle, name = mkstemp(prefix="upload-", dir=self._work)
            self._path = Path(name)
            self._file = open(handle, "wb")  # noqa: SIM115 - closed in _finish or close

    def _data(self, data: bytes, start: int, end: int) -> None:
        self._size += end - start
        if self._file is not None:
            self._file.write(data[start:end])
            return
        if self._size > FORM_FIELD_BYTES:
            raise Limit(f"field {self._name} over {FORM_FIELD_BYTES} bytes", remedy="send it as a file")
        self._value += data[start:end]

    def _finish(self) -> None:
        if self._file is None:
            self.fields.append((self._name, _text(bytes(self._value))))
            return
        self._file.close()
        self._file = None
        if not self._size and not self._filename:  # a file box left empty
            self._path.unlink()
            return
        media_type = self._headers.get(b"content-type", b"application/octet-stream").decode("latin-1")
        self.files.append(UploadedFile(self._name, Path(self._filename).name, media_type, self._path, self._size))

    def _end(self) -> None:
        self.ended = True

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._path.unlink(missing_ok=True)
            self._file = None

    def discard(self) -> None:
        for file in self.files:
            file.path.unlink(missing_ok=True)


def _text(raw: bytes) -> str:
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise Unreadable("form text is not UTF-8", remedy="send the form as UTF-8") from None
    if "\x00" in text:
        raise Unreadable("NUL in text", remedy="leave the NUL character out")
    return text
