"""What the composition root lends the counter: the registers that know a person, each behind the gate.

The pharmacist learns whether and how much, never a birth date: it is read by the agency that runs the rationing, on
the order's basis, and every reading stands in the person's own list. Source: 傳染病防治法 s37 I 6, 個人資料保護法 s5.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date
from typing import Final

import msgspec

from banyan.kernel.events.clock import EpochS
from banyan.kernel.storage import Drawer, Lent

BASIS: Final = "CDC-37-rationing"
"""The legal basis that an order must put into force before anything is sold by real name."""


class Sample(msgspec.Struct, frozen=True):
    """A card to try with, of a demonstration's invented person."""

    who: dict[str, str]
    number: str
    age: int


class Registers(msgspec.Struct, frozen=True):
    """`born(number, reason)`: when a person was born; Refused without an order, NotFound for nobody. `holder(card)`:
    the number of an insurance card's holder, empty for a card that was never issued. `order(now)`: the order in force,
    empty for none."""

    born: Callable[[str, str], Awaitable[date]]
    holder: Callable[[str], Awaitable[str]]
    order: Callable[[EpochS], Awaitable[str]]
    samples: Callable[[EpochS], tuple[Sample, ...]] = lambda now: ()
    """Of a demonstration; there are none elsewhere."""


_lent: Final = Lent[Registers]("this node has no register of persons to ration by")


def lend(db: Drawer, registers: Registers) -> None:
    """Once, before the first call."""
    _lent.lend(db, registers)


def registers_of(db: Drawer) -> Registers:
    """Raises Unavailable when the node lends none."""
    return _lent.of(db)
