"""The compiled search of a flat grid, ring by ring. Importing this loads numba and compiles or loads the kernel: about
1 s, up to 10 s the first time. `grid.py` does so in a thread.

It holds the interpreter's lock: in 10 us nobody else gets to work, and a thread that let go may wait 5 ms to go on.
"""

from __future__ import annotations

import math
from typing import Final

import numba
import numpy as np

from banyan.craft.place.compiled import own_folder
from banyan.craft.place.wgs84 import AXIS_M, DEGREE, ECCENTRICITY_2, SPHERE_M

HEAD: Final = 12
"""Numbers before the points in a packed grid: points, columns, rows, west and south edge, width and height of a cell
(degrees); of all points the first and last x (degrees east of the edge), the first and last y (north of it), and the
least distance from the Earth's axis (metres)."""
_SHORTEST_M: Final = AXIS_M * (1 - ECCENTRICITY_2)
"""The smallest radius of curvature of a meridian, at the equator."""
_SLACK_M: Final = 1e-6
"""A hundred times what rounding can move a point across a cell's edge (360 degrees have a last place of 6e-9 m)."""
SIGNATURE: Final = "i8(f8[::1], i4[::1], i4[::1], f8[::1], Tuple((f8, f8, i8, f8, i8)))"
"""Given, so that it is compiled once, when this is imported, and never while somebody waits."""

_FOLDER: Final = own_folder()
_KEEP: Final = bool(_FOLDER)
vars(numba.config)["CACHE_DIR"] = _FOLDER  # its names are made at run time: types know none of them


@numba.njit(cache=_KEEP)
def side(turn, sheer, axis, least_axis):  # type: ignore[no-untyped-def]
    """A chord squared that is not longer than to any point whose latitude differs by `turn` degrees or more and whose
    meridian by `sheer` or more. `axis` is our distance from the Earth's axis, `least_axis` the least of any point.

    Proof. With p and z from the axis and the equator's plane, chord^2 = (p1 - p2)^2 + (z1 - z2)^2 + 4 p1 p2 sin^2(s/2).
    The first two are the chord along one meridian. Its part along the tangent at the middle latitude is the integral of
    M cos(phi - middle), and M is _SHORTEST_M or more: 2 _SHORTEST_M sin(t/2) or more. Also the distance to the half
    plane of a meridian s away is p1 sin(s), or p1 beyond a right angle."""
    sine = math.sin(turn * (DEGREE / 2))
    half = math.sin(sheer * (DEGREE / 2))
    plane = axis * math.sin(min(sheer, 90.0) * DEGREE)
    return max(4 * (_SHORTEST_M * _SHORTEST_M * sine * sine + axis * least_axis * half * half), plane * plane)


@numba.njit(cache=_KEEP)
def nothing_within(packed, x, y, axis, block):  # type: ignore[no-untyped-def]
    """A chord squared within which no point outside the block (first and last column, first and last row) can be.

    A point is south, north, west or east of the block, and never nearer in the other direction than the nearest of all.
    Clamping outliers into border cells moves them across no edge between cells. Meridians differ both ways round.
    """
    first_column, last_column, first_row, last_row = block
    width, height, x0, x1, y0, y1, least_axis = packed[5:HEAD]
    turn = max(y0 - y, y - y1, 0.0)
    sheer = max(min(max(x0 - x, x - x1), 360 - max(x1 - x, x - x0)), 0.0)
    bound = np.inf
    if first_row > 0:
        bound = min(bound, side(max(y - first_row * height, turn), sheer, axis, least_axis))
    if last_row < packed[2] - 1:
        bound = min(bound, side(max((last_row + 1) * height - y, turn), sheer, axis, least_axis))
    if first_column > 0:
        west = min(x - first_column * width, 360 - (x - x0))
        bound = min(bound, side(turn, max(west, sheer), axis, least_axis))
    if last_column < packed[1] - 1:
        east = min((last_column + 1) * width - x, 360 - (x1 - x))
        bound = min(bound, side(turn, max(east, sheer), axis, least_axis))
    return max(math.sqrt(bound) * (1 - 1e-12) - _SLACK_M, 0.0) ** 2


@numba.njit(SIGNATURE, cache=_KEEP)
def search(packed, values, bits, out, asked):  # type: ignore[no-untyped-def]
    """Fill `out` (k pairs: place as a 64-bit integer, metres) with the nearest; return how many. `asked`: longitude,
    latitude, least value, longest chord squared, bit or -1. The rings around the question's cell are looked through
    from the inside, until nothing outside can be nearer than the worst of k found."""
    lon, lat, least, worst, bit = asked
    if not (abs(lon) <= 540.0 and abs(lat) <= 90.0):
        return 0
    k, size, columns, rows = len(out) // 2, int(packed[0]), int(packed[1]), int(packed[2])
    chosen, ints = out.view(np.int64), packed.view(np.int32)
    places = ints[2 * (HEAD + 3 * size) :]
    starts = places[size:]
    sine = math.sin(lat * DEGREE)
    normal = AXIS_M / math.sqrt(1 - ECCENTRICITY_2 * sine * sine)
    axis = normal * math.cos(lat * DEGREE)
    east, north = axis * math.cos(lon * DEGREE), axis * math.sin(lon * DEGREE)
    up = normal * (1 - ECCENTRICITY_2) * sine
    x, y = (lon - packed[3]) % 360.0, lat - packed[4]
    if x - packed[8] > packed[7] + 360.0 - x:
        x -= 360.0  # outside of the grid, and nearer to its western edge
    column = min(max(math.floor(x / packed[5]), 0), columns - 1)
    row = min(max(math.floor(y / packed[6]), 0), rows - 1)
    found, c0, c1, r0, r1 = 0, column, column - 1, row, row - 1
    for ring in range(max(columns, rows)):
        n0, n1 = max(column - ring, 0), min(column + ring, columns - 1)
        m0, m1 = max(row - ring, 0), min(row + ring, rows - 1)
        for line in range(m0, m1 + 1):
            is_new = line < r0 or line > r1
            for part in range(1 if is_new else 2):
                begin = line * columns + (n0 if part == 0 else c1 + 1)
                end = line * columns + (c0 if part == 0 and not is_new else n1 + 1)
                for one in range(starts[begin], starts[end]):
                    a = packed[HEAD + 3 * one] - east
                    b = packed[HEAD + 3 * one + 1] - north
                    c = packed[HEAD + 3 * one + 2] - up
                    apart = a * a + b * b + c * c
                    if not apart <= worst:
                        continue
                    place = places[one]
                    if values[place] < least or (bit >= 0 and (bits[place] < 0 or (bits[place] >> bit) & 1 == 0)):
                        continue
                    if found == k:
                        if apart == worst and place > chosen[2 * k - 2]:
                            continue
                        at = 2 * k - 2
                    else:
                        at = 2 * found
                        found += 1
                    while at > 0 and (out[at - 1] > apart or (out[at - 1] == apart and chosen[at - 2] > place)):
                        chosen[at], out[at + 1] = chosen[at - 2], out[at - 1]
                        at -= 2
                    chosen[at], out[at + 1] = place, apart
                    if found == k:
                        worst = out[2 * k - 1]
        c0, c1, r0, r1 = n0, n1, m0, m1
        if nothing_within(packed, x, y, axis, (c0, c1, r0, r1)) > worst:
            break
    for at in range(1, 2 * found, 2):
        out[at] = 2 * SPHERE_M * math.asin(min(1.0, math.sqrt(out[at]) / (2 * SPHERE_M)))
    return found
