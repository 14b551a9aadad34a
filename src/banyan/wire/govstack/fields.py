"""Header fields of a GovStack client as the road's own: `X-GovStack-Client` is `X-Road-Client`.

GovStack's specification names only the client; the others follow its pattern. Which spelling a client speaks travels on
in a signed field, so that meta-services answer in it. Source: bb-information-mediator, `components/parameters`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

PREFIX: Final = b"x-govstack-"
CLIENT: Final = b"x-govstack-client"
DIALECT: Final = b"x-banyan-dialect"
GOVSTACK: Final = b"govstack"
_ROAD: Final = b"x-road-"
Field = tuple[bytes, bytes]


def as_road(fields: Sequence[Field]) -> list[Field] | None:
    """The fields with GovStack's names replaced; None when no GovStack client speaks."""
    if not any(name.lower() == CLIENT for name, _ in fields):
        return None
    kept = [(_renamed(name), value) for name, value in fields if name.lower() != DIALECT]
    return [*kept, (DIALECT, GOVSTACK)]


def _renamed(name: bytes) -> bytes:
    lower = name.lower()
    return _ROAD + lower.removeprefix(PREFIX) if lower.startswith(PREFIX) else name
