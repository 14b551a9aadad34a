"""What the victim of `test_rations_kill.py` sells: command n is the same in every run, so what is found can be told."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from banyan.kernel.events.clock import EpochS
from banyan.service.rationing.engine.model import Buy, Buyer, Command, Deliver, Post, Reserve, Return, Stock, Void
from banyan.service.rationing.engine.rulebook import Edition, Rule, RuleBook

NOW = EpochS(1_600_000_000.0)
ITEM = "mask-adult"
OUTLETS = 5
BOOK = RuleBook((Edition(since=date(2000, 1, 1), rule=(Rule(item=ITEM, quantity=250, window_days=14),)),))


def key_of(n: int) -> bytes:
    return b"killed__" + n.to_bytes(8, "big")


def command(n: int) -> Command:
    """Half are sales; n of kind 5 is held and the two after it may settle it."""
    key, outlet = key_of(n), f"outlet-{n // 10 % OUTLETS}"
    buyer = Buyer((n // 7 % 3_000).to_bytes(16, "big"), date(1980, 1, 1))
    held = key_of(n - n % 10 + 5)
    if n % 10 == 0:
        return Deliver(key=key, outlet=outlet, item=ITEM, qty=40)
    if n % 10 == 5:
        return Reserve(
            key=key, buyer=buyer, item=ITEM, qty=3, outlet=outlet, expires_at=EpochS(NOW * 2), channel="pharmacy"
        )
    if n % 10 == 6:
        return Post(key=key, ref=held) if n // 10 % 3 else Void(key=key, ref=held)
    if n % 10 == 7:
        return Return(key=key, outlet=outlet, item=ITEM, qty=1)
    return Buy(key=key, buyer=buyer, item=ITEM, qty=1 + n % 3, outlet=outlet)


def stocks_of(numbers: Iterable[int]) -> dict[tuple[str, str], Stock]:
    """What stands where when exactly these commands were accepted."""
    found: dict[tuple[str, str], dict[str, int]] = {}
    for n in numbers:
        one = command(n)
        place = (f"outlet-{n // 10 % OUTLETS}", ITEM)
        row = found.setdefault(place, dict.fromkeys(("delivered", "returned", "sold", "reserved"), 0))
        if isinstance(one, Deliver):
            row["delivered"] += one.qty
        elif isinstance(one, Return):
            row["returned"] += one.qty
        elif isinstance(one, Reserve):
            row["reserved"] += one.qty
        elif isinstance(one, Post | Void):
            row["reserved"] -= 3
            row["sold"] += 3 if isinstance(one, Post) else 0
        elif isinstance(one, Buy):
            row["sold"] += one.qty
    return {
        place: Stock(row["delivered"] + row["returned"] - row["sold"] - row["reserved"], **row)
        for place, row in found.items()
    }
