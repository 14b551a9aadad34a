"""The provider's addresses for programs. Each is an operation without a route of its own, behind a face that speaks
OAuth: what goes in and out is the standard's, and its refusals are OAuth's errors, not RFC 9457's.

They declare `open` data: a `sub` is pairwise, and no person's data is among the answers.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec

from banyan.kernel.catalogue import Context, FaceAnswer, FaceRequest
from banyan.kernel.identity.openid import authorizing, discovery, tokens, watching
from banyan.kernel.identity.openid.client_auth import claimed_client
from banyan.kernel.identity.openid.fault import Fault
from banyan.kernel.identity.openid.provider import Provider
from banyan.kernel.identity.openid.sent import Answer, Sent, json_answer
from banyan.service.identity.desk import desk_of, placed
from banyan.service.identity.hearing import heard
from banyan.service.identity.service import SERVICE

Run = Callable[[Provider, Sent, str], Awaitable[Answer]]
CACHED = (("Cache-Control", "public, max-age=300"),)


class Message(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A protocol message; `name` is the path's own part (a grant's id)."""

    sent: Sent
    name: str = ""


async def _metadata(provider: Provider, sent: Sent, _: str) -> Answer:
    return json_answer(discovery.metadata(sent.issuer, provider.types), headers=CACHED)


async def _jwks(provider: Provider, _: Sent, __: str) -> Answer:
    return json_answer(await discovery.jwks(provider), headers=CACHED)


async def _push(provider: Provider, sent: Sent, _: str) -> Answer:
    return await authorizing.push(provider, sent)


async def _token(provider: Provider, sent: Sent, _: str) -> Answer:
    return await tokens.token(provider, sent)


async def _introspect(provider: Provider, sent: Sent, _: str) -> Answer:
    return await watching.introspect(provider, sent)


async def _revoke(provider: Provider, sent: Sent, _: str) -> Answer:
    return await watching.revoke(provider, sent)


async def _userinfo(provider: Provider, sent: Sent, _: str) -> Answer:
    return await watching.userinfo(provider, sent)


async def _grant(provider: Provider, sent: Sent, name: str) -> Answer:
    if sent.method == "DELETE":
        return await watching.revoke_grant(provider, sent, name)
    return await watching.query_grant(provider, sent, name)


def _serve(name: str, zh: str, en: str, run: Run, *routes: tuple[str, ...]) -> None:
    """Register one protocol operation and the face at each of its routes: (path, methods…)."""

    async def operation(ctx: Context, request: Message) -> Answer:
        desk = desk_of(ctx)
        sent = placed(desk, request.sent)
        try:
            answer = await run(desk.provider, sent, request.name)
        except Fault as fault:
            await desk.provider.note(sent, fault.alarm, endpoint=name, client=claimant(sent))
            answer = said(fault)
        return desk.provider.answered(sent, answer)

    SERVICE.operation(
        name,
        title={"zh-Hant": zh, "en": en},
        summary={"zh-Hant": f"OpenID Provider：{zh}", "en": f"OpenID Provider: {en.lower()}"},
        data=("open",),
        audience="public",
        effect="write",
        purpose="public-intake",
        channels=(),
    )(operation)

    async def face(request: FaceRequest) -> FaceAnswer:
        try:
            message = Message(await heard(request), request.params.get("id", ""))
        except Fault as fault:
            return as_answer(said(fault))
        return as_answer(await request.call(f"openid.{name}", message))

    for path, *methods in routes:
        SERVICE.face(*methods, path=path, rate="write" if "POST" in methods else "read")(face)


def claimant(sent: Sent) -> str:
    """The app that a refused message says it is from; empty when it does not even say that."""
    try:
        return claimed_client(sent)
    except Fault:
        return ""


def said(fault: Fault) -> Answer:
    """OAuth's form of a refusal (RFC 6749 s5.2)."""
    body = {"error": fault.kind, "error_description": fault.title}
    return json_answer(body, status=fault.status, headers=(("Cache-Control", "no-store"), *fault.headers))


def as_answer(answer: Answer) -> FaceAnswer:
    """For the door. `no-store` also for who sends no session."""
    return FaceAnswer(answer.body, status=answer.status, headers=answer.headers)


_serve(
    "metadata",
    "探索文件",
    "Discovery",
    _metadata,
    ("/.well-known/openid-configuration", "GET"),
    ("/.well-known/oauth-authorization-server", "GET"),
)
_serve("jwks", "公開金鑰", "Public keys", _jwks, ("/openid/jwks", "GET"))
_serve("push", "預先送出授權請求", "Pushed request", _push, ("/openid/par", "POST"))
_serve("token", "領取權杖", "Token", _token, ("/openid/token", "POST"))
_serve("introspect", "查驗權杖", "Introspection", _introspect, ("/openid/introspect", "POST"))
_serve("revoke", "撤銷權杖", "Revocation", _revoke, ("/openid/revoke", "POST"))
_serve("userinfo", "使用者資訊", "User info", _userinfo, ("/openid/userinfo", "GET", "POST"))
_serve("grant", "授權管理", "Grant management", _grant, ("/openid/grants/{id}", "GET", "DELETE"))
