"""The desk for bulk access keys: the administrator gives, revokes and lists them; operations through the gate.

A channel service of the kernel with a drawer of its own, which holds the register of keys (never a key).
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec

from banyan.errors import Conflict, NotFound
from banyan.kernel.catalogue.messages import LANGUAGES
from banyan.kernel.catalogue.operation import OPEN, Context, Service, Text
from banyan.kernel.events.clock import EpochS, iso
from banyan.kernel.exchange.explain import MESSAGES
from banyan.kernel.exchange.keys import DAY_S, BulkKey, KeyEvent, KeyGiven, KeyName, KeyRevoked, Keys
from banyan.limits import KEY_DAYS, KEYS

NAME: Final = "access"
JOURNAL: Final = "keys"
_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(KeyEvent).decode


class GiveKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`name` says whose app it is, in small letters, digits and hyphens: it stands in records, so no person's name."""

    name: KeyName
    days: Annotated[int, msgspec.Meta(ge=1, le=KEY_DAYS, title="天數 Days")] = 180


class GivenKey(msgspec.Struct, frozen=True):
    """`key` is shown this once. `send` are the two ways to send it."""

    name: str
    key: str
    until: str
    send: tuple[str, ...]


class RevokeKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: KeyName


class KeyView(msgspec.Struct, frozen=True):
    """A name and its newest key, times in RFC 3339 UTC."""

    name: str
    given: str
    until: str
    state: Literal["valid", "expired", "revoked"]


class Nothing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Nothing to ask."""


def build_access(keys: Keys) -> Service:
    """The service `access` over these keys. Its register is read at start."""
    service = Service(NAME, title=_both("keys.service"), package="banyan.kernel.exchange")

    @service.start
    async def load(ctx: Context) -> None:
        for _, payload in ctx.db.journal(JOURNAL).replay():
            keys.apply(_decode(payload))

    @service.operation(
        "give_key", title=_both("keys.give"), summary=_both("keys.give_summary"), data=OPEN, audience="administrator",
        effect="write", purpose="administration", path="/api/keys", channels=("api",),
    )  # fmt: skip
    async def give_key(ctx: Context, request: GiveKey) -> GivenKey:
        """Raises Conflict when too many names have one. A name's older key stays good until it ends."""
        if request.name not in keys.given and len(keys.given) >= KEYS:
            raise Conflict(f"{KEYS} names have a key", remedy="wait until one has ended, or raise KEYS")
        # A millisecond after a revocation a new key must be good, and the old ones not.
        at = EpochS(max(ctx.now, keys.revoked.get(request.name, 0) + 0.001))
        key = BulkKey(request.name, at, EpochS(at + request.days * DAY_S))
        await kept(ctx, KeyGiven(key.name, key.issued, key.until))
        signed = keys.sign(key)
        return GivenKey(key.name, signed, iso(key.until), (f"Authorization: Bearer {signed}", f"X-API-Key: {signed}"))

    @service.operation(
        "revoke_key", title=_both("keys.revoke"), summary=_both("keys.revoke_summary"), data=OPEN,
        audience="administrator", effect="write", purpose="administration", path="/api/keys/revoke", channels=("api",),
    )  # fmt: skip
    async def revoke_key(ctx: Context, request: RevokeKey) -> KeyView:
        """Every key of the name is refused from now on. Raises NotFound for a name that has none."""
        given = keys.given.get(request.name)
        if given is None:
            raise NotFound(f"no key was given to {request.name}", remedy="see GET /api/keys")
        await kept(ctx, KeyRevoked(request.name, EpochS(max(ctx.now, given.at))))
        return view(given, ctx.now)

    @service.operation(
        "keys", title=_both("keys.list"), summary=_both("keys.list_summary"), data=OPEN, audience="administrator",
        purpose="administration", path="/api/keys", channels=("api",),
    )  # fmt: skip
    async def listed(ctx: Context, request: Nothing) -> tuple[KeyView, ...]:
        return tuple(view(given, ctx.now) for _, given in sorted(keys.given.items()))

    async def kept(ctx: Context, event: KeyEvent) -> None:
        await ctx.db.journal(JOURNAL).append(_encode(event))
        keys.apply(event)

    def view(given: KeyGiven, now: EpochS) -> KeyView:
        is_revoked = keys.revoked.get(given.name, 0) >= given.at
        state: Literal["valid", "expired", "revoked"] = (
            "revoked" if is_revoked else "expired" if given.until <= now else "valid"
        )
        return KeyView(given.name, iso(given.at), iso(given.until), state)

    return service


def _both(key: str) -> Text:
    return {lang: MESSAGES.text(key, lang) for lang in LANGUAGES}
