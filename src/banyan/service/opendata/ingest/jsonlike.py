"""Read JSON, NDJSON and GeoJSON as rows, one record at a time however long the file is.

Records are an array of objects, objects one a line, an array under a key (with or without other members beside it), or
an object of arrays. Objects nest one level as `parent.child`; what is deeper stays JSON text.
Sources: RFC 8259, RFC 7946 (GeoJSON), NDJSON.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import msgspec

from banyan.limits import COLUMNS, JSON_RECORD_BYTES, JSON_WHOLE_BYTES, MIB
from banyan.service.opendata.ingest.options import Watch
from banyan.service.opendata.ingest.refusal import beyond, invalid

Json = object
Record = dict[str, Json]
CHUNK = 1 << 20
WHITE = " \t\r\n"


class Found(msgspec.Struct):
    """What stands around the records: which layout, under which key, and the other members."""

    layout: str = "json"
    """json, ndjson or geojson"""
    key: str = ""
    members: Record = {}


class _Scanner:
    """A window over a long text that decodes one JSON value at a time."""

    def __init__(self, file: TextIO, watch: Watch, total: int) -> None:
        self._file, self._watch, self._total = file, watch, total
        self._text, self._place, self._done, self._ended = "", 0, 0, False
        self._decoder = json.JSONDecoder(parse_constant=_no_constant)

    def peek(self) -> str:
        """The next character that is not white, or empty at the end."""
        while True:
            while self._place < len(self._text) and self._text[self._place] in WHITE:
                self._place += 1
            if self._place < len(self._text):
                return self._text[self._place]
            if not self._more():
                return ""

    def take(self, expected: str) -> None:
        if self.peek() != expected:
            raise invalid(
                "json-damaged", detail=f"{expected!r} expected, found {self.peek()!r} near character {self._at()}"
            )
        self._place += 1

    def value(self) -> Json:
        """The next value whole."""
        self.peek()
        while True:
            try:
                value, end = self._decoder.raw_decode(self._text, self._place)
                if end < len(self._text) or not self._more():
                    self._place = end
                    return value
            except (json.JSONDecodeError, RecursionError) as error:
                if isinstance(error, RecursionError) or not self._more():
                    raise invalid("json-damaged", detail=f"{str(error)[:80]} (character {self._at()})") from error
            if len(self._text) - self._place > JSON_RECORD_BYTES:
                raise beyond("json-record", bound_mib=JSON_RECORD_BYTES // MIB)

    def _more(self) -> bool:
        if self._ended:
            return False
        block = self._file.read(max(CHUNK, len(self._text) - self._place))
        self._ended = not block
        self._done += len(block.encode("utf-8", "surrogatepass")) if block and not block.isascii() else len(block)
        self._text, self._place = self._text[self._place :] + block, 0
        self._watch.step("read", min(self._done, self._total), self._total)
        return bool(block)

    def _at(self) -> int:
        return self._done - len(self._text) + self._place


def records(path: Path, found: Found, watch: Watch) -> Iterator[Record]:
    """The records of a UTF-8 JSON text; `found` is filled while reading. Raises Invalid and Limit."""
    with path.open(encoding="utf-8") as file:
        scanner = _Scanner(file, watch, path.stat().st_size)
        if scanner.peek() == "[":
            yield from _array(scanner)
        else:
            yield from _object(scanner, found, path)
        while scanner.peek():
            found.layout = "ndjson"
            yield _record(scanner.value())


def _array(scanner: _Scanner) -> Iterator[Record]:
    scanner.take("[")
    while scanner.peek() != "]":
        yield _record(scanner.value())
        if scanner.peek() != "]":
            scanner.take(",")
    scanner.take("]")


def _object(scanner: _Scanner, found: Found, path: Path) -> Iterator[Record]:
    """An object that holds records under a key, or is a record itself (alone or the first of NDJSON)."""
    scanner.take("{")
    members: Record = {}
    streamed = False
    while scanner.peek() != "}":
        name = str(scanner.value())
        scanner.take(":")
        if not streamed and scanner.peek() == "[" and _is_records_key(name, members):
            first = True
            for record in _array_if_objects(scanner, members, name):
                if first:
                    found.key, streamed, first = name, True, False
                yield record
        else:
            members[name] = scanner.value()
        if scanner.peek() != "}":
            scanner.take(",")
    scanner.take("}")
    found.members = {name: value for name, value in members.items() if name != found.key}
    if streamed:
        found.layout = "geojson" if found.key == "features" and members.get("type") == "FeatureCollection" else "json"
    elif scanner.peek() == "" and _are_columns(members):
        if path.stat().st_size > JSON_WHOLE_BYTES:
            raise beyond("json-record", bound_mib=JSON_WHOLE_BYTES // MIB)
        yield from _transposed(members)
    elif members.get("type") == "Feature":
        found.layout = "geojson"
        yield members
    else:
        yield from _nested(members, found)


def _is_records_key(name: str, members: Record) -> bool:
    """Any array may be the records, unless a feature's own members say it is something else."""
    return name not in {"bbox", "coordinates"} and members.get("type") != "Feature"


def _array_if_objects(scanner: _Scanner, members: Record, name: str) -> Iterator[Record]:
    """Stream an array of objects; another array is a plain member."""
    scanner.take("[")
    if scanner.peek() != "{":
        values: list[Json] = []
        while scanner.peek() != "]":
            values.append(scanner.value())
            if scanner.peek() != "]":
                scanner.take(",")
        scanner.take("]")
        members[name] = values
        return
    while scanner.peek() != "]":
        yield _record(scanner.value())
        if scanner.peek() != "]":
            scanner.take(",")
    scanner.take("]")


def _are_columns(members: Record) -> bool:
    """`{"a": [1, 2], "b": [3, 4]}`: arrays of one length, none of objects."""
    lengths = {len(value) if isinstance(value, list) else -1 for value in members.values()}
    return len(lengths) == 1 and lengths != {-1}


def _transposed(members: Record) -> Iterator[Record]:
    columns = {name: value for name, value in members.items() if isinstance(value, list)}
    for cells in zip(*columns.values(), strict=True):
        yield dict(zip(columns, cells, strict=True))


def _nested(members: Record, found: Found) -> Iterator[Record]:
    """Records one level down (`{"result": {"records": [...]}}`), else the object is one record."""
    for name, value in members.items():
        if isinstance(value, dict):
            for inner, rows in value.items():
                if isinstance(rows, list) and rows and all(isinstance(row, dict) for row in rows):
                    found.key = f"{name}.{inner}"
                    yield from rows
                    return
    yield members


def flattened(record: Record) -> dict[str, str]:
    """One level of objects as `parent.child`; every value as text, deeper ones as JSON."""
    cells: dict[str, str] = {}
    for name, value in record.items():
        if isinstance(value, dict) and value:
            for inner, below in value.items():
                cells[f"{name}.{inner}"] = text_of(below)
        else:
            cells[name] = text_of(value)
    if len(cells) > COLUMNS:
        raise beyond("columns", count=len(cells), bound=COLUMNS)
    return cells


def text_of(value: Json) -> str:
    """A JSON value as a cell's text."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, int):
        return str(value)
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace").decode()


def _record(value: Json) -> Record:
    return value if isinstance(value, dict) else {"value": value}


def _no_constant(name: str) -> Json:
    """NaN and Infinity are no JSON, but they are common; they say that there is no value."""
    assert name in {"NaN", "Infinity", "-Infinity"}, name
    return None
