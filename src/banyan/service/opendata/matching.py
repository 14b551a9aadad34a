"""Which resource a table goes to, and with which decisions. Pure: values in, values out."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import msgspec

from banyan.service.opendata.drift import translated
from banyan.service.opendata.ingest import Options, Table
from banyan.service.opendata.model import Dataset, Resource
from banyan.service.opendata.slugs import stem_of, undated

BY_NAME = ("types", "rename", "key", "geo", "repair")
"""Options that speak of columns by name: a renamed column breaks them."""


def anchor(dataset: Dataset | None, *, resource_id: str, filename: str, add: bool) -> Resource | None:
    """The resource a file is meant for, as far as one can say before reading it; None for a new one."""
    if dataset is None or add:
        return None
    tables = [resource for resource in dataset.resources if resource.is_table and resource.state == "active"]
    if resource_id:
        return next((resource for resource in dataset.resources if resource.id == resource_id), None)
    named = [resource for resource in tables if undated(resource.name) == undated(stem_of(filename))]
    return named[0] if len(named) == 1 else tables[0] if len(tables) == 1 else None


def targets(
    dataset: Dataset | None, tables: Sequence[Table], first: Resource | None, *, add: bool
) -> list[Resource | None]:
    """The resource of each table, None for a new one. One table goes to the anchor; several are matched by name."""
    if dataset is None or add:
        return [None] * len(tables)
    if len(tables) == 1:
        return [first]
    by_name = {resource.name: resource for resource in dataset.resources if resource.state == "active"}
    return [by_name.get(table.name) for table in tables]


def merged(remembered: Options, given: Options) -> Options:
    """What is decided now over what was decided for the file before."""
    values: dict[str, object] = {}
    for field in Options.__struct_fields__:
        old, new = getattr(remembered, field), getattr(given, field)
        if isinstance(old, dict):
            values[field] = {**old, **new}
        else:
            values[field] = old if new in ("", None, ()) else new
    return msgspec.convert(values, Options)


def without_names(options: Options) -> Options:
    """The options that hold whatever the columns are called."""
    bare = Options()
    return msgspec.structs.replace(options, **{field: getattr(bare, field) for field in BY_NAME})


def follow_names(options: Options, renamed: Sequence[tuple[str, str]], present: Sequence[str]) -> Options:
    """The options under the columns' new names. What was said of a column that is gone is dropped, except the key and
    the place of points: those the caller must refuse (`lost_names`)."""
    new_name = dict(renamed)
    return msgspec.structs.replace(
        options,
        types={name: kind for old, kind in options.types.items() if (name := new_name.get(old, old)) in present},
        rename={},
        key=translated(options.key, renamed),
        geo=",".join(translated(options.geo.split(","), renamed)) if options.geo else "",
        repair=tuple(mended for one in options.repair if _column(mended := _repair(one, new_name)) in present),
    )


def lost_names(options: Options, present: Sequence[str]) -> tuple[str, ...]:
    """Columns that the key or the points need and that are no longer there."""
    geo = options.geo.split(",") if options.geo and options.geo != "none" else []
    return tuple(name for name in (*options.key, *geo) if name not in present)


def fingerprint(options: Options) -> str:
    """What a version was made with: the same bytes with the same fingerprint are the same version."""
    return hashlib.sha256(msgspec.json.encode(options, order="sorted")).hexdigest()[:16]


def _repair(one: str, new_name: dict[str, str]) -> str:
    kind, _, rest = one.partition(":")
    column, colon, width = rest.partition(":")
    return f"{kind}:{new_name.get(column, column)}{colon}{width}"


def _column(repair: str) -> str:
    return repair.split(":")[1] if ":" in repair else ""
