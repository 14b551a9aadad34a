"""The nouns of DCAT-AP 3.0.1 that Banyan publishes, as plain values. Names are DCAT's, in Python's spelling.

Dates are ISO 8601 texts (`2026-11-23` or `2026-11-23T13:00:00Z`); addresses are absolute; texts are by language.
Source: https://semiceu.github.io/DCAT-AP/releases/3.0.1/.
"""

from __future__ import annotations

from typing import Literal

import msgspec

Texts = dict[str, str]
"""BCP 47 language tag to text."""

BBox = tuple[float, float, float, float]
"""west, south, east, north in WGS84 degrees (CRS84 axis order)."""


class Agent(msgspec.Struct, frozen=True):
    """foaf:Agent. `type` is a concept of the ADMS publisher types."""

    iri: str
    name: Texts
    type: Literal["NationalAuthority", "RegionalAuthority", "LocalAuthority", "NonProfitOrganisation"] = (
        "NationalAuthority"
    )


class ContactPoint(msgspec.Struct, frozen=True, omit_defaults=True):
    """vcard:Organization."""

    name: str = ""
    email: str = ""
    phone: str = ""
    url: str = ""


class Licence(msgspec.Struct, frozen=True):
    """dct:LicenseDocument. `type` is an ADMS licence type; `compatible` an EU licence whose terms it meets."""

    iri: str
    title: Texts
    type: Literal["Attribution", "PublicDomain", "UnknownIPR", "OtherRestrictiveClauses"] = "Attribution"
    compatible: str = ""


class Place(msgspec.Struct, frozen=True, omit_defaults=True):
    """dct:Location by EU authority code (`country/TWN`), by name, by box; any of them."""

    iri: str = ""
    label: Texts = {}
    bbox: BBox | None = None


class Period(msgspec.Struct, frozen=True, omit_defaults=True):
    start: str = ""
    end: str = ""


class Distribution(msgspec.Struct, frozen=True, omit_defaults=True):
    """dcat:Distribution. `file_type` is an EU file-type code (CSV), `media_type` an IANA one (text/csv)."""

    iri: str
    title: Texts
    access_url: str
    description: Texts = {}
    download_url: str = ""
    file_type: str = ""
    media_type: str = ""
    encoding: str = ""
    byte_size: int | None = None
    sha256: str = ""
    issued: str = ""
    modified: str = ""
    schema_url: str = ""
    """Where the Table Schema of the file is."""
    availability: Literal["", "STABLE", "AVAILABLE", "EXPERIMENTAL", "TEMPORARY"] = ""
    service: str = ""
    """IRI of the data service that gives access to it."""


class Measurement(msgspec.Struct, frozen=True):
    """dqv:QualityMeasurement of a metric of the MQA (`piveau:` local name such as keywordAvailability)."""

    metric: str
    value: int
    boolean: bool = False


class Dataset(msgspec.Struct, frozen=True, omit_defaults=True):
    """dcat:Dataset. Its `iri` must differ from `landing_page`: one names the data, the other a document about it."""

    iri: str
    identifier: str
    title: Texts
    description: Texts
    landing_page: str
    publisher: Agent | None = None
    contact: ContactPoint | None = None
    keywords: tuple[str, ...] = ()
    themes: tuple[str, ...] = ()
    """EU data-theme codes (HEAL, TRAN)."""
    categories: tuple[tuple[str, Texts], ...] = ()
    """Concepts of our own or the national theme list: (IRI, label)."""
    frequency: str = ""
    """EU frequency code (DAILY)."""
    languages: tuple[str, ...] = ()
    """EU language codes (ZHO, ENG)."""
    places: tuple[Place, ...] = ()
    period: Period | None = None
    licence: Licence | None = None
    rights: Texts = {}
    access: Literal["", "PUBLIC", "RESTRICTED", "NON_PUBLIC"] = ""
    issued: str = ""
    modified: str = ""
    version: str = ""
    provenance: Texts = {}
    distributions: tuple[Distribution, ...] = ()
    measurements: tuple[Measurement, ...] = ()
    measured: str = ""


class Service(msgspec.Struct, frozen=True):
    """dcat:DataService: the API in front of the distributions."""

    iri: str
    title: Texts
    description: Texts
    endpoint_url: str
    endpoint_description: str
    conforms_to: str
    keywords: tuple[str, ...]
    themes: tuple[str, ...]


class Catalog(msgspec.Struct, frozen=True):
    iri: str
    title: Texts
    description: Texts
    publisher: Agent
    homepage: str
    licence: Licence
    contact: ContactPoint
    place: Place
    languages: tuple[str, ...]
    issued: str
    modified: str
    service: Service


class Paging(msgspec.Struct, frozen=True):
    """Which part of the catalogue a document holds. Pages count from 1."""

    url: str
    """Address of the document without `page`."""
    page: int
    pages: int
    total: int
    size: int
