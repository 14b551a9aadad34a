"""Who asks: anybody, a citizen, an officer, an app, the system, or the holder of the administrator token."""

from __future__ import annotations

from typing import Literal

import msgspec

CallerKind = Literal["anonymous", "administrator", "system", "officer", "citizen", "representative", "app"]


Place = Literal["counter", "kiosk"]


class Assisted(msgspec.Struct, frozen=True):
    """Where a person without a device acts, and which officer (a pseudonym) of which agency let them: beside the
    officer at a counter, or at a kiosk with a code from one. Only operations whose `channels` name the place are
    theirs there."""

    place: Place
    officer: str
    agency: str
    visit: str
    """The appearance's id, by which the agency finds who it was."""


class Caller(msgspec.Struct, frozen=True, gc=False):
    """`id` is a pseudonym fit for a log, never a person's number. `channel` is how the caller came: web, api, chat…

    The rest is what the policy judges by, and is empty for who has not signed in: the `agency` and `roles` of an
    officer or app, the `assurance` of the sign-in (aal1, aal2, aal3), and the `subject` whose own data this caller may
    see: themselves, for a representative the person they act for, for an app the person who let it.
    """

    kind: CallerKind
    id: str
    channel: str = "api"
    agency: str = ""
    roles: tuple[str, ...] = ()
    assurance: str = ""
    subject: str = ""
    relation: str = ""
    """What a representative is to the person: child (their parent), guardian, company."""
    mandate: str = ""
    """The id of the representation."""
    assisted: Assisted | None = None
    consents: tuple[str, ...] = ()
    """Of an app's token: the consents that its person gave with it. Others of the same agency are not this token's."""

    @property
    def by(self) -> str:
        """Who did it, when that is not the person concerned: a representative, or the officer at a counter."""
        if self.assisted is not None:
            return self.assisted.officer
        return self.id if self.kind == "representative" else ""

    @property
    def may_write(self) -> bool:
        return self.kind in ("administrator", "system")


ANONYMOUS = Caller(kind="anonymous", id="anonymous")
SYSTEM = Caller(kind="system", id="system", channel="system")
