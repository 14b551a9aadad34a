"""Copy-and-paste examples of asking a table from a program. A test runs each against a live portal."""

from __future__ import annotations

from urllib.parse import urlencode

import msgspec

from banyan.service.opendata.model import Resource, Version


class Example(msgspec.Struct, frozen=True):
    """One language's example. `ident` names it on the page."""

    ident: str
    language: str
    text: str


def examples(resource: Resource, version: Version, base: str) -> list[Example]:
    """The same question in four languages: the first rows where a text column holds a known value."""
    column = next((one for one in version.columns if one.type == "text" and one.examples), None)
    filters = {column.name: column.examples[0]} if column else {}
    rows = f"{base}/api/opendata/rows/{resource.id}"
    encoded = msgspec.json.encode(filters).decode()
    query = urlencode([("filters", encoded), ("limit", "5")])
    return [
        Example("curl", "curl", f"curl -s '{rows}?{query}'"),
        Example("python", "Python", _python(rows, encoded)),
        Example("r", "R", _r(rows, query)),
        Example("javascript", "JavaScript", _javascript(rows, encoded)),
        Example("ckan", "CKAN (ckanapi)", _ckan(base, resource.id, encoded)),
    ]


def _python(rows: str, filters: str) -> str:
    return f"""import json
from urllib.parse import urlencode
from urllib.request import urlopen

filters = {filters}
query = urlencode({{"filters": json.dumps(filters), "limit": 5}})
with urlopen("{rows}?" + query) as answer:
    for record in json.load(answer)["records"]:
        print(record)"""


def _r(rows: str, query: str) -> str:
    return f"""library(jsonlite)

answer <- fromJSON("{rows}?{query}")
print(answer$records)"""


def _javascript(rows: str, filters: str) -> str:
    return f"""const filters = {filters};
const query = new URLSearchParams({{ filters: JSON.stringify(filters), limit: 5 }});
const answer = await fetch("{rows}?" + query);
const {{ records }} = await answer.json();
console.log(records);"""


def _ckan(base: str, resource: str, filters: str) -> str:
    return f"""from ckanapi import RemoteCKAN

portal = RemoteCKAN("{base}")
found = portal.action.datastore_search(resource_id="{resource}", filters={filters}, limit=5)
print(found["total"], found["records"])"""
