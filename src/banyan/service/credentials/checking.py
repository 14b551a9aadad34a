"""Checking a credential that somebody shows: a page that does it in the reader's own browser, also without a network.

Without script the form is sent here and checked by the same rules; the page says so. Nothing of it is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Final

import msgspec

from banyan.kernel.catalogue import Context, FaceRequest, View
from banyan.kernel.catalogue.operation import OPEN
from banyan.kernel.catalogue.worker import serve_worker
from banyan.limits_mydata import CREDENTIAL_SHOWN_BYTES
from banyan.service.credentials.offering import titled
from banyan.service.credentials.protocol import NO_STORE, signed_list
from banyan.service.credentials.rows import flat
from banyan.service.credentials.service import SERVICE
from banyan.service.credentials.shelf import MESSAGES, origin_of, shelf_of
from banyan.service.credentials.signing import jwks
from banyan.wire.sdjwt.checking import Issuer, Report, check
from banyan.wire.sdjwt.credential import parse, unverified
from banyan.wire.sdjwt.disclosures import BadCredential
from banyan.wire.sdjwt.statustoken import place_of

CHECK: Final = {"zh-Hant": "查驗憑證", "en": "Check a credential"}
PATH: Final = "/credentials/verify"
SCRIPTS: Final = ("credential-check.js", "credential-page.js")
REASONS: Final = (
    *("shape", "issuer", "signature", "disclosures", "expired", "early", "binding", "binding_of_other", "binding_old"),
    *("binding_for_other", "status_shape", "status_signature", "suspended", "revoked", "file"),
)
WORDS: Final = (
    *("issuer", "expires", "never", "binding", "bound", "unbound", "status", "status_good", "status_unknown"),
    *("status_none", "holds", "holds_but", "fails", "shown", "about", "result"),
)


class Origin(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    origin: str


class Shown(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A credential as it was shown; `audience` and `nonce` when the verifier asked with them."""

    text: Annotated[str, msgspec.Meta(max_length=CREDENTIAL_SHOWN_BYTES)]
    origin: str
    audience: Annotated[str, msgspec.Meta(max_length=500)] = ""
    nonce: Annotated[str, msgspec.Meta(max_length=500)] = ""


class Pinned(msgspec.Struct, frozen=True):
    """An issuer and the keys it is trusted by."""

    issuer: str
    keys: tuple[dict[str, Any], ...]


class Verdict(msgspec.Struct, frozen=True):
    """`report` when it holds, else `fault` in words."""

    report: Report | None
    fault: str


@SERVICE.operation(
    "pinned",
    **titled("查驗所信任的發行者", "Issuers trusted for checking"),
    data=OPEN,
    audience="public",
    channels=(),
)
async def pinned(ctx: Context, request: Origin) -> tuple[Pinned, ...]:
    """This node itself: its page is served by who signs."""
    shelf = shelf_of(ctx)
    keys = await jwks(ctx.db.sql, shelf.provider)
    return (Pinned(origin_of(shelf, request.origin), tuple(dict(key) for key in keys)),)


@SERVICE.operation(
    "check",
    **titled("查驗出示的憑證", "Check a shown credential", "伺服器端查驗，不留存。", "On the server; nothing is kept."),
    data=OPEN,
    audience="public",
    effect="write",
    purpose="public-intake",
    channels=(),
)
async def check_shown(ctx: Context, request: Shown) -> Verdict:
    """It writes nothing; by POST, because what is shown stands in no address."""
    trusted = [Issuer(one.issuer, one.keys) for one in await pinned(ctx, Origin(request.origin))]
    lists = await _lists(ctx, request.text, trusted)
    asked = {"audience": request.audience, "nonce": request.nonce}
    try:
        return Verdict(check(request.text, trusted, lists=lists, now=int(ctx.now), **asked), "")
    except BadCredential as error:
        return Verdict(None, str(error))


async def _lists(ctx: Context, text: str, trusted: Sequence[Issuer]) -> list[str]:
    """Our own status list, when it names one."""
    try:
        place = place_of(unverified(parse(text.strip()).jwt)[1])
    except BadCredential:
        return []
    for issuer in trusted:
        prefix = f"{issuer.issuer}/credentials/status/"
        if place is not None and place.uri.startswith(prefix):
            token = await signed_list(ctx, shelf_of(ctx), place.uri.removeprefix(prefix), issuer.issuer)
            return [token.decode()] if token is not None else []
    return []


@SERVICE.page("GET", path=PATH, title=CHECK)
async def page(request: FaceRequest) -> View:
    return await _page(request)


@SERVICE.page("POST", path=PATH, rate="query")
async def submitted(request: FaceRequest) -> View:
    """The form of a browser without script."""
    form = await request.form()
    asked = {name: form.get(name) for name in ("text", "audience", "nonce")}
    verdict = await request.call("credentials.check", {**asked, "origin": request.base_url})
    return await _page(request, verdict)


async def _page(request: FaceRequest, verdict: Verdict | None = None) -> View:
    lang = request.lang
    title = CHECK[lang]
    told = {name: MESSAGES.text(f"check.{name}", lang) for name in WORDS}
    refused = {name: MESSAGES.text(f"check.refused.{name}", lang) for name in REASONS}
    issuers = await request.call("credentials.pinned", {"origin": request.base_url})
    values = {
        "issuers": msgspec.to_builtins(issuers),
        "words": {**told, "refused": refused},
        "verdict": verdict,
        "rows": flat(verdict.report.shown) if verdict is not None and verdict.report is not None else (),
        "path": PATH if lang != "en" else f"/en{PATH}",
        "scripts": SCRIPTS,
        "crumbs": ({"title": title, "path": ""},),
    }
    return View("credentials/verify.html", values, title=title, headers=NO_STORE if verdict else ())


serve_worker(SERVICE, "/credentials/worker.js", "credential-worker.js")
