"""The signed artefact of a consent: what its giver keeps, verifiable offline with the node's published key.

It names its place in the log: the entry there commits to the same terms (SHA-256 over salt and the claims without
`log`, keys in order), so that neither side can show another text later. The entry itself names nobody.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from banyan.kernel.catalogue.operation import Context
from banyan.kernel.ledger.entries import SALT_BYTES, act_entry, commitment_of
from banyan.kernel.policy.consents import Consent, Purpose
from banyan.kernel.storage.statements import load_statements
from banyan.service.mydata.shelf import Shelf

SQL: Final = load_statements("banyan.service.mydata", "mydata.sql")
_encode: Final = msgspec.json.Encoder(order="sorted").encode


async def made(ctx: Context, shelf: Shelf, consent: Consent, purpose: Purpose) -> str:
    """The consent's artefact: kept, or made now (also after a start that cut it off)."""
    known = await ctx.db.sql.read(lambda tx: tx.row(SQL["artefact"], consent=consent.id))
    if known is not None:
        return str(known[1])
    claims, salt = terms(shelf.ledger.origin, consent, purpose), shelf.random(SALT_BYTES)
    commitment = commitment_of(salt, _encode(claims)).hex()
    index = await shelf.ledger.append(act_entry("consent", state="given", commitment=commitment))
    log = {"origin": shelf.ledger.origin, "index": index, "salt": salt.hex()}
    signed = await shelf.sign({**claims, "log": log})
    await ctx.db.sql.write(
        lambda tx: tx.run(SQL["keep_artefact"], consent=consent.id, commitment=commitment, signed=signed)
    )
    return signed


async def note(ctx: Context, shelf: Shelf, consent: Consent) -> None:
    """Tell the log what became of a consent that was given; one that never was leaves nothing there."""
    known = await ctx.db.sql.read(lambda tx: tx.row(SQL["artefact"], consent=consent.id))
    if known is not None:
        await shelf.ledger.append(act_entry("consent", state=consent.state, commitment=str(known[0])))


async def note_once(ctx: Context, shelf: Shelf, consent: Consent) -> None:
    """As `note`, for what may be repeated after a crash: one entry for a consent and its state."""
    known = await ctx.db.sql.read(lambda tx: tx.row(SQL["artefact"], consent=consent.id))
    if known is not None:
        entry = act_entry("consent", state=consent.state, commitment=str(known[0]))
        await shelf.ledger.append_once(f"consent/{consent.id}/{consent.state}", entry)


def terms(origin: str, consent: Consent, purpose: Purpose) -> dict[str, Any]:
    """What was agreed to; no number and no pseudonym of the person: who holds the artefact knows whose it is."""
    return {
        "iss": origin,
        "iat": int(consent.given_at),
        "exp": int(consent.until),
        "jti": consent.id,
        "recipient": purpose.recipient,
        "recipient_name": dict(purpose.recipient_name),
        "purpose": {"id": purpose.id, "code": purpose.purpose, "text": dict(purpose.text)},
        "declaration": purpose.declaration,
        "fields": sorted(consent.fields),
        "once": consent.is_once,
        "per_day": purpose.per_day,
        "retention_days": purpose.retention_days,
        "withdraw": "/mydata",
    }


def commits_to(claims: Mapping[str, Any], salt: bytes) -> str:
    """The commitment that the log must hold for these claims, for who checks one."""
    return commitment_of(salt, _encode({name: value for name, value in claims.items() if name != "log"})).hex()
