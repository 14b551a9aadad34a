"""Record systems of hospitals that may call the decision service: who signs, with which keys, from which web origins.

A client is known by issuer and tenant; its keys are given here, and where a `jku` is registered that address says which
they are from then on (heard.py). No address that a token names is asked. The standard's allow list is this register.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Annotated

import msgspec

from banyan.errors import Conflict, Denied, Invalid, Limit, NotFound
from banyan.kernel.catalogue.operation import OPEN, Context
from banyan.kernel.storage.store import Tx
from banyan.limits_travel import CDS_CLIENTS, CDS_KEYS, CDS_ORIGINS, CDS_SKEW_S, TRAVEL_FEEDBACK_DAYS
from banyan.service.travel.contesting import Nothing
from banyan.service.travel.heard import SQL, Key, Registered, keys_of
from banyan.service.travel.records import as_bytes
from banyan.service.travel.service import SERVICE
from banyan.service.travel.shelf import both
from banyan.wire.cdshooks import Claims, Untrusted, peek, verified
from banyan.wire.cdshooks.jwks import PRIVATE

Url = Annotated[str, msgspec.Meta(max_length=512, pattern=r"^(https?://[^\s/?#]+[^\s?#]*)?$")]
Origin = Annotated[str, msgspec.Meta(max_length=255, pattern=r"^https?://[^\s/?#]+$")]


class Client(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """`agency` is the hospital's member id: what it asks is asked by that. `jku`, when given, is the https address of
    its JWK Set and must stand in its tokens; `keys` hold until it has answered. `fhir` is the base of its FHIR server,
    the only one that is asked when a prefetch is missing."""

    id: Annotated[str, msgspec.Meta(pattern="^[a-z0-9][a-z0-9-]{1,39}$", title="系統代號 Client")]
    agency: Annotated[str, msgspec.Meta(min_length=3, max_length=80, title="醫院 Hospital")]
    issuer: Annotated[str, msgspec.Meta(min_length=1, max_length=512, title="簽發者 Issuer")]
    keys: Annotated[tuple[Key, ...], msgspec.Meta(min_length=1, max_length=CDS_KEYS)]
    jku: Url = ""
    tenant: Annotated[str, msgspec.Meta(max_length=120)] = ""
    origins: Annotated[tuple[Origin, ...], msgspec.Meta(max_length=CDS_ORIGINS)] = ()
    fhir: Url = ""


class ClientId(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    id: Annotated[str, msgspec.Meta(pattern="^[a-z0-9][a-z0-9-]{1,39}$", title="系統代號 Client")]


@SERVICE.operation(
    "register_client", title={"zh-Hant": "登記病歷系統", "en": "Register a record system"},
    summary={
        "zh-Hant": "醫院病歷系統的簽發者、公鑰、網域與 FHIR 位址。",
        "en": "Issuer, public keys, web origins and FHIR address of a hospital's record system.",
    },
    data=OPEN, audience="administrator", effect="write", channels=("api",),
)  # fmt: skip
async def register_client(ctx: Context, request: Client) -> Client:
    """Again replaces it. Raises Invalid for a private key and for two keys of one kid (the standard: a kid is unique in
    the set), Conflict when issuer and tenant are another's."""
    if any(PRIVATE & one.keys() or not one.get("kid") for one in request.keys):
        raise Invalid.at("keys", "public keys, each with its kid")
    if len({one["kid"] for one in request.keys}) < len(request.keys):
        raise Invalid.at("keys", "each with a kid of its own")
    if request.jku and not request.jku.startswith("https://"):
        raise Invalid.at("jku", "the https address of its JWK Set, or empty")

    def job(tx: Tx) -> Client:
        known = by_issuer(tx, request.issuer, request.tenant)
        if known is not None and known.id != request.id:
            raise Conflict(both("client_stands"), remedy=both("client_stands_remedy"), kind="client-stands")
        if known is None and len(all_clients(tx)) >= CDS_CLIENTS:
            raise Limit(f"over {CDS_CLIENTS} record systems", remedy="remove those that are gone")
        tx.run(SQL["put"], id=request.id, issuer=request.issuer, tenant=request.tenant,
               document=msgspec.json.encode(request), at=ctx.now)  # fmt: skip
        tx.run(SQL["drop_heard"], client=request.id)
        return request

    return await ctx.db.sql.write(job)


