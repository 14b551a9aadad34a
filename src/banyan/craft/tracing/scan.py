"""The compiled scan: which pings of an hour met a case, one look at each.

Blocks of pings go through three loops that the compiler can widen: cell and bit place of each (no branch, no division),
those whose bit is set, and for these the exact distance. What was found is counted by phone and bucket with one 64-bit
word a phone, whatever the order of the pings, so that partitions can be sorted for the disk. Prototype and its
measurements: docs/decisions/0126.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np

from banyan.craft.place import compiled

if folder := compiled.own_folder():
    from numba.core import config

    vars(config)["CACHE_DIR"] = folder  # its names are made at run time: types know none of them

from numba import njit

BLOCK: Final = 1_024
MICRO: Final = math.pi / 180e6
AXIS: Final = 6_371_008.8
FLAT: Final = 1e-4
"""The flat estimate of a squared distance errs by less than this share up to 20 km; within it the haversine decides."""


@njit(nogil=True, cache=True, inline="always")
def _is_near(lon: Any, lat: Any, c_lon: Any, c_lat: Any, radius_m: Any) -> Any:
    """By the haversine."""
    up = math.sin((lat - c_lat) * (0.5 * MICRO))
    across = math.sin((lon - c_lon) * (0.5 * MICRO))
    share = up * up + math.cos(lat * MICRO) * math.cos(c_lat * MICRO) * across * across
    return 2.0 * AXIS * math.asin(math.sqrt(min(1.0, share))) <= radius_m


@njit(nogil=True, cache=True, inline="always")
def _meets(entries: Any, entry: Any, ping: Any, near_s: Any, bounds: Any) -> Any:
    """Whether the ping (second, longitude, latitude) is near that case, by the flat estimate where it is sure."""
    second, lon, lat = ping
    surely, perhaps, radius_m = bounds
    north = lat - entries[entry, 1]
    east = (lon - entries[entry, 0]) * (entries[entry, 2] - entries[entry, 3] * north)
    apart = north * north + east * east
    if apart > perhaps or (near_s >= 0 and abs(second - entries[entry, 4]) > near_s):
        return False
    return apart < surely or _is_near(lon, lat, entries[entry, 0], entries[entry, 1], radius_m)


@njit(nogil=True, cache=True, inline="always")
def _ones(word: Any) -> Any:
    """How many bits are set. Source: the usual way with masks; compilers know it."""
    pairs = word - ((word >> np.uint64(1)) & np.uint64(0x5555555555555555))
    fours = (pairs & np.uint64(0x3333333333333333)) + ((pairs >> np.uint64(2)) & np.uint64(0x3333333333333333))
    octets = (fours + (fours >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return np.int64((octets * np.uint64(0x0101010101010101)) >> np.uint64(56))


@njit(nogil=True, cache=True)
def _met(spot: Any, ping: Any, cases: Any, shape: Any, bounds: Any) -> Any:
    """The entry of a case that the ping met, -1 for none: by the small cell's list where the cell is cut, else by the
    three rows around. `spot` is the ping's place, its row among all buckets', and the grid's."""
    place, line, row = spot
    _, starts, entries, words, ranks, lists, items, across = cases
    (west, south, _, _, n_columns, _), (step_x, step_y, near_s) = shape
    word = words[place >> 6] if across else np.uint64(0)
    bit = np.uint64(1) << np.uint64(place & 63)
    if not word & bit:
        for entry in range(starts[line - 1], starts[line + 2]):
            if _meets(entries, entry, ping, near_s, bounds):
                return entry
        return -1
    cell = np.int64(ranks[place >> 6]) + _ones(word & (bit - np.uint64(1)))
    right, up = ping[1] - west - (place - line * n_columns) * step_x, ping[2] - south - row * step_y
    x = min(max(np.int64(right * across / step_x), 0), across - 1)
    y = min(max(np.int64(up * across / step_y), 0), across - 1)
    at = (cell * across + y) * across + x
    first, end = lists[at], lists[at + 1]
    if first < end and items[first] < 0:
        return np.int64(~items[first])
    for one in range(first, end):
        if _meets(entries, items[one], ping, near_s, bounds):
            return np.int64(items[one])
    return -1


