"""The issuer's addresses for wallets and verifiers: OpenID4VCI 1.0, SD-JWT VC issuer and type metadata, status lists.

Each is an operation without a route of its own, behind a face that speaks the standard; refusals are OAuth's errors.
They declare `open` data: a credential goes to the bearer of a token that its own subject prepared, and was released
through the gate then. Paths under `/openid/` read the token themselves: a DPoP proof is good once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from weakref import WeakKeyDictionary

import msgspec

from banyan.errors import NotFound
from banyan.kernel.catalogue import Context, FaceAnswer, FaceRequest
from banyan.kernel.identity.openid.fault import Fault
from banyan.kernel.identity.openid.preauthorized import ChallengeNonces, redeemed
from banyan.kernel.identity.openid.proofs import proven_keys
from banyan.kernel.identity.openid.sent import Answer, Sent, json_answer
from banyan.kernel.storage.store import Store
from banyan.limits_mydata import (
    CREDENTIAL_BATCH,
    CREDENTIAL_BODY_BYTES,
    CREDENTIAL_STATUS_S,
    CREDENTIAL_STATUS_TTL_S,
)
from banyan.service.credentials import records
from banyan.service.credentials.certifying import Certified, certify, claim_name
from banyan.service.credentials.offering import opened
from banyan.service.credentials.owning import Kind, kinds_here
from banyan.service.credentials.service import SERVICE
from banyan.service.credentials.shelf import Shelf, origin_of, said, shelf_of
from banyan.service.credentials.signing import jwks, signer
from banyan.wire import openid4vci as vci
from banyan.wire.openid4vci import BadMessage, Configuration
from banyan.wire.sdjwt.statustoken import MEDIA_TYPE, Place, sign_list

NO_STORE = (("Cache-Control", "no-store"),)
CACHED = (("Cache-Control", "public, max-age=300"),)
LOCALES = {"zh-Hant": "zh-Hant-TW", "en": "en"}
DRAW_BYTES = 64 * 4
"""Sixty-four random entries to choose ten from: a list is at most half full, so that they do not suffice once in 10^9
full batches of a full list."""


class Message(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A protocol message; `name` is the path's own part, `body` what was posted."""

    sent: Sent
    name: str = ""
    body: bytes = b""


Run = Callable[[Context, Shelf, Message], Awaitable[Answer]]


async def _metadata(ctx: Context, shelf: Shelf, message: Message) -> Answer:
    issuer = message.sent.issuer
    found = [_configuration(issuer, kind) for kind in (await kinds_here(shelf)).values()]
    endpoints = {"credential": f"{issuer}/openid/credential", "nonce": f"{issuer}/openid/nonce"}
    names = {LOCALES[lang]: name for lang, name in shelf.names.items()}
    return json_answer(
        vci.metadata(issuer, found, batch=CREDENTIAL_BATCH, names=names, endpoints=endpoints), headers=CACHED
    )


async def _issuer(ctx: Context, shelf: Shelf, message: Message) -> Answer:
    """SD-JWT VC s4: the keys that credentials and status lists are checked by."""
    keys = [*await jwks(ctx.db.sql, shelf.provider)]
    return json_answer({"issuer": message.sent.issuer, "jwks": {"keys": keys}}, headers=CACHED)


async def _type(ctx: Context, shelf: Shelf, message: Message) -> Answer:
    """SD-JWT VC s6: what a kind of credential is, where its `vct` leads."""
    kind = (await kinds_here(shelf)).get(message.name)
    if kind is None:
        raise NotFound(said("no_kind"), remedy=said("no_kind_remedy"))
    claims = [
        {"path": [*_path(field.name)], "display": _display(field.label, "label"), "sd": "always"}
        for field in kind.fields
    ]
    said_of = {
        "vct": _vct(message.sent.issuer, kind.id),
        "name": kind.title["en"],
        "description": kind.summary["en"],
        "display": _display(kind.title, "name"),
        "claims": claims,
    }
    return json_answer(said_of, headers=CACHED)


async def _nonce(ctx: Context, shelf: Shelf, message: Message) -> Answer:
    return json_answer({"c_nonce": ChallengeNonces(shelf.provider).fresh()}, headers=NO_STORE)


