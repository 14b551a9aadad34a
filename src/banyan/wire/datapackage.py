"""Data Package of a dataset. Source: https://specs.frictionlessdata.io/data-package/ (v1 profile names)."""

from __future__ import annotations

import re

import msgspec

from banyan.wire import tableschema

_NAME = re.compile(r"[^a-z0-9._-]+")


class Resource(msgspec.Struct, frozen=True, omit_defaults=True):
    """One file. `path` is an address or a path beside the package; `hash` is `sha256:` and hexadecimal."""

    name: str
    path: str
    format: str = ""
    mediatype: str = ""
    title: str = ""
    description: str = ""
    encoding: str = ""
    bytes: int | None = None
    hash: str = ""
    schema: tableschema.Schema | None = None
    delimiter: str = ""


class Licence(msgspec.Struct, frozen=True, omit_defaults=True):
    name: str
    path: str = ""
    title: str = ""


class Package(msgspec.Struct, frozen=True, omit_defaults=True):
    name: str
    title: str
    id: str = ""
    description: str = ""
    homepage: str = ""
    version: str = ""
    created: str = ""
    licences: tuple[Licence, ...] = ()
    sources: tuple[tuple[str, str], ...] = ()
    """(title, path)"""
    contributors: tuple[tuple[str, str], ...] = ()
    """(title, role)"""
    keywords: tuple[str, ...] = ()
    resources: tuple[Resource, ...] = ()


def slug(text: str) -> str:
    """A name the specification allows: lower-case letters, digits, `.`, `_`, `-`; `data` when nothing is left."""
    return _NAME.sub("-", text.lower()).strip("-.") or "data"


def write(package: Package) -> bytes:
    plain: dict[str, object] = {
        "profile": "data-package",
        "name": slug(package.name),
        "title": package.title,
        "id": package.id,
        "description": package.description,
        "homepage": package.homepage,
        "version": package.version,
        "created": package.created,
        "licenses": [msgspec.to_builtins(licence) for licence in package.licences],
        "sources": [{"title": title, "path": path} for title, path in package.sources],
        "contributors": [{"title": title, "role": role} for title, role in package.contributors],
        "keywords": list(package.keywords),
    }
    kept = {key: value for key, value in plain.items() if value}
    kept["resources"] = [_resource(resource) for resource in package.resources]
    return msgspec.json.encode(kept)


def _resource(resource: Resource) -> dict[str, object]:
    plain: dict[str, object] = {
        "profile": "tabular-data-resource" if resource.schema else "data-resource",
        "name": slug(resource.name),
        **{name: value for name in _PLAIN if (value := getattr(resource, name)) not in ("", None)},
    }
    if resource.schema:
        plain["schema"] = tableschema.document(resource.schema)
    if resource.delimiter:
        plain["dialect"] = {"delimiter": resource.delimiter, "header": True}
    return plain


_PLAIN = ("path", "format", "mediatype", "title", "description", "encoding", "bytes", "hash")
