"""Between our nouns and the 38 fields, both ways.

What came in by the national standard and has no place of its own is kept in `Dataset.national` under the standard's
name and goes out again unchanged, so an import followed by an export gives the same document.
"""

from __future__ import annotations

import msgspec
from msgspec import UNSET, UnsetType

from banyan.service.opendata.datasets import SaveDataset, SaveResource
from banyan.service.opendata.export import addresses
from banyan.service.opendata.export.describe import category_of, contact_of
from banyan.service.opendata.export.entry import Entry
from banyan.service.opendata.export.moments import national_of
from banyan.service.opendata.licences import DEFAULT_LICENCE, LICENCES
from banyan.service.opendata.model import Contact, Dataset, Resource, Version
from banyan.wire import national

_KEPT = (
    "categoryCode", "fieldDescription", "type", "license", "licenseURL", "cost", "costURL", "costLaw", "organization",
    "organizationContactName", "organizationContactPhone", "organizationContactEmail", "publisher", "issued",
    "modified", "language", "notes",
)  # fmt: skip
_KEPT_OF_RESOURCE = ("resourceID", "resourceModified", "metadataSourceOfData")
_BINARY = {"XLSX", "XLS", "ODS", "ZIP", "PARQUET", "PDF", "SHP", "KMZ", "DOCX", "DOC", "7Z", "JPEG", "PNG"}
_LANGUAGES = {"zh-Hant": "中文", "zh": "中文", "zh-TW": "中文", "en": "英文"}


def to_national(entry: Entry, base: str) -> national.Dataset:
    """The dataset as the 38 fields. Fields that nobody stated stay empty: `national.check` names them."""
    dataset, kept = entry.dataset, entry.dataset.national
    agency, contact = entry.agency, contact_of(entry)
    publisher = kept.get("publisher") or (agency.title if agency else "")
    frequency = national.parse(dataset.frequency)
    rows = sum(version.rows for _, version in entry.tables())
    return national.Dataset(
        categoryCode=category_of(entry),
        identifier=dataset.identifier,
        title=dataset.title,
        description=dataset.notes,
        fieldDescription=kept.get("fieldDescription") or field_description(entry),
        type=kept.get("type") or _type(entry),
        license=_licence(dataset, "license"),
        licenseURL=_licence(dataset, "licenseURL"),
        cost=kept.get("cost") or "免費",
        costURL=kept.get("costURL", ""),
        costLaw=kept.get("costLaw", ""),
        organization=kept.get("organization") or publisher,
        organizationContactName=kept.get("organizationContactName") or contact.name,
        organizationContactPhone=kept.get("organizationContactPhone") or contact.phone,
        organizationContactEmail=kept.get("organizationContactEmail") or contact.email,
        publisher=publisher,
        publisherContactName=contact.name,
        publisherContactPhone=contact.phone,
        publisherContactEmail=contact.email,
        accrualPeriodicity=frequency.standard if frequency else dataset.frequency,
        temporalCoverageFrom=dataset.temporal_from,
        temporalCoverageTo=dataset.temporal_to,
        issued=kept.get("issued") or national_of(dataset.metadata_created),
        modified=national_of(entry.modified) if entry.versions else kept.get("modified") or national_of(entry.modified),
        spatial=dataset.spatial,
        language=kept.get("language") or "、".join(_LANGUAGES.get(one, one) for one in dataset.language),
        landingPage=dataset.url or addresses.dataset_page(base, dataset),
        keyword=dataset.tags,
        numberOfData=rows if entry.versions else _number(kept.get("numberOfData", "")),
        notes=kept.get("notes", ""),
        distribution=tuple(
            _resource_out(entry, resource, base) for resource in dataset.resources if resource.state == "active"
        ),
    )


def field_description(entry: Entry) -> str:
    """主要欄位說明 from the tables' columns: names separated by 、, the meaning in brackets."""
    names: dict[str, str] = {}
    for _, version in entry.tables():
        for column in version.columns:
            meaning = column.description or (column.title if column.title != column.name else "")
            names.setdefault(column.name, f"{column.name}({meaning})" if meaning else column.name)
    return "、".join(names.values())


