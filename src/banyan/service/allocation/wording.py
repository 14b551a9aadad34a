"""Refusals and reasons in words. Who may write: an officer with the role `supplies`."""

from __future__ import annotations

from typing import Final

from banyan.errors import Conflict, Denied, Invalid, NotFound
from banyan.kernel.catalogue.messages import load_messages
from banyan.kernel.catalogue.operation import Context
from banyan.kernel.identity.caller import Caller

MESSAGES: Final = load_messages("banyan.service.allocation")
ROLE: Final = "supplies"


both: Final = MESSAGES.both_under("allocation")
"""A sentence in both languages: a problem does not know who reads it."""


def unknown(what: str, **values: object) -> NotFound:
    return NotFound(both(f"unknown_{what}", **values), remedy=both(f"unknown_{what}_remedy"))


def conflict(why: str, **values: object) -> Conflict:
    return Conflict(both(why, **values), remedy=both(f"{why}_remedy"), kind=why.replace("_", "-"))


def invalid(field: str, why: str, **values: object) -> Invalid:
    return Invalid.at(field, both(why, **values))


def officer(ctx: Context) -> Caller:
    """Who acts. Raises Denied for who is no officer with the role of supplies."""
    if not is_officer(ctx.caller):
        raise Denied(both("officers_only"), remedy=both("officers_only_remedy"))
    return ctx.caller


def is_officer(caller: Caller) -> bool:
    return caller.kind == "officer" and bool(caller.agency) and ROLE in caller.roles


def reason(code: str, lang: str, *, boxes: int, ratio: int, town: str) -> str:
    """Why an outlet gets what it gets: `3 boxes: floor of the only outlet in 烏坵鄉`."""
    key = f"allocation.reason.{code}"
    return MESSAGES.text(key, lang, boxes=boxes, ratio=ratio, town=town or MESSAGES.text("allocation.no_town", lang))
