"""The compiled search of a flat grid, from the question's cell outwards. Importing this loads numba and compiles or
loads the kernel: about 1 s, up to 10 s the first time. `grid.py` does so in a thread.

It holds the interpreter's lock: in 10 us nobody else gets to work, and a thread that let go may wait 5 ms to go on.
"""

from __future__ import annotations

import math
from typing import Any, Final, cast

import numba
from numba import types
from numba.extending import intrinsic
from numba.np.numpy_support import carray

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
SIGNATURE: Final = "i8(i8, i8, i8, Tuple((f8, f8, i8, f8, i8)))"
"""Given, so that it is compiled once, when this is imported, and never while somebody waits."""
_REACH: Final = 1 << 40
"""Elements of an array given by its address: `grid.py` has checked how long it is."""

_FOLDER: Final = own_folder()
_KEEP: Final = bool(_FOLDER)
vars(numba.config)["CACHE_DIR"] = _FOLDER  # its names are made at run time: types know none of them


def _pointer(_typing, address, kind):  # type: ignore[no-untyped-def]
    """An address as a pointer to numbers of a kind. An array given as such costs 0.1 us more, every time."""

    def made(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        return builder.inttoptr(arguments[0], context.get_value_type(signature.return_type))

    return cast("Any", types.CPointer)(kind.dtype)(address, kind), made


pointer: Final[Any] = intrinsic(_pointer)


@numba.njit(cache=_KEEP)
def sine_or_less(angle):  # type: ignore[no-untyped-def]
    """Never more than the sine of an angle of 0 or more, and within 1 in a million of it up to 0.1 radian (640 km)."""
    return angle * (1 - angle * angle / 6)


@numba.njit(cache=_KEEP)
def side(turn, sheer, axis, least_axis):  # type: ignore[no-untyped-def]
    """A chord squared that is not longer than to any point whose latitude differs by `turn` degrees or more and whose
    meridian by `sheer` or more. `axis` is our distance from the Earth's axis, `least_axis` the least of any point.

    Proof. With p and z from the axis and the equator's plane, chord^2 = (p1 - p2)^2 + (z1 - z2)^2 + 4 p1 p2 sin^2(s/2).
    The first two are the chord along one meridian. Its part along the tangent at the middle latitude is the integral of
    M cos(phi - middle), and M is _SHORTEST_M or more: 2 _SHORTEST_M sin(t/2) or more. Also the distance to the half
    plane of a meridian s away is p1 sin(s), or p1 beyond a right angle."""
    sine = sine_or_less(turn * (DEGREE / 2))
    half = sine_or_less(sheer * (DEGREE / 2))
    plane = axis * sine_or_less(min(sheer, 90.0) * DEGREE)
    return max(4 * (_SHORTEST_M * _SHORTEST_M * sine * sine + axis * least_axis * half * half), plane * plane)


@numba.njit(cache=_KEEP)
def open_sides(packed, at, block, worst):  # type: ignore[no-untyped-def]
    """Whether a point beyond the south, north, west, east edge of the block (first and last column, first and last row)
    could be as near as `worst`, a chord squared. `at`: our x, y and distance from the Earth's axis.

    Such a point is beyond that edge, and never nearer in the other direction than the nearest of all. Clamping outliers
    into border cells moves them across no edge between cells. Meridians differ both ways round.
    """
    x, y, axis = at
    first_column, last_column, first_row, last_row = block
    width, height, x0, x1, y0, y1, least_axis = packed[5:HEAD]
    turn = max(y0 - y, y - y1, 0.0)
    sheer = max(min(max(x0 - x, x - x1), 360 - max(x1 - x, x - x0)), 0.0)
    limit = ((math.sqrt(worst) + _SLACK_M) * (1 + 1e-12)) ** 2
    south, north = y - first_row * height, (last_row + 1) * height - y
    west = min(x - first_column * width, 360 - (x - x0))
    east = min((last_column + 1) * width - x, 360 - (x1 - x))
    return (
        first_row > 0 and side(max(south, turn), sheer, axis, least_axis) <= limit,
        last_row < packed[2] - 1 and side(max(north, turn), sheer, axis, least_axis) <= limit,
        first_column > 0 and side(turn, max(west, sheer), axis, least_axis) <= limit,
        last_column < packed[1] - 1 and side(turn, max(east, sheer), axis, least_axis) <= limit,
    )


@numba.njit(cache=_KEEP)
def look(held, asked, answer, begin, end):  # type: ignore[no-untyped-def]
    """Take those points from `begin` to `end` into the answer that are nearer than the worst of k in it. Its `state` is
    how many were found and the chord squared that the next must not exceed."""
    packed, places, values, bits = held
    (east, north, up), (least, bit) = asked
    chosen, apart, state = answer
    k, found, worst = len(chosen), int(state[0]), state[1]
    for one in range(begin, end):
        a = packed[HEAD + 3 * one] - east
        b = packed[HEAD + 3 * one + 1] - north
        c = packed[HEAD + 3 * one + 2] - up
        own = a * a + b * b + c * c
        if not own <= worst:
            continue
        place = places[one]
        if values[place] < least or (bit >= 0 and (bits[place] < 0 or (bits[place] >> bit) & 1 == 0)):
            continue
        at = found
        if found == k:
            at = k - 1
            if own == worst and place > chosen[at]:
                continue
        else:
            found += 1
        while at > 0 and (apart[at - 1] > own or (apart[at - 1] == own and chosen[at - 1] > place)):
            chosen[at], apart[at] = chosen[at - 1], apart[at - 1]
            at -= 1
        chosen[at], apart[at] = place, own
        if found == k:
            worst = apart[k - 1]
    state[0], state[1] = found, worst


@numba.njit(SIGNATURE, cache=_KEEP)
def search(held_at, answer_at, k, asked):  # type: ignore[no-untyped-def]
    """Write the nearest and return how many. `held_at` is the address of three addresses: of the packed grid, values,
    bits. At `answer_at` is room for k places (64-bit integers), then k metres, then two numbers. `asked`: longitude,
    latitude, least value, longest chord squared, bit or -1.

    The block around the question's cell grows at each side beyond which something nearer could be, till there is none.
    """
    lon, lat, least, worst, bit = asked
    if not (abs(lon) <= 540.0 and abs(lat) <= 90.0):
        return 0
    addresses = carray(pointer(held_at, types.int64), 3)
    packed = carray(pointer(addresses[0], types.float64), _REACH)
    columns, rows = int(packed[1]), int(packed[2])
    places = carray(pointer(addresses[0] + 8 * (HEAD + 3 * int(packed[0])), types.int32), _REACH)
    starts = places[int(packed[0]) :]
    values = carray(pointer(addresses[1], types.int32), _REACH)
    held = packed, places, values, carray(pointer(addresses[2], types.int32), _REACH)
    numbers = carray(pointer(answer_at, types.float64), 2 * k + 2)
    answer = carray(pointer(answer_at, types.int64), k), numbers[k : 2 * k], numbers[2 * k :]
    apart, state = answer[1], answer[2]
    sine = math.sin(lat * DEGREE)
    normal = AXIS_M / math.sqrt(1 - ECCENTRICITY_2 * sine * sine)
    axis = normal * math.cos(lat * DEGREE)
    here = axis * math.cos(lon * DEGREE), axis * math.sin(lon * DEGREE), normal * (1 - ECCENTRICITY_2) * sine
    x, y = (lon - packed[3]) % 360.0, lat - packed[4]
    if x - packed[8] > packed[7] + 360.0 - x:
        x -= 360.0  # outside of the grid, and nearer to its western edge
    c0 = c1 = min(max(math.floor(x / packed[5]), 0), columns - 1)
    r0 = r1 = min(max(math.floor(y / packed[6]), 0), rows - 1)
    wanted = here, (least, bit)
    state[0], state[1] = 0, worst
    look(held, wanted, answer, starts[r0 * columns + c0], starts[r0 * columns + c0 + 1])
    while True:
        south, north, west, east = open_sides(packed, (x, y, axis), (c0, c1, r0, r1), state[1])
        if not (south or north or west or east):
            break
        for line in range(r0 * columns, (r1 + 1) * columns if west or east else 0, columns):
            if west:
                look(held, wanted, answer, starts[line + c0 - 1], starts[line + c0])
            if east:
                look(held, wanted, answer, starts[line + c1 + 1], starts[line + c1 + 2])
        c0, c1 = c0 - west, c1 + east
        if south:
            r0 -= 1
            look(held, wanted, answer, starts[r0 * columns + c0], starts[r0 * columns + c1 + 1])
        if north:
            r1 += 1
            look(held, wanted, answer, starts[r1 * columns + c0], starts[r1 * columns + c1 + 1])
    found = int(state[0])
    for at in range(found):
        apart[at] = 2 * SPHERE_M * math.asin(min(1.0, math.sqrt(apart[at]) / (2 * SPHERE_M)))
    return found


entry: Final[Any] = cast("Any", search.overloads[search.signatures[0]]).entry_point
"""`search` as numba's dispatcher calls it, when it has looked at the type of each argument for 0.5 us."""
