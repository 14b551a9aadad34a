"""The values of RFC 9651 section 3. Integers, decimals, strings, byte sequences and booleans are Python's own."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Final

import msgspec


class BadField(ValueError):
    """Text that is no structured field, or a value that none can hold; the text says which rule, never the value."""


class Token(msgspec.Struct, frozen=True):
    """A short word without quotes, as in `gzip`."""

    text: str


class DisplayString(msgspec.Struct, frozen=True):
    """Text of any script, percent-encoded on the wire (section 3.3.8)."""

    text: str


class Date(msgspec.Struct, frozen=True):
    """Seconds since 1970 (section 3.3.7)."""

    at_s: int


BareItem = int | Decimal | str | bytes | bool | Token | Date | DisplayString
Parameters = Mapping[str, BareItem]
NO_PARAMETERS: Final[Parameters] = MappingProxyType({})
"""Shared by every item without parameters: most have none, and a field may hold a thousand items."""


class Item(msgspec.Struct, frozen=True):
    """A bare item and its parameters."""

    value: BareItem
    parameters: Parameters = NO_PARAMETERS


class InnerList(msgspec.Struct, frozen=True):
    """Items in parentheses, with parameters of the whole."""

    items: tuple[Item, ...]
    parameters: Parameters = NO_PARAMETERS


Member = Item | InnerList
Dictionary = Mapping[str, Member]