async def _credential(ctx: Context, shelf: Shelf, message: Message) -> Answer:
    """OpenID4VCI s8: one credential for each proven key, as many in all as the offer holds."""
    provider, sent = shelf.provider, message.sent
    token = await redeemed(provider, sent)
    asked = vci.read_request(message.body, batch=CREDENTIAL_BATCH)
    offer = token.authority.family
    ready = await ctx.db.sql.read(lambda tx: records.offer_by_id(tx, offer, ctx.now))
    if asked.configuration not in await kinds_here(shelf):
        raise Fault("unknown_credential_configuration", "see the issuer's metadata for what there is")
    if ready is None or ready.sealed is None or ready.kind != asked.configuration:
        raise Fault("credential_request_denied", "this offer is of something else, was taken back, or is used up")
    proven = proven_keys(asked.proofs, issuer=sent.issuer, client=token.authority.client, now=ctx.now)
    if not await ChallengeNonces(provider).spend(proven.nonce):
        raise Fault("invalid_nonce", "get a c_nonce at the nonce endpoint; each is good for one request")
    size = len(proven.keys)
    draws = provider.random(DRAW_BYTES)
    batch = records.new_batch(provider.random(16).hex(), offer, size, random=draws, now=ctx.now)
    places = await ctx.db.sql.write(lambda tx: records.fetch(tx, batch, ready))
    if places is None:
        raise Fault("credential_request_denied", "fewer credentials are left of this offer")
    told = Certified(
        sent.issuer,
        _vct(sent.issuer, ready.kind),
        opened(provider, offer, ready.sealed),
        issued_at=ctx.now,
        expires=batch.expires,
    )
    at = [Place(_list_uri(sent.issuer, number), index) for number, index in places]
    signs = await signer(ctx.db.sql, provider)
    made = await asyncio.to_thread(certify, told, proven.keys, at, signs, random=provider.random)
    return json_answer(vci.answer(made), headers=NO_STORE)


class _Kept(msgspec.Struct, frozen=True):
    """A signed status list: of which version, made when."""

    version: int
    at: float
    token: bytes


_signed: WeakKeyDictionary[Store, dict[tuple[int, str], _Kept]] = WeakKeyDictionary()
"""Signed lists by drawer, then number and issuer: many verifiers ask, one signature answers them. A list holds 65,000
credentials, so there are few."""


async def _status(ctx: Context, shelf: Shelf, message: Message) -> Answer:
    token = await signed_list(ctx, shelf, message.name, message.sent.issuer)
    if token is None:
        raise NotFound(said("no_list"), remedy=said("no_list_remedy"))
    headers = (("Content-Type", MEDIA_TYPE), ("Cache-Control", f"public, max-age={CREDENTIAL_STATUS_TTL_S}"))
    return Answer(token, headers=headers)


async def signed_list(ctx: Context, shelf: Shelf, name: str, issuer: str) -> bytes | None:
    """The status list of that number as it stands, signed; None when there is none."""
    number = int(name) if name.isascii() and name.isdigit() and len(name) < 9 else 0
    version = await ctx.db.sql.read(lambda tx: records.list_version(tx, number))
    if not version:
        return None
    known, key = _signed.setdefault(ctx.db.sql, {}), (number, issuer)
    kept = known.get(key)
    if kept is None or kept.version != version or not 0 <= ctx.now - kept.at < CREDENTIAL_STATUS_TTL_S:
        token = await _sign_list(ctx.db.sql, shelf, number, issuer)
        kept = known[key] = _Kept(version, ctx.now, token.encode())
    return kept.token


async def _sign_list(store: Store, shelf: Shelf, number: int, issuer: str) -> str:
    statuses = await store.read_long(lambda tx: records.status_list(tx, number))
    signs = await signer(store, shelf.provider)
    return await asyncio.to_thread(
        sign_list,
        statuses,
        _list_uri(issuer, number),
        signs.key,
        now=int(shelf.provider.clock()),
        lives_s=CREDENTIAL_STATUS_S,
        ttl_s=CREDENTIAL_STATUS_TTL_S,
        header={"kid": signs.kid},
    )


