"""What a card reader types, or a pharmacist from paper: which document it is, and the number on it.

A reader is a keyboard ("wedge"): digits and letters in a burst, Enter at the end, sometimes marks of its own around
them. Numbers of persons have check digits, so a mistyped one is nobody's. Nothing here is kept or logged.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final, Literal

import msgspec

from banyan.kernel.identity.identifiers import is_card_number, normalized_person_number, person_number_kind
from banyan.service.rationing.engine.rulebook import Kind

Paper = Literal["card", "id", "permit"]
"""What she shows: an insurance card or residence card, another paper with her number, or an entry permit."""
CARD_CHARACTERS: Final = 64
"""As typed: a permit's number has under 20, a reader's own marks a few more."""
_MARKS: Final = re.compile(r"[^0-9A-Z]")
_PERMIT: Final = re.compile(r"[0-9A-Z]{6,15}")


class Card(msgspec.Struct, frozen=True):
    """`number` is a person's own where `is_nhi` is false; else that of an insurance card, which its issuer resolves."""

    number: str
    kind: Kind
    is_nhi: bool = False

    @property
    def parity(self) -> int | None:
        """Of the last digit; a permit's number has none that a rule knows."""
        return None if self.kind == "entry_permit" else int(self.number[-1]) % 2


def read_card(typed: str, paper: Paper = "card") -> Card | None:
    """The card, or None for what is none: a wrong check digit, too short, too long."""
    plain = _MARKS.sub("", normalized_person_number(unicodedata.normalize("NFKC", typed[:CARD_CHARACTERS])))
    if paper == "permit":
        is_other = person_number_kind(plain) is not None or is_card_number(plain)
        return Card(plain, "entry_permit") if _PERMIT.fullmatch(plain) and not is_other else None
    if is_card_number(plain):
        return Card(plain, "citizen", is_nhi=True) if paper == "card" else None
    return of_number(plain, paper)


def of_number(number: str, paper: Paper = "card") -> Card | None:
    """The card of a person whose number is known."""
    found = person_number_kind(number)
    if found is None:
        return None
    if paper == "id":
        return Card(number, "no_card")
    return Card(number, "citizen" if found == "national" else "resident")


def permit_name(number: str) -> str:
    """How a permit's holder is named from: apart from every person's number."""
    return f"PERMIT:{number}"
