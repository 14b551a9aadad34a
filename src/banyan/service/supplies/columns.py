"""What is known of every row, as arrays: one of rows for each fact of an outlet, items x rows for each of its stock.

Arrays have room for more rows than are in use; readers get views of the used part. They change in place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeVar

import numpy as np
import numpy.typing as npt

NOT_LISTED: Final = -1
"""In `available`: off the list now, or never on it. Less than any wanted amount, so one comparison leaves it out."""
UNKNOWN: Final = -1
"""In `count`: the outlet was never listed with this item."""
Ints = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.int64]
Array = npt.NDArray[Any]
_EMPTY: Final[Mapping[str, tuple[type[np.generic], float]]] = {
    "lon": (np.float64, np.nan),
    "lat": (np.float64, np.nan),
    "slots": (np.int32, -1),
    "is_gone": (np.bool_, False),
    "count": (np.int32, UNKNOWN),
    "reserved": (np.int32, 0),
    "available": (np.int32, NOT_LISTED),
    "row_as_of": (np.float64, 0),
    "changed": (np.float64, 0),
}
"""Type of each array, and what a new row holds."""
_BY_ITEM: Final = ("count", "reserved", "available", "row_as_of", "changed")
_LEAST_ROOM: Final = 1_024
_GROW: Final = 1.5
Number = TypeVar("Number", bound=np.generic)


class Columns:
    """`size` rows, `items` items."""

    lon: Floats
    lat: Floats
    slots: Ints
    is_gone: Bools
    count: Ints
    reserved: Ints
    available: Ints
    row_as_of: Floats
    changed: Floats

    size: int
    items: int

    def __init__(self, arrays: Mapping[str, Array] | None = None) -> None:
        """Empty, or of `arrays` as `used` gave them. Raises ValueError when they do not fit together."""
        found = arrays if arrays is not None else {name: _none(name) for name in _EMPTY}
        self.size, self.items = found["lon"].shape[0], found["count"].shape[0]
        for name, (kind, _) in _EMPTY.items():
            shape = (self.items, self.size) if name in _BY_ITEM else (self.size,)
            if found[name].shape != shape or found[name].dtype != kind:
                raise ValueError(f"{name} is {found[name].dtype} {found[name].shape}, not {np.dtype(kind)} {shape}")
            setattr(self, name, np.ascontiguousarray(found[name]).copy())

    def used(self) -> dict[str, Array]:
        """Copies of every array, without the room."""
        return {name: getattr(self, name)[..., : self.size].copy() for name in _EMPTY}

    def add(self, rows: int) -> None:
        """As many rows more, empty."""
        self.size += rows
        if self.size > len(self.lon):
            room = max(_LEAST_ROOM, self.size, int(len(self.lon) * _GROW))
            for name, (_, empty) in _EMPTY.items():
                setattr(self, name, _wider(getattr(self, name), room, empty))

    def arrange(self, order: Sequence[int]) -> None:
        """The items in another order; a new one, empty, for each -1."""
        self.items = len(order)
        for name in _BY_ITEM:
            old = getattr(self, name)
            ordered = np.full((len(order), old.shape[-1]), _EMPTY[name][1], old.dtype)
            for place, item in enumerate(order):
                if item >= 0:
                    ordered[place] = old[item]
            setattr(self, name, ordered)

    def refresh(self, item: int, rows: Rows) -> None:
        """`available` of listed rows whose count or reserve changed."""
        self.available[item, rows] = np.maximum(self.count[item, rows] - self.reserved[item, rows], 0)


def _none(name: str) -> Array:
    return np.empty((0, 0) if name in _BY_ITEM else 0, _EMPTY[name][0])


def _wider(columns: npt.NDArray[Number], room: int, empty: float) -> npt.NDArray[Number]:
    """With room for more rows (the last axis), the new ones empty."""
    wider = np.full((*columns.shape[:-1], room), empty, columns.dtype)
    wider[..., : columns.shape[-1]] = columns
    return wider
