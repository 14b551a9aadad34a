"""GSM 7-bit default alphabet and its extension table (3GPP TS 23.038 s6.2.1), one septet an octet as SMPP has it."""

from __future__ import annotations

from typing import Final

ESCAPE: Final = 0x1B
_BASIC: Final = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED: Final = {
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
_TO: Final[dict[str, bytes]] = {
    **{char: bytes((code,)) for code, char in enumerate(_BASIC) if code != ESCAPE},
    **{char: bytes((ESCAPE, code)) for code, char in _EXTENDED.items()},
}


def gsm7_units(text: str) -> list[bytes] | None:
    """Each character's septets (two for one of the extension table); None when the text has another character."""
    try:
        return [_TO[char] for char in text]
    except KeyError:
        return None


def from_gsm7(octets: bytes) -> str:
    """The text of septets, one an octet. An escape before what the table lacks shows as the basic character (s6.2.1.1);
    an octet above 127 is no septet and becomes U+FFFD."""
    found: list[str] = []
    is_escaped = False
    for code in octets:
        if code == ESCAPE and not is_escaped:
            is_escaped = True
            continue
        if code >= len(_BASIC):
            found.append("�")
        elif is_escaped:
            found.append(_EXTENDED.get(code, _BASIC[code] if code != ESCAPE else " "))
        else:
            found.append(_BASIC[code])
        is_escaped = False
    return "".join(found)
