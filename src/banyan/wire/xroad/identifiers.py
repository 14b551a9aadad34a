"""Who and what: members, subsystems, services, servers, as `instance/class/member/...` with each part percent-encoded.

Source: X-Road PR-REST s4.1, s4.2, s4.8; RFC 3986 s3.3. A part may hold any text, `/` included; s4.8's narrow set of
characters is asked for by `strict`, since nations that joined early have identifiers outside it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import Final
from urllib.parse import quote

import msgspec

from banyan import limits
from banyan.wire.xroad.codes import Code, Origin
from banyan.wire.xroad.faults import Fault

SEGMENT: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!$&'()*+,;=:@")
"""pchar of RFC 3986 without `%`: what a part may have unencoded."""
STRICT: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'()+,-.=?")
_HEX: Final = frozenset("0123456789abcdefABCDEF")
_UNSEEN: Final = ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")
_ENCODED: Final = "".join(sorted(SEGMENT))


class ClientId(msgspec.Struct, frozen=True, order=True):
    """A member, or one of its subsystems (`subsystem` not empty): who asks, who answers."""

    instance: str
    member_class: str
    member: str
    subsystem: str = ""

    @property
    def owner(self) -> ClientId:
        """The member itself: whose key signs."""
        return ClientId(self.instance, self.member_class, self.member) if self.subsystem else self

    @property
    def parts(self) -> tuple[str, ...]:
        whole = (self.instance, self.member_class, self.member)
        return (*whole, self.subsystem) if self.subsystem else whole


class ServiceId(msgspec.Struct, frozen=True, order=True):
    """A service of a subsystem; its subsystem is never empty (the field's parser needs five parts)."""

    instance: str
    member_class: str
    member: str
    subsystem: str
    service: str

    @property
    def provider(self) -> ClientId:
        return ClientId(self.instance, self.member_class, self.member, self.subsystem)

    @property
    def parts(self) -> tuple[str, ...]:
        return (self.instance, self.member_class, self.member, self.subsystem, self.service)


class ServerId(msgspec.Struct, frozen=True, order=True):
    """One gateway of a member: `X-Road-Security-Server`."""

    instance: str
    member_class: str
    member: str
    server: str

    @property
    def parts(self) -> tuple[str, ...]:
        return (self.instance, self.member_class, self.member, self.server)


class RepresentedParty(msgspec.Struct, frozen=True, order=True):
    """For whom the client asks: `[class/]member`."""

    member: str
    member_class: str = ""

    @property
    def parts(self) -> tuple[str, ...]:
        return (self.member_class, self.member) if self.member_class else (self.member,)


@lru_cache(maxsize=limits.XROAD_IDENTIFIERS_KEPT)
def encoded(identifier: ClientId | ServiceId | ServerId | RepresentedParty) -> str:
    """`EE/BUSINESS/producer/s%2Fub`: as in an address or a header."""
    return "/".join(encoded_part(part) for part in identifier.parts)


def encoded_part(part: str) -> str:
    return quote(part, safe=_ENCODED)


def parse_client(text: str, field: str = "X-Road-Client", *, strict: bool = False) -> ClientId:
    """Raises Fault(InvalidClientIdentifier)."""
    if len(text) <= limits.XROAD_IDENTIFIER_CHARACTERS:
        return _usual_client(text, field, strict)
    return _client(text, field, strict)


def parse_service(text: str, field: str = "X-Road-Service", *, strict: bool = False) -> ServiceId:
    """Raises Fault(InvalidClientIdentifier)."""
    parts = _split(text, field, (5,), "instance/class/member/subsystem/service")
    return ServiceId(*decoded_parts(parts, field, strict=strict))


def parse_server(text: str, field: str = "X-Road-Security-Server", *, strict: bool = False) -> ServerId:
    """Raises Fault(InvalidSecurityServer)."""
    parts = _split(text, field, (4,), "instance/class/member/server", Code.INVALID_SECURITY_SERVER)
    return ServerId(*decoded_parts(parts, field, code=Code.INVALID_SECURITY_SERVER, strict=strict))


def parse_party(text: str, field: str = "X-Road-Represented-Party", *, strict: bool = False) -> RepresentedParty:
    """Raises Fault(InvalidRequest)."""
    parts = _split(text, field, (1, 2), "[class/]member", Code.INVALID_REQUEST)
    whole = decoded_parts(parts, field, code=Code.INVALID_REQUEST, strict=strict)
    return RepresentedParty(whole[-1], whole[0] if len(whole) == 2 else "")


def decoded_parts(
    parts: Sequence[str], field: str, *, code: Code = Code.INVALID_CLIENT_IDENTIFIER, strict: bool = False
) -> list[str]:
    """Each part decoded and checked. Raises Fault with `code`, naming `field`."""
    return [_checked(_decoded(part, field, code), field, code, strict) for part in parts]


def percent_decoded(text: str, allowed: frozenset[str] = SEGMENT) -> str:
    """`text` with `%XY` undone. Raises ValueError: a character outside `allowed`, a broken escape, not UTF-8."""
    if "%" not in text and allowed.issuperset(text):
        return text
    octets = bytearray()
    at = 0
    while at < len(text):
        char = text[at]
        if char == "%":
            digits = text[at + 1 : at + 3]
            if len(digits) != 2 or not _HEX.issuperset(digits):
                raise ValueError("a percent sign is followed by two hexadecimal digits")
            octets.append(int(digits, 16))
            at += 3
        elif char in allowed:
            octets.append(ord(char))
            at += 1
        else:
            raise ValueError("a character that an address has only percent-encoded")
    try:
        return octets.decode()
    except UnicodeDecodeError as error:
        raise ValueError("percent-encoded bytes are not UTF-8") from error


def _client(text: str, field: str, strict: bool) -> ClientId:
    parts = _split(text, field, (3, 4), "instance/class/member[/subsystem]")
    return ClientId(*decoded_parts(parts, field, strict=strict))


_usual_client: Final = lru_cache(maxsize=limits.XROAD_IDENTIFIERS_KEPT)(_client)
"""The same few clients come again and again; faults are not kept, nor is what is long."""


def _split(
    text: str, field: str, counts: tuple[int, ...], form: str, code: Code = Code.INVALID_CLIENT_IDENTIFIER
) -> list[str]:
    parts = text.split("/", max(counts))
    if len(parts) not in counts:
        raise _wrong(field, code, "does not have its parts.", f"Send {form}, each part percent-encoded.")
    return parts


def _decoded(part: str, field: str, code: Code) -> str:
    if len(part) > limits.XROAD_IDENTIFIER_CHARACTERS * 12:
        raise _wrong(
            field, code, "is too long.", f"A part has at most {limits.XROAD_IDENTIFIER_CHARACTERS} characters."
        )
    try:
        return percent_decoded(part)
    except ValueError as error:
        raise _wrong(field, code, f"cannot be read: {error}.", "Percent-encode each part as UTF-8.") from error


def _checked(part: str, field: str, code: Code, strict: bool) -> str:
    if not 1 <= len(part) <= limits.XROAD_IDENTIFIER_CHARACTERS:
        fix = f"A part has 1 to {limits.XROAD_IDENTIFIER_CHARACTERS} characters."
        raise _wrong(field, code, "has an empty or too long part.", fix)
    if part in (".", "..") or any(unicodedata.category(char) in _UNSEEN for char in part):
        fix = "Leave out dots alone and characters that cannot be seen."
        raise _wrong(field, code, "has a part that cannot be shown safely.", fix)
    if strict and not STRICT.issuperset(part):
        raise _wrong(field, code, "has characters outside the allowed set.", "Use A-Z a-z 0-9 and '()+,-.=? only.")
    return part


def _wrong(field: str, code: Code, what: str, fix: str) -> Fault:
    return Fault(Origin.CLIENT_PROXY, code, message=f"{field} {what}", field=field, fix=fix)
