"""The path of a call as a right to call is judged on it: decoded, without dot segments, or refused.

A path travels to the provider byte for byte, so what was judged must be what the provider reads, however it reads.
Source: X-Road 7.7.1 (decode, normalise, refuse what climbs above the root); RFC 3986 s5.2.4, s6.2.2.3. Beyond it we
refuse dot segments in disguise (behind an encoded slash or backslash, before a `;`, encoded twice, in dots or slashes
of another script, which some readers fold) and beside an encoded slash, where readers disagree on what they take away.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final
from urllib.parse import unquote

import msgspec

from banyan.wire.xroad.codes import Code, Origin
from banyan.wire.xroad.faults import Fault
from banyan.wire.xroad.identifiers import SEGMENT, percent_decoded

_DOTS: Final = (".", "..")
_SEPARATORS: Final = re.compile(r"[/\\]")
_PATH: Final = SEGMENT | {"/"}
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_UNWRAPPED: Final = 4
"""How often an escape within an escape is undone while looking for dots; who nests deeper is refused."""


class Judged(msgspec.Struct, frozen=True):
    """A path that may be judged. All readings must be allowed: providers differ in what an encoded slash means."""

    decoded: str
    """Encoded slashes are slashes."""
    segments: str
    """Encoded slashes stay `%2F`, within their segment."""
    forwarded: bytes
    """What goes to the provider: the bytes that came; if they had dot segments, those are resolved first."""

    @property
    def readings(self) -> frozenset[str]:
        """As providers may read it; some take a backslash for a slash."""
        if self.segments is self.decoded and "\\" not in self.decoded:
            return frozenset((self.decoded,))
        return frozenset({self.decoded, self.segments, self.decoded.replace("\\", "/")})


def normalised(path: str) -> str:
    """Decoded, then without `.`, `..` and empty segments; a `..` above the root stays. Raises ValueError."""
    return _resolved(percent_decoded(path, _PATH))


def judged(path: bytes) -> Judged:
    """Of a target's `path`. Raises Fault(InvalidRequest): it cannot be decoded, climbs, or hides dot segments."""
    text = path.decode("latin-1")
    if "%" not in text and "/." not in text and "//" not in text and _PATH.issuperset(text):
        return Judged(text, text, path)
    raw = text.split("/")
    try:
        parts = [percent_decoded(part) for part in raw]
    except ValueError as error:
        raise _wrong(f"cannot be decoded: {error}.", "Percent-encode each segment as UTF-8.") from error
    if any(_CONTROL.search(part) for part in parts):
        raise _wrong("has control characters.", "Leave them out.")
    has_dots = any(part in _DOTS for part in parts)
    if any(_hides_dots(part) or (has_dots and _SEPARATORS.search(part)) for part in parts if part not in _DOTS):
        raise _wrong("hides dot segments.", "Send the path without them.")
    decoded, segments = _resolved("/".join(parts)), _resolved("/".join(part.replace("/", "%2F") for part in parts))
    if ".." in decoded.split("/") or ".." in segments.split("/"):
        raise _wrong("climbs above its service.", "Send the path without dot segments.")
    return Judged(decoded, segments, _forwarded(raw, parts) if has_dots else path)


def _resolved(path: str) -> str:
    """RFC 3986 s5.2.4, with empty segments taken out first and a climb above the root kept to be seen."""
    if not path.startswith("/"):
        return path if not path else _resolved("/" + path)[1:]
    out: list[str] = []
    parts = [part for part in path.split("/") if part]
    for part in parts:
        if part == ".." and out and out[-1] != "..":
            out.pop()
        elif part != ".":
            out.append(part)
    open_end = path.endswith("/") or parts[-1:] in (["."], [".."])
    return "/" + "/".join(out) + ("/" if open_end and out and out[-1] != ".." else "")


def _forwarded(raw: list[str], parts: list[str]) -> bytes:
    """The segments that a resolved path keeps, as they came."""
    kept: list[str] = []
    pairs = [(was, part) for was, part in zip(raw, parts, strict=True) if was]
    for was, part in pairs:
        if part == "..":
            kept.pop()
        elif part != ".":
            kept.append(was)
    open_end = not raw[-1] or parts[-1] in _DOTS
    return ("/" + "/".join(kept) + ("/" if open_end and kept else "")).encode("latin-1")


def _hides_dots(part: str) -> bool:
    for _ in range(_UNWRAPPED):
        folded = part if part.isascii() else unicodedata.normalize("NFKC", part)
        if any(piece.partition(";")[0] in _DOTS for piece in _SEPARATORS.split(folded)):
            return True
        if "%" not in part:
            return False
        inner = unquote(part)
        if inner == part:
            return False
        part = inner
    return True


def _wrong(what: str, fix: str) -> Fault:
    return Fault(Origin.SERVER_PROXY, Code.INVALID_REQUEST, message=f"The path {what}", field="path", fix=fix)
