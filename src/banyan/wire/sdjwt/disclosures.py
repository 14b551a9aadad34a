"""SD-JWT disclosures (RFC 9901 s4): claims replaced by digests, and put back for those that are shown.

`Sd(value)` marks what the holder may keep to herself: a member of an object or an element of an array, at any depth.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Final

import msgspec

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]
ALGORITHM: Final = "sha-256"
SALT_BYTES: Final = 16
DEPTH: Final = 16
"""Nesting of a credential's claims; deeper ones are an attack on the reader."""
DISCLOSURES: Final = 500
RESERVED: Final = frozenset(("_sd", "...", "_sd_alg"))
Random = Callable[[int], bytes]


class BadCredential(ValueError):
    """Bytes that are no sound SD-JWT; the text says what is wrong."""


class Sd(msgspec.Struct, frozen=True):
    """A value that its holder may leave out."""

    value: object


class Disclosure(msgspec.Struct, frozen=True):
    """One claim that can be shown: `name` is None for an element of an array. `text` is what travels and is hashed."""

    text: str
    name: str | None
    value: Json

    @property
    def digest(self) -> str:
        return b64(sha256(self.text.encode()).digest())


def conceal(
    claims: Mapping[str, object], *, random: Random, decoys: int = 0
) -> tuple[dict[str, Json], list[Disclosure]]:
    """The payload with digests in place of every `Sd`, and the disclosures. `decoys` digests of nothing in each object
    that has any hide how many claims there are (s4.2.5)."""
    disclosures: list[Disclosure] = []

    def walk(value: object, depth: int) -> Json:
        if depth > DEPTH:
            raise BadCredential(f"claims are nested over {DEPTH} deep")
        if isinstance(value, Mapping):
            return members(value, depth)
        if isinstance(value, list | tuple):
            return [element(item, depth) for item in value]
        assert value is None or isinstance(value, bool | int | float | str), f"no JSON: {type(value).__name__}"
        return value

    def members(value: Mapping[str, object], depth: int) -> dict[str, Json]:
        shown: dict[str, Json] = {}
        digests: list[str] = []
        for name, item in value.items():
            if name in RESERVED:
                raise BadCredential(f"a claim cannot be called {name}")
            if isinstance(item, Sd):
                digests.append(hidden(name, walk(item.value, depth + 1)))
            else:
                shown[name] = walk(item, depth + 1)
        if digests:
            digests += [b64(sha256(random(SALT_BYTES)).digest()) for _ in range(decoys)]
            shown["_sd"] = [*sorted(digests)]
        return shown

    def element(item: object, depth: int) -> Json:
        if isinstance(item, Sd):
            return {"...": hidden(None, walk(item.value, depth + 1))}
        return walk(item, depth + 1)

    def hidden(name: str | None, value: Json) -> str:
        salt = b64(random(SALT_BYTES))
        parts: list[Json] = [salt, value] if name is None else [salt, name, value]
        disclosure = Disclosure(b64(msgspec.json.encode(parts)), name, value)
        disclosures.append(disclosure)
        return disclosure.digest

    payload = members(claims, 0)
    if disclosures:
        payload["_sd_alg"] = ALGORITHM
    return payload, disclosures


def reveal(payload: Mapping[str, Json], disclosures: Sequence[Disclosure]) -> dict[str, Json]:
    """The claims as their verifier sees them (s7.1). Raises BadCredential: a digest twice, a disclosure that no digest
    asks for, a reserved name, a name that is there already."""
    if payload.get("_sd_alg", ALGORITHM) != ALGORITHM:
        raise BadCredential(f"only {ALGORITHM} is known here")
    if len({one.digest for one in disclosures}) != len(disclosures):
        raise BadCredential("a disclosure came twice")
    revealing = _Revealing(disclosures)
    claims = revealing.members(payload, 0)
    if revealing.left:
        raise BadCredential("a disclosure belongs to no digest")
    return claims


def placed(payload: Mapping[str, Json], disclosures: Sequence[Disclosure]) -> tuple[Disclosure, ...]:
    """Those that have a place: a part of a value that is itself left out has none. Raises BadCredential as `reveal`."""
    revealing = _Revealing(disclosures)
    revealing.members(payload, 0)
    return tuple(one for one in disclosures if one.digest not in revealing.left)


class _Revealing:
    """One walk over a payload: the disclosures that are left to place, and the digests seen."""

    def __init__(self, disclosures: Sequence[Disclosure]) -> None:
        self.left = {one.digest: one for one in disclosures}
        self._seen: set[str] = set()

    def members(self, value: Mapping[str, Json], depth: int) -> dict[str, Json]:
        if "..." in value:
            raise BadCredential("an element's digest stands in an object")
        digests = value.get("_sd", [])
        if not isinstance(digests, list):
            raise BadCredential("_sd is a list of digests")
        shown = {name: self._walk(item, depth + 1) for name, item in value.items() if name not in RESERVED}
        for digest in digests:
            found = self._take(digest, is_element=False)
            if found is None:
                continue
            assert found.name is not None, "take sees to it"
            if found.name in RESERVED or found.name in shown:
                raise BadCredential(f"the claim {found.name} is there already, or is reserved")
            shown[found.name] = self._walk(found.value, depth + 1)
        return shown

    def _elements(self, value: list[Json], depth: int) -> Iterator[Json]:
        for item in value:
            if isinstance(item, dict) and "..." in item:
                if len(item) != 1:
                    raise BadCredential("an element's digest stands alone")
                found = self._take(item["..."], is_element=True)
                if found is not None:
                    yield self._walk(found.value, depth + 1)
            else:
                yield self._walk(item, depth + 1)

    def _walk(self, value: Json, depth: int) -> Json:
        if depth > DEPTH:
            raise BadCredential(f"claims are nested over {DEPTH} deep")
        if isinstance(value, dict):
            return self.members(value, depth)
        if isinstance(value, list):
            return list(self._elements(value, depth))
        return value

    def _take(self, digest: Json, *, is_element: bool) -> Disclosure | None:
        if not isinstance(digest, str) or digest in self._seen:
            raise BadCredential("a digest is no text or stands twice")
        self._seen.add(digest)
        found = self.left.pop(digest, None)
        if found is not None and (found.name is None) != is_element:
            raise BadCredential("a disclosure of an array stands in an object, or the other way")
        return found


def parse_disclosure(text: str) -> Disclosure:
    """Raises BadCredential."""
    parts = json_of(unb64(text))
    if not isinstance(parts, list):
        raise BadCredential("a disclosure is a JSON array")
    if len(parts) == 2 and isinstance(parts[0], str):
        return Disclosure(text, None, parts[1])
    if len(parts) == 3 and isinstance(parts[0], str) and isinstance(parts[1], str):
        return Disclosure(text, parts[1], parts[2])
    raise BadCredential("a disclosure has a salt, perhaps a name, and a value")


def json_of(data: bytes) -> Json:
    """JSON of strangers. Raises BadCredential."""
    try:
        value: Json = msgspec.json.decode(data)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise BadCredential("not JSON") from error
    return value


def b64(data: bytes) -> str:
    """base64url without padding (RFC 7515 s2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    """Raises BadCredential for anything but canonical base64url without padding."""
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError) as error:
        raise BadCredential("not base64url") from error
    if b64(raw) != text:
        raise BadCredential("not canonical base64url")
    return raw
