"""A publish as people write it: fields of a form, of a query, or options of the command, repeated where there are
several. One reading for all three."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

import msgspec

from banyan.errors import FieldError, Invalid
from banyan.service.opendata.publish import Publish
from banyan.service.opendata.wording import both, refusal

PLAIN = (
    "filename",
    "url",
    "name",
    "title",
    "notes",
    "agency",
    "licence",
    "frequency",
    "resource",
    "resource_name",
    "as_of",
)
FLAGS = ("add", "as_file", "fresh", "private")
LISTS = {"tag": "tags", "theme": "themes", "new_column": "new_columns", "accept": "accept"}
OPTION_PLAIN = ("sheet", "member", "encoding", "delimiter", "geo", "crs")
OPTION_LISTS = ("key", "repair")
OPTION_PAIRS = {"type": "types", "rename": "rename"}
T = TypeVar("T")


def publish_from(pairs: Iterable[tuple[str, str]], *, file: str = "") -> Publish:
    """Read `name=value` pairs. `key`, `repair`, `type` (`COL=TYPE`), `rename` (`OLD=NEW`), `tag`, `theme`,
    `new_column` and `accept` may be repeated. Raises Invalid naming the field for anything else."""
    values: dict[str, object] = {"file": file} if file else {}
    options: dict[str, object] = {}
    for name, text in pairs:
        value = text.strip() if name != "delimiter" else text
        if value:
            _take(name, value, values, options)
    if options:
        values["options"] = options
    try:
        return msgspec.convert(values, Publish, strict=False)
    except msgspec.ValidationError as error:
        where = str(error).rpartition("`$")[2].strip("`.").removeprefix("options.") or "publish"
        title, remedy = both("publish.field", field=where)
        raise Invalid(title, remedy=remedy, fields=(FieldError(where, str(error)),)) from error


def _take(name: str, value: str, values: dict[str, object], options: dict[str, object]) -> None:
    if name in PLAIN or name == "idempotency_key":
        values[name] = value
    elif name in FLAGS:
        values[name] = value.casefold() in ("1", "true", "on", "yes")
    elif name in ("live", "live_s"):
        values["live_s"] = value
    elif name in LISTS:
        _listed(values, LISTS[name], value)
    elif name in OPTION_PLAIN:
        options[name] = value
    elif name == "header_rows":
        options[name] = int(value) if value.isascii() and value.isdigit() else value
    elif name in OPTION_LISTS:
        _listed(options, name, value)
    elif name in OPTION_PAIRS:
        left, equals, right = value.rpartition("=")
        if not equals or not left:
            raise refusal(Invalid, "publish.pair", field=name, name=name)
        pairs = options.setdefault(OPTION_PAIRS[name], {})
        assert isinstance(pairs, dict), "pairs gather in a dict"
        pairs[left] = right
    else:
        raise refusal(Invalid, "publish.unknown_field", field=name, name=name)


def _listed(into: dict[str, object], field: str, value: str) -> None:
    gathered = into.setdefault(field, [])
    assert isinstance(gathered, list), "repeated fields gather in a list"
    gathered.append(value)
