"""What people may take of their own: the shelf of the service `credentials`, and how it knows who is signed in.

A caller is a pseudonym, and a register looks people up by their number. The number is opened anyway for each request,
to name its person; this keeps it for that request's own task and nowhere else, so that only who is signed in can be
looked up by it.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Final

from banyan.errors import Denied
from banyan.kernel.catalogue import Operation
from banyan.kernel.identity.caller import Caller
from banyan.kernel.identity.openid.provider import Provider
from banyan.lawful import Lawful
from banyan.service.credentials.shelf import Shelf
from banyan.settings import Settings

NameOf = Callable[[str], bytes]
_present: Final[ContextVar[tuple[str, str]]] = ContextVar("present", default=("", ""))
"""The name (hex) and the number of the person that this task's request is of."""


def remembering(lawful: Lawful) -> NameOf:
    """The conscience's names, for the door: what was named stays known to the request that it was named for."""

    def named(number: str) -> bytes:
        name = lawful.conscience.subject(number)
        _present.set((name.hex(), number))
        return name

    return named


async def number_of(caller: Caller) -> str:
    """The number of the person this request is of. Raises Denied when the caller is not that person."""
    name, number = _present.get()
    if not name or not hmac.compare_digest(name, caller.subject):
        raise Denied("only a person who is signed in can be looked up by who they are", remedy="sign in again")
    return number


def own_shelf(provider: Provider, lawful: Lawful, operations: Mapping[str, Operation], *, settings: Settings) -> Shelf:
    """What the service `credentials` is lent."""
    return Shelf(
        provider=provider,
        operations=lambda: operations,
        register=lawful.conscience.register,
        number_of=number_of,
        name_of=lawful.conscience.subject,
        member=settings.member,
        names={"zh-Hant": settings.site.publisher, "en": settings.site.publisher_en},
        issuer=settings.site.public_url,
    )
