"""Operations on resources and their versions: what is served, what it was before, how it changed."""

from __future__ import annotations

import base64
import mimetypes
from typing import Annotated, Literal
from urllib.parse import quote, unquote

import msgspec

from banyan.kernel.catalogue.operation import OPEN, Context, FaceAnswer, FaceRequest
from banyan.kernel.events import EpochS
from banyan.limits import PAGE_ROWS, VERSION_NUMBER
from banyan.service.opendata import registry, usage
from banyan.service.opendata.disclosing import of_dataset, of_resource
from banyan.service.opendata.model import Change, Dataset, Resource, Version
from banyan.service.opendata.service import SERVICE
from banyan.service.opendata.wording import unknown

Freshness = Literal["", "fresh", "late", "stale"]
"""Of a live source: seen within two spans; within ten; longer ago. Empty when the resource is not live."""

_HARMLESS = ("text/csv", "text/tab-separated-values", "application/json", "application/zip", "application/gzip")


class ResourceQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A resource by its id or an alias."""

    id: str


class ResourceAnswer(msgspec.Struct, frozen=True):
    """A resource, the dataset that holds it, the version served, and how old it is."""

    dataset: Dataset
    resource: Resource
    version: Version | None = None
    versions: int = 0
    age_s: float = 0.0
    """Since the version's as-of."""
    freshness: Freshness = ""
    aliases: tuple[str, ...] = ()


class VersionsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Versions of a resource, the newest first, below number `before` when it is given."""

    resource: str
    limit: Annotated[int, msgspec.Meta(ge=1, le=PAGE_ROWS)] = 50
    before: Annotated[int, msgspec.Meta(ge=0, le=VERSION_NUMBER)] = 0


class VersionLine(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line of the change log."""

    number: int
    at: EpochS
    as_of: EpochS
    rows: int
    filename: str
    sha256: str
    size: int
    parquet_bytes: int
    columns: int
    findings: int
    change: Change | None = None


class Versions(msgspec.Struct, frozen=True):
    """`total` counts all versions kept."""

    total: int
    versions: tuple[VersionLine, ...]


class VersionQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One version of a resource; number 0 is the one served."""

    resource: str
    number: Annotated[int, msgspec.Meta(ge=0, le=VERSION_NUMBER)] = 0


class OriginalQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file a version was read from, or a resource without a table; number 0 is the one served."""

    resource: str
    number: Annotated[int, msgspec.Meta(ge=0, le=VERSION_NUMBER)] = 0


def freshness(resource: Resource, now: EpochS) -> Freshness:
    """How far a live source lags, from its last good look."""
    if resource.live is None:
        return ""
    spans = (now - resource.live.last_good) / resource.live.every_s
    return "fresh" if spans <= 2 else "late" if spans <= 10 else "stale"


def age_s(resource: Resource, version: Version | None, now: EpochS) -> float:
    """Seconds since the time the data is from; a source that says none is as fresh as our last good look at it."""
    if version is None:
        return 0.0
    says_none = version.as_of == version.source.fetched
    looked = resource.live.last_good if resource.live is not None and says_none else EpochS(0)
    return max(0.0, now - max(version.as_of, looked))


async def find_resource(ctx: Context, id_or_alias: str) -> tuple[Dataset, Resource]:
    """Raises NotFound for an unknown resource, and for one the caller may not see."""
    held = await ctx.db.sql.read(lambda tx: registry.resource_by(tx, id_or_alias))
    if held is None or not ((held[0].is_public and held[1].state == "active") or ctx.caller.may_write):
        raise unknown("resource", id_or_alias)
    return held


@SERVICE.operation(
    "resource",
    title={"zh-Hant": "資料資源", "en": "One resource"},
    summary={
        "zh-Hant": "一個資源、所屬資料集、目前版本與資料新舊。",
        "en": "A resource, its dataset, the version served and how old it is.",
    },
    data=OPEN,
    audience="public",
    path="/api/opendata/resource/{id}",
)
async def resource(ctx: Context, request: ResourceQuery) -> ResourceAnswer:
    dataset, found = await find_resource(ctx, request.id)
    version, count, aliases = await ctx.db.sql.read(
        lambda tx: (
            registry.version_of(tx, found) if found.is_table else None,
            registry.version_count(tx, found.id),
            registry.aliases_of(tx, found.id),
        )
    )
    if ctx.caller.kind != "system":
        usage.note(ctx.db, dataset.id, "views" if ctx.caller.channel == "web" else "calls", ctx.now)
    if not ctx.caller.may_write:
        dataset, found = of_dataset(dataset), of_resource(found)
    answer = ResourceAnswer(dataset, found, version, count, age_s(found, version, ctx.now), "", aliases)
    return msgspec.structs.replace(answer, freshness=freshness(found, ctx.now))


