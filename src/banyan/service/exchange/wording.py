"""Refusals in words: each code of the rules says in zh-Hant and en what stands in the way and how to go on."""

from __future__ import annotations

from typing import Final

from banyan.errors import Conflict, Denied, NotFound
from banyan.kernel.catalogue.messages import load_messages
from banyan.kernel.catalogue.operation import Context
from banyan.kernel.exchange.settling import officer_of
from banyan.kernel.policy.orders import Officer

MESSAGES: Final = load_messages("banyan.service.exchange")


def refused(code: str, about: str) -> Conflict:
    """The problem for a refusal of the rules; its kind is the code."""
    return Conflict(
        both(f"grant_refused.{code}", about=about), remedy=both(f"grant_fix.{code}", about=about), kind=code
    )


def unknown(what: str) -> NotFound:
    """`what` is `grant`, `letter` or `road`."""
    return NotFound(both(f"exchange_unknown.{what}"), remedy=both(f"exchange_unknown.{what}_remedy"))


def officer(ctx: Context) -> Officer:
    """Who acts. Raises Denied for who is no officer of an agency."""
    if ctx.caller.kind != "officer" or not ctx.caller.agency:
        raise denied()
    return officer_of(ctx.caller)


def denied() -> Denied:
    return Denied(both("exchange_denied.officer"), remedy=both("exchange_denied.officer_remedy"))


both: Final = MESSAGES.both
"""A sentence in both languages: a problem does not know who reads it."""
