"""The outlets of a board by name: whole names at once, parts of names by one search through a text of all of them."""

from __future__ import annotations

from collections.abc import Container
from typing import Final
from weakref import WeakKeyDictionary

from banyan.kernel.storage import fold
from banyan.limits_supplies import SUPPLIES_NAMES
from banyan.service.supplies.board import Board, Change
from banyan.service.supplies.keeping import Kept
from banyan.service.supplies.model import BoardEvent, PlacesChanged

_BREAK: Final = "\n"


class Names:
    """Made of a board's places when first asked for (35 ms for the nation's 6,800), then kept up with each change."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._rows: dict[str, list[int]] = {}
        self._name: list[str] = []
        self._text = ""

    def follow(self, event: BoardEvent, _change: Change) -> None:
        """A listener of the journal: a place may have another name."""
        if isinstance(event, PlacesChanged) and self._name:
            for place in event.upsert:
                row = self._board.row_of[place.code]
                if row < len(self._name):
                    self._rename(row, fold(place.name))

    @property
    def known(self) -> Container[str]:
        """The folded names of all outlets."""
        return self._by_name()

    def called(self, name: str) -> list[int]:
        """The rows of outlets of this folded name, gone ones left out."""
        gone = self._board.is_gone()
        return [row for row in self._by_name().get(name, ()) if not gone[row]]

    def holding(self, part: str) -> list[int]:
        """The rows of outlets in whose name a folded text stands; at most SUPPLIES_NAMES and one more."""
        self._text = self._text or _BREAK.join(self._by_name()) + _BREAK
        found, at = list[int](), self._text.find(part)
        while at >= 0 and len(found) <= SUPPLIES_NAMES:
            start, end = self._text.rfind(_BREAK, 0, at) + 1, self._text.find(_BREAK, at)
            found.extend(self.called(self._text[start:end]))
            at = self._text.find(part, end)
        return found[: SUPPLIES_NAMES + 1]

    def _by_name(self) -> dict[str, list[int]]:
        for row in range(len(self._name), self._board.size):  # a stock list may name an outlet before its register
            self._name.append("")
            self._rename(row, fold(self._board.places[row].name))
        return self._rows

    def _rename(self, row: int, name: str) -> None:
        old = self._name[row]
        if old == name:
            return
        if old:
            self._rows[old].remove(row)
            if not self._rows[old]:
                del self._rows[old]
        self._name[row] = name
        self._rows.setdefault(name, []).append(row)
        self._text = ""


_names: WeakKeyDictionary[Kept, Names] = WeakKeyDictionary()


def names_of(kept: Kept) -> Names:
    """The names of a kept board."""
    known = _names.get(kept)
    if known is None:
        known = _names[kept] = Names(kept.board)
        kept.listeners.append(known.follow)
    return known
