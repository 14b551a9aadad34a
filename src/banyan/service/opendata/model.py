"""The nouns of open data: agency, dataset, resource, version, column, finding, quality.

Names follow CKAN 2.12 where CKAN has the thing (its clients read ours), Table Schema for columns.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from banyan.epoch import EpochS

ColumnType = Literal["text", "integer", "number", "boolean", "date", "datetime", "time", "year", "month", "json"]
"""Stored in Parquet as VARCHAR, BIGINT, DOUBLE, BOOLEAN, DATE, TIMESTAMP (UTC), TIME, INTEGER (CE year), DATE (first
of the month), VARCHAR (JSON text)."""

Role = Literal["", "key", "lon", "lat", "x", "y", "address", "county", "town", "village", "label", "time", "geometry"]
FindingKind = Literal["guess", "mended", "kept_raw", "problem"]


class Column(msgspec.Struct, frozen=True, omit_defaults=True):
    """One column of a table version. `name` is as published (CJK kept) and unique; `raw` names the extra text column
    that keeps cells which did not fit the type (empty when all fitted)."""

    name: str
    type: ColumnType
    header: str = ""
    """The header cell as it stood in the file, before trimming, folding and de-duplication."""
    title: str = ""
    description: str = ""
    unit: str = ""
    role: Role = ""
    aliases: tuple[str, ...] = ()
    """Earlier names that the API still answers to."""
    raw: str = ""
    nulls: int = 0
    unfit: int = 0
    distinct: int = 0
    minimum: str = ""
    maximum: str = ""
    examples: tuple[str, ...] = ()


class Finding(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something guessed, mended, kept raw, or wrong; with its evidence and the option that overrides it.

    `code` keys the bilingual sentence in `messages.toml` (`finding.CODE.title`, `.mend`), filled from `values`.
    """

    kind: FindingKind
    code: str
    column: str = ""
    count: int = 0
    examples: tuple[str, ...] = ()
    values: dict[str, str] = {}
    override: str = ""
    """How to decide otherwise, as the publish option (`--type code=text`)."""


