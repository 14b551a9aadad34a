"""Registering a legal basis: by the administrator, into a register that is checked whole and public."""

from __future__ import annotations

from functools import partial

import msgspec

from banyan.errors import Invalid
from banyan.kernel.catalogue.operation import OPEN, Context
from banyan.kernel.ledger.entries import act_entry
from banyan.kernel.policy import records
from banyan.kernel.policy.bases import LegalBasis, register
from banyan.service.powers.service import SERVICE
from banyan.service.powers.shelf import shelf_of
from banyan.service.powers.wording import both


class Registered(msgspec.Struct, frozen=True):
    """A basis in the register, and the hash of its text that uses will name."""

    id: str
    version: str


@SERVICE.operation(
    "register_basis",
    title={"zh-Hant": "登記法律依據", "en": "Register a legal basis"},
    summary={
        "zh-Hant": "登記或更新一項法律依據；舊文字仍可由它的雜湊值查到。",
        "en": "Register a basis or its new text; the old text stays readable under its hash.",
    },
    data=OPEN,
    audience="administrator",
    effect="write",
    purpose="administration",
    channels=("api",),
)
async def register_basis(ctx: Context, request: LegalBasis) -> Registered:
    """Public in the ledger first, then in force. Raises Invalid naming what it lacks. The same text again changes
    nothing."""
    if request.needs == "order" and request.assurance < 2:
        raise Invalid.at("assurance", both("basis.assurance"))
    shelf = shelf_of(ctx.db)
    async with shelf.turn:
        known = await shelf.policy.read_long(records.read_register)
        old = known.by_id.get(request.id)
        register([*(basis for basis in known.by_id.values() if basis.id != request.id), request])
        if old is None or old.version != request.version:
            entry = act_entry("basis", id=request.id, version=request.version, at=int(ctx.now))
            await shelf.ledger.append(entry)
            await shelf.policy.write(partial(records.put_basis, basis=request, at=ctx.now))
            shelf.forget()
    return Registered(request.id, request.version)
