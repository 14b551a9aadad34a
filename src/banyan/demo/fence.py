"""A drill of the electronic fence: an order in force, a thousand invented people, a day of their phones' fixes.

One of them, the persona, has gone out; two alarms of the day were looked into and closed. Everything goes through the
operations that real officers and operators use, and nobody is real.
"""

from __future__ import annotations

import asyncio
from random import Random
from typing import Any, Final

import numpy as np

from banyan.craft.cells.generating import Cover, generated
from banyan.craft.cells.model import CellTable, fixes
from banyan.craft.fencing.model import HOME, FenceEngine
from banyan.craft.fencing.simulating import Setting, World, draw
from banyan.demo.agencies.people import GIVEN, LIN, people
from banyan.demo.agencies.quarantine import BASIS as REGISTER
from banyan.demo.outlets import ROADS, SEED, SURNAMES
from banyan.errors import Conflict
from banyan.kernel.events.clock import Clock, EpochS, iso
from banyan.kernel.exchange import Gate
from banyan.kernel.identity.caller import SYSTEM, Caller
from banyan.kernel.identity.identifiers import person_number_kind
from banyan.service.fence.law import BASES, fence_bases

PEOPLE: Final = 1_000
ORDER: Final = "fence-drill"
ORDER_DAYS: Final = 29
HEALTH, CIVIL, POLICE, BORDER = "TW/GOV/CDC", "TW/GOV/DISTRICT", "TW/GOV/POLICE", "TW/GOV/NIA"
TOWNS: Final = (("63000030", "臺北市大安區"), ("63000020", "臺北市信義區"), ("65000010", "新北市板橋區"),
                ("64000050", "高雄市三民區"), ("66000060", "臺中市西屯區"))  # fmt: skip
SHARES: Final = (30, 25, 20, 15, 10)
COVER: Final = Cover(121.5430, 25.0260, 3.0, 235.0)
SLOT_S: Final = 600
BEFORE_S: Final = 26 * 3_600
"""How long before the start of the demonstration the fixes begin: a day's training, and two hours that are judged."""
AWAY_M: Final = 3_000.0
BATCH: Final = 32
"""Registered side by side: they share their commits."""
UNPROVEN: Final = ("wrong-number", "no-sim")
WHY: Final = "演習：入境名冊"
ENTER: Final = "quarantine.note"
ENTERED: Final = ("臺北市大安區和平東路二段100號", "臺北市信義區松仁路30號")
"""Where two people stay whom the register of quarantine brings in."""


async def seed_law_of_fence(gate: Gate) -> bool:
    """The bases, the areas and the order; false when it was all there at an earlier start."""
    for basis in fence_bases([HEALTH, CIVIL, BORDER], [POLICE]):
        await gate.call("powers.register_basis", basis, caller=SYSTEM)
    for agency, desk, area in ((HEALTH, "health", "*"), (CIVIL, "civil", "63000"), (POLICE, "police", "63000"),
                               (BORDER, "health", "*")):  # fmt: skip
        await gate.call("fence.assign", {"agency": agency, "desk": desk, "area": area}, caller=SYSTEM)
    now = gate.clock()
    declared: dict[str, Any] = {
        "id": ORDER, "title_zh": "居家檢疫電子圍籬（演習）", "title_en": "Electronic fence of home quarantine (drill)",
        "incident": "新型傳染病（演習）", "reason": "演習：入境者居家檢疫", "bases": _bases(gate), "start": iso(now),
        "until": iso(EpochS(now + ORDER_DAYS * 86_400)),
    }  # fmt: skip
    try:
        await gate.call("powers.declare_order", declared, caller=officer(HEALTH))
        await gate.call("powers.approve_order", {"id": ORDER}, caller=officer(CIVIL))
    except Conflict:
        return False  # an earlier start's: what lapsed is not renewed by a start
    return True


async def seed_entries(gate: Gate) -> None:
    """Two isolation orders in the register of quarantine, one without a telephone: they come in by themselves."""
    if ENTER not in gate.catalogue.operations:
        return
    day = iso(EpochS(gate.clock() + 9 * 86_400))[:10]
    for at, (number, name) in enumerate(_persons(PEOPLE + len(ENTERED))[PEOPLE:]):
        asked = {"person": number, "name": name, "until": day, "place": ENTERED[at], "reason": WHY,
                 "telephone": "" if at else "0987-654-321"}  # fmt: skip
        await gate.call(ENTER, asked, caller=officer(HEALTH))


