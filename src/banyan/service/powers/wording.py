"""Refusals in words: each code of the rules says in zh-Hant and en what stands in the way and how to go on."""

from __future__ import annotations

from typing import Final

from banyan.errors import Conflict, Denied, NotFound
from banyan.kernel.catalogue.messages import load_messages
from banyan.kernel.catalogue.operation import Context
from banyan.kernel.exchange.settling import officer_of
from banyan.kernel.policy.orders import Code, Officer

MESSAGES = load_messages("banyan.service.powers")


def refused(code: Code) -> Conflict:
    """The problem for a refusal of the rules; its kind is the code."""
    return Conflict(both(f"refused.{code}"), remedy=both(f"fix.{code}"), kind=code)


def conflict(why: str) -> Conflict:
    """`why` is `taken` or `changed`."""
    return Conflict(both(f"conflict.{why}"), remedy=both(f"conflict.{why}_remedy"), kind=why)


def unknown(what: str) -> NotFound:
    """`what` is `order`, `review`, `receipt` or `basis`."""
    return NotFound(both(f"unknown.{what}"), remedy=both(f"unknown.{what}_remedy"))


def officer(ctx: Context) -> Officer:
    """Who acts. Raises Denied for who is no officer of an agency: two tokens of a node are not two agencies."""
    if ctx.caller.kind != "officer" or not ctx.caller.agency:
        raise denied("officer")
    return officer_of(ctx.caller)


def denied(why: str) -> Denied:
    return Denied(both(f"denied.{why}"), remedy=both(f"denied.{why}_remedy"))


both: Final = MESSAGES.both
"""A sentence in both languages: a problem does not know who reads it."""
