"""The 38 fields in: datasets are created or changed through the gate, as the person who sent them.

Nothing is written when any dataset of the document has an error; each fault names its field and how to mend it.
"""

from __future__ import annotations

import asyncio

import msgspec

from banyan.errors import FieldError, Invalid
from banyan.kernel.catalogue.messages import load_messages
from banyan.kernel.catalogue.operation import OPEN, Context, FaceAnswer, FaceRequest
from banyan.kernel.storage import Tx
from banyan.limits import CATALOGUE_PAGE_DATASETS, NATIONAL_BODY_BYTES
from banyan.service.opendata import registry
from banyan.service.opendata.agencies import SaveAgency, SaveTheme
from banyan.service.opendata.export import crosswalk
from banyan.service.opendata.export.answers import answer, page_count, page_number, tag
from banyan.service.opendata.export.entry import Entries, EntriesQuery, Entry, EntryQuery
from banyan.service.opendata.export.faces import entry_asked, entry_tag
from banyan.service.opendata.model import Agency, Contact, Dataset, Theme
from banyan.service.opendata.service import SERVICE
from banyan.wire import national

MESSAGES = load_messages("banyan.service.opendata.export")
_JSON = "application/json; charset=utf-8"
_EXAMPLE = "https://portal.example"
"""Stands for our own address: what is checked does not depend on it."""


