"""Who asks. Until identity lands there are two callers: anybody, and the holder of the administrator token."""

from __future__ import annotations

from typing import Literal

import msgspec

CallerKind = Literal["anonymous", "administrator", "system", "officer", "citizen", "app"]


class Caller(msgspec.Struct, frozen=True):
    """`id` is a pseudonym fit for a log, never a person's number. `channel` is how the caller came: web, api, chat…"""

    kind: CallerKind
    id: str
    channel: str = "api"

    @property
    def may_write(self) -> bool:
        return self.kind in ("administrator", "system")


ANONYMOUS = Caller(kind="anonymous", id="anonymous")
SYSTEM = Caller(kind="system", id="system", channel="system")
