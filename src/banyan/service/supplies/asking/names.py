"""The outlets of a board by name: whole names at once, parts of names by one search through a text of all of them."""

from __future__ import annotations

from typing import Final
from weakref import WeakKeyDictionary

from banyan.kernel.storage import fold
from banyan.limits import SUPPLIES_NAMES
from banyan.service.supplies.board import Board, Change
from banyan.service.supplies.keeping import Kept
from banyan.service.supplies.model import BoardEvent, PlacesChanged

_BREAK: Final = "\n"


class Names:
    """Made of a board's places when first asked for, and again after they changed."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._rows: dict[str, list[int]] | None = None
        self._text = ""
        self._size = 0

    def forget(self, event: BoardEvent, _change: Change) -> None:
        """A listener of the journal: new places have new names."""
        if isinstance(event, PlacesChanged):
            self._rows = None

    def is_name(self, name: str) -> bool:
        """Whether an outlet has this folded name."""
        return name in self._by_name()

    def called(self, name: str) -> list[int]:
        """The rows of outlets of this folded name, gone ones left out."""
        gone = self._board.is_gone()
        return [row for row in self._by_name().get(name, ()) if not gone[row]]

    def holding(self, part: str) -> list[int]:
        """The rows of outlets in whose name a folded text stands; at most SUPPLIES_NAMES and one more."""
        self._by_name()
        found, at = list[int](), self._text.find(part)
        while at >= 0 and len(found) <= SUPPLIES_NAMES:
            start, end = self._text.rfind(_BREAK, 0, at) + 1, self._text.find(_BREAK, at)
            found.extend(self.called(self._text[start:end]))
            at = self._text.find(part, end)
        return found[: SUPPLIES_NAMES + 1]

    def _by_name(self) -> dict[str, list[int]]:
        if self._rows is None or self._size != self._board.size:  # a stock list may name an outlet first
            self._rows, self._size = {}, self._board.size
            for row, place in enumerate(self._board.places):
                self._rows.setdefault(fold(place.name), []).append(row)
            self._text = _BREAK.join(self._rows) + _BREAK
        return self._rows


_names: WeakKeyDictionary[Kept, Names] = WeakKeyDictionary()


def names_of(kept: Kept) -> Names:
    """The names of a kept board."""
    known = _names.get(kept)
    if known is None:
        known = _names[kept] = Names(kept.board)
        kept.listeners.append(known.forget)
    return known