def to_save(one: national.Dataset, *, id: str = "", agency: str = "", theme: str = "") -> SaveDataset:
    """The request that creates or changes the dataset of these 38 fields. `id` is of the dataset it changes."""
    kept = {name: value for name in _KEPT if (value := getattr(one, name))}
    if one.numberOfData is not None:
        kept["numberOfData"] = str(one.numberOfData)
    frequency = national.parse(one.accrualPeriodicity)
    return SaveDataset(
        id=id,
        name="" if id else one.identifier.lower(),
        title=one.title,
        notes=one.description,
        agency=agency or UNSET,
        themes=(theme,) if theme else UNSET,
        licence_id=_licence_id(one),
        url=one.landingPage,
        tags=tuple(dict.fromkeys(one.keyword)),
        identifier=one.identifier,
        frequency=frequency.standard if frequency else one.accrualPeriodicity,
        spatial=one.spatial,
        temporal_from=one.temporalCoverageFrom,
        temporal_to=one.temporalCoverageTo,
        language=("zh-Hant",) if one.language in ("", "中文") else UNSET,
        contact=Contact(one.publisherContactName, one.publisherContactPhone, one.publisherContactEmail),
        national=kept,
    )


def resources_to_save(one: national.Dataset, dataset: Dataset | None) -> tuple[SaveResource, ...] | UnsetType:
    """Its resources in order, found again by resourceID; tables we hold that it does not name are kept."""
    known = {resource.extras.get("resourceID", ""): resource for resource in dataset.resources} if dataset else {}
    named = {resource.resourceID for resource in one.distribution}
    ours = [resource for key, resource in known.items() if resource.is_table and key not in named]
    saved = [_resource_in(resource, known.get(resource.resourceID)) for resource in one.distribution]
    return (*(SaveResource(id=resource.id) for resource in ours), *saved)


def _resource_in(one: national.Resource, known: Resource | None) -> SaveResource:
    extras = {name: value for name in _KEPT_OF_RESOURCE if (value := getattr(one, name))}
    extras["urlKind"] = "accessURL" if one.accessURL else "downloadURL"
    before = known.extras if known else {}
    return SaveResource(
        id=known.id if known else "",
        name=one.resourceDescription,
        description=one.resourceDescription,
        format=one.format,
        url=one.accessURL or one.downloadURL,
        encoding=one.characterSetCode,
        extras={**before, **extras},
    )


def _resource_out(entry: Entry, resource: Resource, base: str) -> national.Resource:
    dataset, extras = entry.dataset, resource.extras
    version = entry.versions.get(resource.id)
    number = f"{dataset.identifier}-{resource.position + 1:03}" if dataset.identifier else ""
    if version is not None:
        address, kind = addresses.table_file(base, resource, "csv"), "CSV"
    else:
        address, kind = addresses.absolute(base, resource.url), resource.format
    access = version is None and (extras.get("urlKind") == "accessURL" or (not extras and kind.upper() == "API"))
    return national.Resource(
        resourceID=extras.get("resourceID") or number,
        resourceDescription=resource.description or resource.name or dataset.title,
        format=kind,
        resourceModified=_resource_modified(resource, version),
        accessURL=address if access else "",
        downloadURL="" if access else address,
        metadataSourceOfData=extras.get("metadataSourceOfData", ""),
        characterSetCode="UTF-8"
        if version
        else resource.encoding or ("BINARY" if kind.upper() in _BINARY else "UTF-8"),
    )


def _resource_modified(resource: Resource, version: Version | None) -> str:
    if version is not None:
        return national_of(version.at)
    return resource.extras.get("resourceModified") or national_of(resource.last_modified)


def _type(entry: Entry) -> str:
    kinds = {resource.format.upper() for resource in entry.dataset.resources if resource.id not in entry.versions}
    return "SERVICES" if not entry.versions and kinds == {"API"} else "rawData"


def _licence(dataset: Dataset, field: str) -> str:
    kept = dataset.national
    stated = national.Dataset(license=kept.get("license", ""), licenseURL=kept.get("licenseURL", ""))
    if stated.license and _licence_id(stated) == dataset.licence_id:
        return kept.get(field, "")
    known = LICENCES.get(dataset.licence_id)
    return (known.title if field == "license" else known.url) if known else ""


def _licence_id(one: national.Dataset) -> str:
    if "政府資料開放授權條款" in one.license or one.licenseURL.startswith(national.LICENCE_URL):
        return DEFAULT_LICENCE
    for licence in LICENCES.values():
        if licence.url and one.licenseURL.rstrip("/") == licence.url.rstrip("/"):
            return licence.id
        if one.license in (licence.id, licence.title, licence.title_en):
            return licence.id
    return "other-closed" if one.cost == "付費" else "notspecified"


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() else None


def with_resources(save: SaveDataset, resources: tuple[SaveResource, ...] | UnsetType) -> SaveDataset:
    return msgspec.structs.replace(save, resources=resources)