def _configuration(issuer: str, kind: Kind) -> Configuration:
    claims = [(_path(field.name), _named(field.label)) for field in kind.fields]
    return Configuration(kind.id, _vct(issuer, kind.id), _named(kind.title), claims)


def _path(name: str) -> tuple[str, ...]:
    return tuple(claim_name(part) for part in name.split("."))


def _named(text: Mapping[str, str]) -> dict[str, str]:
    return {LOCALES[lang]: words for lang, words in text.items()}


def _display(text: Mapping[str, str], word: str) -> list[dict[str, str]]:
    return [{"locale": locale, word: words} for locale, words in _named(text).items()]


def _vct(issuer: str, kind: str) -> str:
    return f"{issuer}/credentials/types/{kind}"


def _list_uri(issuer: str, number: int) -> str:
    return f"{issuer}/credentials/status/{number}"


def _serve(name: str, zh: str, en: str, run: Run, *routes: tuple[str, ...]) -> None:
    """Register one protocol operation and the face at each of its routes: (path, methods…)."""

    async def operation(ctx: Context, request: Message) -> Answer:
        shelf = shelf_of(ctx)
        sent = msgspec.structs.replace(request.sent, issuer=origin_of(shelf, request.sent.issuer))
        try:
            answer = await run(ctx, shelf, msgspec.structs.replace(request, sent=sent))
        except Fault as fault:
            await shelf.provider.note(sent, fault.alarm, endpoint=name)
            answer = refusal(fault.kind, fault.title, status=fault.status, headers=fault.headers)
        except BadMessage as bad:
            answer = refusal(bad.error, str(bad))
        return shelf.provider.answered(sent, answer)

    SERVICE.operation(
        name,
        title={"zh-Hant": zh, "en": en},
        summary={"zh-Hant": f"憑證發行：{zh}", "en": f"Credential issuing: {en.lower()}"},
        data=("open",),
        audience="public",
        effect="write",
        purpose="public-intake",
        channels=(),
    )(operation)

    async def face(request: FaceRequest) -> FaceAnswer:
        body = await request.body(CREDENTIAL_BODY_BYTES) if request.method == "POST" else b""
        message = Message(_sent(request), request.params.get("name", ""), body)
        return _as_face(await request.call(f"credentials.{name}", message))

    for path, *methods in routes:
        SERVICE.face(*methods, path=path, rate="write" if "POST" in methods else "read")(face)


def _sent(request: FaceRequest) -> Sent:
    return Sent(
        issuer=request.base_url,
        method=request.method,
        path=request.path,
        authorization=request.header("authorization"),
        dpop=request.header("dpop"),
        network=request.client,
        lang=request.lang,
        trace=request.trace.id,
    )


def refusal(error: str, why: str, *, status: int = 400, headers: tuple[tuple[str, str], ...] = ()) -> Answer:
    """OAuth's form of a refusal (RFC 6749 s5.2)."""
    return json_answer({"error": error, "error_description": why}, status=status, headers=(*NO_STORE, *headers))


def _as_face(answer: Answer) -> FaceAnswer:
    media_type = dict(answer.headers).get("Content-Type", "application/json")
    headers = tuple(pair for pair in answer.headers if pair[0] != "Content-Type")
    return FaceAnswer(answer.body, media_type=media_type, status=answer.status, headers=headers)


_serve("metadata", "發行者說明", "Issuer metadata", _metadata, (vci.METADATA_PATH, "GET"))
_serve("issuer", "發行者公開金鑰", "Issuer keys", _issuer, ("/.well-known/jwt-vc-issuer", "GET"))
_serve("type", "憑證種類說明", "Type metadata", _type, ("/credentials/types/{name}", "GET"))
_serve("nonce", "領取挑戰值", "Nonce", _nonce, ("/openid/nonce", "POST"))
_serve("credential", "領取憑證", "Credential", _credential, ("/openid/credential", "POST"))
_serve("status", "狀態清單", "Status list", _status, ("/credentials/status/{name}", "GET"))
