"""Numbers to wait with (號碼牌), as they are kept: of nobody, for a day, each with goods that the engine holds.

    asked -> waiting -> called -> served, or missed when nobody came in time; gone when the outlet had too little left

A number's goods are a lease of the engine under the number's own key, so the map shows them as promised and no sale can
take them. Whoever has the number and its check code is served.
"""

from __future__ import annotations

import hmac
from hashlib import sha256
from typing import Final, Literal
from weakref import WeakKeyDictionary

import msgspec

from banyan.kernel.events import timers
from banyan.kernel.events.clock import EpochS
from banyan.kernel.storage import Drawer, Tx
from banyan.kernel.storage.store import Row, SqlValue
from banyan.service.rationing.counter.outlets import SQL
from banyan.service.rationing.counter.tallies import Place
from banyan.service.rationing.shelf import shelf_of

State = Literal["asked", "waiting", "called", "served", "missed", "gone"]
OPEN_STATES: Final[tuple[State, ...]] = ("asked", "waiting", "called")
TERMINAL: Final = bytes.fromhex("706c617465730000")
"""The terminal id of the node's own queue: `plates`."""
TIMER: Final = "plate"
LETTERS: Final = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""Of check codes: nothing that is read for something else."""
CODE: Final = 4


class Plate(msgspec.Struct, frozen=True):
    outlet: str
    day: int
    number: int
    item: str
    qty: int
    state: State
    until: EpochS
    key: bytes

    @property
    def place(self) -> Place:
        return self.outlet, self.item


class Holds:
    """What open numbers hold, in memory beside the records."""

    def __init__(self) -> None:
        self._by_key: dict[bytes, tuple[Place, int]] = {}
        self._sums: dict[Place, int] = {}

    def add(self, plate: Plate) -> None:
        if plate.key not in self._by_key:
            self._by_key[plate.key] = plate.place, plate.qty
            self._sums[plate.place] = self._sums.get(plate.place, 0) + plate.qty

    def drop(self, plate: Plate) -> None:
        if self._by_key.pop(plate.key, None) is not None:
            self._sums[plate.place] -= plate.qty

    def __call__(self, place: Place) -> int:
        return self._sums.get(place, 0)


_holds: WeakKeyDictionary[object, Holds] = WeakKeyDictionary()


def holds_of(db: Drawer) -> Holds:
    known = _holds.get(db.sql)
    if known is None:
        known = _holds[db.sql] = Holds()
    return known


async def load_holds(db: Drawer) -> Holds:
    """As the records have them."""
    holds = holds_of(db)
    for plate in await db.sql.read(lambda tx: [plate_of(row) for row in tx.rows(SQL["open_plates"])]):
        holds.add(plate)
    return holds


def code_of(db: Drawer, plate: Plate) -> str:
    """The check code of a number: who does not have it cannot use the number."""
    text = f"plate|{plate.outlet}|{plate.day}|{plate.number}".encode() + plate.key
    digest = hmac.new(shelf_of(db).key, text, sha256).digest()
    return "".join(LETTERS[byte % len(LETTERS)] for byte in digest[:CODE])


def is_code(db: Drawer, plate: Plate, typed: str) -> bool:
    return hmac.compare_digest(code_of(db, plate).encode(), typed.strip().upper().encode())


def plate_of(row: Row) -> Plate:
    return msgspec.convert(dict(zip(Plate.__struct_fields__, row, strict=True)), Plate)


def found(tx: Tx, outlet: str, day: int, number: int) -> Plate | None:
    row = tx.row(SQL["plate"], outlet=outlet, day=day, number=number)
    return None if row is None else plate_of(row)


def add(tx: Tx, plate: Plate) -> None:
    """Give a number, and remember when its time is over."""
    place: dict[str, SqlValue] = {"outlet": plate.outlet, "day": plate.day, "number": plate.number}
    held: dict[str, SqlValue] = {"item": plate.item, "qty": plate.qty, "until": plate.until, "key": plate.key}
    tx.run(SQL["put_plate"], **place, **held)
    timers.set(tx, TIMER, name_of(plate), plate.until)


def move(tx: Tx, plate: Plate, state: State, until: EpochS) -> bool:
    """Go on from where it stands; False when somebody else moved it first."""
    place: dict[str, SqlValue] = {"outlet": plate.outlet, "day": plate.day, "number": plate.number}
    if not tx.run(SQL["move_plate"], state=state, until=until, before=plate.state, **place):
        return False
    if state in OPEN_STATES:
        timers.set(tx, TIMER, name_of(plate), until)
    else:
        timers.cancel(tx, TIMER, name_of(plate))
    return True


def name_of(plate: Plate) -> str:
    return f"{plate.outlet}/{plate.day}/{plate.number}"


def named(name: str) -> tuple[str, int, int]:
    outlet, day, number = name.split("/")
    return outlet, int(day), int(number)


def ending_key(plate: Plate) -> bytes:
    """Of the act that lets its goods go."""
    return TERMINAL + sha256(b"end" + plate.key).digest()[:8]
