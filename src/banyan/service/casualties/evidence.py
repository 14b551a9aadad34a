"""Whether two records may be one person: what speaks for it and against it. Values in and out; an officer decides.

A row that names the number, or the full name and birth date, joins by itself (records.py). What is weighed here is the
rest: the name as another clerk heard it, a birth date with one slip, nobody's name at all but an ambulance's way.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

import msgspec

from banyan.craft.match import keys
from banyan.service.casualties.records import Patient, Told
from banyan.service.casualties.rules import Stay, is_unnamed

Sign = Literal[
    "same-name", "like-name", "unnamed", "same-born", "near-born", "same-sex", "sent-there",
    "other-name", "other-born", "other-sex", "both-at-once", "same-hospital",
]  # fmt: skip
WEIGHTS: Final[dict[Sign, int]] = {
    "same-name": 4, "like-name": 2, "unnamed": 1, "same-born": 4, "near-born": 2, "same-sex": 1, "sent-there": 3,
    "other-name": -4, "other-born": -4, "other-sex": -5, "both-at-once": -1, "same-hospital": -4,
}  # fmt: skip
PROPOSED: Final = 4
"""From this weight on: a same name, a name and a date each with a slip, or nobody's name with the way there."""
ON_THE_WAY_S: Final = 4 * 3_600.0
"""Between a hospital's word that it sent somebody and the other's that she came: the island's length by ambulance."""
EARLY_S: Final = 3_600.0
"""The word that she came may be typed before the word that she was sent."""
UNNAMED_MOST: Final = 3
"""Proposals of one record without a name: all who came to a hospital that afternoon would stand there otherwise."""
_SLIPS: Final = 1


class Side(msgspec.Struct, frozen=True):
    """One record: who hospitals said it is, and what they said of it, in the order of time."""

    patient: Patient
    told: tuple[Told, ...]
    stays: tuple[Stay, ...]

    @property
    def hospitals(self) -> frozenset[str]:
        return frozenset(one.hospital for one in self.stays)


class Weighed(msgspec.Struct, frozen=True):
    weight: int
    signs: tuple[Sign, ...]


class Match(msgspec.Struct, frozen=True):
    one: Side
    other: Side
    weighed: Weighed


def weigh(one: Side, other: Side, *, is_like: bool) -> Weighed | None:
    """What speaks for one person; `is_like`: the names sound alike. None when the numbers differ: they are two."""
    if one.patient.person and other.patient.person and one.patient.person != other.patient.person:
        return None
    signs = [_names(one, other, is_like=is_like), _born(one, other), _sex(one.patient.sex, other.patient.sex)]
    signs.append("sent-there" if _is_sent(one, other) or _is_sent(other, one) else "")
    signs.append("both-at-once" if _are_both_in_care(one, other) else "")
    signs.append("same-hospital" if one.hospitals == other.hospitals and len(one.hospitals) == 1 else "")
    found: tuple[Sign, ...] = tuple(sign for sign in signs if sign)
    return Weighed(sum(WEIGHTS[sign] for sign in found), found)


def is_slip(one: str, other: str) -> bool:
    """Two birth dates (ISO) that differ as a clerk slips: one digit, two that changed places, or day for month."""
    if one == other or len(one) != len(other):
        return False
    wrong = [at for at, (a, b) in enumerate(zip(one, other, strict=True)) if a != b]
    is_swap = len(wrong) == 2 and (one[wrong[0]], one[wrong[1]]) == (other[wrong[1]], other[wrong[0]])
    year, month, day = one.split("-")
    return len(wrong) == _SLIPS or is_swap or other == f"{year}-{day}-{month}"


def _names(one: Side, other: Side, *, is_like: bool) -> Sign:
    names = [[told.name for told in side.told] or [side.patient.name] for side in (one, other)]
    if any(all(map(is_unnamed, side)) for side in names):
        return "unnamed"
    written = [{key for name in side for key in keys(name)} for side in names]
    if written[0] & written[1]:
        return "same-name"
    return "like-name" if is_like else "other-name"


def _born(one: Side, other: Side) -> Sign | Literal[""]:
    born = [{told.born for told in side.told if told.born} or {side.patient.born} - {""} for side in (one, other)]
    if not all(born):
        return ""
    if born[0] & born[1]:
        return "same-born"
    return "near-born" if any(is_slip(a, b) for a in born[0] for b in born[1]) else "other-born"


def _sex(one: str, other: str) -> Sign | Literal[""]:
    if not one or not other:
        return ""
    return "same-sex" if one == other else "other-sex"


def _is_sent(one: Side, other: Side) -> bool:
    """Whether a hospital sent the first person to where the second was first seen, soon after."""
    first = other.stays[0]
    return any(
        stay.status == "transferred" and stay.towards == first.hospital
        and -EARLY_S <= first.at - stay.at <= ON_THE_WAY_S
        for stay in one.stays
    )  # fmt: skip


def _are_both_in_care(one: Side, other: Side) -> bool:
    """Whether both are in care now, in two hospitals, and neither was sent on."""
    last = [side.stays[-1] for side in (one, other) if side.stays]
    return len(last) == 2 and all(stay.status in ("in-care", "icu") for stay in last)


def chosen(weighed: Sequence[Match]) -> list[Match]:
    """The weightiest first. Who is explained by a name is no candidate for somebody without one."""
    ordered = sorted(weighed, key=lambda one: (-one.weighed.weight, one.one.patient.id, one.other.patient.id))
    found: list[Match] = []
    seen: dict[str, int] = {}
    for match in ordered:
        sides = (match.one.patient.id, match.other.patient.id)
        if "unnamed" in match.weighed.signs:
            if any(seen.get(id, 0) >= UNNAMED_MOST for id in sides):
                continue
            for id in sides:
                seen[id] = seen.get(id, 0) + 1
        elif "sent-there" in match.weighed.signs:
            seen |= dict.fromkeys(sides, UNNAMED_MOST)
        found.append(match)
    return found


def pairs(sides: Sequence[Side]) -> dict[tuple[int, int], bool]:
    """Pairs of places worth weighing, and whether their names are alike: who shares a name's sound, or the way from
    one hospital to another. Never all pairs: of 500 persons that would be 125,000."""
    from banyan.craft.match import build

    found: dict[tuple[int, int], bool] = {}
    index = build([side.patient.name for side in sides])
    for at, side in enumerate(sides):
        for like in index.find(side.patient.name, _LIKE) if not is_unnamed(side.patient.name) else ():
            if like.place != at and like.score >= _SCORE:
                found[_pair(at, like.place)] = True
    came: dict[str, list[int]] = {}
    for at, side in enumerate(sides):
        came.setdefault(side.stays[0].hospital, []).append(at)
    for at, side in enumerate(sides):
        for stay in side.stays:
            if stay.status == "transferred" and stay.towards and stay.towards not in side.hospitals:
                for place in came.get(stay.towards, ()):
                    if place != at and _is_sent(side, sides[place]):
                        found.setdefault(_pair(at, place), False)
    return found


_LIKE: Final = 6
_SCORE: Final = 0.7


def _pair(one: int, other: int) -> tuple[int, int]:
    return (min(one, other), max(one, other))
