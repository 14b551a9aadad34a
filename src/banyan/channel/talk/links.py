"""Addresses of what a choice leads to outside of us: a telephone, a route. Pure."""

from __future__ import annotations

import re
from typing import Final

from banyan.kernel.catalogue.dialogue import Choice

_EXTENSION: Final = re.compile(r"[#轉分,;；、/~]|ext", re.IGNORECASE)
_SHORTEST: Final = 3
"""Digits of 110, 119, 165; the longest number has 15 (E.164)."""


def tel_of(number: str) -> str:
    """`tel:+88638358141` for (03)8358141#12 (RFC 3966; the extension is left to the person); empty for no number.

    A number without its trunk 0 has lost its area code, as those of 2021's files have: it is dialled as it stands.
    """
    digits = "".join(character for character in _EXTENSION.split(number, maxsplit=1)[0] if character in "0123456789")
    if not _SHORTEST <= len(digits) <= 15:
        return ""
    return f"tel:+886{digits[1:]}" if digits.startswith("0") and len(digits) > 6 else f"tel:{digits}"


def route_of(point: tuple[float, float]) -> str:
    """A page that leads to a point on any phone or desk. It is told where to, never from where."""
    lon, lat = point
    return f"https://www.google.com/maps/dir/?api=1&destination={lat:.6f},{lon:.6f}"


def link_of(choice: Choice) -> str:
    """Where pressing a choice leads outside of us; empty when it does not."""
    if choice.tel:
        return tel_of(choice.tel)
    return route_of(choice.point) if choice.point is not None else ""