@njit(nogil=True, cache=True, fastmath=False)
def scan(columns: Any, cases: Any, asked: Any, desk: Any, out: Any) -> Any:
    """How many hits: a ping is one when it is the first of its phone and bucket that met a case. `asked` is the grid's
    shape and the rule, `desk` (`seen`, `counts`), `out` (`hits`, `which`): places go to `hits`, the cases' numbers to
    `which`; `counts[phone]` gains one each. `seen` has the bits of the buckets in which a phone was found in this hour,
    all of them for phones that are not to be found (the cases themselves)."""
    phone, second, lon, lat = columns
    bits, entries = cases[0], cases[2]
    (west, south, wide, high, n_columns, n_rows), (step_x, step_y, bucket_s, radius_m, near_s) = asked
    (seen, counts), (hits, which) = desk, out
    n_wide, n_high = np.int32(wide), np.int32(high)
    across, up = np.float32(1.0 / step_x), np.float32(1.0 / step_y)
    magic = np.uint32(-(-(1 << 26) // bucket_s))
    radius = radius_m / (AXIS * MICRO)
    bounds = (radius * radius * (1.0 - FLAT), radius * radius * (1.0 + FLAT), radius_m)
    shape = (asked[0], (float(step_x), float(step_y), near_s))
    places = np.empty(BLOCK, np.uint32)
    chosen = np.empty(BLOCK, np.uint32)
    found = 0
    size = len(phone)
    west32, south32 = np.int32(west), np.int32(south)
    stride, height = np.uint32(n_columns), np.uint32(n_rows)
    for start in range(0, size, BLOCK):
        block = min(BLOCK, size - start)
        b_lon, b_lat, b_second = lon[start : start + block], lat[start : start + block], second[start : start + block]
        for j in range(block):
            x = np.int32(b_lon[j] - west32)
            y = np.int32(b_lat[j] - south32)
            bucket = np.uint32(np.uint32(b_second[j]) * magic) >> np.uint32(26)
            column = np.uint32(np.int32(np.float32(x) * across))
            row = np.uint32(np.int32(np.float32(y) * up))
            is_inside = (x >= 0) & (x < n_wide) & (y >= 0) & (y < n_high)
            place = np.uint32(np.uint32(np.uint32(bucket * height) + row) * stride) + column
            places[j] = np.uint32(place) if is_inside else np.uint32(0)
        n = 0
        for j in range(block):
            place = places[j]
            chosen[n] = j
            n += (bits[place >> np.uint32(3)] >> (place & np.uint32(7))) & 1
        for k in range(n):
            at = start + chosen[k]
            who = phone[at]
            bucket = np.uint32(np.uint32(second[at]) * magic) >> np.uint32(26)
            bit = np.uint64(1) << np.uint64(bucket)
            if seen[who] & bit:
                continue
            above = np.int64(np.int32(np.float32(np.int32(lat[at] - south32)) * up))
            spot = (np.int64(places[chosen[k]]), np.int64(bucket) * n_rows + above, above)
            ping = (np.float64(second[at]), np.float64(lon[at]), np.float64(lat[at]))
            entry = _met(spot, ping, cases, shape, bounds)
            if entry >= 0:
                seen[who] |= bit
                counts[who] += 1
                hits[found] = at
                which[found] = np.int32(entries[entry, 5])
                found += 1
    return found


@njit(nogil=True, cache=True)
def close(met: Any, seen: Any, counts: Any, phones: Any, buckets: Any) -> Any:
    """The end of an hour: each phone of `met` once, with its count; both are zero again for the next. How many."""
    found = 0
    for i in range(len(met)):
        who = met[i]
        if counts[who]:
            phones[found] = who
            buckets[found] = counts[who]
            counts[who] = 0
            seen[who] = 0
            found += 1
    return found


@njit(nogil=True, cache=True)
def scan_cells(columns: Any, bits: Any, asked: Any, desk: Any, met: Any) -> Any:
    """The variant for pings that are a cell's number: `bits` has one a bucket and cell, and there is nothing else to
    check. `asked` is (cells, seconds of a bucket), `desk` as in `scan`. The phones that were found go to `met`, once a
    bucket; how many."""
    phone, second, cell = columns
    (cells, bucket_s), (seen, counts) = asked, desk
    magic = np.uint32(-(-(1 << 26) // bucket_s))
    width = np.uint32(cells)
    found = 0
    for i in range(len(phone)):
        bucket = np.uint32(np.uint32(second[i]) * magic) >> np.uint32(26)
        place = np.uint32(bucket * width) + np.uint32(cell[i])
        if (bits[place >> np.uint32(3)] >> (place & np.uint32(7))) & 1:
            who = phone[i]
            bit = np.uint64(1) << np.uint64(bucket)
            if not seen[who] & bit:
                seen[who] |= bit
                counts[who] += 1
                met[found] = who
                found += 1
    return found
