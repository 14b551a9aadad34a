"""Preorder in the demonstration: a round that anybody may register for, one as people come, and one to collect from.

Everything goes through the operations that people, officers and the provider use; the last round is over its
registration in half a minute, so that there is something to collect. `--empty` has none of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

from banyan.demo.agencies.law import SUNSET
from banyan.demo.agencies.people import LIN, people
from banyan.demo.payments.book import Book
from banyan.demo.rationing import CARDS
from banyan.errors import Problem
from banyan.kernel.events.clock import EpochS
from banyan.kernel.exchange import Gate
from banyan.kernel.identity.caller import SYSTEM, Caller
from banyan.service.rationing.preorder.law import kiosk_basis

OFFICE: Final = Caller(
    "officer", "demo-seed", channel="system", agency="TW/GOV/CDC", roles=("supplies",), assurance="aal2"
)
STORE: Final = "TW/COM/STORE"
DAY: Final = 86_400
SOON_S: Final = 20
"""Until registration of the round to collect from is over."""
WAITS: Final = 90
"""Seconds that are waited for that, at most."""
CROWD: Final = 64
TELEPHONE: Final = "+999000000001"
"""Lin's, for reminders by SMS; no country has 999, so that a demonstration with real binds tells nobody."""
Subject = Callable[[str], bytes]


async def seed_preorders(gate: Gate, book: Book, *, subject: Subject) -> None:
    """Make today's rounds and let people in; again on the same day changes nothing. `subject` names a person at the
    gate, `book` is the provider's."""
    if "rationing.make_round" not in gate.catalogue.operations:
        return
    now = gate.clock()
    day = datetime.fromtimestamp(now, UTC).strftime("%y%m%d")
    if any(one.id == f"adult-{day}" for one in await gate.call("rationing.rounds", {}, caller=OFFICE)):
        return
    if "powers.register_basis" in gate.catalogue.operations:
        await gate.call("powers.register_basis", kiosk_basis([STORE], sunset=SUNSET), caller=SYSTEM)
    numbers = [one.number for one in people()]
    others = [number for number in numbers if number != LIN][CARDS : CARDS + CROWD]
    crowd = [_citizen(place, subject(number)) for place, number in enumerate(others, 1)]
    await _publish(gate, _drawn(f"adult-{day}", now, renews=f"next-{day}"))
    await _publish(gate, _next(f"next-{day}", now))
    await _publish(gate, _at_once(f"kiosk-{day}", now))
    await _publish(gate, _collected(f"early-{day}", now, renews=f"next-{day}"))
    for one in crowd[8:]:
        await _register(gate, one, f"adult-{day}")
    for one in crowd[8:24]:
        await _register(gate, one, f"kiosk-{day}")
    lin = _citizen(0, subject(LIN))
    await _register(gate, lin, f"early-{day}", TELEPHONE)
    for one in crowd[:7]:
        await _register(gate, one, f"early-{day}")
    await _paid(gate, book, [lin, *crowd[:5]], f"early-{day}")
    await _paid(gate, book, crowd[8:14], f"kiosk-{day}")


async def _paid(gate: Gate, book: Book, persons: list[Caller], round: str) -> None:
    """Some pay, as soon as they have a place; one of them twice."""
    for _ in range(WAITS):
        mine = await gate.call("rationing.my_orders", {}, caller=persons[0])
        if next(one.state for one in mine if one.round == round) == "won":
            break
        await asyncio.sleep(1)
    for place, person in enumerate(persons):
        try:
            shown = await gate.call("rationing.pay_preorder", {"round": round, "method": "atm"}, caller=person)
        except Problem:  # the rules of the day give them no place
            continue
        reference = book.by_account(shown.payment.account)
        for _ in range(2 if place == len(persons) - 1 else 1):
            book.pay(reference, shown.payment.amount)


async def _publish(gate: Gate, round: dict[str, Any]) -> None:
    await gate.call("rationing.make_round", round, caller=OFFICE)
    await gate.call("rationing.act_on_round", {"round": round["id"], "do": "publish"}, caller=OFFICE)


async def _register(gate: Gate, person: Caller, round: str, telephone: str = "") -> None:
    asked = {"round": round, "born": "1980-05-01", "telephone": telephone}
    await gate.call("rationing.preorder", asked, caller=person)


def _citizen(place: int, subject: bytes) -> Caller:
    return Caller("citizen", f"demo-{place}", channel="web", assurance="aal2", subject=subject.hex())


def _round(id: str, zh: str, en: str, windows: dict[str, float], **more: Any) -> dict[str, Any]:
    usual = {
        "item": "mask-adult", "quantity": 9, "capacity": 40, "price": 45, "fee": 7, "reserve_pay_s": DAY,
        "outlets": [STORE],
    }  # fmt: skip
    return {"id": id, "title_zh": zh, "title_en": en} | usual | windows | more


def _windows(now: EpochS, *days: float) -> dict[str, float]:
    names = ("opens", "closes", "pay_until", "reserve_until", "pickup_from", "pickup_until")
    return {name: now + at * DAY for name, at in zip(names, days, strict=True)}


def _drawn(id: str, now: EpochS, *, renews: str) -> dict[str, Any]:
    """More people than places: it will be drawn."""
    windows = _windows(now, -0.1, 3, 5, 8, 7, 14)
    en = "Adult masks of this week (by a draw)"
    return _round(id, "本週成人口罩（登記抽籤）", en, windows, renews=renews, by_household=True)


def _next(id: str, now: EpochS) -> dict[str, Any]:
    windows = _windows(now, -0.1, 9, 11, 14, 13, 20)
    return _round(id, "下週成人口罩", "Adult masks of next week", windows, capacity=400)


def _at_once(id: str, now: EpochS) -> dict[str, Any]:
    """As a store's kiosk sold them: who comes first, pays within two hours."""
    windows = _windows(now, -0.1, 4, 5, 6, 6, 13)
    some = {"mode": "at_once", "capacity": 12, "quantity": 4, "price": 20, "reserve_pay_s": 7_200}
    return _round(id, "門市機台預購（先到先得）", "Kiosk orders (first come)", windows, **some)


def _collected(id: str, now: EpochS, *, renews: str) -> dict[str, Any]:
    """Registration is over in moments, and the goods are in the stores half a minute later."""
    second = 1 / DAY
    windows = _windows(now, -0.1, SOON_S * second, (SOON_S + 5) * second, 2, (SOON_S + 30) * second, 7)
    en = "Adult masks of last week (to collect)"
    return _round(id, "上週成人口罩（領取中）", en, windows, reserve_pay_s=3_600, renews=renews)
