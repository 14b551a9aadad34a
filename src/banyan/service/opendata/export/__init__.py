"""The catalogue in other standards' words: DCAT-AP, the national 38 fields, Data Package, schema.org, Atom."""

from banyan.service.opendata.export import faces, feeds, importing
from banyan.service.opendata.export.describe import catalogue, describe
from banyan.service.opendata.export.entry import Entries, EntriesQuery, Entry, EntryQuery, Names, NamesQuery
from banyan.service.opendata.export.packages import jsonld, package, schema
from banyan.service.opendata.export.site import Site, configure, current

__all__ = [
    "Entries",
    "EntriesQuery",
    "Entry",
    "EntryQuery",
    "Names",
    "NamesQuery",
    "Site",
    "catalogue",
    "configure",
    "current",
    "describe",
    "faces",
    "feeds",
    "importing",
    "jsonld",
    "package",
    "schema",
]
