"""From the stock map's record of a day to what each outlet sold in each half hour, and how long it could have.

A fall of the number is a sale; a rise (delivery, correction) is none and hides none that we could know of. An outlet
could sell while it was listed with something left. Pure: looks in, columns out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from banyan.limits_allocation import ALLOCATION_SLOTS

FIRST_S: Final = 6 * 3_600
"""Second of the day at which the first slot begins."""
SLOT_S: Final = 1_800
END_S: Final = FIRST_S + ALLOCATION_SLOTS * SLOT_S


class Watch:
    """Outlets and what they have, moved on look by look. Seconds are of Taiwan's day."""

    def __init__(self, stock: Mapping[str, int]) -> None:
        """`stock` at the first slot's beginning, of the outlets that were listed."""
        self.codes = list(stock)
        self._row = {code: row for row, code in enumerate(self.codes)}
        room = max(2 * len(stock), 64)
        self._stock = np.full(room, -1, np.int64)
        self._stock[: len(stock)] = list(stock.values())
        self._sold = np.zeros((room, ALLOCATION_SLOTS), np.int64)
        self._seen = np.zeros((room, ALLOCATION_SLOTS))
        self._now = float(FIRST_S)

    def look(self, second: float, codes: Sequence[str], counts: Sequence[int], gone: Sequence[str]) -> None:
        """The numbers that changed at a second of the day, and who left the list."""
        self._pass(second)
        for code in gone:
            row = self._row.get(code)
            if row is not None:
                self._stock[row] = -1
        slot = min(max(int(self._now - FIRST_S) // SLOT_S, 0), ALLOCATION_SLOTS - 1)
        rows = np.array([self._of(code) for code in codes], np.int64)
        fresh = np.array(counts, np.int64)
        if len(rows) and FIRST_S <= second <= END_S:
            before = self._stock[rows]
            self._sold[rows, slot] += np.where(before > fresh, before - fresh, 0)
        if len(rows):
            self._stock[rows] = fresh

    def end(self) -> tuple[list[str], list[list[int]], list[list[int]]]:
        """Codes, units sold, and percent of each slot in which they could sell; outlets in the order of codes."""
        self._pass(float(END_S))
        order = sorted(range(len(self.codes)), key=self.codes.__getitem__)
        seen = np.rint(self._seen[order] * 100).astype(np.int64)
        return [self.codes[row] for row in order], self._sold[order].tolist(), seen.tolist()

    def _pass(self, second: float) -> None:
        """Time goes by: whoever has something could sell."""
        has = self._stock > 0
        while self._now < min(second, END_S):
            slot = int(self._now - FIRST_S) // SLOT_S
            until = min(second, FIRST_S + (slot + 1) * SLOT_S)
            self._seen[has, slot] += (until - self._now) / SLOT_S
            self._now = until

    def _of(self, code: str) -> int:
        row = self._row.get(code)
        if row is None:
            row = self._row[code] = len(self.codes)
            self.codes.append(code)
            if row >= len(self._stock):
                self._grow()
        return row

    def _grow(self) -> None:
        more = len(self._stock)
        self._stock = np.concatenate([self._stock, np.full(more, -1, np.int64)])
        self._sold = np.concatenate([self._sold, np.zeros((more, ALLOCATION_SLOTS), np.int64)])
        self._seen = np.concatenate([self._seen, np.zeros((more, ALLOCATION_SLOTS))])
