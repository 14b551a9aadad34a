"""The GSM 7-bit default alphabet: text to septets, septets to octets, and back. Source: TS 23.038 s6.1.2, s6.2.1."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

ESCAPE: Final = 0x1B
RETURN: Final = 0x0D
"""Carriage return: what a page that is not full is padded with (TS 23.038 s5)."""

_BASIC: Final = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION: Final = {
    0x0A: "\f",
    0x14: "^",
    0x28: "{",
    0x29: "}",
    0x2F: "\\",
    0x3C: "[",
    0x3D: "~",
    0x3E: "]",
    0x40: "|",
    0x65: "€",
}
_SEPTETS: Final[dict[str, tuple[int, ...]]] = {
    **{character: (code,) for code, character in enumerate(_BASIC) if code != ESCAPE},
    **{character: (ESCAPE, code) for code, character in _EXTENSION.items()},
}


def septets(text: str) -> list[tuple[int, ...]] | None:
    """Each character's one or two septets; None when one is not in the alphabet."""
    found = [_SEPTETS.get(character) for character in text]
    return None if None in found else [one for one in found if one is not None]


def characters(codes: Sequence[int]) -> str:
    """The text of septets. An escape before an unknown code is shown as a space before it, as TS 23.038 s6.2.1.1 asks;
    one at the very end is dropped."""
    text: list[str] = []
    is_escaped = False
    for code in codes:
        if is_escaped:
            text.append(_EXTENSION.get(code) or " " + _plain(code))
            is_escaped = False
        elif code == ESCAPE:
            is_escaped = True
        else:
            text.append(_plain(code))
    return "".join(text)


def pack(codes: Sequence[int]) -> bytes:
    """Septets to octets, least significant bit first; the last octet's spare bits are 0."""
    value = 0
    for place, code in enumerate(codes):
        assert 0 <= code < 128, f"{code} is no septet"
        value |= code << (7 * place)
    return value.to_bytes((len(codes) * 7 + 7) // 8, "little")


def unpack(octets: bytes, count: int | None = None) -> list[int]:
    """The septets in octets; `count` of them, or as many as are whole."""
    whole = len(octets) * 8 // 7
    value = int.from_bytes(octets, "little")
    return [(value >> (7 * place)) & 0x7F for place in range(whole if count is None else min(count, whole))]


def _plain(code: int) -> str:
    return "" if code == ESCAPE else _BASIC[code]
