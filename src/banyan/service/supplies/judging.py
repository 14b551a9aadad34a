"""Whether a look at the stock is believable against the board: pure, values in, a verdict out.

The bounds are measured on the real series of 9 and 14 February and 3 March 2020 (docs/decisions/0073): within an hour
at most 2.0 % of the outlets left the list, 6 % rose, and the total changed by 9 %; overnight 3.2 % left, 38 % rose and
the total was 3.8 times the evening's.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet

import msgspec

from banyan.kernel.events.clock import EpochS
from banyan.limits_supplies import (
    SUPPLIES_FELL_SHARE,
    SUPPLIES_JUMP_MEAN,
    SUPPLIES_JUMP_TIMES,
    SUPPLIES_LOOK_NEAR_S,
    SUPPLIES_MALFORMED_SHARE,
    SUPPLIES_RISEN_SHARE,
    SUPPLIES_UNREAD_SHARE,
    SUPPLIES_VANISHED_DAY_SHARE,
    SUPPLIES_VANISHED_FEW,
    SUPPLIES_VANISHED_SHARE,
)
from banyan.service.supplies.looks import AHEAD_S, UNREAD, Look, as_text
from banyan.service.supplies.sources import Reason

DAY_S = 86_400.0
RELEASED: frozenset[Reason] = frozenset({"empty", "vanished", "jumped", "fell", "risen"})
"""Held until later looks say the same: then it was true (a night's closing, a delivery to everybody). The others wait
for a person: no number of looks makes a wrong column right."""


class Accept(msgspec.Struct, frozen=True):
    """The look may be shown."""


class Hold(msgspec.Struct, frozen=True):
    """The look is kept back. `values` fill the sentence `supplies.held.REASON`."""

    reason: Reason
    values: dict[str, str] = {}


Verdict = Accept | Hold


class Before(msgspec.Struct, frozen=True):
    """What a look is judged against: the outlets that are listed with their counts, as of when, and every code there
    is (places without stock too). `as_of` 0: nothing was shown yet."""

    as_of: EpochS
    listed: Mapping[str, tuple[int, ...]]
    known: AbstractSet[str]


def before_of(look: Look) -> Before:
    """A held look as what the next ones are compared with."""
    listed = dict(zip(look.codes, zip(*look.counts, strict=True), strict=True))
    return Before(look.as_of, listed, listed.keys())


def judge(before: Before, look: Look, now: EpochS) -> Verdict:
    """Accept, or Hold with the first reason that applies."""
    return (
        _in_itself(look)
        or _in_time(before, look, now)
        or _of_the_same_outlets(before, look)
        or _of_like_numbers(before, look)
        or Accept()
    )


def believable_rows(before: AbstractSet[str], codes: AbstractSet[str], malformed: int, rows: int) -> Verdict:
    """The same for a register of places, hours or notices, of which only the codes can be compared."""
    if rows and malformed > rows * SUPPLIES_MALFORMED_SHARE:
        return Hold("codes", {"count": str(malformed), "rows": str(rows)})
    return _left(before, codes, SUPPLIES_VANISHED_SHARE) or Accept()


def _in_itself(look: Look) -> Hold | None:
    rows = str(look.rows)
    if look.malformed > look.rows * SUPPLIES_MALFORMED_SHARE:
        return Hold("codes", {"count": str(look.malformed), "rows": rows})
    if look.duplicates > look.rows * SUPPLIES_MALFORMED_SHARE:
        return Hold("duplicates", {"count": str(look.duplicates), "rows": rows})
    if look.future > look.rows * SUPPLIES_MALFORMED_SHARE:
        return Hold("future", {"minutes": str(round(AHEAD_S / 60))})
    if (unread := look.unread) > max(SUPPLIES_VANISHED_FEW, look.rows * SUPPLIES_UNREAD_SHARE):
        return Hold("cells", {"count": str(unread), "rows": rows, "examples": "、".join(look.examples)})
    return None


def _in_time(before: Before, look: Look, now: EpochS) -> Hold | None:
    """Only forward: a series of another year may be replayed, but never a time before the one shown."""
    if look.as_of > now + AHEAD_S:
        return Hold("future", {"minutes": str(round(AHEAD_S / 60))})
    if look.as_of < before.as_of:
        return Hold("stale", {"time": as_text(look.as_of), "shown": as_text(before.as_of)})
    return None


def _of_the_same_outlets(before: Before, look: Look) -> Hold | None:
    codes = set(look.codes)
    if before.listed and codes and not codes & before.known:
        return Hold("strangers", {"examples": "、".join(sorted(codes)[:3])})
    if (cut := _zeros_lost(before, codes)) > 0:
        return Hold("codes", {"count": str(cut), "rows": str(look.rows)})
    far = look.as_of - before.as_of > DAY_S
    return _left(before.listed.keys(), codes, SUPPLIES_VANISHED_DAY_SHARE if far else SUPPLIES_VANISHED_SHARE)


def _left(before: AbstractSet[str], codes: AbstractSet[str], share: float) -> Hold | None:
    if before and not codes:
        return Hold("empty", {"before": str(len(before))})
    left = len(before - codes)
    if left > max(SUPPLIES_VANISHED_FEW, len(before) * share):
        return Hold("vanished", {"count": str(left), "before": str(len(before))})
    return None


def _zeros_lost(before: Before, codes: AbstractSet[str]) -> int:
    """Strange codes that are known ones without their leading zeros: a program took them for numbers."""
    strange = codes - before.known
    if not strange:
        return 0
    bare = {code.lstrip("0") for code in before.known if code.startswith("0")}
    return len(strange & bare)


def _of_like_numbers(before: Before, look: Look) -> Hold | None:
    if not before.listed:
        return None
    near = look.as_of - before.as_of <= SUPPLIES_LOOK_NEAR_S
    now = dict(zip(look.codes, zip(*look.counts, strict=True), strict=True))
    both = [(before.listed[code], counts) for code, counts in now.items() if code in before.listed]
    for place, item in enumerate(look.items):
        pairs = [(old[place], new[place]) for old, new in both if old[place] != UNREAD and new[place] != UNREAD]
        if not pairs:
            continue
        old, new = sum(old for old, _ in pairs), sum(new for _, new in pairs)
        values = {"item": item, "before": str(old), "after": str(new)}
        if new / len(pairs) > max(SUPPLIES_JUMP_MEAN, old / len(pairs) * SUPPLIES_JUMP_TIMES):
            return Hold("jumped", values)
        if near and len(pairs) > SUPPLIES_VANISHED_FEW and old - new > old * SUPPLIES_FELL_SHARE and old > len(pairs):
            return Hold("fell", values)
        risen = sum(new > old for old, new in pairs)
        if near and risen > max(SUPPLIES_VANISHED_FEW, len(pairs) * SUPPLIES_RISEN_SHARE):
            return Hold("risen", values | {"count": str(risen), "rows": str(len(pairs))})
    return None
