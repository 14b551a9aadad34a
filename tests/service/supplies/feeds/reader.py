"""A reader of the feeds, as docs/stock-map.md tells one to be written: pack first, then deltas over it."""

from __future__ import annotations

from typing import Any

from tests.service.supplies.feeds.make import Rows

from banyan.service.supplies.feeds.deltas import Delta
from banyan.service.supplies.feeds.pack import STATUSES, Pack, PlacesPack, StockPack


class Reader:
    """The rows a client holds, and the number it is at."""

    def __init__(self, places: PlacesPack, stock: StockPack) -> None:
        self.seq = stock.seq
        self._as_of = {item.id: item.as_of for item in stock.items}
        self._rows: dict[str, dict[str, list[Any]]] = {
            code: {
                item.id: [
                    STATUSES[item.status[row]],
                    item.count[row],
                    item.reserved[row] if item.reserved else 0,
                    item.available[row],
                    dict(item.row_as_of).get(row, ""),
                ]
                for item in stock.items
            }
            for row, code in enumerate(places.code)
            if row not in places.gone
        }

    @classmethod
    def of(cls, pack: Pack) -> Reader:
        return cls(pack.places, pack.stock)

    def take(self, delta: Delta) -> None:
        assert delta.after <= self.seq, "a delta that begins later leaves a hole"
        assert not delta.reset, "take the pack anew"
        self._as_of.update(zip(delta.items, delta.as_of, strict=True))
        for place, item in enumerate(delta.items):
            for row, code in enumerate(delta.codes):
                self._rows.setdefault(code, {})[item] = [
                    STATUSES[delta.status[place][row]],
                    delta.count[place][row],
                    delta.reserved[place][row] if delta.reserved else 0,
                    delta.available[place][row],
                    delta.row_as_of[row] if delta.row_as_of else "",
                ]
        for code in delta.gone:
            del self._rows[code]
        self.seq = delta.seq

    def rows(self) -> Rows:
        return {
            code: {
                item: (*values[:4], values[4] or self._as_of[item])
                for item, values in items.items()
                if values[0] != "unknown"
            }
            for code, items in self._rows.items()
        }
