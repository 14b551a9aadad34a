"""What a stranger may send to a node: every operation, face, page, CKAN action and tool, with a dataset's names in it.

The walk reads the registry, so a new route is walked too; a request field it does not know ends the walk until
somebody says what a stranger would send.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import product
from typing import Literal
from urllib.parse import quote, unquote_plus, urlencode

import msgspec
import pytest
from tests.make import Client, Reply

from banyan.kernel.exchange.endpoint import Endpoint, endpoints_of
from banyan.node import Node
from banyan.service.opendata.ckan.action import ACTIONS

Kind = Literal["public", "private", "draft", "deleted", "withdrawn"]
READS_BY_POST = ("/api/chat", "/chat", "/mcp")
ENDLESS = ("/api/supplies/stream",)
"""Streams that end with their reader; they hold stock, never a dataset."""
"""The rest by POST changes something: it is asked without a token and must answer without the marks."""


class Subject(msgspec.Struct, frozen=True):
    """A published dataset: how it is asked for, and the words that must not come back."""

    kind: Kind
    name: str
    id: str
    resource: str
    job: str
    sha256: str

    @property
    def marks(self) -> tuple[str, ...]:
        mark = mark_of(self.kind)
        return (f"{mark}標題", f"{mark}說明", f"{mark}標籤", f"{mark}欄", f"{mark}格", f"{mark}檔", *self.keys)

    @property
    def keys(self) -> tuple[str, ...]:
        return (self.name, self.id, self.resource, self.sha256)


class Probe(msgspec.Struct, frozen=True):
    """One request of a stranger."""

    method: str
    target: str
    body: object = None
    form: dict[str, str] | None = None

    @property
    def sent(self) -> str:
        return unquote_plus(self.target) + json.dumps([self.body, self.form], ensure_ascii=False)


class Nation(msgspec.Struct, frozen=True):
    """One node with a dataset of each kind."""

    node: Node
    client: Client
    subjects: dict[Kind, Subject]


def mark_of(kind: Kind) -> str:
    return f"墨{kind}墨"


def values_of(field: str, subject: Subject) -> list[object]:
    """What to send for a request's field, by its name. Raises KeyError for a field nobody has thought of."""
    mark = mark_of(subject.kind)
    handles = [subject.name, subject.resource]
    known: dict[str, list[object]] = {
        "name": [subject.name, subject.id, subject.resource],
        "id": [subject.id, subject.name, subject.resource],
        "resource": handles,
        "register": handles,
        "dataset": [subject.name],
        "number": [0, 1],
        "version": [0, 1],
        "key": [f"{subject.kind}-1", {"代碼": f"{subject.kind}-1"}],
        "lon": [121.5],
        "lat": [25.0],
        "fields": [[f"{mark}欄"], ["數量"]],
        "by": [[f"{mark}欄"]],
        "job": [subject.job],
        "text": [f"{mark}標題", f"{mark}格1", "標題有幾筆"],
        "q": ["", "墨", "標題"],
        "code": ["0145080011"],
        "town": ["10015010"],
        "item": ["mask-adult"],
        "day": ["2026-11-23"],
        "order": ["fence-2026"],
        "supply": [1000],
        "outlet": ["5901010004"],
        "draw": ["r1"],
        "room": ["r1"],
        "age": [30],
        "round": ["r1"],
        "person": ["A123456789"],
        "relation": ["parent"],
        "family": ["mask"],
        "hash": ["0" * 16],
        "after": [0],
        "index": [0],
        "path": ["0/000"],
        "page": ["head"],
        "target": ["/directory/head"],
        "origin": ["tw.gov.banyan/ledger"],
        "user_code": ["A123456789"],
        "consent": ["0" * 32],
        "since": ["2026-11-23T00:00:00Z"],
        "time": ["2026-11-23T00:00:00Z"],
        "base": ["https://reader.example"],
        "feed": ["feed.atom"],
        "area": ["10015010"],
        "until": ["2026-11-20"],
        "reason": ["試試看"],
        "at": ["2026-11-23T00:00:00Z"],
        "start": ["2026-11-23T00:00:00Z"],
        "end": ["2026-11-24T00:00:00Z"],
        "pings": [[]],
        "cases": [["1"]],
        "visit": ["20261123-017"],
        "sql": [f'SELECT * FROM "{handle}"' for handle in (*handles, subject.id)]
        + [f'SELECT count(*) FROM (SELECT * FROM "{subject.resource}") x'],
    }
    return known[field]


OPTIONAL: dict[str, list[dict[str, object]]] = {
    "find_datasets": [{"hidden": True, "rows": 100}, {"q": "墨"}, {"filters": "state:deleted"}, {"hidden": "true"}],
    "entries": [{"rows": 100}, {"latest": True}],
    "answer": [{"place": "臺北市"}],
}
"""Further ways to ask, beside all that is required and `q`."""

PATHS: dict[str, list[str]] = {
    "kind": ["limit"],
    "service": ["travel-flag"],
    "file*": ["base.css"],
    "path*": ["0/000", "entries/000"],
    "number": ["0", "1"],
    "operation": ["opendata.rows"],
}


