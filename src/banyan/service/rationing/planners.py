"""Who plans: officers with the role of supplies make rounds, hold draws and open waiting rooms; a pharmacist, a store's
clerk or a nurse, officers too, do not."""

from __future__ import annotations

from typing import Final

from banyan.errors import Denied
from banyan.kernel.catalogue.operation import Context
from banyan.kernel.identity.caller import Caller
from banyan.service.rationing.shelf import both

ROLE: Final = "supplies"


def is_planner(caller: Caller) -> bool:
    return caller.kind == "officer" and bool(caller.agency) and ROLE in caller.roles


def must_plan(ctx: Context) -> None:
    """Raises Denied for who is neither such an officer nor the administrator."""
    if not is_planner(ctx.caller) and not ctx.caller.may_write:
        raise Denied(both("not_planner"), remedy=both("not_planner_remedy"), kind="not-planner")
