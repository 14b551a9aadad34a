"""The pages `/credentials…`: what can be taken, its preview, the file or the wallet's offer, and what one holds.

Every step is a plain form. Secrets of an offer (its code, the six digits) stand on the page that made it and nowhere
else: not in an address, not in a second showing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final

import segno

from banyan.errors import Invalid, NotFound
from banyan.kernel.catalogue import FaceAnswer, FaceRequest, View
from banyan.kernel.catalogue.operation import Text
from banyan.service.credentials.offering import Nothing, Offered, Preview
from banyan.service.credentials.owning import Kind
from banyan.service.credentials.rows import rows_of
from banyan.service.credentials.service import SERVICE
from banyan.service.credentials.shelf import PEOPLE, said
from banyan.service.credentials.taking import FORMS, Taken

TITLE: Final = {"zh-Hant": "帶走我的資料", "en": "Take my data with me"}
OFFERED: Final = {"zh-Hant": "用皮夾掃描", "en": "Scan it with your wallet"}
PRIVATE = (("Cache-Control", "no-store"),)
HOME = "/credentials"


@SERVICE.page("GET", path=HOME, title=TITLE)
async def page(request: FaceRequest) -> View:
    """Who is not signed in sees where to sign in, and nothing else."""
    title = TITLE[request.lang]
    if request.caller.kind not in PEOPLE:
        values: dict[str, Any] = {"is_known": False, "crumbs": ({"title": title, "path": ""},)}
        return View("credentials/page.html", values, title=title, headers=PRIVATE)
    kinds, mine = await asyncio.gather(
        request.call("credentials.kinds", Nothing()), request.call("credentials.mine", Nothing())
    )
    values = {
        "is_known": True,
        "kinds": kinds,
        "called": {kind.id: {field.name: field.label[request.lang] for field in kind.fields} for kind in kinds},
        "good": [one for one in mine.batches if not one.revoked_at],
        "ended": [one for one in mine.batches if one.revoked_at],
        "offers": [one for one in mine.offers if one.state != "redeemed"],
        "crumbs": ({"title": title, "path": ""},),
    }
    return View("credentials/page.html", values, title=title, headers=PRIVATE)


@SERVICE.page("POST", path=HOME, rate="write")
async def act(request: FaceRequest) -> View:
    """Revoke a batch, or take an offer back."""
    form = await request.form()
    if form.get("do") == "revoke":
        await request.call("credentials.revoke", {"batch": form.get("batch")})
    elif form.get("do") == "take_back":
        await request.call("credentials.take_back", {"offer": form.get("offer")})
    else:
        raise Invalid.at("do", "revoke or take_back")
    return View("", {}, redirect=HOME, headers=PRIVATE)


@SERVICE.page("GET", path="/credentials/take/{kind}")
async def choose(request: FaceRequest) -> View:
    return _chosen(request, await _kind(request))


@SERVICE.page("POST", path="/credentials/take/{kind}", rate="write", time_s=90.0)
async def take(request: FaceRequest) -> View | FaceAnswer:
    """The preview, then what is to become of it: a file, or credentials."""
    form = await request.form()
    kind = await _kind(request)
    fields = tuple(value for name, value in form.fields if name == "field")
    wish = form.get("do")
    if not fields:
        return _chosen(request, kind, is_wrong=True)
    asked: dict[str, Any] = {"kind": kind.id, "fields": fields}
    if wish in FORMS:
        more = {"form": wish, "origin": request.base_url, "lang": request.lang}
        return _file(await request.call("credentials.take", asked | more))
    if wish == "wallet":
        return _offered(request, await request.call("credentials.offer", asked | {"origin": request.base_url}))
    if wish == "preview":
        return _chosen(request, kind, preview=await request.call("credentials.preview", asked), fields=fields)
    raise Invalid.at("do", f"one of preview, wallet, {', '.join(FORMS)}")


async def _kind(request: FaceRequest) -> Kind:
    """Raises NotFound for a kind that is not there."""
    found: Mapping[str, Kind] = {one.id: one for one in await request.call("credentials.kinds", Nothing())}
    kind = found.get(request.params["kind"])
    if kind is None:
        raise NotFound(said("no_kind"), remedy=said("no_kind_remedy"))
    return kind


def _chosen(
    request: FaceRequest,
    kind: Kind,
    *,
    preview: Preview | None = None,
    fields: tuple[str, ...] = (),
    is_wrong: bool = False,
) -> View:
    title = kind.title[request.lang]
    values = {
        "kind": kind,
        "rows": rows_of(preview.values, kind, request.lang) if preview else (),
        "is_seen": preview is not None,
        "fields": fields,
        "is_wrong": is_wrong,
        "crumbs": _crumbs(request, title),
    }
    return View("credentials/take.html", values, title=title, status=422 if is_wrong else 200, headers=PRIVATE)


def _offered(request: FaceRequest, offer: Offered) -> View:
    title = OFFERED[request.lang]
    code = segno.make(offer.url, error="l", micro=False)
    values = {
        "offer": offer,
        "qr": code.svg_data_uri(scale=4, border=4, light="#fff", dark="#000"),
        "crumbs": _crumbs(request, title),
    }
    return View("credentials/offer.html", values, title=title, headers=PRIVATE)


def _file(taken: Taken) -> FaceAnswer:
    headers = (("Content-Disposition", f'attachment; filename="{taken.name}"'), *PRIVATE)
    return FaceAnswer(taken.content, media_type=taken.media_type, headers=headers)


def _crumbs(request: FaceRequest, title: str) -> tuple[Text, ...]:
    return ({"title": TITLE[request.lang], "path": HOME}, {"title": title, "path": ""})
