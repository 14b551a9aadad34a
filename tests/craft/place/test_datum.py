"""TM2 against published points and its own inverse."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from banyan.craft.place import twd67_to_twd97, twd97_to_wgs84, wgs84_to_twd97


def test_false_origin() -> None:
    lon, lat = twd97_to_wgs84(np.array([250_000.0]), np.array([0.0]))
    assert (lon[0], lat[0]) == pytest.approx((121.0, 0.0), abs=1e-12)


def test_meridian_arc_of_grs80() -> None:
    """The quarter meridian of GRS80 is 10 001 965.729 m."""
    _, y = wgs84_to_twd97(np.array([121.0]), np.array([90.0 - 1e-9]))
    assert y[0] / 0.9999 == pytest.approx(10_001_965.729, abs=0.01)


@given(lon=st.floats(118.0, 122.3), lat=st.floats(21.7, 26.5), zone=st.sampled_from((119, 121)))
def test_there_and_back(lon: float, lat: float, zone: int) -> None:
    x, y = wgs84_to_twd97(np.array([lon]), np.array([lat]), zone)
    back = twd97_to_wgs84(x, y, zone)
    assert (back[0][0], back[1][0]) == pytest.approx((lon, lat), abs=2e-9)


def test_twd67_is_some_850_metres_away() -> None:
    x, y = twd67_to_twd97(np.array([250_000.0]), np.array([2_650_000.0]))
    assert np.hypot(x[0] - 250_000, y[0] - 2_650_000) == pytest.approx(855, abs=30)


def test_nan_stays_nan() -> None:
    lon, lat = twd97_to_wgs84(np.array([np.nan]), np.array([2_650_000.0]))
    assert np.isnan(lon[0])
    assert np.isnan(lat[0])
