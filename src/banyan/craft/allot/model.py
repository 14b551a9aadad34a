"""What is to be shared out among outlets, and what each got.

Demand is in units (masks), everything else in boxes (箱) of `box` units: a box is never opened on the way.
"""

from __future__ import annotations

import msgspec
import numpy as np
import numpy.typing as npt

from banyan.limits_allocation import ALLOT_BOXES, ALLOT_DEMAND

Counts = npt.NDArray[np.int64]
Amounts = npt.NDArray[np.float64]


class Asked(msgspec.Struct, frozen=True):
    """Columns by outlet; a code stands once. `demand`: units that would be sold if there were enough. `floor`: boxes
    that an outlet gets first, `cap`: boxes it has room for. Where a floor exceeds the room, the room holds."""

    codes: tuple[str, ...]
    demand: Counts
    floor: Counts
    cap: Counts
    box: int

    def __post_init__(self) -> None:
        columns = (self.demand, self.floor, self.cap)
        assert all(len(one) == len(self.codes) for one in columns), "a column lacks outlets"
        assert len(set(self.codes)) == len(self.codes), "an outlet stands twice"
        assert 1 <= self.box <= ALLOT_BOXES, "a box holds something"
        for name, column, most in (("demand", self.demand, ALLOT_DEMAND), ("cap", self.cap, ALLOT_BOXES)):
            assert column.size == 0 or (column.min() >= 0 and column.max() <= most), f"{name} is out of bounds"
        assert self.floor.size == 0 or self.floor.min() >= 0, "a floor is out of bounds"
        msgspec.structs.force_setattr(self, "floor", np.minimum(self.floor, self.cap))

    @property
    def rank(self) -> Counts:
        """The place of each outlet by code: ties are broken by it, so that the order of the rows does not matter."""
        order = np.argsort(np.array(self.codes, dtype=np.str_), kind="stable")
        rank = np.empty(len(order), np.int64)
        rank[order] = np.arange(len(order))
        return rank


class Shared(msgspec.Struct, frozen=True):
    """`boxes` by outlet; `left`: boxes that no outlet has room or buyers for; `short`: boxes of floors for which the
    supply did not last."""

    boxes: Counts
    left: int
    short: int
