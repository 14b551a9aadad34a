"""Who is present: what the composition root tells the door of a person's sign-in or an app's token.

The door itself knows only the administrator's token and bulk keys; identity is another's work, and comes in by this
one hook, awaited once a request.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import msgspec

from banyan.errors import Problem
from banyan.kernel.events.clock import EpochS
from banyan.kernel.identity.caller import Caller

if TYPE_CHECKING:
    from banyan.kernel.exchange.request import DoorRequest


class Presence(msgspec.Struct, frozen=True):
    """`secret` is set for a sign-in that the browser carries by itself (a cookie): a change then needs the token that
    only this browser's own pages know. A token that a program sends needs none."""

    caller: Caller
    secret: str = ""
    at: EpochS = EpochS(0)
    """When the sign-in was made: in one browser the newer of two counts."""
    doubt: Problem | None = None
    """Why a token was not believed. Whoever sent it is anybody; who is then refused is told this."""


Present = Callable[["DoorRequest"], Awaitable[Presence | None]]
"""Raises Problem for credentials that must not be passed over in silence (a proof of possession that fails)."""
