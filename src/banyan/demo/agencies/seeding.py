"""Plug the demonstration's registers into a node, and fill them: sealed records of everybody."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final

from banyan.demo.agencies import civil, tax
from banyan.demo.agencies.civil import CIVIL
from banyan.demo.agencies.people import people
from banyan.demo.agencies.quarantine import QUARANTINE
from banyan.demo.agencies.sealed import Keeping, count, keep, lend
from banyan.demo.agencies.tax import TAX
from banyan.kernel.catalogue.operation import Service
from banyan.kernel.storage import Drawer

SERVICES: Final[tuple[Service, ...]] = (CIVIL, TAX, QUARANTINE)
"""Plugged in demonstrations only."""
BATCH: Final = 32


def lend_all(drawers: Mapping[str, Drawer], keeping: Keeping, services: Sequence[Service] = SERVICES) -> None:
    for service in services:
        if service.name in drawers:
            lend(drawers[service.name], keeping)


async def seed_registers(drawers: Mapping[str, Drawer], keeping: Keeping) -> int:
    """Keep everybody's records, sealed; how many people are new here. Again changes nothing."""
    everybody = people()
    if await count(drawers[CIVIL.name], civil.SCOPE) >= len(everybody):
        return 0
    for start in range(0, len(everybody), BATCH):
        jobs = []
        for person in everybody[start : start + BATCH]:
            subject = keeping.name_of(person.number)
            jobs.append(keep(drawers[CIVIL.name], civil.SCOPE, subject, person.household))
            jobs.append(keep(drawers[TAX.name], tax.SCOPE, subject, person.income))
        await asyncio.gather(*jobs)
    return len(everybody)
