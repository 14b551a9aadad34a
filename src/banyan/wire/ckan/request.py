"""How CKAN reads an action's parameters from a URL query, a JSON body or a form.

The rules (field notes, seen on 2.12.0): GET only for actions without side effects; a repeated query key is a list;
values of a query stay strings; a JSON body must be an object; a form body that is one JSON text (`curl -d '{..}'`)
counts as JSON; a GET may carry a JSON content type and no body (ckanr).
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import parse_qsl, unquote_plus

import msgspec

from banyan.limits import CKAN_JSON_DEPTH, CKAN_PARAMETERS
from banyan.wire.ckan.envelope import BadRequest, Json, check_callback

Params = dict[str, Json]

READ_METHODS = ("GET", "HEAD")
POST_NEEDED = "JSON Error: Invalid request. Please use POST method for your request"


class Call(msgspec.Struct, frozen=True):
    """One action call: its parameters, and the JSONP function when the answer is to be wrapped."""

    params: Params
    callback: str = ""


def unknown_action(name: str) -> BadRequest:
    return BadRequest(f"Action name not known: {name}")


def from_query(query: Iterable[tuple[str, str]], *, reads_only: bool) -> Call:
    """Parameters of a GET. `reads_only` is true for an action without side effects; others are refused.

    Errors: BadRequest when the action writes, when there are too many parameters, or on a bad callback name.
    """
    if not reads_only:
        raise BadRequest(POST_NEEDED)
    params = _gather(query)
    callback = params.pop("callback", "")
    if isinstance(callback, list):
        callback = callback[-1]
    return Call(params=params, callback=check_callback(str(callback)) if callback else "")


def from_pairs(pairs: Iterable[tuple[str, str]]) -> Params:
    """Parameters of a form (urlencoded or multipart, files aside)."""
    return _gather(pairs)


def from_body(body: bytes, content_type: str, query: Iterable[tuple[str, str]] = (), *, reads_only: bool) -> Params:
    """Parameters of a POST that is not multipart. An empty body of a reading action falls back to the query.

    Errors: BadRequest when the body is not JSON, not an object, or nested too deep.
    """
    text = body.strip()
    if not text:
        return _gather(query) if reads_only else {}
    if content_type.split(";", maxsplit=1)[0].strip().lower() == "application/x-www-form-urlencoded":
        packed = unquote_plus(text.decode("utf-8", "replace")).rstrip("=").strip() if text[:1] == b"%" else ""
        if not text.startswith((b"{", b"[")) and not packed.startswith(("{", "[")):
            pairs = parse_qsl(text.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=CKAN_PARAMETERS)
            return _gather(pairs)
        text = packed.encode() if packed else text.rstrip(b"=")
    return _object(text)


def _object(text: bytes) -> Params:
    try:
        value = msgspec.json.decode(text)  # refuses NaN, lone surrogates and bad UTF-8, which would fail later
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise BadRequest(f"JSON Error: Error decoding JSON data. Error: {_short(str(error))}") from error
    if not isinstance(value, dict):
        shown = _short(repr(value))
        raise BadRequest(f"JSON Error: Request data JSON decoded to {shown} but it needs to be a dictionary.")
    if _is_deep(value, CKAN_JSON_DEPTH):
        raise BadRequest(f"JSON Error: Request data is nested deeper than {CKAN_JSON_DEPTH} levels.")
    return value


def _gather(pairs: Iterable[tuple[str, str]]) -> Params:
    found: dict[str, list[str]] = {}
    for count, (key, value) in enumerate(pairs):
        if count >= CKAN_PARAMETERS:
            raise BadRequest(f"JSON Error: More than {CKAN_PARAMETERS} parameters.")
        found.setdefault(key, []).append(value)
    return {key: values[0] if len(values) == 1 else list(values) for key, values in found.items()}


def _is_deep(value: Json, left: int) -> bool:
    """Whether `value` nests deeper than `left` levels. Stops there, so the walk itself is bounded."""
    if isinstance(value, dict):
        return left == 0 or any(_is_deep(inner, left - 1) for inner in value.values())
    if isinstance(value, list):
        return left == 0 or any(_is_deep(inner, left - 1) for inner in value)
    return False


def _short(text: str) -> str:
    return text if len(text) <= 200 else text[:200] + "…"
