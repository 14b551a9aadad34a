"""What a request to one of the gateway's own pages says: method, query, fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import parse_qsl

from banyan import limits
from banyan.errors import Invalid
from banyan.kernel.exchange.road.model import Request

_PAIRS: Final = 30
"""More than any page of ours knows."""


def check_get(request: Request) -> None:
    """Raises Invalid (405): the page is read only."""
    if request.verb not in ("GET", "HEAD"):
        raise Invalid.at("method", "Use GET.", status=405)


def pairs(request: Request) -> Mapping[str, Sequence[str]]:
    """The query; a name without a value has an empty one. Raises Invalid (400): not UTF-8, too many."""
    query = request.target.partition(b"?")[2].decode("latin-1")
    try:
        found = parse_qsl(query, keep_blank_values=True, errors="strict", max_num_fields=_PAIRS)
    except ValueError as error:
        raise Invalid.at("query", f"Send at most {_PAIRS} parameters, percent-encoded as UTF-8.", status=400) from error
    asked: dict[str, list[str]] = {}
    for name, value in found:
        asked.setdefault(name, []).append(value)
    return asked


def once(asked: Mapping[str, Sequence[str]], name: str) -> str:
    """The value of a parameter, empty without one. Raises Invalid (400): sent twice, or too long."""
    values = asked.get(name, ())
    if len(values) > 1 or any(len(value) > limits.XROAD_IDENTIFIER_CHARACTERS for value in values):
        fix = f"Send it once, with at most {limits.XROAD_IDENTIFIER_CHARACTERS} characters."
        raise Invalid.at(name, fix, status=400)
    return values[0] if values else ""
