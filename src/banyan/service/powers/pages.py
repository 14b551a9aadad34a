"""The public pages of emergency powers: `/powers`, one order, and the register of legal bases in words.

Nobody signs in to see them. An officer sees the same with forms: what they may do on it (`desk.py`).
"""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any, Final

from banyan.errors import Denied
from banyan.kernel.catalogue import FaceRequest, View
from banyan.kernel.identity.caller import Caller
from banyan.service.powers.board import BasesQuery, BoardQuery, PublicOrder
from banyan.service.powers.reviewing import Nothing
from banyan.service.powers.service import SERVICE

TITLE: Final = {"zh-Hant": "緊急權力", "en": "Emergency powers"}
REGISTER: Final = {"zh-Hant": "法律依據登記", "en": "Register of legal bases"}
PAGE: Final = 20
CELLS: Final = 60
"""Rows of the table of uses on the page; the files have them all."""
PRIVATE: Final = (("Cache-Control", "no-store"),)


@SERVICE.page("GET", path="/powers", title=TITLE)
async def powers(request: FaceRequest) -> View:
    """Everything here can be had by the operations too."""
    title = TITLE[request.lang]
    ended = number(request, "ended", BoardQuery().ended, most=200)
    board, counts = await asyncio.gather(
        request.call("powers.board", BoardQuery(ended)), request.call("powers.emergency_counts", Nothing())
    )
    values = {
        "alive": [one for one in board.orders if one.stage not in ("ended", "never")],
        "over": [one for one in board.orders if one.stage in ("ended", "never")],
        "board": board,
        "counts": counts,
        "cells": counts.cells[:CELLS],
        **who(request),
        "crumbs": ({"title": title, "path": ""},),
    }
    return View("powers/board.html", values, title=title, headers=private(request))


@SERVICE.page("GET", path="/powers/orders/{id}")
async def order(request: FaceRequest) -> View:
    """One order; for an officer with what they may do about it."""
    found = await request.call("powers.order", {"id": request.params["id"]})
    return await order_view(request, found)


@SERVICE.page("GET", path="/powers/bases", title=REGISTER)
async def bases(request: FaceRequest) -> View:
    """The register of PDPA article 17, a page at a time."""
    title = REGISTER[request.lang]
    first = number(request, "first", 0, most=2**31)
    q = dict(request.query).get("q", "")[:100]
    found = await request.call("powers.bases", BasesQuery(q, first, PAGE))
    values = {
        "found": found,
        "q": q,
        "first": first,
        "after": first + PAGE if first + PAGE < found.total else 0,
        "before": max(0, first - PAGE),
        **who(request),
        "crumbs": ({"title": TITLE[request.lang], "path": "/powers"}, {"title": title, "path": ""}),
    }
    return View("powers/bases.html", values, title=title)


@SERVICE.page("GET", path="/powers/bases/{id}")
async def basis(request: FaceRequest) -> View:
    """One basis in words."""
    found = await request.call("powers.basis", {"id": request.params["id"]})
    title = found.title[request.lang]
    crumbs = (
        {"title": TITLE[request.lang], "path": "/powers"},
        {"title": REGISTER[request.lang], "path": "/powers/bases"},
        {"title": title, "path": ""},
    )
    return View("powers/basis.html", {"one": found, **who(request), "crumbs": crumbs}, title=title)


async def order_view(
    request: FaceRequest,
    found: PublicOrder,
    *,
    wrong: tuple[dict[str, str], ...] = (),
    given: str = "",
    status: int = 200,
) -> View:
    """The page of an order; `wrong` are the words of an act that did not stand, `given` the end that was asked for."""
    title = found.title[request.lang]
    reason = await _reason(request, found.id)
    values = {
        "one": found,
        "reason": reason,
        "errors": wrong,
        "given": given,
        **who(request),
        "may": may_do(found, request.caller),
        "crumbs": ({"title": TITLE[request.lang], "path": "/powers"}, {"title": title, "path": ""}),
    }
    return View("powers/order.html", values, title=title, status=status, headers=private(request))


async def _reason(request: FaceRequest, id: str) -> str:
    """What the declaring officer wrote, for officers; a sign-in that is not sure enough sees the public page."""
    if not is_officer(request.caller):
        return ""
    try:
        found = await request.call("powers.order_reason", {"id": id})
    except Denied:
        return ""
    return str(found.reason)


def may_do(found: PublicOrder, caller: Caller) -> tuple[str, ...]:
    """The acts that the rules of orders leave open to this officer's agency; the operations decide again."""
    if not is_officer(caller) or found.stage in ("ended", "never"):
        return ()
    agency = caller.agency
    made = {found.declared_by, found.approved_by, *(one.agency for one in found.extended_by)}
    acts = {
        "approve": found.stage == "declared" and agency != found.declared_by,
        "extend": found.stage == "in-force" and agency not in (found.declared_by, found.approved_by),
        "end": agency in made,
    }
    return tuple(act for act, is_open in acts.items() if is_open)


def is_officer(caller: Caller) -> bool:
    return caller.kind == "officer" and bool(caller.agency)


def who(request: FaceRequest) -> dict[str, Any]:
    """What every template here needs: whether an officer looks, for which agency, and how to read a moment."""
    return {"officer": is_officer(request.caller), "agency": request.caller.agency, "at": epoch_of}


def epoch_of(moment: str) -> float:
    """RFC 3339 as epoch seconds, for the filters that say a time."""
    return datetime.fromisoformat(moment).timestamp()


def private(request: FaceRequest) -> tuple[tuple[str, str], ...]:
    """What an officer sees is theirs."""
    return PRIVATE if is_officer(request.caller) else ()


def number(request: FaceRequest, name: str, otherwise: int, *, most: int) -> int:
    """A whole number of the query; anything else is the usual one."""
    text = dict(request.query).get(name, "")
    return min(int(text), most) if text.isascii() and text.isdigit() and len(text) < 12 else otherwise
