"""The CKAN Action API envelope: `{"help", "success", "result"}` or `{"help", "error", "success"}`, and JSONP.

Source: CKAN 2.12 API guide; the exact bodies are in the field's golden file (88 pairs of a real 2.12.0).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

from banyan.limits import CKAN_CALLBACK_CHARS

Json = None | bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"]
"""What a JSON text can hold."""

MEDIA_TYPE = "application/json;charset=utf-8"
JSONP_MEDIA_TYPE = "application/javascript;charset=utf-8"
VERSION = "2.12.0"
"""What `status_show` claims: ckanr chooses its behaviour by it."""

_CALLBACK = re.compile(rf"[A-Za-z_$][\w$.\[\]]{{0,{CKAN_CALLBACK_CHARS - 1}}}", re.ASCII)


class BadRequest(Exception):
    """A request that is no action call at all: status 400 and a bare JSON string, without an envelope."""

    status = 400


class ActionError(Exception):
    """A failed action: `error` goes into the envelope. Clients choose their exception by `error.__type`."""

    def __init__(self, status: int, kind: str, error: Mapping[str, Json]) -> None:
        super().__init__(kind)
        self.status = status
        self.kind = kind
        self.error = {**error, "__type": kind}


def validation_error(fields: Mapping[str, Json]) -> ActionError:
    """409: field -> list of sentences (or a list of such dicts for nested rows)."""
    return ActionError(409, "Validation Error", fields)


def not_authorized(message: str) -> ActionError:
    return ActionError(403, "Authorization Error", {"message": f"Access denied: {message}"})


def not_found(message: str = "") -> ActionError:
    return ActionError(404, "Not Found Error", {"message": f"Not found: {message}" if message else "Not found"})


def search_query_error(message: str) -> ActionError:
    return ActionError(400, "Search Query Error", {"message": f'Search Query is invalid: "{message}"'})


def search_error(message: str) -> ActionError:
    return ActionError(409, "Search Error", {"message": f"Search error: {message}"})


def integrity_error(message: str) -> ActionError:
    return ActionError(400, "Integrity Error", {"message": message})


def internal_error(message: str = "Internal Server Error", status: int = 500) -> ActionError:
    return ActionError(status, "Internal Server Error", {"message": message})


def help_address(site_url: str, action: str) -> str:
    return f"{site_url}/api/3/action/help_show?name={action}"


def encode(value: Json) -> bytes:
    """JSON with every character outside ASCII escaped, as CKAN writes its envelopes."""
    return json.dumps(value).encode("ascii")


def success(site_url: str, action: str, result: Json) -> bytes:
    return encode({"help": help_address(site_url, action), "success": True, "result": result})


def success_raw(site_url: str, action: str, result: bytes) -> bytes:
    """A success whose `result` is JSON already (DataStore rows: UTF-8, encoded once, never parsed again)."""
    head = encode({"help": help_address(site_url, action), "success": True})
    return head[:-1] + b', "result": ' + result + b"}"


def failure(site_url: str, action: str, error: ActionError) -> bytes:
    return encode({"help": help_address(site_url, action), "error": error.error, "success": False})


def bare(message: str) -> bytes:
    """The body of a BadRequest."""
    return encode(f"Bad request: {message}")


def check_callback(callback: str) -> str:
    """A JSONP function name: dotted names and indexes only, so that no script can be smuggled in. Else BadRequest."""
    if not _CALLBACK.fullmatch(callback):
        raise BadRequest("JSON Error: Invalid callback name")
    return callback


def jsonp(callback: str, body: bytes) -> bytes:
    return callback.encode("ascii") + b"(" + body + b");"
