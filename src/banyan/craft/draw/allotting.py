"""Who wins, and who is next: places given out along the order of the draw.

Strata have fixed shares of the places, settled before the seed. In each stratum its lowest ranks win; what a stratum
does not use goes to all who are left, again by rank. A household wins whole or not at all: where the next one needs
more places than are left, nobody behind it passes, and the places left over go to the head of the reserve list.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from banyan.craft.draw.tickets import TICKET_BYTES


class Allotted(msgspec.Struct, frozen=True):
    """Both in the order of the draw; `left` places were too few for the first of the reserve."""

    winners: tuple[bytes, ...]
    reserve: tuple[bytes, ...]
    left: int


def allot(drawn: Sequence[bytes], places: int, shares: Mapping[int, int] | None = None) -> Allotted:
    """Give `places` (people) along `drawn`; `shares` are the places set apart for strata, at most all of them."""
    won, left = marked(drawn, places, shares)
    winners = tuple(entry for at, entry in enumerate(drawn) if won[at])
    return Allotted(winners, tuple(entry for at, entry in enumerate(drawn) if not won[at]), left)


def marked(drawn: Sequence[bytes], places: int, shares: Mapping[int, int] | None = None) -> tuple[bytes, int]:
    """For each of `drawn` 1 when it wins, else 0; and the places left over."""
    apart = dict(shares or {})
    assert min(places, *apart.values(), 0) >= 0, "places are not negative"
    assert sum(apart.values()) <= places, "strata share no more than there is"
    won = bytearray(len(drawn))
    left = places - sum(apart.values())
    if apart:
        left += _within_strata(drawn, apart, won)
    for at, entry in enumerate(drawn):
        if won[at]:
            continue
        need = people_of(entry)
        if need > left:
            break
        won[at], left = 1, left - need
    return bytes(won), left


def winners(drawn: Sequence[bytes], places: int) -> Sequence[bytes]:
    """The lowest ranks, of a draw without strata."""
    return allot(drawn, places).winners


def reserve(drawn: Sequence[bytes], places: int) -> Sequence[bytes]:
    """Who takes the places of those that do not pay, in order; of a draw without strata."""
    return allot(drawn, places).reserve


def people_of(entry: bytes) -> int:
    """How many people an entry stands for."""
    return 1 if len(entry) == TICKET_BYTES else entry[TICKET_BYTES + 1]


def stratum_of(entry: bytes) -> int:
    return 0 if len(entry) == TICKET_BYTES else entry[TICKET_BYTES]


def _within_strata(drawn: Sequence[bytes], apart: dict[int, int], won: bytearray) -> int:
    """Mark who wins of a stratum's own places; gives the places that no stratum used."""
    is_over: set[int] = set()
    for at, entry in enumerate(drawn):
        stratum = stratum_of(entry)
        if stratum not in apart or stratum in is_over:
            continue
        need = people_of(entry)
        if need > apart[stratum]:
            is_over.add(stratum)
        else:
            won[at], apart[stratum] = 1, apart[stratum] - need
    return sum(apart.values())
