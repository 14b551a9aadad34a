"""A text as short messages: which coding, how many parts, their octets with a concatenation header; and back.

One part holds 140 octets: 160 septets of GSM-7, 70 units of UCS-2, 140 characters of Latin-1. More parts spend 6 octets
each on a header (7 with a 16-bit reference): 153 (152), 67 (66), 134 (133). Source: 3GPP TS 23.040 s9.2.3.24.1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Final

import msgspec

from banyan.limits_alerts import SMS_PARTS
from banyan.wire.smpp.alphabet import from_gsm7, gsm7_units
from banyan.wire.smpp.codes import CODING_ASCII, CODING_DEFAULT, CODING_LATIN_1, CODING_UCS_2
from banyan.wire.smpp.fields import Malformed

OCTETS: Final = 140
SEPTETS: Final = 160
_IE_8: Final = 0x00
_IE_16: Final = 0x08


class Coding(StrEnum):
    GSM7 = "gsm7"
    LATIN_1 = "latin-1"
    UCS_2 = "ucs-2"


DATA_CODING: Final = {Coding.GSM7: CODING_DEFAULT, Coding.LATIN_1: CODING_LATIN_1, Coding.UCS_2: CODING_UCS_2}


class Shape(msgspec.Struct, frozen=True):
    """A text's coding, how many units it has (septets, UTF-16 units, characters), in how many parts it goes, and how
    many units the last part has left."""

    coding: Coding
    units: int
    parts: int
    left: int


class Part(msgspec.Struct, frozen=True):
    """The concatenation header of one received part: `number` of `total`, counted from 1."""

    reference: int
    total: int
    number: int


def shape_of(text: str, *, codings: Sequence[Coding] = (Coding.GSM7, Coding.UCS_2), is_wide: bool = True) -> Shape:
    """How a text would go: the first of `codings` that has all its characters. `is_wide`: 16-bit references.
    Raises Malformed when none has, or it needs more than SMS_PARTS parts."""
    coding, units = _units(text, codings)
    parts = _cut(coding, units, is_wide=is_wide)
    room = _room(coding, is_single=len(parts) == 1, is_wide=is_wide)
    return Shape(coding, sum(map(_length(coding), units)), len(parts), room - sum(map(_length(coding), parts[-1])))


def parts_of(
    text: str,
    *,
    reference: int,
    codings: Sequence[Coding] = (Coding.GSM7, Coding.UCS_2),
    is_wide: bool = True,
) -> tuple[Coding, list[bytes]]:
    """The octets of each part; with a header when there are several (then esm_class needs ESM_UDHI). No part begins or
    ends inside a character. `reference` is taken modulo its width."""
    coding, units = _units(text, codings)
    parts = [b"".join(part) for part in _cut(coding, units, is_wide=is_wide)]
    if len(parts) == 1:
        return coding, parts
    total = len(parts)
    if is_wide:
        head = bytes((6, _IE_16, 4)) + (reference & 0xFFFF).to_bytes(2, "big")
    else:
        head = bytes((5, _IE_8, 3, reference & 0xFF))
    return coding, [head + bytes((total, number)) + part for number, part in enumerate(parts, 1)]


def split_header(octets: bytes) -> tuple[Part | None, bytes]:
    """A text with a user data header: its part, if it is one of several, and what follows the header. Raises Malformed
    for a header longer than the text."""
    if not octets or octets[0] + 1 > len(octets):
        raise Malformed("short_message", "its header is longer than itself")
    head, text, found, at = octets[1 : octets[0] + 1], octets[octets[0] + 1 :], None, 0
    while at + 2 <= len(head):
        kind, length = head[at], head[at + 1]
        value = head[at + 2 : at + 2 + length]
        if len(value) < length:
            raise Malformed("short_message", "an element of its header ends after the header")
        if kind == _IE_8 and length == 3:
            found = Part(value[0], value[1], value[2])
        elif kind == _IE_16 and length == 4:
            found = Part(int.from_bytes(value[:2], "big"), value[2], value[3])
        at += 2 + length
    if found is not None and not 1 <= found.number <= found.total:
        found = None  # TS 23.040: such an element is ignored
    return found, text


def text_of(octets: bytes, data_coding: int) -> str:
    """What a received text says. What cannot be read becomes U+FFFD: a stranger's text must not stop a sender."""
    if data_coding == CODING_UCS_2:
        return octets.decode("utf-16-be", "replace")
    if data_coding == CODING_LATIN_1:
        return octets.decode("latin-1")
    if data_coding == CODING_ASCII:
        return octets.decode("ascii", "replace")
    return from_gsm7(octets)


def _units(text: str, codings: Sequence[Coding]) -> tuple[Coding, list[bytes]]:
    for coding in codings:
        units = _encoded(text, coding)
        if units is not None:
            return coding, units
    raise Malformed("text", f"{' and '.join(codings)} lack one of its characters")


def _encoded(text: str, coding: Coding) -> list[bytes] | None:
    if coding == Coding.GSM7:
        return gsm7_units(text)
    try:
        return [char.encode("utf-16-be" if coding == Coding.UCS_2 else "latin-1") for char in text]
    except UnicodeEncodeError:
        return None


def _length(coding: Coding) -> Callable[[bytes], int]:
    return _half if coding == Coding.UCS_2 else len


def _half(unit: bytes) -> int:
    return len(unit) // 2


def _room(coding: Coding, *, is_single: bool, is_wide: bool) -> int:
    head = 0 if is_single else 7 if is_wide else 6
    if coding == Coding.GSM7:
        return (OCTETS - head) * 8 // 7
    return (OCTETS - head) // (2 if coding == Coding.UCS_2 else 1)


def _cut(coding: Coding, units: list[bytes], *, is_wide: bool) -> list[list[bytes]]:
    """The units by part."""
    length = _length(coding)
    if sum(map(length, units)) <= _room(coding, is_single=True, is_wide=is_wide):
        return [units]
    room = _room(coding, is_single=False, is_wide=is_wide)
    parts: list[list[bytes]] = [[]]
    used = 0
    for unit in units:
        if used + length(unit) > room:
            parts.append([])
            used = 0
        parts[-1].append(unit)
        used += length(unit)
    if len(parts) > SMS_PARTS:
        raise Malformed("text", f"it needs more than {SMS_PARTS} parts")
    return parts
