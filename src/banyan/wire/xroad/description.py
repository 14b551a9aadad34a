"""`getOpenAPI`: a provider's description of its service, without the host of its servers.

`http://petstore.example/v1/cats` becomes `/v1/cats`; an address with `{variables}` stays. JSON is decoded; YAML is
edited in place, only in the block of `servers:`, so that the rest stays the provider's bytes and no YAML parser meets
a stranger's document. Source: X-Road PR-MREST s4.3 and its releases' tests; OpenAPI 3.0, 3.1 s4.8.5.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

import msgspec

from banyan import limits
from banyan.errors import UNREADABLE
from banyan.wire.xroad.codes import Code, Origin
from banyan.wire.xroad.faults import Fault

_VERSION: Final = re.compile(r"3\.[01](?:\.[0-9]{1,3})?(?:[-+].*)?")
_KEY: Final = re.compile(r"""(?P<quote>["']?)(?P<key>[A-Za-z]+)(?P=quote)[ \t]*:(?:[ \t]+(?P<value>.*))?""")
_URL: Final = re.compile(
    r"""(?P<head>[ \t]*(?:-[ \t]+)?["']?url["']?[ \t]*:[ \t]+)(?P<value>"[^"\\]*"|'[^']*'|[^\s"'&*!|>%@`{\[#][^#]*?)"""
    r"""(?P<tail>[ \t]*(?:[ \t]\#.*)?)"""
)
_MENTIONS: Final = re.compile(r"""(?:^|[\s\-{,])["']?url["']?[ \t]*:""")
_SLY: Final = re.compile(r"""[ \t]*(?:-[ \t]+)*(?:[?*&!{]|<<|"[^"]*\\[^"]*"[ \t]*:).*""")
"""Ways of YAML to name a key or a value that an edit by lines would not see."""


class _Root(msgspec.Struct, frozen=True):
    openapi: str = ""


def without_hosts(document: bytes) -> bytes:
    """JSON or YAML in, the same kind out. Raises Fault: not a description of OpenAPI 3.0 or 3.1, or too large."""
    if len(document) > limits.XROAD_OPENAPI_BYTES:
        raise _wrong("is too large.", f"A description has at most {limits.XROAD_OPENAPI_BYTES} bytes.")
    try:
        text = document.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _wrong("is not UTF-8.", "Write the description in UTF-8.") from error
    return _json(text) if text.lstrip().startswith("{") else _yaml(text).encode()


def relative(url: str) -> str:
    """`url` without scheme and host; unchanged when it has variables or is relative already."""
    if "{" in url:
        return url
    try:
        parts = urlsplit(url)
    except ValueError:
        return url
    if not parts.scheme and not parts.netloc:
        return url
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def _json(text: str) -> bytes:
    try:
        checked = msgspec.json.decode(text, type=_Root)
        root = msgspec.json.decode(text, type=dict[str, msgspec.Raw])
        _check_version(checked.openapi)
        if "servers" in root:
            servers = msgspec.json.decode(root["servers"], type=list[dict[str, msgspec.Raw]])
            root["servers"] = msgspec.Raw(msgspec.json.encode([_server(one) for one in servers]))
    except UNREADABLE as error:
        raise _wrong("is not the JSON of OpenAPI.", "Write openapi as a text and servers as a list.") from error
    return msgspec.json.encode(root)


def _server(server: dict[str, msgspec.Raw]) -> dict[str, msgspec.Raw]:
    if "url" not in server:
        return server
    url = msgspec.json.decode(server["url"], type=str)
    return {**server, "url": msgspec.Raw(msgspec.json.encode(relative(url)))}


def _yaml(text: str) -> str:
    lines = text.splitlines(keepends=True)
    version, inside = "", False
    for at, line in enumerate(lines):
        body = line.rstrip("\r\n")
        key = _KEY.fullmatch(body)
        if (inside or body[:1] not in (" ", "\t")) and _SLY.fullmatch(body):
            raise _wrong("has a line that cannot be read.", "Write plain keys, without anchors, merges or escapes.")
        if key:
            inside = key["key"] == "servers"
            value = (key["value"] or "").partition(" #")[0].strip()
            if key["key"] == "openapi":
                version = value.strip("\"'")
            if inside and value and not value.startswith("#") and value != "[]":
                raise _wrong("has servers in one line.", "Write each server below servers: as - url: ADDRESS.")
        elif body[:1] not in ("", " ", "\t", "#", "-", "\ufeff"):
            inside = False
        if inside and not key and not body.lstrip().startswith("#"):
            lines[at] = _yaml_line(body) + line[len(body) :]
    _check_version(version)
    return "".join(lines)


def _yaml_line(body: str) -> str:
    found = _URL.fullmatch(body)
    if not found:
        if _MENTIONS.search(body):
            raise _wrong("has a server address that cannot be read.", "Write - url: ADDRESS, in one line.")
        return body
    value = found["value"]
    mark = value[0] if value[0] in "\"'" else ""
    return f"{found['head']}{mark}{relative(value[1:-1] if mark else value)}{mark}{found['tail']}"


def _check_version(version: str) -> None:
    if not _VERSION.fullmatch(version):
        raise _wrong("is not of a version that is carried.", "Describe the service in OpenAPI 3.0 or 3.1.")


def _wrong(what: str, fix: str) -> Fault:
    message = f"The service's description {what}"
    return Fault(Origin.SERVER_PROXY, Code.INTERNAL_ERROR, message=message, field="openapi", fix=fix)
