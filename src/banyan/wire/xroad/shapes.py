"""Fields chosen by their names. Who sends messages sends the same names in the same order again and again, so which
places are meant is found out once for each such order; asking every name of every message cost ten times as much."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import Final

from banyan.limits_road import ROAD_SHAPE_NAMES, ROAD_SHAPES_KEPT

Field = tuple[bytes, bytes]
Pick = Callable[[Sequence[Field]], tuple[Field, ...]]
_name_of: Final = itemgetter(0)


def names_of(fields: Sequence[Field]) -> tuple[bytes, ...]:
    return tuple(map(_name_of, fields))


def places(kept: Sequence[int]) -> Pick | None:
    """Takes these places of a message; None for fewer than two, which `itemgetter` does not give as a tuple."""
    return itemgetter(*kept) if len(kept) > 1 else None


def picker(is_meant: Callable[[bytes], bool]) -> Pick:
    """Takes the fields whose names are meant, in their order."""

    @lru_cache(maxsize=ROAD_SHAPES_KEPT)
    def found(names: tuple[bytes, ...]) -> Pick | None:
        return places([at for at, name in enumerate(names) if is_meant(name)])

    def pick(fields: Sequence[Field]) -> tuple[Field, ...]:
        take = found(names_of(fields)) if len(fields) <= ROAD_SHAPE_NAMES else None
        return take(fields) if take is not None else tuple([field for field in fields if is_meant(field[0])])

    return pick
