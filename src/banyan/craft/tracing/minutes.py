"""Tracks of uneven rhythm, brought to whole minutes: then a bucket of a minute has no edges to miss anybody at."""

from __future__ import annotations

from typing import Final

import numpy as np

from banyan.craft.tracing.model import Fixes

MINUTE_S: Final = 60


def to_minutes(given: Fixes, *, gap_s: int = 300) -> Fixes:
    """The position of each phone at each whole minute, on the straight line (in degrees) between the pings around it,
    where these are at most `gap_s` apart: from the first of the two on and before the second, so that a track's last
    minute is one that went on. Of several pings in one second the last given counts."""
    order = np.lexsort((np.arange(len(given)), given.at, given.phone))
    track = given.take(order)
    is_last = np.ones(len(track), bool)
    is_last[:-1] = (track.phone[1:] != track.phone[:-1]) | (track.at[1:] != track.at[:-1])
    track = track.take(is_last)
    start = np.flatnonzero((track.phone[1:] == track.phone[:-1]) & (np.diff(track.at) <= gap_s))
    first, last = -(-track.at[start] // MINUTE_S), (track.at[start + 1] - 1) // MINUTE_S
    many = np.maximum(last - first + 1, 0)
    leg = np.repeat(start, many)
    minute = np.repeat(first, many) + np.arange(many.sum()) - np.repeat(np.cumsum(many) - many, many)
    share = (minute * MINUTE_S - track.at[leg]) / (track.at[leg + 1] - track.at[leg])
    lon = track.lon[leg] + share * (track.lon[leg + 1] - track.lon[leg])
    lat = track.lat[leg] + share * (track.lat[leg + 1] - track.lat[leg])
    east, north = (np.rint(one).astype(np.int32) for one in (lon, lat))
    return Fixes(track.phone[leg], minute * MINUTE_S, east, north)
