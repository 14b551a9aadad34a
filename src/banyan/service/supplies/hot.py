"""`nearest_stock` from memory: a narrow reader of the query, and the answer joined from parts that are already JSON.

An answer is its start, and for each place its metres, its standing (`standings.py`: what depends on the time of
asking) and the outlet's fragment, which is encoded once after each change of the outlet.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from banyan.kernel.events.clock import EpochS
from banyan.kernel.storage.drawer import Drawer
from banyan.limits_supplies import SUPPLIES_NEAREST, SUPPLIES_RADIUS_M
from banyan.service.supplies.board import Board
from banyan.service.supplies.hours import AFTERNOON_MINUTE, EVENING_MINUTE, TAIPEI, slot_at
from banyan.service.supplies.keeping import kept_of
from banyan.service.supplies.operations import said
from banyan.service.supplies.service import SERVICE
from banyan.service.supplies.standings import OWN, Standings, differing

MAX_AGE_S: Final = 10
"""A person who comes back to the page within this time gets the same answer; the official list comes every 30 s."""
STALE_S: Final = 30
LEAST: Final = 1_000_000
_FIELD: Final = (
    rb"(?:(?:lon|lat)=-?[0-9]{1,3}(?:\.[0-9]{1,12})?|item=[a-z0-9-]{1,40}"
    rb"|(?:k|least|radius)=(?:0|[1-9][0-9]{0,6})|open=(?:true|false))"
)
_is_usual: Final = re.compile(
    rb"lon=(-?[0-9]{1,3}(?:\.[0-9]{1,12})?)&lat=(-?[0-9]{1,3}(?:\.[0-9]{1,12})?)"
    rb"(?:&item=([a-z0-9-]{1,40}))?(?:&k=([1-9][0-9]?))?"
).fullmatch
"""How our own pages and most apps ask: read in a third of the time."""
_is_plain: Final = re.compile(rb"%b(?:&%b)*" % (_FIELD, _FIELD)).fullmatch
_PART_OF_DAY: Final = (0, AFTERNOON_MINUTE, EVENING_MINUTE, 24 * 60)
_NEAR_M: Final = 10_000
_METRES: Final = tuple(b'},{"metres":%d' % metres for metres in range(_NEAR_M))
"""How a place ends the one before and begins, by its distance: a look-up is a third of a format."""
_encode: Final = msgspec.json.Encoder().encode


class Asked(msgspec.Struct, frozen=True):
    """A plain question, its values within the operation's bounds."""

    lon: float
    lat: float
    item: str
    k: int
    least: int = 1
    radius_m: float = math.inf
    is_open: bool = False


def read(query: bytes) -> Asked | None:
    """The question of an undecoded query; None when it is written in any but the plainest way, or out of bounds."""
    if usual := _is_usual(query):
        lon_text, lat_text, item_text, k_text = usual.groups(b"")
        return _asked(float(lon_text), float(lat_text), item_text, int(k_text or 10))
    if _is_plain(query) is None:
        return None
    parts = query.split(b"&")
    given = dict([part.split(b"=") for part in parts])
    if len(given) != len(parts) or b"lon" not in given or b"lat" not in given:
        return None
    least, radius = int(given.get(b"least", 1)), int(given.get(b"radius", 0))
    if not 1 <= least <= LEAST or radius > SUPPLIES_RADIUS_M:
        return None
    asked = _asked(float(given[b"lon"]), float(given[b"lat"]), given.get(b"item", b""), int(given.get(b"k", 10)))
    radius_m, is_open_only = float(radius) if radius else math.inf, given.get(b"open") == b"true"
    return asked and msgspec.structs.replace(asked, least=least, radius_m=radius_m, is_open=is_open_only)


def _asked(lon: float, lat: float, item: bytes, k: int) -> Asked | None:
    if -180 <= lon <= 180 and -90 <= lat <= 90 and 1 <= k <= SUPPLIES_NEAREST:
        return Asked(lon, lat, item.decode(), k)
    return None


class Answers:
    """A board's answers at one moment after another. What was made at `_made` holds while the board stands at `_seq`
    and until `_until`."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._seq = self._placed = -1
        self._slot = 0
        self._made = EpochS(0)
        self._until = 0.0
        self._starts: list[bytes] = []
        self._standings: dict[int, Standings] = {}
        self._differs = differing(board)

    def nearest(self, asked: Asked, now: EpochS) -> bytes | None:
        """As the operation `nearest_stock` writes it; None for an item that is not on the board."""
        board = self._board
        item = board.item_of.get(asked.item) if asked.item else (0 if board.items else None)
        if item is None:
            return None
        if board.seq != self._seq or not self._made <= now < self._until:
            self._renew(now)
        standings = self._standings.get(item)
        if standings is None or not standings.made <= now < standings.until:
            standings = self._standings[item] = Standings(board, item, now, self._slot, self._differs)
        rows, apart = board.nearest(
            asked.lon,
            asked.lat,
            item,
            k=asked.k,
            least=asked.least,
            radius_m=asked.radius_m,
            slot=self._slot if asked.is_open else -1,
        )
        parts, codes, texts, fragment = [self._starts[item]], standings.codes, standings.texts, board.fragment
        for row, metres in zip(rows, apart, strict=True):
            whole, code = round(metres), codes[row]
            parts.append(_METRES[whole] if whole < _NEAR_M else b'},{"metres":%d' % whole)
            parts.append(texts[code] if code != OWN else standings.own(row, now))
            parts.append(fragment(row))
        if rows:
            parts[1] = parts[1][2:]  # nothing stands before the first place
            parts.append(b"}]}")
        else:
            parts.append(b"]}")
        return b"".join(parts)  # one copy of 6 KB; a format a place would make three

    def _renew(self, now: EpochS) -> None:
        board = self._board
        self._seq, self._slot, self._made = board.seq, slot_at(now), now
        self._until = _next_part_of_day(now)
        self._standings = {}
        if board.placed != self._placed:
            self._placed, self._differs = board.placed, differing(board)
        self._starts = [
            b'{"item":%b,"as_of":%b,"seq":%d,"places":['
            % (_encode(item.id), _encode(said(board.as_of[place])), board.seq)
            for place, item in enumerate(board.items)
        ]


def _next_part_of_day(now: EpochS) -> float:
    """When the next service slot begins."""
    at = datetime.fromtimestamp(now, UTC).astimezone(TAIPEI)
    midnight = at.replace(hour=0, minute=0, second=0, microsecond=0)
    minute = at.hour * 60 + at.minute
    ends = next(end for end in _PART_OF_DAY if end > minute)
    return (midnight + timedelta(minutes=ends)).timestamp()


def nearest_stock(db: Drawer) -> Callable[[bytes, EpochS], bytes | None]:
    """The hot way of the operation of that name, over a drawer's board."""
    answers: Answers | None = None

    def run(query: bytes, now: EpochS) -> bytes | None:
        nonlocal answers
        asked = read(query)
        if asked is None:
            return None
        if answers is None:
            answers = Answers(kept_of(db).board)
        return answers.nearest(asked, now)

    return run


SERVICE.hot("nearest_stock", nearest_stock, max_age_s=MAX_AGE_S, stale_s=STALE_S)
