"""Who asks: anybody, the holder of the administrator token, or somebody whom identity knows."""

from __future__ import annotations

from typing import Literal

import msgspec

CallerKind = Literal["anonymous", "administrator", "system", "officer", "citizen", "app"]


class Caller(msgspec.Struct, frozen=True):
    """`id` is a pseudonym fit for a log, never a person's number. `channel` is how the caller came: web, api, chat…

    `agency` is the member id the caller acts for (an officer's, an app's); `assurance` how the login was proven: 0 not
    at all, 1 one factor, 2 two or a passkey, 3 a citizen certificate. `subject` is a citizen's own name in the ledger.
    """

    kind: CallerKind
    id: str
    channel: str = "api"
    agency: str = ""
    roles: tuple[str, ...] = ()
    assurance: int = 0
    subject: str = ""

    @property
    def may_write(self) -> bool:
        return self.kind in ("administrator", "system")


ANONYMOUS = Caller(kind="anonymous", id="anonymous")
SYSTEM = Caller(kind="system", id="system", channel="system")
