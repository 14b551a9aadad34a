"""What every decision needs: the state, the day's law, and the frame of the log that is being made."""

from __future__ import annotations

from typing import Final

from banyan.kernel.events.clock import EpochS
from banyan.limits_rationing import RATION_ITEMS, RATION_NAME, RATION_OUTLETS
from banyan.service.rationing.engine import records
from banyan.service.rationing.engine.holds import EXPIRED, POSTED
from banyan.service.rationing.engine.law import Ruling
from banyan.service.rationing.engine.model import Buyer, Receipt, Refusal
from banyan.service.rationing.engine.rules import Purchase, used
from banyan.service.rationing.engine.state import State

Move = tuple[int, int, bytes, int, int, bytes]
"""Number, kind, key, row, units, ref: what listeners are told."""
NO_ROW: Final = 0xFFFF_FFFF
MOST_MS: Final = 1 << 52
"""A moment in the year 144,683: what a double still tells to the millisecond."""
_ROW: Final = records.FORMATS[records.ROW]
_EXPIRE: Final = records.FORMATS[records.EXPIRE]


class Desk:
    """One state and one frame: `begin`, decide commands, write `out`."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.out = bytearray()
        self.moves: list[Move] = []
        self.now = EpochS(0.0)
        self.day = 0
        self.today = state.law.on(0)
        self.masks: dict[Ruling, int] = {}

    @property
    def is_empty(self) -> bool:
        """Nothing was accepted since `begin`, and nothing expired."""
        return len(self.out) <= records.FRAME.size

    def begin(self, at_ms: int) -> None:
        """A frame at this moment, or at the log's if that is later; what is due expires first."""
        state = self.state
        state.begin(max(at_ms, state.at_ms))
        self.out = bytearray(records.FRAME.pack(state.keys.last + 1, state.at_ms))
        self.moves = []
        while (place := state.holds.due(state.at_ms)) >= 0:
            qty, row = state.holds.left[place], state.holds.row[place]
            number = state.expire(place)
            self.out += _EXPIRE.pack(records.EXPIRE, place)
            self.moves.append((number, records.EXPIRE, state.holds.key(place), row, qty, state.holds.key(place)))
        self.now = EpochS(state.at_ms / 1000)
        self.day = state.today
        self.renew()

    def renew(self) -> None:
        """The law or the items changed."""
        self.today = self.state.law.on(self.day)
        self.masks.clear()

    def accept(self, record: bytes, move: Move) -> Receipt:
        """Done: into the frame, and the answer."""
        self.out += record
        self.moves.append(move)
        return Receipt(move[0], self.now, move[2])

    def again(self, number: int, key: bytes, checksum: int) -> Receipt | Refusal:
        """The key was used: the same receipt for the same command."""
        state = self.state
        if state.keys.checksum(number) != checksum:
            return Refusal("key_reused", field="key")
        return self.receipt(number, key)

    def receipt(self, number: int, key: bytes) -> Receipt:
        beyond, short = self.state.extras.get(number, (0, 0))
        return Receipt(number, EpochS(self.state.keys.time_ms(number) / 1000), key, beyond, short)

    def row(self, outlet: str, item: str) -> int | Refusal:
        """The row of an outlet and an item, made and logged at first sight."""
        shelves = self.state.shelves
        found = shelves.rows.get((outlet, item))
        if found is not None:
            return found
        names = outlet.encode(), item.encode()
        for field, name in zip(("outlet", "item"), names, strict=True):
            if not 0 < len(name) <= RATION_NAME:
                return bad(field)
        if len(shelves.outlets) >= RATION_OUTLETS or len(shelves.items) >= RATION_ITEMS:
            return bad("outlet" if len(shelves.outlets) >= RATION_OUTLETS else "item")
        self.out += _ROW.pack(records.ROW, len(names[0]), len(names[1])) + names[0] + names[1]
        self.masks.clear()
        return shelves.row(outlet, item)

    def used(self, buyer: Buyer, ruling: Ruling) -> int:
        """Units that count in the ruling's window today."""
        histories = self.state.histories
        number = histories.number(buyer.person)
        if not number:
            return 0
        units = histories.used(number, ruling.since, self.masks.get(ruling) or self.mask(ruling))
        return units if units >= 0 else used(self.state.law, self.history(buyer.person), buyer, ruling, self.day)

    def mask(self, ruling: Ruling) -> int:
        """The items that count, a bit each; kept for the day."""
        items = self.state.shelves.items
        mask = self.masks[ruling] = sum(1 << place for place, one in enumerate(items) if one in ruling.counts)
        return mask

    def history(self, person: bytes) -> list[Purchase]:
        """Her purchases that are kept."""
        items = self.state.shelves.items
        histories = self.state.histories
        bought = histories.purchases(histories.number(person))
        return [Purchase(day, items[item], qty) for day, item, qty in bought]

    def held(self, ref: bytes) -> int:
        """The place of a reservation or a lease; -1 without one."""
        number = self.state.keys.get(ref) if len(ref) == 16 else 0
        return self.state.holds.find(number) if number else -1


def bad(field: str) -> Refusal:
    return Refusal("bad_command", field=field)


def settled(state: int) -> Refusal:
    """What became of a reservation already."""
    if state == POSTED:
        return Refusal("already_posted", field="ref")
    return Refusal("expired" if state == EXPIRED else "already_voided", field="ref")


def no_stock(desk: Desk, row: int) -> Refusal:
    return Refusal("no_stock", left=0 if row == NO_ROW else desk.state.shelves.available[row])


def milliseconds(at: float) -> int:
    """-1 for what is no moment of this epoch."""
    return round(at * 1000) if 0 <= at < MOST_MS / 1000 else -1