def paths_of(endpoint: Endpoint, subject: Subject) -> Iterator[str]:
    """The addresses of a route with the hidden names in it."""
    fields = [part[1:-1] for part in endpoint.template.split("/") if part.startswith("{")]
    bare = [field.partition("}")[0] for field in fields]
    if endpoint.template.startswith(("/api/3/action/", "/api/action/")):
        return
    choices: list[list[str]] = []
    for field in bare:
        if field == "file":
            choices.append(
                [f"{handle}.{kind}" for handle in subject.keys[:3] for kind in ("csv", "json.gz", "geojson")]
            )
        elif field == "filename":
            choices.append([quote(f"{mark_of(subject.kind)}檔.csv")])
        else:
            choices.append(PATHS.get(field) or [str(value) for value in values_of(field, subject)])
    for chosen in product(*choices):
        path = endpoint.template
        for field, value in zip(bare, chosen, strict=True):
            path = path.replace(f"{{{field}}}", value)
        yield path


def queries_of(endpoint: Endpoint, nation: Nation, subject: Subject) -> Iterator[dict[str, object]]:
    """Every way to fill an operation's required fields that its path does not hold; for others, a few words."""
    operation = nation.node.catalogue.operations.get(endpoint.operation)
    if operation is None:
        yield from ({}, {"q": "墨"}, {"q": f"{mark_of(subject.kind)}標題"}, {"state": "deleted", "hidden": "1"})
        return
    fields = [one for one in msgspec.structs.fields(operation.request) if f"{{{one.name}}}" not in operation.path]
    required = [one.name for one in fields if one.required]
    for chosen in product(*(values_of(name, subject) for name in required)):
        yield dict(zip(required, chosen, strict=True))
    for more in OPTIONAL.get(operation.id.partition(".")[2], []):
        yield {name: values_of(name, subject)[0] for name in required} | more
    names = {one.name for one in fields}
    for name in ("q", "name"):
        if name in names and name not in required:
            yield from ({name: value} for value in values_of(name, subject) if not required)


def encoded(query: dict[str, object]) -> str:
    pairs = [
        (name, item if isinstance(item, str) else json.dumps(item, ensure_ascii=False))
        for name, value in query.items()
        for item in (value if isinstance(value, list) else [value])
    ]
    return f"?{urlencode(pairs)}" if pairs else ""


def routes(nation: Nation, subject: Subject) -> Iterator[Probe]:
    """Every operation, face and page."""
    for endpoint in endpoints_of(nation.node.catalogue, lambda request, view: pytest.fail("not rendered here")):
        if endpoint.template in ENDLESS:
            continue
        for path in paths_of(endpoint, subject):
            if "GET" in endpoint.methods:
                for query in queries_of(endpoint, nation, subject):
                    yield Probe("GET", path + encoded(query))
            elif endpoint.template not in READS_BY_POST:
                yield Probe("POST", path, {"name": subject.name, "id": subject.resource, "resource": subject.resource})
    for path in ("/api/feed", "/api/feed?limit=1000", "/touchpoints", "/metrics", "/openapi.json", "/ready"):
        yield Probe("GET", path)


def actions(subject: Subject) -> Iterator[Probe]:
    """Every CKAN action: reads with all the names there are, writes without a token."""
    mark = mark_of(subject.kind)
    wide: dict[str, object] = {"include_private": True, "include_drafts": True, "include_deleted": True}
    bodies: list[dict[str, object]] = [
        {},
        {"all_fields": True, "include_extras": True, "include_datasets": True},
        *({"id": key} for key in (*subject.keys[:3], f"{mark}標籤")),
        *({"resource_id": key} for key in subject.keys[:3]),
        *({"sql": sql} for sql in values_of("sql", subject)),
        {"q": "墨", "query": f"name:{mark}", "rows": 100, **wide},
        {"q": "*:*", "rows": 100, "facet.field": '["tags","organization","res_format"]', **wide},
        {"fq": "+state:(draft OR deleted OR active) +private:*", "rows": 100, "sort": "name asc", **wide},
        {"q": f"title:{mark}標題", "fl": "*"},
        {"query": f"name:{mark}"},
        {"query": f"url:{subject.name}"},
        {"query": f"hash:{subject.sha256}"},
        {"q": "墨", "query": "墨"},
        {"id": "walk-public", "include_datasets": True},
        {"id": "health", "include_datasets": True},
    ]
    for action in ACTIONS.values():
        for body in bodies:
            yield Probe("POST", f"/api/3/action/{action.name}", body)
        yield Probe("GET", f"/api/action/{action.name}?id={subject.resource}&resource_id={subject.resource}")


def talks(nation: Nation, subject: Subject) -> Iterator[Probe]:
    """The chat in both its ways, and every tool."""
    mark = mark_of(subject.kind)
    for text in (f"{mark}標題", f"{mark}格1", f"{subject.kind}-1", f"{mark}標題有幾筆", subject.name, "離我最近的標題"):
        yield Probe("POST", "/api/chat", {"text": text})
        yield Probe("POST", "/chat", form={"text": text})
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call"}
    for operation in nation.node.catalogue.operations.values():
        tool = operation.id.replace(".", "_")
        required = [one.name for one in msgspec.structs.fields(operation.request) if one.required]
        if operation.effect == "write":
            yield Probe("POST", "/mcp", call | {"params": {"name": tool, "arguments": {"name": subject.name}}})
            continue
        for chosen in product(*(values_of(name, subject) for name in required)):
            arguments = dict(zip(required, chosen, strict=True))
            yield Probe("POST", "/mcp", call | {"params": {"name": tool, "arguments": arguments}})


async def ask(client: Client, probe: Probe) -> Reply:
    if probe.form is not None:
        return await client.request(probe.method, probe.target, form=probe.form)
    return await client.request(probe.method, probe.target, json=probe.body)


def everything(nation: Nation, subject: Subject) -> Iterator[Probe]:
    """The whole walk."""
    yield from routes(nation, subject)
    yield from actions(subject)
    yield from talks(nation, subject)
