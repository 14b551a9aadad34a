"""Where things of a dataset are on this portal. One place, so exports, pages and checks agree."""

from __future__ import annotations

from urllib.parse import quote

from banyan.service.opendata.model import Dataset, Resource, Version

TABLE_FORMATS = ("CSV", "JSON", "PARQUET", "XLSX")


def dataset_page(base: str, dataset: Dataset) -> str:
    return f"{base}/dataset/{quote(dataset.name)}"


def resource_page(base: str, dataset: Dataset, resource: Resource) -> str:
    return f"{dataset_page(base, dataset)}/resource/{quote(resource.id)}"


def table_file(base: str, resource: Resource, kind: str) -> str:
    """The served table as a file: `kind` is csv, json, ndjson, parquet, xlsx or geojson."""
    return f"{base}/download/{quote(resource.id)}.{kind.lower()}"


def formats_of(version: Version) -> tuple[str, ...]:
    """The formats a table is offered in; GeoJSON when it has places."""
    return (*TABLE_FORMATS, "GEOJSON") if version.geometry in ("point", "shape") else TABLE_FORMATS


def agency_page(base: str, name: str) -> str:
    return f"{base}/organization/{quote(name)}"


def theme_page(base: str, name: str) -> str:
    return f"{base}/group/{quote(name)}"


def absolute(base: str, address: str) -> str:
    """An address of a resource: as it is, or on this portal when it is a path."""
    return base + address if address.startswith("/") else address


def is_ours(base: str, address: str) -> bool:
    return address.startswith((f"{base}/", "/")) or address == base
