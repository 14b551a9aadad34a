"""Names: which clients and services occur in a stretch, as text that SQL compares without reading the exchanges.

Each is eight characters of a hash, one after the other. Two of one hash, or one that stands across two others, cost
the reading of a stretch that need not be read, and no more.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from hashlib import blake2b
from operator import attrgetter
from typing import TYPE_CHECKING, Final

from banyan.limits_road import MESSAGES_NAMES

if TYPE_CHECKING:
    from banyan.kernel.exchange.messages.stretches import Seen, Sought

_WIDTH: Final = 8
_client: Final = attrgetter("client")
_service: Final = attrgetter("service")


def names_of(lines: Iterable[Iterable[Seen]]) -> str:
    """The names in the lines of some frames."""
    clients: set[str] = set()
    services: set[str] = set()
    for seen in lines:
        clients.update(map(_client, seen))
        services.update(map(_service, seen))
    return "".join([*map(_client_hash, clients), *map(_service_hash, services)])


def joined(parts: Iterable[str | None]) -> str | None:
    """The names of stretches that become one; None as soon as those of one are not known."""
    found: set[str] = set()
    for names in parts:
        if names is None:
            return None
        found.update([names[place : place + _WIDTH] for place in range(0, len(names), _WIDTH)])
    return "".join(found)


def pattern(sought: Sought) -> str:
    """What SQL's `like` finds the names of a stretch by."""
    if sought.client:
        return f"%{_client_hash(sought.client)}%"
    return f"%{_service_hash(sought.service)}%" if sought.service else "%"


@lru_cache(MESSAGES_NAMES)
def _client_hash(name: str) -> str:
    return blake2b(name.encode(), digest_size=_WIDTH // 2, person=b"client").hexdigest()


@lru_cache(MESSAGES_NAMES)
def _service_hash(name: str) -> str:
    return blake2b(name.encode(), digest_size=_WIDTH // 2, person=b"service").hexdigest()