class ImportNational(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`document` is the standard's JSON (one dataset or a list) or XML. `dry_run` only says what would happen."""

    document: str
    dry_run: bool = False


class FaultSaid(msgspec.Struct, frozen=True):
    """One field against the standard, said in both languages."""

    field: str
    code: str
    severity: str
    message: dict[str, str]


class Imported(msgspec.Struct, frozen=True):
    """Names of the datasets written, and the warnings."""

    created: tuple[str, ...]
    changed: tuple[str, ...]
    warnings: tuple[FaultSaid, ...]


def said(fault: national.Fault) -> FaultSaid:
    """A fault with its sentence; the field's name leads."""
    key = f"national.{fault.code}"
    texts = {
        lang: MESSAGES.text(key, lang, field=fault.field or "-", **fault.values)
        for lang in ("zh-Hant", "en")
    }  # fmt: skip
    return FaultSaid(fault.field, fault.code, fault.severity, texts)


@SERVICE.operation(
    "import_national",
    title={"zh-Hant": "匯入詮釋資料（38 欄位）", "en": "Import national metadata (38 fields)"},
    summary={
        "zh-Hant": "以詮釋資料標準規範的 JSON 或 XML 新增、更新資料集；有錯誤時全部不寫入，並指出欄位。",
        "en": "Create or update datasets from the national metadata standard; with any error nothing is written.",
    },
    data=OPEN,
    audience="administrator",
    effect="write",
)
async def import_national(ctx: Context, request: ImportNational) -> Imported:
    """Raises Invalid with every faulty field."""
    read = await asyncio.to_thread(national.decode, request.document.encode())
    if read.errors:
        fields = [FieldError(fault.field or "document", _one_line(said(fault))) for fault in read.errors[:200]]
        raise Invalid(MESSAGES.text("import.refused", "zh-Hant", count=len(read.errors)), fields=fields)
    known = await ctx.db.sql.read_long(_by_identifier)
    created: list[str] = []
    changed: list[str] = []
    for one in read.datasets:
        before = known.get(one.identifier)
        if not request.dry_run:
            await _save(ctx, one, before)
        (changed if before else created).append(before.name if before else one.identifier.lower())
    return Imported(tuple(created), tuple(changed), tuple(said(fault) for fault in read.faults))


async def _save(ctx: Context, one: national.Dataset, before: Dataset | None) -> None:
    agency = await _agency(ctx, one)
    theme = await _theme(ctx, one.categoryCode)
    save = crosswalk.to_save(one, id=before.id if before else "", agency=agency, theme=theme)
    resources = crosswalk.resources_to_save(one, before)
    await ctx.call("opendata.save_dataset", crosswalk.with_resources(save, resources))


async def _agency(ctx: Context, one: national.Dataset) -> str:
    """Name of the agency of that code or title; made when there is none."""
    code = one.identifier.partition("-")[0]
    agencies = await ctx.db.sql.read(registry.all_agencies)
    found = next((agency for agency, _ in agencies if agency.code == code or agency.title == one.publisher), None)
    if found is not None:
        return found.name
    contact = Contact(one.publisherContactName, one.publisherContactPhone, one.publisherContactEmail)
    made: Agency = await ctx.call(
        "opendata.save_agency", SaveAgency(name=code.lower(), title=one.publisher, code=code, contact=contact)
    )
    return made.name


async def _theme(ctx: Context, code: str) -> str:
    themes = await ctx.db.sql.read(registry.all_themes)
    found = next((theme for theme, _ in themes if theme.code == code), None)
    if found is not None:
        return found.name
    made: Theme = await ctx.call(
        "opendata.save_theme",
        SaveTheme(
            name=f"category-{code.lower()}",
            title=national.CATEGORIES[code],
            title_en=national.CATEGORIES_EN[code],
            code=code,
        ),
    )
    return made.name


def _by_identifier(tx: Tx) -> dict[str, Dataset]:
    return {dataset.identifier: dataset for dataset in registry.all_datasets(tx) if dataset.identifier}


def _one_line(fault: FaultSaid) -> str:
    return f"{fault.message['zh-Hant']} ({fault.message['en']})"


class NationalCheck(msgspec.Struct, frozen=True):
    """What a dataset still lacks by the national standard. `conforms` when no fault is an error."""

    conforms: bool
    faults: tuple[FaultSaid, ...]


@SERVICE.operation(
    "national_check",
    title={"zh-Hant": "詮釋資料檢核（38 欄位）", "en": "National metadata check (38 fields)"},
    summary={
        "zh-Hant": "依詮釋資料標準規範檢核一個資料集，逐欄指出缺漏與修正方式。",
        "en": "What one dataset lacks by the national metadata standard, field by field, with the fix.",
    },
    data=OPEN,
    audience="public",
    path="/api/opendata/national_check/{name}",
)
async def national_check(ctx: Context, request: EntryQuery) -> NationalCheck:
    """Raises NotFound."""
    entry: Entry = await ctx.call("opendata.entry", request)
    faults = national.check(crosswalk.to_national(entry, _EXAMPLE))
    return NationalCheck(all(one.severity == "warning" for one in faults), tuple(said(one) for one in faults))


@SERVICE.face("GET", path="/dataset/{name}/national.json")
async def national_of_dataset(request: FaceRequest) -> FaceAnswer:
    entry = await entry_asked(request)
    body = national.encode_one(crosswalk.to_national(entry, request.base_url))
    return answer(request, body, _JSON, etag=entry_tag(entry, request.base_url))


@SERVICE.face("GET", path="/national.json")
async def national_catalogue(request: FaceRequest) -> FaceAnswer:
    """A page of datasets as the 38 fields; the other pages are in the Link header."""
    page, size = page_number(request), CATALOGUE_PAGE_DATASETS
    found: Entries = await request.call("opendata.entries", EntriesQuery(start=(page - 1) * size, rows=size))
    pages = page_count(found.total, size)
    address = f"{request.base_url}/national.json"
    near = {"first": 1, "prev": page - 1, "next": page + 1, "last": pages}
    links = ", ".join(f'<{address}?page={at}>; rel="{name}"' for name, at in near.items() if 1 <= at <= pages)
    body = await asyncio.to_thread(_encoded, found, request.base_url)
    return answer(request, body, _JSON, etag=tag(found.revision, page, request.base_url), links=links)


def _encoded(found: Entries, base: str) -> bytes:
    return national.encode([crosswalk.to_national(entry, base) for entry in found.entries])


@SERVICE.face("POST", path="/national.json")
async def national_in(request: FaceRequest) -> FaceAnswer:
    """The document as the request's body; `?dry_run=1` only checks it."""
    body = await request.body(NATIONAL_BODY_BYTES)
    dry = any(key == "dry_run" and value in ("1", "true") for key, value in request.query)
    try:
        document = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Invalid.at("document", MESSAGES.text("import.utf8", request.lang), status=400) from None
    done = await request.call("opendata.import_national", ImportNational(document, dry))
    return FaceAnswer(msgspec.json.encode(done), media_type=_JSON)
