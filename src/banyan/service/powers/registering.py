"""Registering a legal basis: by the administrator, into a register that is checked whole and public."""

from __future__ import annotations

import re
from functools import partial
from typing import Final

import msgspec

from banyan.errors import Invalid
from banyan.kernel.catalogue.messages import LANGUAGES
from banyan.kernel.catalogue.operation import OPEN, Context
from banyan.kernel.ledger.entries import act_entry
from banyan.kernel.policy import records
from banyan.kernel.policy.bases import LegalBasis, register
from banyan.limits import REVEAL_DAYS
from banyan.service.powers.service import SERVICE
from banyan.service.powers.shelf import shelf_of
from banyan.service.powers.wording import both

ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
LAST_MOMENT: Final = 253_402_300_799
"""The end of the year 9999, the last that RFC 3339 can say."""
MOST_DAYS: Final = 36_500


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
    _refuse_unfit(request)
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


def _refuse_unfit(basis: LegalBasis) -> None:
    """What a page, a log or the judge could not carry. Raises Invalid naming the field."""
    if basis.needs == "order" and basis.assurance < 2:
        raise Invalid.at("assurance", both("basis.assurance"))
    if not ID.fullmatch(basis.id):
        raise Invalid.at("id", both("basis.id"))
    for name, text in (("title", basis.title), ("statute.name", basis.statute.name)):
        if not all(text.get(lang, "").strip() for lang in LANGUAGES):
            raise Invalid.at(name, both("basis.languages"))
    for name in ("valid_from", "sunset"):
        if not 0 <= getattr(basis, name) <= LAST_MOMENT:
            raise Invalid.at(name, both("basis.moment"))
    for name in ("retention_days", "per_subject_per_day"):
        if not 0 <= getattr(basis, name) <= MOST_DAYS:
            raise Invalid.at(name, both("basis.number"))
    if not 0 <= basis.reveal_after_days <= REVEAL_DAYS:
        raise Invalid.at("reveal_after_days", both("basis.reveal", most=REVEAL_DAYS))
