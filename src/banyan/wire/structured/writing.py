"""Writes structured fields in their one canonical spelling (RFC 9651 section 4.1)."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

from banyan.wire.structured.model import (
    BadField,
    BareItem,
    Date,
    Dictionary,
    DisplayString,
    Item,
    Member,
    Parameters,
    Token,
)

_KEY: Final = re.compile(r"[a-z*][a-z0-9_\-.*]*")
_TOKEN: Final = re.compile(r"[A-Za-z*][A-Za-z0-9!#$%&'*+\-.^_`|~:/]*")
_PRINTABLE: Final = re.compile(r"[ -~]*")
_TO_ESCAPE: Final = re.compile(r'["\\]')
_MOST_INTEGER: Final = 999_999_999_999_999
_MOST_DECIMAL: Final = Decimal(10) ** 12
_THOUSANDTH: Final = Decimal("0.001")


def write_dictionary(members: Dictionary) -> str:
    """A dictionary field; empty means that the field is left out. Raises BadField."""
    parts = []
    for name, member in members.items():
        if isinstance(member, Item) and member.value is True:
            parts.append(_key(name) + write_parameters(member.parameters))
        else:
            parts.append(f"{_key(name)}={write_member(member)}")
    return ", ".join(parts)


def write_list(members: Iterable[Member]) -> str:
    """A list field; empty means that the field is left out. Raises BadField."""
    return ", ".join(map(write_member, members))


def write_member(member: Member) -> str:
    if isinstance(member, Item):
        return write_item(member)
    return f"({' '.join(map(write_item, member.items))}){write_parameters(member.parameters)}"


def write_item(item: Item) -> str:
    if not item.parameters:
        return write_bare(item.value)
    return write_bare(item.value) + write_parameters(item.parameters)


def write_parameters(parameters: Parameters) -> str:
    return "".join(
        f";{_key(name)}" if value is True else f";{_key(name)}={write_bare(value)}"
        for name, value in parameters.items()
    )


def write_bare(value: BareItem) -> str:
    """Raises BadField for what no structured field can hold."""
    if isinstance(value, str):
        return _string(value)
    if isinstance(value, bool):
        return "?1" if value else "?0"
    if isinstance(value, int):
        return _integer(value)
    if isinstance(value, bytes):
        return f":{b64encode(value).decode('ascii')}:"
    if isinstance(value, Token):
        if _TOKEN.fullmatch(value.text) is None:
            raise BadField("a token begins with a letter or a star and holds no spaces")
        return value.text
    if isinstance(value, Decimal):
        return _decimal(value)
    if isinstance(value, Date):
        return "@" + _integer(value.at_s)
    return _display(value)


def _key(name: str) -> str:
    if _KEY.fullmatch(name) is None:
        raise BadField("a name is small letters, digits and _-.* and begins with a letter or a star")
    return name


def _string(value: str) -> str:
    if _PRINTABLE.fullmatch(value) is None:
        raise BadField("a string is printable ASCII")
    escaped = _TO_ESCAPE.sub(r"\\\g<0>", value) if '"' in value or "\\" in value else value
    return f'"{escaped}"'


def _integer(value: int) -> str:
    if not -_MOST_INTEGER <= value <= _MOST_INTEGER:
        raise BadField("an integer has at most 15 digits")
    return str(value)


def _decimal(value: Decimal) -> str:
    if not value.is_finite() or abs(value) >= _MOST_DECIMAL:
        raise BadField("a decimal has at most 12 digits before its point")
    rounded = value.quantize(_THOUSANDTH, ROUND_HALF_EVEN)
    if abs(rounded) >= _MOST_DECIMAL:
        raise BadField("a decimal has at most 12 digits before its point")
    whole, _, part = f"{rounded:f}".partition(".")
    return f"{whole}.{part.rstrip('0') or '0'}"


def _display(value: DisplayString) -> str:
    try:
        raw = value.text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise BadField("a display string is UTF-8") from error
    inside = "".join(chr(one) if 0x20 <= one < 0x7F and one not in b'%"' else f"%{one:02x}" for one in raw)
    return f'%"{inside}"'
