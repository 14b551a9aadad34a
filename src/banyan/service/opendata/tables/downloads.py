"""The operation `download` and its short address `/download/NAME.FORMAT[.gz]`."""

from __future__ import annotations

from typing import cast
from urllib.parse import quote

import msgspec

from banyan.kernel.catalogue.operation import OPEN, Context, FaceAnswer, FaceRequest
from banyan.service.opendata import usage
from banyan.service.opendata.service import SERVICE
from banyan.service.opendata.tables.export import MEDIA_TYPES, ExportQuery, Format
from banyan.service.opendata.tables.filters import parse_filters, parse_sort, parse_words
from banyan.service.opendata.tables.operations import Filters, Name, Number, names_of
from banyan.service.opendata.tables.refusals import not_found, wrong_value
from banyan.service.opendata.tables.tenancy import exports, register


class Download(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The rows of a table as a file. Filters as in `rows`. `bom` begins CSV and TSV with a byte order mark; `escape`
    puts an apostrophe before cells that a spreadsheet would run as a formula (off: the published text, unchanged)."""

    register: Name
    format: Format = "csv"
    version: Number = 0
    filters: Filters = {}
    q: str = ""
    words: dict[str, str] = {}
    fields: tuple[str, ...] = ()
    sort: str = ""
    row_id: bool = False
    bom: bool = False
    escape: bool = False
    gz: bool = False


@SERVICE.operation(
    "download",
    title={"zh-Hant": "下載", "en": "Download"},
    summary={
        "zh-Hant": "下載整份或篩選後的資料：CSV、TSV、JSON、NDJSON、GeoJSON、Parquet、XLSX，可壓縮。",
        "en": "All rows or filtered ones as CSV, TSV, JSON, NDJSON, GeoJSON, Parquet or XLSX, also gzipped.",
    },
    data=OPEN,
    audience="public",
    path="/api/opendata/download/{register}",
)
async def download(ctx: Context, request: Download) -> FaceAnswer:
    """Raises as `rows`; Limit when XLSX cannot hold the rows, NotFound when there is no geometry for GeoJSON."""
    of = await register(ctx, request.register, request.version)
    query = ExportQuery(
        format=request.format,
        where=parse_filters(request.filters),
        words=parse_words(request.q) + parse_words(request.words),
        fields=names_of(request.fields),
        sort=parse_sort(request.sort),
        row_id=request.row_id,
        bom=request.bom,
        escape=request.escape,
        gz=request.gz,
    )
    made = await exports(ctx.db).export(of.version, query)
    if ctx.caller.kind != "system":
        usage.note(ctx.db, of.dataset.id, "downloads", ctx.now)
    name = quote(f"{of.dataset.name}-{of.version.number}{made.suffix}")
    headers = (("Content-Disposition", f"attachment; filename*=UTF-8''{name}"),)
    return FaceAnswer(made.body, media_type=made.media_type, headers=headers, etag=made.etag)


@SERVICE.face("GET", path="/download/{file}")
async def download_file(request: FaceRequest) -> FaceAnswer:
    """`/download/mask.csv`, `/download/mask.geojson.gz?filters={"county":"花蓮縣"}`: the same, to be linked to."""
    file = request.params["file"]
    gz = file.endswith(".gz")
    name, _, format_ = file.removesuffix(".gz").rpartition(".")
    if format_ not in MEDIA_TYPES or not name:
        raise not_found("no_table", name=file)
    given: dict[str, object] = {"register": name, "format": format_, "gz": gz}
    asked = dict(request.query)
    if "filters" in asked:
        given["filters"] = _json(asked["filters"])
    for key in ("q", "sort", "version", "bom", "escape", "row_id"):
        if key in asked:
            given[key] = asked[key]
    given["fields"] = tuple(value for key, value in request.query if key == "fields")
    try:
        bound = msgspec.convert(given, Download, strict=False)
    except msgspec.ValidationError as error:
        raise wrong_value("query", str(error)) from None
    return cast(FaceAnswer, await request.call("opendata.download", bound))


def _json(text: str) -> object:
    try:
        return cast(object, msgspec.json.decode(text))
    except (msgspec.DecodeError, RecursionError):
        raise wrong_value("filters", "Cannot parse JSON") from None
