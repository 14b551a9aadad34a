"""Why an outlet got what it got: one code a row, with the figures that a sentence about it needs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec
import numpy as np

from banyan.craft.allot.model import Asked, Shared

FloorOf = Literal["", "only", "rural", "set"]
"""Why an outlet has a floor: it is the only one in its town, the town is rural, or an officer set it."""
Code = Literal[
    "share",
    "gain",
    "enough",
    "room",
    "floor_only",
    "floor_rural",
    "floor_set",
    "floor_short",
    "none_expected",
    "none_left",
    "no_room",
    "not_worth",
    "adjusted",
]
Method = Literal["fill", "gain", "solved", "flat"]


class Reason(msgspec.Struct, frozen=True):
    """`share`: an equal part of what is expected; `gain`: where most is sold; `enough`: all that is expected; `room`:
    its store holds no more; `floor_*`: the floor, and why; `floor_short`: not even all floors could be filled;
    `none_expected`, `none_left`, `no_room`, `not_worth` (a stop): why nothing. `ratio` is the percentage of the
    expected units."""

    code: Code
    boxes: int
    ratio: int


def reasons_of(asked: Asked, shared: Shared, floor_of: Sequence[FloorOf], method: Method) -> list[Reason]:
    """One a row, in order."""
    units = shared.boxes * asked.box
    ratios = np.where(asked.demand > 0, 100 * units // np.maximum(asked.demand, 1), 0).tolist()
    rows = zip(shared.boxes.tolist(), asked.floor.tolist(), asked.cap.tolist(), asked.demand.tolist(), strict=True)
    return [
        Reason(_code(*row, why=why, ratio=ratio, method=method, is_short=shared.short > 0), row[0], ratio)
        for row, why, ratio in zip(rows, floor_of, ratios, strict=True)
    ]


def _code(
    boxes: int, floor: int, cap: int, demand: int, *, why: FloorOf, ratio: int, method: Method, is_short: bool
) -> Code:
    if boxes == 0:
        return _none(cap, demand, floor, method)
    if is_short and boxes < floor:
        return "floor_short"
    if floor and boxes == floor and why:
        codes: dict[str, Code] = {"only": "floor_only", "rural": "floor_rural", "set": "floor_set"}
        return codes[why]
    if boxes == cap and ratio < 100:
        return "room"
    if ratio >= 100:
        return "enough"
    return "gain" if method in ("gain", "solved") else "share"


def _none(cap: int, demand: int, floor: int, method: Method) -> Code:
    if cap == 0:
        return "no_room"
    if demand == 0 and not floor:
        return "none_expected"
    return "not_worth" if method == "solved" else "none_left"
