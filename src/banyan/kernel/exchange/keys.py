"""Bulk access keys: a signed, expiring word of the administrator that names an app, so that nobody need be blocked.

A key is `bulk_` and a signed (name, issued, until); the node keeps no key, only which names were given one and when a
name's keys were revoked. A key gives a rate of its own and no right: its caller is of kind `app` and may read what
anybody may.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec

from banyan.errors import Denied
from banyan.kernel.events.clock import EpochS, iso
from banyan.kernel.exchange.session import Signer
from banyan.kernel.identity.caller import Caller
from banyan.limits import KEY_BYTES, KEY_DAYS

PREFIX: Final = "bulk_"
"""Lets secret scanners recognise a leaked key, and tells a key from the administrator's token."""
DAY_S: Final = 86_400.0
KeyName = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9-]{1,39}$", title="名稱 Name")]
Why = Literal["unknown", "expired", "revoked"]


class BulkKey(msgspec.Struct, frozen=True, array_like=True):
    """What a key says. Times are epoch seconds."""

    name: str
    issued: EpochS
    until: EpochS


class KeyRefused(Denied):
    """A key was sent that is not good: 401, and why. Never silent anonymity: a mapper would meet the lower rate later
    and not know."""

    status = 401
    kind = "key"

    def __init__(self, why: Why, *, name: str = "", until: str = "") -> None:
        super().__init__(f"key {why}")
        self.why = why
        self.values = {"name": name, "until": until}


class KeyGiven(msgspec.Struct, frozen=True, tag="given"):
    name: str
    at: EpochS
    until: EpochS


class KeyRevoked(msgspec.Struct, frozen=True, tag="revoked"):
    """Every key of the name issued until now is void."""

    name: str
    at: EpochS


KeyEvent = KeyGiven | KeyRevoked


class Keys:
    """Signs and reads keys. `apply` takes what the register says."""

    def __init__(self, secret: bytes) -> None:
        self._signer = Signer(secret, "bulk key")
        self.given: dict[str, KeyGiven] = {}
        self.revoked: dict[str, EpochS] = {}

    def sign(self, key: BulkKey) -> str:
        return PREFIX + self._signer.sign(msgspec.json.encode(key))

    def read(self, token: str, now: EpochS) -> BulkKey:
        """The key a caller sent. Raises KeyRefused."""
        payload = self._signer.read(token.removeprefix(PREFIX), KEY_BYTES) if token.startswith(PREFIX) else None
        if payload is None or PREFIX + self._signer.sign(payload) != token:  # base64 has many ways to write one key
            raise KeyRefused("unknown")
        key = msgspec.json.decode(payload, type=BulkKey)  # signed by us: it has our shape
        if self.revoked.get(key.name, 0) >= key.issued:
            raise KeyRefused("revoked", name=key.name)
        if key.until <= now:
            raise KeyRefused("expired", name=key.name, until=iso(key.until))
        return key

    def apply(self, event: KeyEvent) -> None:
        """Take one event of the register; what no living key can be of any more is forgotten."""
        if isinstance(event, KeyGiven):
            self.given[event.name] = event
        else:
            self.revoked[event.name] = event.at
        oldest = event.at - KEY_DAYS * DAY_S
        for name in [name for name, given in self.given.items() if given.until < oldest]:
            del self.given[name]
        for name in [name for name, at in self.revoked.items() if at < oldest]:
            del self.revoked[name]


def holder(key: BulkKey, channel: str) -> Caller:
    """The caller a key makes: an app by its name, which is no person's."""
    return Caller(kind="app", id=key.name, channel=channel)
