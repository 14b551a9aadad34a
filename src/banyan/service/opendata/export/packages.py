"""A catalogue entry as Table Schema, Data Package, schema.org, CSVW and Croissant."""

from __future__ import annotations

from urllib.parse import quote

from banyan.kernel.events.clock import iso
from banyan.service.opendata.export import addresses
from banyan.service.opendata.export.describe import bbox_of, period_of
from banyan.service.opendata.export.entry import Entry
from banyan.service.opendata.export.site import Site
from banyan.service.opendata.licences import LICENCES
from banyan.service.opendata.model import Column, ColumnType, Resource, Version
from banyan.wire import croissant, csvw, datapackage, schemaorg, tableschema
from banyan.wire.dcat.vocabularies import FILE_TYPES

_TYPES: dict[ColumnType, tableschema.FieldType] = {
    "text": "string",
    "integer": "integer",
    "number": "number",
    "boolean": "boolean",
    "date": "date",
    "datetime": "datetime",
    "time": "time",
    "year": "year",
    "month": "yearmonth",
    "json": "object",
}


def schema(resource: Resource, version: Version) -> tableschema.Schema:
    """The Table Schema of a table as its CSV is served.

    A column with cells that did not fit its type is served with those cells empty; its raw text column follows as text.
    """
    fields: list[tableschema.Field] = []
    for column in version.columns:
        fields.append(_field(column, resource))
        if column.raw:
            fields.append(tableschema.Field(column.raw, "string", description=f"{column.name} 原文 (as published)"))
    names = {field.name for field in fields}
    key = tuple(name for name in resource.key if name in names)
    return tableschema.Schema(tuple(fields), primaryKey=key)


def _field(column: Column, resource: Resource) -> tableschema.Field:
    in_key = column.name in resource.key
    full = column.nulls == 0 and column.unfit == 0
    limits = tableschema.Constraints(required=in_key and full, unique=resource.key == (column.name,) and full)
    kind = "geojson" if column.role == "geometry" else _TYPES[column.type]
    return tableschema.Field(
        name=column.name,
        type=kind,
        title=column.title,
        description=column.description,
        unit=column.unit,
        example=column.examples[0] if column.examples else "",
        constraints=limits if limits.required or limits.unique else None,
        aliases=column.aliases,
    )


def package(entry: Entry, base: str) -> datapackage.Package:
    """The Data Package of a dataset: each table as CSV, each other resource as it is."""
    dataset = entry.dataset
    licence = LICENCES.get(dataset.licence_id)
    resources = [
        _package_resource(entry, resource, base)
        for resource in dataset.resources
        if resource.state == "active" and (resource.id in entry.versions or resource.url)
    ]
    return datapackage.Package(
        name=dataset.name,
        id=dataset.identifier or dataset.id,
        title=dataset.title,
        description=dataset.notes,
        homepage=addresses.dataset_page(base, dataset),
        version=dataset.version,
        created=iso(dataset.metadata_created),
        licences=(datapackage.Licence(licence.id, licence.url, licence.title),) if licence and licence.url else (),
        contributors=((entry.agency.title, "publisher"),) if entry.agency else (),
        keywords=dataset.tags,
        resources=tuple(resources),
    )


def _package_resource(entry: Entry, resource: Resource, base: str) -> datapackage.Resource:
    version = entry.versions.get(resource.id)
    title = resource.name or entry.dataset.title
    if version is None:
        return datapackage.Resource(
            name=resource.id,
            path=addresses.absolute(base, resource.url),
            format=resource.format.lower(),
            mediatype=resource.mimetype,
            title=title,
            description=resource.description,
            bytes=resource.size or None,
        )
    return datapackage.Resource(
        name=resource.id,
        path=addresses.table_file(base, resource, "csv"),
        format="csv",
        mediatype="text/csv",
        title=title,
        description=resource.description,
        encoding="utf-8",
        schema=schema(resource, version),
    )


def described(entry: Entry, site: Site, base: str, lang: str) -> schemaorg.Described:
    """The schema.org description, for the dataset's page in `lang`."""
    dataset = entry.dataset
    english = lang == "en"
    start, end = period_of(entry)
    licence = LICENCES.get(dataset.licence_id)
    agency = entry.agency
    return schemaorg.Described(
        url=addresses.dataset_page(base, dataset),
        name=(dataset.title_en if english else "") or dataset.title,
        alternate_name=dataset.title if english and dataset.title_en else dataset.title_en,
        description=(dataset.notes_en if english else "") or dataset.notes or dataset.title,
        identifier=dataset.identifier or dataset.id,
        keywords=dataset.tags,
        licence=licence.url if licence else "",
        language=dataset.language,
        publisher=((agency.title_en if english else "") or agency.title) if agency else "",
        publisher_url=addresses.agency_page(base, agency.name) if agency else "",
        issued=iso(dataset.metadata_created),
        modified=iso(entry.modified),
        version=dataset.version,
        temporal=f"{start or '..'}/{end or '..'}" if start or end else "",
        place=dataset.spatial,
        bbox=bbox_of(entry.versions.values()),
        catalogue_name=site.title_en if english else site.title,
        catalogue_url=f"{base}/",
        variables=tuple(_variable(column) for _, version in entry.tables() for column in version.columns)[:200],
        downloads=tuple(download for pair in entry.tables() for download in _downloads(entry, *pair, base)),
    )


def jsonld(entry: Entry, site: Site, base: str, lang: str) -> bytes:
    """`described` as JSON that may stand in a script element."""
    return schemaorg.dataset_jsonld(described(entry, site, base, lang))


def _variable(column: Column) -> schemaorg.Variable:
    return schemaorg.Variable(column.name, column.description or column.title, column.unit)


def _downloads(entry: Entry, resource: Resource, version: Version, base: str) -> list[schemaorg.Download]:
    return [
        schemaorg.Download(
            url=addresses.table_file(base, resource, name),
            media_type=FILE_TYPES[name].media_type,
            name=f"{resource.name or entry.dataset.title} ({name})",
            size=version.parquet_bytes if name == "PARQUET" else None,
        )
        for name in addresses.formats_of(version)
    ]


def croissant_of(entry: Entry, base: str) -> bytes:
    """Croissant: the tables as CSV. Live data is said to be live, so its hash is of the source's bytes."""
    dataset = entry.dataset
    licence = LICENCES.get(dataset.licence_id)
    tables = [
        croissant.Table(
            name=resource.name or dataset.title,
            url=addresses.table_file(base, resource, "csv"),
            sha256="",
            size=0,
            schema=schema(resource, version),
        )
        for resource, version in entry.tables()
    ]
    one = croissant.Described(
        name=dataset.title,
        description=dataset.notes or dataset.title,
        url=addresses.dataset_page(base, dataset),
        licence=licence.url if licence else "",
        publisher=entry.agency.title if entry.agency else "",
        published=iso(dataset.metadata_created),
        version=dataset.version or "1",
        live=any(resource.live for resource, _ in entry.tables()),
        tables=tuple(tables),
    )
    return croissant.write(one)


def csvw_of(entry: Entry, resource: Resource, version: Version, base: str) -> bytes:
    """CSVW metadata of one table's CSV (found as FILE-metadata.json)."""
    licence = LICENCES.get(entry.dataset.licence_id)
    return csvw.write(
        addresses.table_file(base, resource, "csv"),
        schema(resource, version),
        title=resource.name or entry.dataset.title,
        licence=licence.url if licence else "",
    )


def metadata_path(resource: Resource) -> str:
    return f"{quote(resource.id)}.csv-metadata.json"
