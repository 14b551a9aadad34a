"""Refusals of the rules of consent as Conflict problems, in both languages; `kind` says which rule it was."""

from __future__ import annotations

from typing import TypeVar

from banyan.errors import Conflict
from banyan.kernel.policy.consents import Refusal
from banyan.service.mydata.shelf import said

T = TypeVar("T")


def refuse(code: str, over: tuple[str, ...] = ()) -> Conflict:
    """The problem for a refusal's code; `over` are the fields it is about."""
    name = code.replace("-", "_")
    return Conflict(said(f"refused.{name}", over="、".join(over)), remedy=said(f"fix.{name}"), kind=f"consent-{code}")


def settled(found: T | Refusal) -> T:
    """What the rules settled. Raises Conflict for what they refused."""
    if isinstance(found, Refusal):
        raise refuse(found.code, found.over)
    return found
