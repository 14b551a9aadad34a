"""Croissant 1.0 (MLCommons): a dataset as machine-learning tools load it. Source: https://docs.mlcommons.org/croissant/docs/croissant-spec.html"""

from __future__ import annotations

import msgspec

from banyan.wire.tableschema import FieldType, Schema

MEDIA_TYPE = "application/ld+json; charset=utf-8"
_CONTEXT: dict[str, object] = {
    "@language": "zh-Hant", "@vocab": "https://schema.org/", "sc": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/", "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/", "citeAs": "cr:citeAs", "column": "cr:column", "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"}, "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "examples": {"@id": "cr:examples", "@type": "@json"}, "extract": "cr:extract", "field": "cr:field",
    "fileProperty": "cr:fileProperty", "fileObject": "cr:fileObject", "fileSet": "cr:fileSet", "format": "cr:format",
    "includes": "cr:includes", "isLiveDataset": "cr:isLiveDataset", "jsonPath": "cr:jsonPath", "key": "cr:key",
    "md5": "cr:md5", "parentField": "cr:parentField", "path": "cr:path", "recordSet": "cr:recordSet",
    "references": "cr:references", "regex": "cr:regex", "repeated": "cr:repeated", "replace": "cr:replace",
    "separator": "cr:separator", "source": "cr:source", "subField": "cr:subField", "transform": "cr:transform",
}  # fmt: skip
_DATATYPES: dict[FieldType, str] = {
    "string": "sc:Text", "integer": "sc:Integer", "number": "sc:Float", "boolean": "sc:Boolean", "date": "sc:Date",
    "datetime": "sc:DateTime", "time": "sc:Time", "year": "sc:Integer", "yearmonth": "sc:Text", "geojson": "sc:Text",
    "object": "sc:Text",
}  # fmt: skip


class Table(msgspec.Struct, frozen=True):
    """One CSV with its schema. `sha256` is of the file at `url`, which must be immutable."""

    name: str
    url: str
    sha256: str
    size: int
    schema: Schema


class Described(msgspec.Struct, frozen=True):
    name: str
    description: str
    url: str
    licence: str
    publisher: str
    published: str
    version: str
    live: bool
    tables: tuple[Table, ...]


def write(one: Described) -> bytes:
    plain = {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": one.name,
        "description": one.description,
        "url": one.url,
        "license": one.licence,
        "creator": {"@type": "sc:Organization", "name": one.publisher},
        "datePublished": one.published,
        "version": one.version,
        "citeAs": f"{one.publisher}: {one.name}, {one.version}. {one.url}",
        "isLiveDataset": one.live,
        "distribution": [_file(index, table) for index, table in enumerate(one.tables, start=1)],
        "recordSet": [_records(index, table) for index, table in enumerate(one.tables, start=1)],
    }
    return msgspec.json.encode(plain)


def _file(index: int, table: Table) -> dict[str, object]:
    return {
        "@type": "cr:FileObject",
        "@id": f"file{index}",
        "name": table.name,
        "contentUrl": table.url,
        "contentSize": f"{table.size} B",
        "encodingFormat": "text/csv",
        "sha256": table.sha256,
    }


def _records(index: int, table: Table) -> dict[str, object]:
    fields = [
        {
            "@type": "cr:Field",
            "@id": f"table{index}/c{number}",
            "name": field.name,
            "description": field.description or field.title or field.name,
            "dataType": _DATATYPES[field.type],
            "source": {"fileObject": {"@id": f"file{index}"}, "extract": {"column": field.name}},
        }
        for number, field in enumerate(table.schema.fields, start=1)
    ]
    return {"@type": "cr:RecordSet", "@id": f"table{index}", "name": table.name, "field": fields}
