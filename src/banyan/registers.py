"""Where rationing meets the registers of persons: each reading is a call through the gate, by the agency that rations.

The pharmacist's own sign-in could not make it: a birth date is no business of a till. What is read, and under which
order, stands in the ledger and in the person's own list before the till has its answer.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import date
from typing import Final

import msgspec

from banyan.errors import NotFound, Unavailable
from banyan.kernel.catalogue.personal import UNSET
from banyan.kernel.events.clock import EpochS
from banyan.kernel.exchange import Gate
from banyan.kernel.identity.caller import Caller
from banyan.kernel.policy.order_shelf import shelf_of
from banyan.kernel.storage import Drawer, Store
from banyan.service.rationing.counter.registers import BASIS, Registers, Sample, lend

CIVIL: Final = "civil.household_record"
FIELD: Final = "birth_date"
PURPOSE: Final = "012"
"""公共衛生或傳染病防治."""


class Issuer(msgspec.Struct, frozen=True):
    """Who issued the insurance cards: `holder` resolves one; `samples` are a demonstration's, to try with."""

    holder: Callable[[str], Awaitable[str]]
    samples: Callable[[EpochS], tuple[Sample, ...]]


def nobodys(now: EpochS) -> tuple[Sample, ...]:
    """No card to try with: everywhere but in a demonstration."""
    return ()


def lend_registers(drawers: Mapping[str, Drawer], gate: Gate, policy: Store, *, member: str, issuer: Issuer) -> None:
    """Give the counter its registers, where this node rations. `member` is the agency that does."""
    if "rationing" in drawers:
        born, order = born_by(gate, member), order_by(policy)
        lend(drawers["rationing"], Registers(born, issuer.holder, order, issuer.samples))


def born_by(gate: Gate, member: str) -> Callable[[str, str], Awaitable[date]]:
    """When a person was born, by the household register."""
    caller = Caller("app", "rationing", channel="system", agency=member, assurance="aal2")

    async def born(number: str, reason: str) -> date:
        if CIVIL not in gate.catalogue.operations:
            raise Unavailable("no household register is within reach", remedy="plug it in node.toml, or reach a peer's")
        asked = {"person": number, "fields": (FIELD,), "purpose": PURPOSE, "reason": reason}
        found = await gate.call(CIVIL, asked, caller=caller)
        text = getattr(found, FIELD, UNSET)
        if not isinstance(text, str) or not text:
            raise NotFound("the register has no birth date", remedy="ask the household registration office")
        return date.fromisoformat(text)

    return born


def order_by(policy: Store) -> Callable[[EpochS], Awaitable[str]]:
    """The order that puts the rationing into force now; empty for none."""

    shelf = shelf_of(policy)

    async def order(now: EpochS) -> str:
        terms = await shelf.terms(now)
        return next((one.reference for one in terms if one.is_in_force and BASIS in one.bases), "")

    return order
