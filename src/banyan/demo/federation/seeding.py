"""Fill the registers behind the demonstration's exchange: sealed records of everybody, drawn by seed."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import date, timedelta
from random import Random
from typing import Final

import msgspec

from banyan.demo.agencies.people import LIN, people
from banyan.demo.agencies.sealed import Keeping, count, keep
from banyan.demo.agencies.seeding import BATCH
from banyan.demo.federation import border, insurance, police
from banyan.demo.federation.border import BORDER, Itinerary, Stay
from banyan.demo.federation.epidemic import EPIDEMIC, today
from banyan.demo.federation.insurance import INSURANCE, CardStatus
from banyan.demo.federation.police import POLICE, Notice
from banyan.demo.federation.shelter import SHELTER
from banyan.demo.federation.telecom import TELECOM
from banyan.demo.outlets import SEED
from banyan.kernel.catalogue.operation import Service
from banyan.kernel.events.clock import EpochS
from banyan.kernel.storage import Drawer

SERVICES: Final[tuple[Service, ...]] = (BORDER, EPIDEMIC, INSURANCE, POLICE, TELECOM, SHELTER)
AREAS: Final = ("東京", "大阪", "首爾", "義大利", "榕嶼", "北港灣", "舊金山", "曼谷")
STATIONS: Final = ("大安分局", "板橋分局", "三民一分局")


class Held(msgspec.Struct, frozen=True):
    """What the registers hold of one person; None where a register does not know them."""

    number: str
    itinerary: Itinerary | None
    card: CardStatus
    notice: Notice | None


def held(day: date) -> list[Held]:
    """The same for the same seed and day: journeys count back from it."""
    random = Random(f"{SEED}-road")  # noqa: S311 - invented data
    found = []
    for person in people():
        stays = tuple(
            Stay(random.choice(AREAS), (day - timedelta(days=random.randint(1, 60))).isoformat())
            for _ in range(random.choice((0, 0, 0, 1, 1, 2)))
        )
        if person.number == LIN:
            stays = (Stay("榕嶼", (day - timedelta(days=5)).isoformat()),)
        card = CardStatus(
            random.random() < 0.97 or person.number == LIN,
            f"{random.randint(1995, 2025)}-03-01",
            random.random() < 0.1 and person.number != LIN,
        )
        is_missing = random.random() < 0.03 and person.number != LIN
        notice = Notice(True, random.choice(STATIONS)) if is_missing else None
        found.append(Held(person.number, Itinerary(stays) if stays else None, card, notice))
    return found


async def seed_road_registers(drawers: Mapping[str, Drawer], keeping: Keeping, now: EpochS) -> int:
    """Keep everybody's records, sealed; how many people are new here. Again changes nothing."""
    everybody = held(today(now))
    if await count(drawers[INSURANCE.name], insurance.SCOPE) >= len(everybody):
        return 0
    for start in range(0, len(everybody), BATCH):
        jobs = []
        for one in everybody[start : start + BATCH]:
            subject = keeping.name_of(one.number)
            jobs.append(keep(drawers[INSURANCE.name], insurance.SCOPE, subject, one.card))
            if one.itinerary is not None:
                jobs.append(keep(drawers[BORDER.name], border.SCOPE, subject, one.itinerary))
            if one.notice is not None:
                jobs.append(keep(drawers[POLICE.name], police.SCOPE, subject, one.notice))
        await asyncio.gather(*jobs)
    return len(everybody)
