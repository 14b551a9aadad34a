"""Real-name sale in the demonstration: a pharmacy of the map, its pharmacist, an order, a morning's shipment, cards.

Everything goes through the operations that real officers use. Nobody is real; `--empty` has none of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from typing import Final

from banyan.demo.agencies import civil
from banyan.demo.agencies.civil import CIVIL, HouseholdRecord
from banyan.demo.agencies.law import SUNSET
from banyan.demo.agencies.people import LIN, people
from banyan.demo.agencies.sealed import Keeping, keep
from banyan.demo.federation.cards import SCOPE, Holder, card_of, named, seed_cards
from banyan.demo.federation.insurance import INSURANCE
from banyan.demo.outlets import SEED, Outlet, outlets
from banyan.errors import Conflict
from banyan.kernel.events.clock import EpochS, iso
from banyan.kernel.exchange import Gate
from banyan.kernel.identity.caller import SYSTEM, Caller
from banyan.kernel.storage import Drawer
from banyan.service.rationing.counter.registers import BASIS, Sample
from banyan.service.rationing.engine.days import date_of, day_of
from banyan.service.rationing.law import rationing_basis

AGENCY: Final = "TW/MED/P1"
PHARMACIST: Final = "demo.pharmacist"
ORDER: Final = "rationing-demo"
ORDER_DAYS: Final = 29
CHILD: Final = "D198765438"
CHILD_BORN: Final = date(2018, 5, 5)
CARDS: Final = 3
"""The first of the people, whose cards are printed: they order nothing elsewhere, so that they may buy here."""
SHIPMENT: Final = {"mask-adult": 400, "mask-child": 200}
"""Of a morning; in 2020 it was 200 and 50, then 600."""
TERMINAL: Final = "64656d6f2d303031"


@lru_cache(maxsize=1)
def pharmacy() -> Outlet:
    """The first of the map's outlets that sells without number plates of paper, in Taipei."""
    return next(one for one in outlets(SEED) if one.selling == "open" and one.town.county == "臺北市")


async def seed_rationing(gate: Gate, drawers: Mapping[str, Drawer], keeping: Keeping, *, member: str) -> None:
    """Put it into force, and note today's shipment; again on the same day changes nothing."""
    if "rationing.sell" not in gate.catalogue.operations or INSURANCE.name not in drawers:
        return
    await seed_cards(drawers, keeping)
    await _seed_child(drawers, keeping)
    await gate.call("powers.register_basis", rationing_basis([member], sunset=SUNSET), caller=SYSTEM)
    if not await _ordered(gate):
        return  # it has lapsed: nothing renews an order by itself
    one = pharmacy()
    opened = {"code": one.code, "agency": AGENCY, "name": one.name, "name_en": f"Pharmacy {one.code} (demo)"}
    await gate.call("rationing.open_outlet", opened, caller=SYSTEM)
    told = {
        "outlet": one.code, "sale_from": "09:00", "sale_until": "21:00", "plates": 20,
        "text": "實名制櫃檯（示範）：可以線上抽號碼牌",
    }  # fmt: skip
    await gate.call("rationing.announce", told, caller=_pharmacist())
    for number, (item, qty) in enumerate(SHIPMENT.items(), day_of(gate.clock()) * 10):
        came = {"outlet": one.code, "item": item, "qty": qty, "terminal": TERMINAL, "counter": number}
        await gate.call("rationing.deliver", came, caller=_pharmacist())


def samples(now: EpochS) -> tuple[Sample, ...]:
    """Cards that are printed beside the counter for trying: by insurance card or by number."""
    shown = [one for one in people() if one.number != LIN][:CARDS]
    found = []
    for place, one in enumerate(shown):
        born = date.fromisoformat(str(one.household.birth_date))
        number = card_of(one.number) if place % 2 else one.number
        name = str(one.household.name)
        found.append(Sample({"zh-Hant": name, "en": f"{name} (demo)"}, number, _age(born, now)))
    found.append(Sample({"zh-Hant": "林小榕", "en": "Lin Hsiao-jung"}, card_of(LIN), _age(date(1990, 3, 12), now)))
    return (*found, Sample({"zh-Hant": "林小樹（兒童）", "en": "Lin Hsiao-shu (child)"}, CHILD, _age(CHILD_BORN, now)))


async def _ordered(gate: Gate) -> bool:
    """Once in a data folder; whether it is in force now."""
    now = gate.clock()
    declared = {
        "id": ORDER, "title_zh": "口罩實名制（示範）", "title_en": "Masks by real name (demo)",
        "incident": "2026-11 口罩不足", "reason": "示範：人人買得到口罩", "bases": (BASIS,),
        "start": iso(now), "until": iso(EpochS(now + ORDER_DAYS * 86_400)),
    }  # fmt: skip
    try:
        await gate.call("powers.declare_order", declared, caller=_officer("TW/GOV/CDC"))
        await gate.call("powers.approve_order", {"id": ORDER}, caller=_officer("TW/GOV/NIA"))
    except Conflict:
        pass  # it was declared at an earlier start
    found = await gate.call("powers.order", {"id": ORDER}, caller=SYSTEM)
    return str(found.stage) == "in-force"


async def _seed_child(drawers: Mapping[str, Drawer], keeping: Keeping) -> None:
    """A child, whom the register of grown-ups lacks."""
    born = CHILD_BORN.isoformat()
    record = HouseholdRecord("林小樹", born, "臺北市大安區和平路7號", "F1234567", False, 3, born)
    await keep(drawers[CIVIL.name], civil.SCOPE, keeping.name_of(CHILD), record)
    await keep(drawers[INSURANCE.name], SCOPE, named(keeping, card_of(CHILD)), Holder(CHILD))


def _age(born: date, now: EpochS) -> int:
    today = date_of(day_of(now))
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))


def _officer(agency: str) -> Caller:
    return Caller("officer", f"demo-seed-{agency}", channel="system", agency=agency, assurance="aal2")


def _pharmacist() -> Caller:
    return Caller("officer", "demo-seed-p1", channel="system", agency=AGENCY, roles=("pharmacist",), assurance="aal2")
