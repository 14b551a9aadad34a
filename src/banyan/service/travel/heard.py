"""Which keys a record system has now: its own address says so, where one is registered; else the registration.

Only the registered address is asked, none that a token names: at the age of `CDS_KEYS_FRESH_S`, and at a kid that is
not known (keys rotate), then at most once in `CDS_KEYS_AGAIN_S`, whoever sends such tokens. While it does not answer,
what it said last holds, at first what was registered, for `CDS_KEYS_STALE_S`; a key that it said no more stays out.
"""

from __future__ import annotations

from typing import Final

import msgspec

from banyan.kernel.catalogue.operation import Context
from banyan.kernel.storage.statements import load_statements
from banyan.kernel.storage.store import Tx
from banyan.limits_travel import CDS_KEYS_AGAIN_S, CDS_KEYS_FRESH_S, CDS_KEYS_STALE_S
from banyan.service.travel.records import as_bytes
from banyan.service.travel.shelf import shelf_of
from banyan.wire.cdshooks import Untrusted
from banyan.wire.cdshooks.jwks import read_keys

SQL: Final = load_statements("banyan.service.travel", "clients.sql")
Key = dict[str, str]
Keys = tuple[Key, ...]


class Registered(msgspec.Struct, frozen=True):
    """What of a registration matters here."""

    id: str
    jku: str
    keys: Keys


class Heard(msgspec.Struct, frozen=True):
    """`at` is when `keys` were heard (of the registered ones: when the address was first asked in vain), `asked` when
    the address was asked last, whether it answered or not."""

    keys: Keys
    at: float = 0.0
    asked: float = 0.0

    def is_due(self, kid: str, now: float) -> bool:
        """Whether to ask now."""
        if not any(one.get("kid") == kid for one in self.keys):
            return now - self.asked >= CDS_KEYS_AGAIN_S
        return now - max(self.at, self.asked) >= CDS_KEYS_FRESH_S


async def keys_of(ctx: Context, client: Registered, kid: str) -> Keys:
    """The keys to verify a token of that kid with. Raises Untrusted when nothing was heard for too long."""
    if not client.jku.startswith("https://"):
        return client.keys
    known = await ctx.db.sql.read(lambda tx: _heard(tx, client))
    if known.is_due(kid, ctx.now):
        async with shelf_of(ctx.db).turn_of(client.id):  # one asks, who comes meanwhile has its answer
            known = await ctx.db.sql.read(lambda tx: _heard(tx, client))
            if known.is_due(kid, ctx.now):
                known = await _ask(ctx, client, known)
    if ctx.now - known.at > CDS_KEYS_STALE_S:
        raise Untrusted(f"jku has not answered for {CDS_KEYS_STALE_S / 86_400:.0f} days: register the keys anew")
    return known.keys


async def _ask(ctx: Context, client: Registered, known: Heard) -> Heard:
    """What is known after asking; that it was asked is kept first, so that a slow address is not asked at each call."""
    known = Heard(known.keys, known.at or ctx.now, ctx.now)
    before = msgspec.json.encode(known.keys)

    def note(tx: Tx) -> None:
        tx.run(SQL["ask_keys"], client=client.id, keys=before, at=known.at, asked=ctx.now)

    await ctx.db.sql.write(note)
    try:
        keys = read_keys(await shelf_of(ctx.db).fetch_keys(client.jku))
    except Untrusted:
        return known
    said = msgspec.json.encode(keys)
    await ctx.db.sql.write(lambda tx: tx.run(SQL["put_heard"], client=client.id, keys=said, at=ctx.now))
    return Heard(keys, ctx.now, ctx.now)


def _heard(tx: Tx, client: Registered) -> Heard:
    row = tx.row(SQL["heard"], client=client.id)
    if row is None:
        return Heard(client.keys)
    keys = msgspec.json.decode(as_bytes(row[0]), type=Keys)
    return Heard(keys, float(str(row[1])), float(str(row[2])))
