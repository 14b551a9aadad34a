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
    "stocked",
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
    `stocked` (its shelf lasts), `none_expected`, `none_left`, `no_room`, `not_worth` (a stop): why nothing. `ratio` is
    the percentage of the units that are needed."""

    code: Code
    boxes: int
    ratio: int


def reasons_of(
    asked: Asked, shared: Shared, floor_of: Sequence[FloorOf], method: Method, sells: Sequence[bool]
) -> list[Reason]:
    """One a row, in order. `sells`: whether an outlet is expected to sell at all, out of its stock too."""
    units = shared.boxes * asked.box
    ratios = np.where(asked.demand > 0, 100 * units // np.maximum(asked.demand, 1), 0).tolist()
    columns = (shared.boxes, asked.floor, asked.cap, asked.demand)
    rows = zip(*(column.tolist() for column in columns), ratios, floor_of, sells, strict=True)
    return [Reason(_code(_Row(*row), method, is_short=shared.short > 0), row[0], row[4]) for row in rows]


class _Row(msgspec.Struct, frozen=True):
    boxes: int
    floor: int
    cap: int
    demand: int
    ratio: int
    why: FloorOf
    sells: bool


def _code(row: _Row, method: Method, *, is_short: bool) -> Code:
    if row.boxes == 0:
        return "stocked" if row.sells and not row.demand else _none(row, method)
    if is_short and row.boxes < row.floor:
        return "floor_short"
    if row.floor and row.boxes == row.floor and row.why:
        codes: dict[str, Code] = {"only": "floor_only", "rural": "floor_rural", "set": "floor_set"}
        return codes[row.why]
    if row.boxes == row.cap and row.ratio < 100:
        return "room"
    if row.ratio >= 100:
        return "enough"
    return "gain" if method in ("gain", "solved") else "share"


def _none(row: _Row, method: Method) -> Code:
    if row.cap == 0:
        return "no_room"
    if row.demand == 0 and not row.floor:
        return "none_expected"
    return "not_worth" if method == "solved" else "none_left"
