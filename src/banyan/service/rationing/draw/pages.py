"""The pages of the draws: all of them, one with a form for one's own ticket, and the check of a receipt, which happens
in the reader's browser. Everything but that check works without script."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from banyan.craft.draw.bundle import DrawReceipt
from banyan.errors import Conflict, Invalid, NotFound
from banyan.kernel.catalogue import FaceRequest, View
from banyan.service.rationing.draw.operations import Named, Nothing, Stands
from banyan.service.rationing.draw.shelf import MESSAGES
from banyan.service.rationing.service import SERVICE

TITLE: Final = {"zh-Hant": "公開抽籤", "en": "Public draws"}
CHECK: Final = {"zh-Hant": "查驗抽籤收據", "en": "Check a receipt of a draw"}
PRIVATE: Final = (("Cache-Control", "no-store"),)
SCRIPTS: Final = ("draw-check.js", "draw-page.js")
WORDS: Final = (
    "result",
    "holds",
    "fails",
    "listed",
    "won",
    "reserve",
    "rank",
    "index",
    "pinned",
    "unpinned",
    "seed",
    "root",
)
REASONS: Final = ("shape", "path", "seed", "order", "ledger", "browser")


@SERVICE.page("GET", path="/rationing/draws", title=TITLE)
async def overview(request: FaceRequest) -> View:
    """How each draw stands."""
    title = TITLE[request.lang]
    found = await request.call("rationing.draws", Nothing())
    return View("rationing/draws.html", {"draws": found, "crumbs": ({"title": title, "path": ""},)}, title=title)


@SERVICE.page("GET", path="/rationing/draw-check", title=CHECK)
async def check(request: FaceRequest) -> View:
    """Once it is open it asks for nothing more; what is checked is sent nowhere."""
    title = CHECK[request.lang]
    values = _scripted(request, await request.call("rationing.draws", Nothing()))
    values["crumbs"] = (_parent(request), {"title": title, "path": ""})
    return View("rationing/draw_check.html", values, title=title)


@SERVICE.page("GET", path="/rationing/draws/{draw}")
async def one(request: FaceRequest) -> View:
    return await _draw_view(request)


@SERVICE.page("POST", path="/rationing/draws/{draw}", rate="query")
async def mine(request: FaceRequest) -> View:
    """The place of one's own ticket; it stands on the page and in no address."""
    ticket = (await request.form()).get("ticket").strip().lower()
    asked = {"draw": request.params["draw"], "ticket": ticket}
    try:
        receipt = await request.call("rationing.draw_receipt", asked)
    except Invalid:
        return await _draw_view(request, wrong="shape", status=422)
    except (NotFound, Conflict):
        return await _draw_view(request, wrong="unknown", status=404)
    return await _draw_view(request, receipt=receipt)


async def _draw_view(
    request: FaceRequest, *, receipt: DrawReceipt | None = None, wrong: str = "", status: int = 200
) -> View:
    stands = await request.call("rationing.draw", Named(request.params["draw"]))
    title = stands.title[request.lang]
    text = msgspec.json.format(msgspec.json.encode(receipt), indent=1).decode() if receipt is not None else ""
    values = {
        "draw": stands,
        "receipt": receipt,
        "text": text,
        "wrong": wrong,
        "base": request.base_url,
        **_scripted(request, (stands,)),
        "crumbs": (_parent(request), {"title": title, "path": ""}),
    }
    headers = PRIVATE if request.method == "POST" else ()
    return View("rationing/draw.html", values, title=title, status=status, headers=headers)


def _scripted(request: FaceRequest, draws: tuple[Stands, ...]) -> dict[str, Any]:
    """What the check needs: words, and what is public of the draws, to hold a receipt against."""
    words = {
        "told": {name: _said(request, f"told_{name}") for name in WORDS},
        "refused": {name: _said(request, f"refused_{name}") for name in REASONS},
    }
    pinned = {one.draw: {"root": one.root, "order_root": one.order_root, "count": one.count} for one in draws}
    return {"words": words, "pinned": pinned, "scripts": SCRIPTS}


def _parent(request: FaceRequest) -> dict[str, str]:
    return {"title": TITLE[request.lang], "path": "/rationing/draws"}


def _said(request: FaceRequest, key: str) -> str:
    return MESSAGES.text(f"draw.{key}", request.lang)
