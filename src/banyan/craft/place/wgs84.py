"""Points on the WGS84 ellipsoid as x, y, z in metres from the Earth's centre, and the straight lines between them.

Source: NIMA TR8350.2; EPSG 9602 (geographic to geocentric), height 0.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
AXIS_M: Final = 6_378_137.0
ECCENTRICITY_2: Final = 0.006_694_379_990_141_316
SPHERE_M: Final = 6_371_008.8
"""Semi-major axis, first eccentricity squared, mean radius."""
DEGREE: Final = math.pi / 180


def points(lon: Floats, lat: Floats) -> Floats:
    """(n, 3) of n points in degrees."""
    sine = np.sin(lat * DEGREE)
    normal = AXIS_M / np.sqrt(1 - ECCENTRICITY_2 * sine * sine)
    axis = normal * np.cos(lat * DEGREE)
    return np.column_stack(
        (axis * np.cos(lon * DEGREE), axis * np.sin(lon * DEGREE), normal * (1 - ECCENTRICITY_2) * sine)
    )


def point(lon: float, lat: float) -> tuple[float, float, float]:
    """One point; the compiled search does the same steps in the same order."""
    sine = math.sin(lat * DEGREE)
    normal = AXIS_M / math.sqrt(1 - ECCENTRICITY_2 * sine * sine)
    axis = normal * math.cos(lat * DEGREE)
    return axis * math.cos(lon * DEGREE), axis * math.sin(lon * DEGREE), normal * (1 - ECCENTRICITY_2) * sine


def chord_squared(metres: float) -> float:
    """Of the straight line between points that are `metres` apart on the mean sphere."""
    return (2 * SPHERE_M * math.sin(min(metres / (2 * SPHERE_M), math.pi / 2))) ** 2


def arc(squared: Floats) -> Floats:
    """Metres on the mean sphere, of straight lines squared."""
    half = np.sqrt(squared) / (2 * SPHERE_M)
    metres: Floats = 2 * SPHERE_M * np.arcsin(np.minimum(1.0, half))
    return metres
