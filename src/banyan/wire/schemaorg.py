"""schema.org Dataset as JSON-LD, for a page's `<script type="application/ld+json">`.

Source: https://schema.org/Dataset, Google's dataset structured-data guide (name, description 50-5,000 characters).
"""

from __future__ import annotations

import msgspec

from banyan.wire.dcat.model import BBox


class Download(msgspec.Struct, frozen=True):
    url: str
    media_type: str
    name: str
    size: int | None = None


class Variable(msgspec.Struct, frozen=True):
    """A column: variableMeasured as PropertyValue."""

    name: str
    description: str
    unit: str


class Described(msgspec.Struct, frozen=True, omit_defaults=True):
    """What schema.org can say of a dataset."""

    url: str
    name: str
    description: str
    identifier: str = ""
    alternate_name: str = ""
    keywords: tuple[str, ...] = ()
    licence: str = ""
    language: tuple[str, ...] = ()
    publisher: str = ""
    publisher_url: str = ""
    issued: str = ""
    modified: str = ""
    version: str = ""
    temporal: str = ""
    """ISO 8601 interval: `2020-02-06/2021-06-21`, an open end as `..`"""
    place: str = ""
    bbox: BBox | None = None
    catalogue_name: str = ""
    catalogue_url: str = ""
    variables: tuple[Variable, ...] = ()
    downloads: tuple[Download, ...] = ()


def dataset_jsonld(one: Described) -> bytes:
    """JSON that is safe inside an HTML script element: `<`, `>`, `&` and line separators are escaped."""
    plain: dict[str, object] = {
        "@context": "https://schema.org/",
        "@type": "Dataset",
        "@id": one.url + "#dataset",
        "url": one.url,
        "name": one.name,
        "alternateName": one.alternate_name,
        "description": (one.description or one.name)[:5_000],
        "identifier": one.identifier,
        "keywords": list(one.keywords),
        "license": one.licence,
        "inLanguage": list(one.language),
        "isAccessibleForFree": True,
        "creator": _organization(one),
        "publisher": _organization(one),
        "datePublished": one.issued,
        "dateModified": one.modified,
        "version": one.version,
        "temporalCoverage": one.temporal,
        "spatialCoverage": _place(one),
        "includedInDataCatalog": _catalogue(one),
        "variableMeasured": [_variable(variable) for variable in one.variables],
        "distribution": [_download(download) for download in one.downloads],
    }
    kept = {key: value for key, value in plain.items() if value not in ("", [], {}, None)}
    return for_script(msgspec.json.encode(kept))


def for_script(body: bytes) -> bytes:
    """The same JSON without any character that could end a script element or start a comment (HTML s4.12.1.3)."""
    for raw, escaped in ((b"<", b"\\u003c"), (b">", b"\\u003e"), (b"&", b"\\u0026")):
        body = body.replace(raw, escaped)
    return body.replace("\u2028".encode(), b"\\u2028").replace("\u2029".encode(), b"\\u2029")


def _organization(one: Described) -> dict[str, object]:
    if not one.publisher:
        return {}
    return {"@type": "GovernmentOrganization", "name": one.publisher, "url": one.publisher_url}


def _catalogue(one: Described) -> dict[str, object]:
    if not one.catalogue_url:
        return {}
    return {"@type": "DataCatalog", "name": one.catalogue_name, "url": one.catalogue_url}


def _place(one: Described) -> dict[str, object]:
    place: dict[str, object] = {"@type": "Place", "name": one.place} if one.place else {"@type": "Place"}
    if one.bbox:
        west, south, east, north = one.bbox
        place["geo"] = {"@type": "GeoShape", "box": f"{south} {west} {north} {east}"}
    return place if len(place) > 1 else {}


def _variable(variable: Variable) -> dict[str, object]:
    pairs = {"name": variable.name, "description": variable.description, "unitText": variable.unit}
    return {"@type": "PropertyValue", **{key: value for key, value in pairs.items() if value}}


def _download(download: Download) -> dict[str, object]:
    found: dict[str, object] = {
        "@type": "DataDownload",
        "contentUrl": download.url,
        "encodingFormat": download.media_type,
        "name": download.name,
    }
    if download.size:
        found["contentSize"] = f"{download.size} B"
    return found
