"""A person chooses what to take, sees the very values, and puts them ready for their wallet.

What is certified is what was seen: the release through the gate happens here, once, while the person is signed in; the
wallet later fetches what was sealed then. The wallet itself is nobody the gate knows.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from banyan.errors import Conflict, Limit, NotFound
from banyan.kernel.catalogue.operation import Context
from banyan.kernel.identity.openid import preauthorized
from banyan.kernel.identity.openid.provider import Provider
from banyan.kernel.identity.pseudonyms import pseudonym_key
from banyan.kernel.storage.store import Tx
from banyan.limits_mydata import (
    CREDENTIAL_BATCH,
    CREDENTIAL_CLAIMS_BYTES,
    CREDENTIAL_OFFERS,
    TAKEN_FIELDS,
)
from banyan.service.credentials import records
from banyan.service.credentials.owning import Kind, kind_of, kinds_here, release
from banyan.service.credentials.records import Ready
from banyan.service.credentials.service import SERVICE
from banyan.service.credentials.shelf import origin_of, own_subject, said, shelf_of
from banyan.wire.openid4vci import Grants, Offer, PreAuthorized, TxCode, offer_url

KindName = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]{0,60}\.[a-z][a-z0-9_]{0,60}$")]
FieldNames = Annotated[tuple[str, ...], msgspec.Meta(min_length=1, max_length=TAKEN_FIELDS)]
OfferId = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{32}$")]
NONCE_BYTES = 12


class Nothing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Nothing to ask: whose data it is is known from who asks."""


class Choice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`kind` is an operation's id, `fields` those of its personal fields that are wanted."""

    kind: KindName
    fields: FieldNames


class Offering(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`origin` is where the page stands: the issuer's address on a node without a configured one."""

    kind: KindName
    fields: FieldNames
    origin: str


class Preview(msgspec.Struct, frozen=True):
    """The values as they would be taken."""

    kind: Kind
    values: dict[str, Any]


class Offered(msgspec.Struct, frozen=True):
    """`url` opens a wallet, or stands in a QR code; `tx_code` is typed into the wallet. Neither is shown again.
    `until` is in epoch seconds."""

    id: str
    kind: Kind
    url: str
    tx_code: str
    until: float


class Named(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    offer: OfferId


class Done(msgspec.Struct, frozen=True):
    id: str


def titled(zh: str, en: str, zh_more: str = "", en_more: str = "") -> dict[str, Any]:
    """An operation's title and summary."""
    return {"title": {"zh-Hant": zh, "en": en}, "summary": {"zh-Hant": zh_more or zh, "en": en_more or en}}


@SERVICE.operation(
    "kinds",
    **titled("可以帶走的資料", "What I can take", "自己的哪些資料可以下載或放進皮夾。", "Which own data can be taken."),
    data=("identity",),
    audience="citizen",
    purpose="own-affairs",
)
async def kinds(ctx: Context, request: Nothing) -> tuple[Kind, ...]:
    own_subject(ctx)
    return tuple((await kinds_here(shelf_of(ctx))).values())


@SERVICE.operation(
    "preview",
    **titled(
        "預覽要帶走的資料", "Preview what to take", "看見實際的內容；這也是一次查閱。", "The values; a use itself."
    ),
    data=("identity",),
    audience="citizen",
    effect="write",
    purpose="own-affairs",
)
async def preview(ctx: Context, request: Choice) -> Preview:
    """Writes nothing but the use in the ledger; by POST, because fields stand in no address."""
    shelf = shelf_of(ctx)
    kind = await kind_of(shelf, request.kind)
    return Preview(kind, await release(ctx, kind, request.fields))


@SERVICE.operation(
    "offer",
    **titled(
        "放進數位皮夾", "Put it into my wallet", "備妥一次領取的憑證。", "Put credentials ready to be fetched once."
    ),
    data=("identity",),
    audience="citizen",
    effect="write",
    purpose="own-affairs",
    channels=(),
)
async def offer(ctx: Context, request: Offering) -> Offered:
    """Raises Limit when too many wait, Conflict for values too large for a credential."""
    shelf, subject = shelf_of(ctx), own_subject(ctx)
    issuer = origin_of(shelf, request.origin)
    kind = await kind_of(shelf, request.kind)
    if len(await ctx.db.sql.read(lambda tx: _waiting(tx, subject, ctx.now))) >= CREDENTIAL_OFFERS:
        raise Limit(said("too_many", most=CREDENTIAL_OFFERS), remedy=said("too_many_remedy"), status=429)
    values = await release(ctx, kind, request.fields)
    plain = msgspec.json.encode(values)
    if len(plain) > CREDENTIAL_CLAIMS_BYTES:
        raise Conflict(said("too_large"), remedy=said("too_large_remedy"))
    id = shelf.provider.random(16).hex()
    ready = Ready(subject, kind.id, request.fields, sealed(shelf.provider, id, plain), CREDENTIAL_BATCH)
    prepared = await preauthorized.prepare(shelf.provider, id)
    await ctx.db.sql.write(lambda tx: records.add_offer(tx, id, ready, now=ctx.now, expires=prepared.expires))
    tx_code = TxCode(length=len(prepared.tx_code), description=said("tx_code"))
    grants = Grants(PreAuthorized(prepared.code, tx_code))
    return Offered(id, kind, offer_url(Offer(issuer, (kind.id,), grants)), prepared.tx_code, prepared.expires)


@SERVICE.operation(
    "take_back",
    **titled(
        "收回備妥的憑證", "Take an offer back", "還沒領取的，不再能領取。", "What was not fetched no longer can be."
    ),
    data=("identity",),
    audience="citizen",
    effect="write",
    purpose="own-affairs",
)
async def take_back(ctx: Context, request: Named) -> Done:
    """Raises NotFound alike for another's and none. What was fetched already is revoked, not taken back."""
    subject = own_subject(ctx)
    if not await ctx.db.sql.write(lambda tx: records.drop_offer(tx, request.offer, subject)):
        raise NotFound(said("no_offer"), remedy=said("no_offer_remedy"))
    await preauthorized.end(shelf_of(ctx).provider, request.offer)
    return Done(request.offer)


def _waiting(tx: Tx, subject: str, now: float) -> list[records.Waiting]:
    return [one for one in records.offers_of(tx, subject, now) if one.remaining == CREDENTIAL_BATCH]


def sealed(provider: Provider, offer: str, plain: bytes) -> bytes:
    nonce = provider.random(NONCE_BYTES)
    return nonce + _cipher(provider).encrypt(nonce, plain, offer.encode())


def opened(provider: Provider, offer: str, kept: bytes) -> dict[str, Any]:
    """Raises NotFound when it was sealed under another node's secret."""
    try:
        plain = _cipher(provider).decrypt(kept[:NONCE_BYTES], kept[NONCE_BYTES:], offer.encode())
    except InvalidTag as error:
        raise NotFound(said("no_offer"), remedy=said("no_offer_remedy")) from error
    return msgspec.json.decode(plain, type=dict[str, Any])


def _cipher(provider: Provider) -> AESGCM:
    return AESGCM(pseudonym_key(provider.secrets.master, "credentials", "offers"))
