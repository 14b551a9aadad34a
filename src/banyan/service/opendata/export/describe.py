"""A catalogue entry in DCAT-AP's nouns. Nothing is invented: what is unknown is left out; the quality report says so.

Place and period come from what the agency stated, else from the data itself (box of its points, span of its dates).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from banyan.kernel.events.clock import EpochS, iso
from banyan.service.opendata.export import addresses
from banyan.service.opendata.export.entry import Entry
from banyan.service.opendata.export.moments import iso_of
from banyan.service.opendata.export.site import Site
from banyan.service.opendata.licences import LICENCES
from banyan.service.opendata.model import Contact, Quality, Resource, Version
from banyan.wire import dcat, national
from banyan.wire.dcat.vocabularies import CATEGORY_THEMES, FILE_TYPES, LANGUAGES, TAIWAN_BOX, authority, licence_iri

TAIWAN = dcat.Place(iri=authority("country", "TWN"), label={"zh-Hant": "臺灣", "en": "Taiwan"}, bbox=TAIWAN_BOX)
_ALL_TAIWAN = {"臺灣", "台灣", "全國", "全臺", "全台", "全臺灣", "全台灣", "中華民國", "taiwan"}
_NOT_FILES = {"API", "HTML", "", "SERVICE", "WMS", "WFS"}
_COMPATIBLE = {"OGDL-Taiwan-1.0": authority("licence", "CC_BY_4_0")}
_RIGHTS = {"zh-Hant": "公開資料，任何人不限目的皆可利用", "en": "Public data, for anyone and any purpose"}


def catalogue(site: Site, base: str, changed: EpochS) -> dcat.Catalog:
    """The catalogue of this portal. `changed` is when anything in it last did."""
    contact = dcat.ContactPoint(site.contact_name, site.contact_email, site.contact_phone, f"{base}/")
    return dcat.Catalog(
        iri=f"{base}/catalog#catalog",
        title={"zh-Hant": site.title, "en": site.title_en},
        description={"zh-Hant": site.description, "en": site.description_en},
        publisher=dcat.Agent(f"{base}/#publisher", {"zh-Hant": site.publisher, "en": site.publisher_en}),
        homepage=f"{base}/",
        licence=_the_licence("OGDL-Taiwan-1.0"),
        contact=contact,
        place=TAIWAN,
        languages=("ZHO", "ENG"),
        issued=site.issued,
        modified=iso(changed) if changed else site.issued,
        service=_service(base),
    )


def _service(base: str) -> dcat.Service:
    return dcat.Service(
        iri=f"{base}/api#service",
        title={"zh-Hant": "資料查詢介面", "en": "Data API"},
        description={
            "zh-Hant": "每一份資料皆可查詢、篩選、統計與下載；相容於 CKAN 2.12 動作介面。",
            "en": "Query, filter, aggregate and download every dataset; speaks the CKAN 2.12 action API.",
        },
        endpoint_url=f"{base}/api/3/action",
        endpoint_description=f"{base}/openapi.json",
        conforms_to="https://spec.openapis.org/oas/v3.1.0",
        keywords=("API", "開放資料"),
        themes=("GOVE",),
    )


def iri_of(entry: Entry, base: str) -> str:
    """The dataset's IRI: its page names the document, this the data."""
    return f"{addresses.dataset_page(base, entry.dataset)}#dataset"


def describe(entry: Entry, base: str) -> dcat.Dataset:
    """The dataset as DCAT-AP."""
    dataset = entry.dataset
    page = addresses.dataset_page(base, dataset)
    frequency = national.parse(dataset.frequency)
    return dcat.Dataset(
        iri=iri_of(entry, base),
        identifier=dataset.identifier or dataset.id,
        title=_texts(dataset.title, dataset.title_en),
        description=_texts(dataset.notes or dataset.title, dataset.notes_en),
        landing_page=page,
        publisher=_publisher(entry, base),
        contact=_contact(entry),
        keywords=dataset.tags,
        themes=tuple(dict.fromkeys(_themes(entry))),
        categories=tuple(
            (addresses.theme_page(base, theme.name), _texts(theme.title, theme.title_en)) for theme in entry.themes
        ),
        frequency=frequency.eu if frequency else "",
        languages=tuple(dict.fromkeys(LANGUAGES[one] for one in dataset.language if one in LANGUAGES)),
        places=tuple(_places(entry)),
        period=_period(entry),
        licence=_licence(dataset.licence_id),
        rights=_RIGHTS if dataset.is_public and _is_open(dataset.licence_id) else {},
        access="PUBLIC" if dataset.is_public else "NON_PUBLIC",
        issued=iso_of(dataset.national.get("issued", "")) or iso(dataset.metadata_created),
        modified=iso(entry.modified),
        version=dataset.version or _version_number(entry),
        provenance=_provenance(entry),
        distributions=tuple(_distributions(entry, base)),
        measurements=measurements(entry.quality),
        measured=iso(entry.quality.at) if entry.quality else "",
    )


