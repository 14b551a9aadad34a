"""`/datastore/dump/RID`: a table as CSV, TSV, JSON or XML, streamed page by page from one version."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Mapping, Sequence
from urllib.parse import quote
from xml.sax.saxutils import escape, quoteattr

import msgspec

from banyan.errors import Problem
from banyan.kernel.catalogue.operation import FaceAnswer, FaceRequest
from banyan.limits import CKAN_ACTION_S, CKAN_DUMP_ROWS
from banyan.service.opendata.ckan.action import Ask
from banyan.service.opendata.ckan.datastore import read_query, search
from banyan.service.opendata.ckan.errors import as_action_error
from banyan.service.opendata.service import SERVICE
from banyan.service.opendata.tables.operations import Rows, RowsQuery
from banyan.service.opendata.tables.query import Field
from banyan.wire.ckan import envelope
from banyan.wire.ckan.envelope import ActionError, Json
from banyan.wire.ckan.request import from_pairs

MEDIA_TYPE = "application/octet-stream"
"""As CKAN serves a dump: a file to keep, whatever its format."""
FORMATS = ("csv", "tsv", "json", "xml")
_BOM = b"\xef\xbb\xbf"
Row = Sequence[Json]


@SERVICE.face("GET", "HEAD", path="/datastore/dump/{id}", time_s=CKAN_ACTION_S)
async def dump(request: FaceRequest) -> FaceAnswer:
    """Parameters: format, bom, limit, offset, fields, sort, q, filters, plain, distinct."""
    try:
        params: Mapping[str, Json] = {**from_pairs(request.query), "resource_id": request.params["id"]}
        ask = Ask(request, params)
        reader = ask.reader()
        kind = reader.one_of("format", FORMATS, "csv")
        limit = reader.natural("limit", 2**40)
        with_bom = reader.flag("bom") and kind != "json"
        query, _ = read_query(reader)
        reader.finish()
        query = msgspec.structs.replace(query, records="lists", total=False)
        first = await _page(ask, query, 0, limit)
    except Problem as problem:
        return _refused(as_action_error(problem))
    except ActionError as error:
        return _refused(error)
    except envelope.BadRequest as error:
        return FaceAnswer(envelope.bare(str(error)), media_type=envelope.MEDIA_TYPE, status=error.status)
    query = msgspec.structs.replace(query, version=first.origin.version)
    name = quote(f"{request.params['id']}.{kind}")
    return FaceAnswer(
        _stream(ask, query, first, limit=limit, kind=kind, bom=with_bom),
        media_type=MEDIA_TYPE,
        headers=(("Content-Disposition", f"attachment; filename*=UTF-8''{name}"),),
    )


def _refused(error: ActionError) -> FaceAnswer:
    return FaceAnswer(envelope.encode(error.error), media_type=envelope.MEDIA_TYPE, status=error.status)


async def _page(ask: Ask, query: RowsQuery, at: int, left: int) -> Rows:
    wanted = msgspec.structs.replace(query, offset=query.offset + at, limit=min(left, CKAN_DUMP_ROWS))
    return await search(ask, wanted)


async def _stream(ask: Ask, query: RowsQuery, page: Rows, *, limit: int, kind: str, bom: bool) -> AsyncIterator[bytes]:
    """The head, then page after page until one is short. Unsorted pages go on past the last `_id`, which costs less."""
    yield (_BOM if bom else b"") + _head(page.fields, kind)
    done = 0
    while True:
        rows = _rows(page)
        if rows:
            yield _body(page.fields, rows, kind, is_first=done == 0)
        done += len(rows)
        if len(rows) < CKAN_DUMP_ROWS or done >= limit:
            break
        if page.next is not None:
            query = msgspec.structs.replace(query, after=page.next, offset=0)
            page = await _page(ask, query, 0, limit - done)
        else:
            page = await _page(ask, query, done, limit - done)
    yield {"json": b"\n]}", "xml": b"</data>\n"}.get(kind, b"")


def _rows(page: Rows) -> list[Row]:
    assert not isinstance(page.records, str), "a dump asks for lists"
    return [row for row in page.records if isinstance(row, list)]


def _head(fields: Sequence[Field], kind: str) -> bytes:
    if kind == "xml":
        return b"<data>\n"
    if kind == "json":
        return b'{\n  "fields": ' + msgspec.json.encode(fields) + b',\n  "records": ['
    text = io.StringIO()
    csv.writer(text, delimiter=_delimiter(kind)).writerow([field.id for field in fields])
    return text.getvalue().encode()


def _body(fields: Sequence[Field], rows: Sequence[Row], kind: str, *, is_first: bool) -> bytes:
    if kind == "json":
        lines = b",\n    ".join(msgspec.json.encode(row) for row in rows)
        return (b"\n    " if is_first else b",\n    ") + lines
    if kind == "xml":
        return "".join(_xml_row(fields, row) for row in rows).encode()
    text = io.StringIO()
    csv.writer(text, delimiter=_delimiter(kind), lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


def _delimiter(kind: str) -> str:
    return "\t" if kind == "tsv" else ","


def _xml_row(fields: Sequence[Field], row: Row) -> str:
    """A row in the shape of CKAN's XML: column names that are no XML names stand in `name`."""
    cells = "".join(
        f"<value{_named(field.id)}>{escape(_clean(str(cell)))}</value>"
        if cell is not None
        else f'<value{_named(field.id)} xsi:nil="true" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"/>'
        for field, cell in zip(fields[1:], row[1:], strict=True)
    )
    return f'<row _id="{row[0]}">{cells}</row>\n'


def _named(name: str) -> str:
    return f" name={quoteattr(_clean(name))}"


def _clean(text: str) -> str:
    """Without the control characters that XML 1.0 has no way to write."""
    return "".join(char for char in text if char >= " " or char in "\t\n\r")