@SERVICE.operation(
    "remove_client", title={"zh-Hant": "移除病歷系統", "en": "Remove a record system"},
    summary={"zh-Hant": "這個系統不能再查詢。", "en": "It may ask no more."},
    data=OPEN, audience="administrator", effect="write", channels=("api",),
)  # fmt: skip
async def remove_client(ctx: Context, request: ClientId) -> ClientId:
    def job(tx: Tx) -> ClientId:
        if tx.row(SQL["drop"], id=request.id) is None:
            raise NotFound(both("no_client"), remedy=both("no_client_remedy"))
        tx.run(SQL["drop_heard"], client=request.id)
        return request

    return await ctx.db.sql.write(job)


@SERVICE.operation(
    "clients", title={"zh-Hant": "病歷系統", "en": "Record systems"},
    summary={"zh-Hant": "登記可查詢的病歷系統。", "en": "The record systems that may ask."},
    data=OPEN, audience="administrator", channels=("api",),
)  # fmt: skip
async def clients(ctx: Context, request: Nothing) -> tuple[Client, ...]:
    return tuple(await ctx.db.sql.read(all_clients))


async def client_of(ctx: Context, authorization: str, *, endpoint: str) -> tuple[Client, Claims]:
    """Who calls, by the bearer token, good for this endpoint and once. Raises Denied (401), saying why and no more."""
    scheme, _, token = authorization.partition(" ")
    try:
        if scheme.lower() != "bearer" or not token:
            raise Untrusted("send Authorization: Bearer with a signed JSON Web Token")
        claims = peek(token)
        client = await ctx.db.sql.read(lambda tx: by_issuer(tx, claims.iss, claims.tenant))
        if client is None or (client.jku != claims.jku and claims.jku) or (client.jku and not claims.jku):
            raise Untrusted("iss, tenant and jku are none of the registered record systems")
        keys = await keys_of(ctx, Registered(client.id, client.jku, client.keys), claims.kid)
        claims = verified(token, {"keys": keys}, audience=endpoint, now=ctx.now)
        name = sha256(f"{client.id}\0{claims.jti}".encode()).digest()
        until = claims.exp + CDS_SKEW_S

        def use(tx: Tx) -> bool:
            tx.run(SQL["forget_tokens"], now=ctx.now)
            return tx.row(SQL["use_token"], token=name, until=until) is not None

        if not await ctx.db.sql.write(use):
            raise Untrusted("jti was used before")
    except Untrusted as error:
        raise Denied(
            str(error),
            remedy="see docs/hospital.md, Trust; register at travel.register_client",
            status=401,
            kind="cds-token",
        ) from error
    return client, claims


def by_issuer(tx: Tx, issuer: str, tenant: str) -> Client | None:
    row = tx.row(SQL["by_issuer"], issuer=issuer, tenant=tenant)
    return msgspec.json.decode(as_bytes(row[0]), type=Client) if row is not None else None


def all_clients(tx: Tx) -> list[Client]:
    return [msgspec.json.decode(as_bytes(row[0]), type=Client) for row in tx.rows(SQL["all"], limit=CDS_CLIENTS)]


async def is_allowed_origin(ctx: Context, origin: str) -> bool:
    """Whether a browser of that web origin belongs to some registered record system."""
    return bool(origin) and any(origin in one.origins for one in await ctx.db.sql.read(all_clients))


def outcomes(tx: Tx, now: float) -> list[tuple[str, str, int]]:
    """(outcome, reason, how many cards) of the last quarter; an empty outcome: nobody said."""
    rows = tx.rows(SQL["outcomes"], since=now - TRAVEL_FEEDBACK_DAYS * 86_400)
    return [(str(row[0]), str(row[1]), int(str(row[2]))) for row in rows]