def measurements(quality: Quality | None) -> tuple[dcat.Measurement, ...]:
    """The MQA score and its 23 metrics as DQV."""
    if quality is None:
        return ()
    checks = (dcat.Measurement(check.code, int(bool(check.passed)), boolean=True) for check in quality.mqa)
    return (dcat.Measurement("scoring", quality.mqa_score), *checks)


def _distributions(entry: Entry, base: str) -> Iterator[dcat.Distribution]:
    for resource in entry.dataset.resources:
        if resource.state != "active":
            continue
        version = entry.versions.get(resource.id)
        if version is None:
            yield _link(entry, resource, base)
        else:
            yield from _table(entry, resource, version, base)


def _table(entry: Entry, resource: Resource, version: Version, base: str) -> Iterator[dcat.Distribution]:
    page = addresses.resource_page(base, entry.dataset, resource)
    for name in addresses.formats_of(version):
        kind = FILE_TYPES[name]
        yield dcat.Distribution(
            iri=f"{page}#{name.lower()}",
            title={"zh-Hant": f"{_name(entry, resource)} ({name})"},
            description={"zh-Hant": resource.description or _name(entry, resource)},
            access_url=page,
            download_url=addresses.table_file(base, resource, name),
            file_type=kind.code,
            media_type=kind.media_type,
            encoding="UTF-8" if name in ("CSV", "JSON", "GEOJSON") else "",
            byte_size=version.parquet_bytes if name == "PARQUET" and version.parquet_bytes else None,
            issued=iso(resource.created),
            modified=iso(version.at),
            schema_url=f"{addresses.dataset_page(base, entry.dataset)}/datapackage.json",
            availability="AVAILABLE" if resource.live else "STABLE",
            service=f"{base}/api#service",
        )


def _link(entry: Entry, resource: Resource, base: str) -> dcat.Distribution:
    name = resource.format.upper()
    kind = FILE_TYPES.get(name)
    page = addresses.resource_page(base, entry.dataset, resource)
    address = addresses.absolute(base, resource.url)
    return dcat.Distribution(
        iri=f"{page}#link",
        title={"zh-Hant": _name(entry, resource)},
        description={"zh-Hant": resource.description or _name(entry, resource)},
        access_url=address or page,
        download_url=address if name not in _NOT_FILES else "",
        file_type=kind.code if kind else "",
        media_type=resource.mimetype or (kind.media_type if kind else ""),
        encoding=resource.encoding,
        byte_size=resource.size or None,
        sha256=resource.hash if len(resource.hash) == 64 else "",
        issued=iso(resource.created),
        modified=iso_of(resource.extras.get("resourceModified", "")) or iso(resource.last_modified),
        availability="AVAILABLE",
    )


def _name(entry: Entry, resource: Resource) -> str:
    return resource.name or resource.description or entry.dataset.title


def _texts(zh: str, en: str) -> dict[str, str]:
    return {"zh-Hant": zh, "en": en} if en else {"zh-Hant": zh}


def _publisher(entry: Entry, base: str) -> dcat.Agent | None:
    agency = entry.agency
    if agency is None:
        return None
    local = agency.title.startswith(_COUNTIES)
    return dcat.Agent(
        f"{addresses.agency_page(base, agency.name)}#agency",
        _texts(agency.title, agency.title_en),
        "LocalAuthority" if local else "NationalAuthority",
    )


