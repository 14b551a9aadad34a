"""What depends on the time of asking, for every row at once: open, as-of and confidence, as JSON that is ready to join.

A row confirmed by the newest look shares its time with all others, so there are nine standings; a number a row tells
which is its own. A row with a time of its own is told apart (`OWN`) and looked at alone. Kept until a standing changes.
"""

from __future__ import annotations

from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from banyan.kernel.events.clock import EpochS
from banyan.service.supplies.board import Board
from banyan.service.supplies.confidence import FRESH_S, OLD_S, confidence
from banyan.service.supplies.hours import is_open
from banyan.service.supplies.model import Confidence
from banyan.service.supplies.operations import said

OWN: Final = 9
"""The code of a row whose number has a time of its own."""
_OPENED: Final[tuple[bool | None, ...]] = (None, False, True)
_SURE: Final[tuple[Confidence, ...]] = ("low", "medium", "high")
_JUST: Final = 0.001
"""Seconds around a change in which standings are made anew at each question: sums of floats are not exact."""
_encode: Final = msgspec.json.Encoder().encode


class Standings:
    """An item's rows from the moment `made`. `until` is when some would read otherwise; `texts` by code."""

    __slots__ = ("_board", "_item", "_slot", "codes", "made", "texts", "until")

    def __init__(self, board: Board, item: int, now: EpochS, slot: int, differs: npt.NDArray[np.bool_]) -> None:
        self._board, self._item, self._slot = board, item, slot
        self.made = now
        seen = board.as_of[item]
        self.until = _until(seen, now)
        self.texts = [text(opened, seen, sure) for opened in _OPENED for sure in _SURE]
        self.codes: bytes = _codes(board, item, now - seen, slot, differs).tobytes()

    def own(self, row: int, now: EpochS) -> bytes:
        """The standing of a row with a time of its own."""
        board, item = self._board, self._item
        opened, seen = is_open(board.slots().item(row), self._slot), board.row_as_of(item, row)
        sure = confidence(now - seen, board.status(row, item), board.places[row].located, is_open=opened)
        return text(opened, seen, sure)


def text(opened: bool | None, seen: EpochS, sure: Confidence) -> bytes:
    """The fields of an answer's place between its metres and its outlet."""
    return b',"open":%b,"as_of":%b,"confidence":%b,"outlet":' % (_encode(opened), _encode(said(seen)), _encode(sure))


def differing(board: Board) -> npt.NDArray[np.bool_]:
    """By row: whether its two geocodings differ."""
    return np.array([place.located == "differ" for place in board.places], np.bool_)


def _codes(board: Board, item: int, age_s: float, slot: int, differs: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint8]:
    """The rule of `confidence.py` over arrays: opened * 3 + sure."""
    slots, available = board.slots(), board.available(item)
    opened = np.where(slots < 0, 0, 1 + (slots >> slot & 1)).astype(np.uint8)
    few = (available > 0) & (available < board.items[item].few)
    is_low = (available < 0) | (age_s > OLD_S)
    is_low[: len(differs)] |= differs
    is_medium = few | (opened == 1) | (age_s > FRESH_S)
    codes = opened * 3 + np.where(is_low, 0, np.where(is_medium, 1, 2)).astype(np.uint8)
    codes[board.own_as_of(item) > 0] = OWN
    return codes


def _until(seen: EpochS, now: EpochS) -> float:
    for change in (seen + FRESH_S, seen + OLD_S):
        if now <= change + _JUST:
            return max(now, change - _JUST)
    return float("inf")