class Source(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where a version's bytes came from. The original bytes are in the blob store under `sha256`."""

    filename: str
    sha256: str
    size: int
    media_type: str = ""
    container: str = ""
    """gz or zip when it was packed; `member` names the file inside."""
    member: str = ""
    format: str = ""
    """csv tsv xlsx json ndjson geojson parquet"""
    encoding: str = ""
    delimiter: str = ""
    header_rows: int = 1
    sheet: str = ""
    url: str = ""
    fetched: EpochS = EpochS(0)


class Change(msgspec.Struct, frozen=True, omit_defaults=True):
    """How a version differs from the one before. Rows are matched by the key columns when there are any."""

    added: int = 0
    changed: int = 0
    gone: int = 0
    same: int = 0
    columns_added: tuple[str, ...] = ()
    columns_gone: tuple[str, ...] = ()
    columns_renamed: tuple[tuple[str, str], ...] = ()
    """(old, new): mapped, and the old API name still answers."""
    columns_retyped: tuple[tuple[str, str, str], ...] = ()
    """(column, old type, new type)"""


class Version(msgspec.Struct, frozen=True, omit_defaults=True):
    """One immutable state of a resource's table: a Parquet file in the lake, and all that is known about it."""

    resource_id: str
    number: int
    """From 1."""
    at: EpochS
    """When we published it."""
    as_of: EpochS
    """When the source says the data is from, else when we fetched it."""
    rows: int
    columns: tuple[Column, ...]
    source: Source
    parquet: str
    """Key in the lake."""
    parquet_bytes: int = 0
    findings: tuple[Finding, ...] = ()
    change: Change | None = None
    sort: tuple[str, ...] = ()
    bbox: tuple[float, float, float, float] | None = None
    """west, south, east, north in WGS84 degrees when there are points."""
    geometry: str = ""
    """point, towns, counties or empty: what a map can show."""
    provenance: tuple[str, ...] = ()
    """The steps from the source's bytes to this table, one readable line each."""


class Live(msgspec.Struct, frozen=True):
    """A resource that follows a URL or a watched file."""

    source: str
    every_s: int
    last_try: EpochS = EpochS(0)
    last_good: EpochS = EpochS(0)
    failures: int = 0
    error: str = ""
    etag: str = ""


class Resource(msgspec.Struct, frozen=True, omit_defaults=True):
    """CKAN resource. `version` is the number of the version served; 0 for a link or file without a table."""

    id: str
    name: str
    created: EpochS
    last_modified: EpochS
    description: str = ""
    format: str = ""
    url: str = ""
    url_type: str = ""
    """upload, datastore, or empty for a link elsewhere"""
    mimetype: str = ""
    size: int = 0
    hash: str = ""
    position: int = 0
    version: int = 0
    encoding: str = ""
    key: tuple[str, ...] = ()
    live: Live | None = None
    state: Literal["active", "deleted"] = "active"
    extras: dict[str, str] = {}

    @property
    def is_table(self) -> bool:
        return self.version > 0


class Contact(msgspec.Struct, frozen=True, omit_defaults=True):
    name: str = ""
    phone: str = ""
    email: str = ""


class Agency(msgspec.Struct, frozen=True, omit_defaults=True):
    """CKAN organization."""

    id: str
    name: str
    """slug"""
    title: str
    created: EpochS
    title_en: str = ""
    description: str = ""
    image_url: str = ""
    code: str = ""
    """機關代碼 (OID or 10 characters), used in the national identifier"""
    contact: Contact = Contact()
    state: Literal["active", "deleted"] = "active"


class Theme(msgspec.Struct, frozen=True, omit_defaults=True):
    """CKAN group; also one of the 18 national service categories when `code` is set."""

    id: str
    name: str
    title: str
    created: EpochS
    title_en: str = ""
    description: str = ""
    image_url: str = ""
    code: str = ""
    state: Literal["active", "deleted"] = "active"


class Dataset(msgspec.Struct, frozen=True, omit_defaults=True):
    """CKAN package with the national 38-field metadata that CKAN has no place for. The answer to "what is this"."""

    id: str
    name: str
    title: str
    metadata_created: EpochS
    metadata_modified: EpochS
    title_en: str = ""
    notes: str = ""
    notes_en: str = ""
    agency_id: str = ""
    licence_id: str = "OGDL-Taiwan-1.0"
    author: str = ""
    author_email: str = ""
    maintainer: str = ""
    maintainer_email: str = ""
    url: str = ""
    version: str = ""
    private: bool = False
    state: Literal["active", "deleted", "draft"] = "active"
    type: str = "dataset"
    creator_user_id: str = ""
    tags: tuple[str, ...] = ()
    themes: tuple[str, ...] = ()
    """Theme names."""
    extras: tuple[tuple[str, str], ...] = ()
    resources: tuple[Resource, ...] = ()
    identifier: str = ""
    """national identifier, e.g. A41000000G-000001"""
    frequency: str = ""
    """accrualPeriodicity as the national standard writes it: 每日, 每 10 分鐘, 即時, 不定期"""
    spatial: str = ""
    temporal_from: str = ""
    temporal_to: str = ""
    language: tuple[str, ...] = ("zh-Hant",)
    contact: Contact = Contact()
    national: dict[str, str] = {}
    """Other fields of the national standard, by its own names, kept as they came in."""

    @property
    def is_public(self) -> bool:
        """Whether anybody may see it; the administrator sees the others too."""
        return self.state == "active" and not self.private


class Check(msgspec.Struct, frozen=True, omit_defaults=True):
    """One quality check of one dataset. `passed` None means unknown: it does not count."""

    code: str
    passed: bool | None
    points: float = 0
    of: float = 0
    count: int = 0
    evidence: tuple[str, ...] = ()
    values: dict[str, str] = {}


class Quality(msgspec.Struct, frozen=True, omit_defaults=True):
    """The quality of a dataset at one time: Taiwan's 7 indicators, the EU MQA score, and our content checks."""

    dataset_id: str
    at: EpochS
    indicators: tuple[Check, ...]
    medal: Literal["", "bronze", "silver", "gold", "platinum"]
    """Thresholds are ours, and labelled so."""
    mqa: tuple[Check, ...]
    mqa_score: int
    mqa_rating: Literal["bad", "sufficient", "good", "excellent"]
    content: tuple[Check, ...]


class DataRequest(msgspec.Struct, frozen=True, omit_defaults=True):
    """A citizen's request for data, with a public status. The text is public; the contact, if given, is never shown."""

    id: str
    at: EpochS
    title: str
    text: str
    status: Literal["received", "checking", "answered", "published", "declined"] = "received"
    answer: str = ""
    dataset: str = ""
    changed: EpochS = EpochS(0)