_COUNTIES = ("臺北市", "新北市", "桃園市", "臺中市", "臺南市", "高雄市", "基隆市", "新竹", "嘉義", "苗栗縣", "彰化縣",
    "南投縣", "雲林縣", "屏東縣", "宜蘭縣", "花蓮縣", "臺東縣", "澎湖縣", "金門縣", "連江縣", "台北市", "台中市",
    "台南市", "台東縣")  # fmt: skip


def contact_of(entry: Entry) -> Contact:
    """Who answers for the dataset: its own contact, its maintainer or author, else the agency's."""
    dataset = entry.dataset
    agency = entry.agency.contact if entry.agency else Contact()
    return Contact(
        name=dataset.contact.name or dataset.maintainer or dataset.author or agency.name,
        email=dataset.contact.email or dataset.maintainer_email or dataset.author_email or agency.email,
        phone=dataset.contact.phone or agency.phone,
    )


def _contact(entry: Entry) -> dcat.ContactPoint | None:
    found = contact_of(entry)
    if not (found.email or found.phone):
        return None
    title = entry.agency.title if entry.agency else ""
    return dcat.ContactPoint(name=found.name or title, email=found.email, phone=found.phone)


def category_of(entry: Entry) -> str:
    """The national category code: as it came in, else of the first theme that has one."""
    stated = entry.dataset.national.get("categoryCode", "")
    return stated or next((theme.code for theme in entry.themes if theme.code), "")


def _themes(entry: Entry) -> Iterator[str]:
    codes = [category_of(entry), *(theme.code for theme in entry.themes)]
    return (CATEGORY_THEMES[code] for code in codes if code in CATEGORY_THEMES)


def _places(entry: Entry) -> Iterator[dcat.Place]:
    box = bbox_of(entry.versions.values())
    stated = entry.dataset.spatial.strip()
    if stated.lower() in _ALL_TAIWAN:
        yield TAIWAN
    elif stated:
        yield dcat.Place(label={"zh-Hant": stated}, bbox=box)
        return
    if box:
        yield dcat.Place(bbox=box)


def bbox_of(versions: Iterable[Version]) -> dcat.BBox | None:
    """The box around all tables with points."""
    boxes = [version.bbox for version in versions if version.bbox]
    if not boxes:
        return None
    west, south, east, north = zip(*boxes, strict=True)
    return (min(west), min(south), max(east), max(north))


def period_of(entry: Entry) -> tuple[str, str]:
    """Start and end as stated, else the span of the tables' time columns; either may be empty."""
    start, end = iso_of(entry.dataset.temporal_from), iso_of(entry.dataset.temporal_to)
    columns = [column for _, version in entry.tables() for column in version.columns]
    dated = [column for column in columns if column.role == "time"]
    dated = dated or [column for column in columns if column.type in ("date", "datetime")]
    spans = [(iso_of(column.minimum), iso_of(column.maximum)) for column in dated]
    starts, ends = [one for one, _ in spans if one], [one for _, one in spans if one]
    return start or min(starts, default=""), end or max(ends, default="")


def _period(entry: Entry) -> dcat.Period | None:
    start, end = period_of(entry)
    return dcat.Period(start, end) if start or end else None


def _licence(licence_id: str) -> dcat.Licence | None:
    return _the_licence(licence_id) if licence_id in LICENCES and LICENCES[licence_id].url else None


def _the_licence(licence_id: str) -> dcat.Licence:
    known = LICENCES[licence_id]
    return dcat.Licence(
        iri=licence_iri(licence_id),
        title={"zh-Hant": known.title, "en": known.title_en},
        type="PublicDomain" if licence_id in ("CC0-1.0", "PDDL-1.0") else "Attribution",
        compatible=_COMPATIBLE.get(licence_id, ""),
    )


def _is_open(licence_id: str) -> bool:
    return licence_id in LICENCES and LICENCES[licence_id].is_open


def _version_number(entry: Entry) -> str:
    return str(max((version.number for version in entry.versions.values()), default="")) or ""


def _provenance(entry: Entry) -> dict[str, str]:
    steps = [f"{version.source.filename} sha256:{version.source.sha256}" for version in entry.versions.values()]
    return {"zh-Hant": "來源：" + "；".join(steps[:5])} if steps else {}