@SERVICE.operation(
    "versions",
    title={"zh-Hant": "版本清單", "en": "Versions"},
    summary={
        "zh-Hant": "資源的變更紀錄：每一版的時間、列數、來源雜湊與差異。",
        "en": "A resource's change log: time, rows, source hash and difference of each version.",
    },
    data=OPEN,
    audience="public",
    path="/api/opendata/versions/{resource}",
)
async def versions(ctx: Context, request: VersionsQuery) -> Versions:
    _, found = await find_resource(ctx, request.resource)
    total, page = await ctx.db.sql.read(
        lambda tx: (
            registry.version_count(tx, found.id),
            registry.versions_of(tx, found.id, limit=request.limit, before=request.before),
        )
    )
    return Versions(total, tuple(_line(version) for version in page))


@SERVICE.operation(
    "version",
    title={"zh-Hant": "一個版本", "en": "One version"},
    summary={
        "zh-Hant": "一個版本的欄位、來源、發現與處理步驟。",
        "en": "Columns, source, findings and provenance of one version.",
    },
    data=OPEN,
    audience="public",
    path="/api/opendata/version/{resource}/{number}",
)
async def version(ctx: Context, request: VersionQuery) -> Version:
    _, found = await find_resource(ctx, request.resource)
    kept = await ctx.db.sql.read(lambda tx: registry.version_of(tx, found, request.number))
    if kept is None:
        raise unknown("version", str(request.number))
    return kept


@SERVICE.operation(
    "original",
    title={"zh-Hant": "原始檔案", "en": "Original file"},
    summary={
        "zh-Hant": "發布時收到的原始檔案，一個位元組都沒有改。",
        "en": "The file as it was received, byte for byte.",
    },
    data=OPEN,
    audience="public",
    path="/api/opendata/original/{resource}/{number}",
    channels=("api",),
)
async def original(ctx: Context, request: OriginalQuery) -> FaceAnswer:
    dataset, found = await find_resource(ctx, request.resource)
    kept = await ctx.db.sql.read(lambda tx: registry.version_of(tx, found, request.number)) if found.is_table else None
    if kept is None and (request.number or not found.hash):
        raise unknown("version", str(request.number))
    sha256 = kept.source.sha256 if kept else found.hash
    filename = kept.source.filename if kept else unquote(found.url.rpartition("/")[2])
    usage.note(ctx.db, dataset.id, "downloads", ctx.now)
    headers = (
        ("Content-Disposition", f"attachment; filename*=UTF-8''{quote(filename)}"),
        ("X-Content-Type-Options", "nosniff"),
        ("Digest", f"sha-256={base64.b64encode(bytes.fromhex(sha256)).decode()}"),
    )
    return FaceAnswer(ctx.db.blobs.path(sha256), media_type=_media_type(filename), headers=headers, etag=sha256)


@SERVICE.face("GET", "HEAD", path="/dataset/{name}/resource/{id}/download/{filename}")
async def download_original(request: FaceRequest) -> FaceAnswer:
    """The original file, where CKAN's `url` of an uploaded resource leads to."""
    answer = await request.call("opendata.original", OriginalQuery(request.params["id"]))
    assert isinstance(answer, FaceAnswer), "original answers with a file"
    return answer


def _media_type(filename: str) -> str:
    """Never one that a browser would run in our name."""
    kind = mimetypes.guess_type(filename)[0] or ""
    return kind if kind in _HARMLESS else "application/octet-stream"


def _line(version: Version) -> VersionLine:
    return VersionLine(
        number=version.number,
        at=version.at,
        as_of=version.as_of,
        rows=version.rows,
        filename=version.source.filename,
        sha256=version.source.sha256,
        size=version.source.size,
        parquet_bytes=version.parquet_bytes,
        columns=len(version.columns),
        findings=len(version.findings),
        change=version.change,
    )