async def seed_people(gate: Gate, count: int = PEOPLE) -> list[str]:
    """Register them as the border's officer; their cases, the persona's first."""
    start = iso(EpochS(gate.clock() - 2 * 86_400 + 8 * 3_600))[:10]
    asked_of: list[dict[str, Any]] = []
    for at, (number, name) in enumerate(_persons(count)):
        random = Random(f"{SEED}-fence-{at}")  # noqa: S311 - invented data
        code, town = random.choices(TOWNS, SHARES)[0] if at else TOWNS[0]
        asked_of.append({
            "person": number, "name": name, "address": f"{town}{random.choice(ROADS)}{random.randint(1, 300)}號",
            "village": code, "start": start, "phone": f"+8869{at:08}" if at % 50 != 49 else "", "reason": WHY,
        })  # fmt: skip
    cases = []
    for first in range(0, count, BATCH):
        jobs = [gate.call("fence.register", one, caller=officer(BORDER)) for one in asked_of[first : first + BATCH]]
        cases += [str(one.case) for one in await asyncio.gather(*jobs)]
    for at, trouble in zip((97, 197), UNPROVEN, strict=True):
        if at < count:
            asked = {"case": cases[at], "trouble": trouble}
            await gate.call("fence.note_trouble", asked, caller=officer(BORDER))
    return cases


def table() -> CellTable:
    """The masts of an invented operator."""
    return generated([COVER], seed=7)


def world_of(cells: CellTable, count: int = PEOPLE) -> World:
    """What the network saw in two days, and walks of an hour."""
    return draw(cells, Setting(phones=count, days=2, distances_m=(AWAY_M,), walks=1))


class ReplayClock:
    """The node's clock, but while a day that was is replayed the moment of that day: the engine closes slots by it."""

    def __init__(self, clock: Clock) -> None:
        self._clock, self.moment = clock, 0.0

    def __call__(self) -> EpochS:
        return EpochS(self.moment) if self.moment else self._clock()


async def replay(engine: FenceEngine, world: World, slots: list[int], clock: ReplayClock) -> None:
    """A day and two hours of fixes up to now; the persona's last hour is a walk."""
    now, clock.moment = clock(), 0.0
    begin = (int(now) - BEFORE_S) // SLOT_S * SLOT_S
    last = (int(now) - begin) // SLOT_S - 1
    cells = np.array(world.cells[:, : last + 1])
    walk = world.walks[0].cells
    walk = walk.reshape(walk.shape[-2:]) if walk.ndim > 2 else walk
    cells[0, -walk.shape[-1] :] = walk[0]
    clock.moment = float(begin)
    for slot in slots:
        await engine.enrol(slot, watched_for=HOME, at=begin)
    phones = np.array(slots, np.uint32)
    for place in range(0, last + 1):
        moment = begin + place * SLOT_S + 60
        clock.moment = float(begin + (place + 1) * SLOT_S)
        await engine.feed(fixes(phones, np.full(len(slots), moment), cells[:, place]),
                          complete_until=begin + (place + 1) * SLOT_S)  # fmt: skip
        await asyncio.sleep(0)
    clock.moment = 0.0


def _bases(gate: Gate) -> tuple[str, ...]:
    """The order is the register's too, on a node that keeps one."""
    return (*BASES, REGISTER) if ENTER in gate.catalogue.operations else BASES


def officer(agency: str) -> Caller:
    return Caller("officer", f"demo-seed-{agency}", channel="system", agency=agency, assurance="aal2")


def _persons(count: int) -> list[tuple[str, str]]:
    found = [(one.number, str(one.household.name)) for one in people()[:1]]
    assert found[0][0] == LIN, "the persona is the first of the people"
    random = Random(f"{SEED}-fence")  # noqa: S311 - invented data
    taken = {LIN}
    while len(found) < count:
        start = _start(random)
        number = next(f"{start}{digit}" for digit in range(10) if person_number_kind(f"{start}{digit}") is not None)
        if number not in taken:
            taken.add(number)
            found.append((number, random.choice(SURNAMES) + "".join(random.sample(GIVEN, 2))))
    return found


def _start(random: Random) -> str:
    return f"{random.choice('BCDEFGHJKLMN')}{random.randint(1, 2)}{random.randint(0, 9_999_999):07}"
