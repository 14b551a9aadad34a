"""The public pages: `/allocation`, and a plan with its reasons, fairness and history. Officers see forms too."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any, Final

from banyan.errors import FieldError
from banyan.kernel.catalogue import FaceRequest, View
from banyan.service.allocation.picture import lorenz_chart, map_of
from banyan.service.allocation.reading import Named, Nothing, RowsQuery
from banyan.service.allocation.service import SERVICE
from banyan.service.allocation.wording import is_officer

TITLE: Final = {"zh-Hant": "物資分配", "en": "Allocation of supplies"}
PAGE: Final = 20
MOVES: Final = 15
"""Redistributions on the page; the file has them all."""
PRIVATE: Final = (("Cache-Control", "no-store"),)
ASKED: Final = ("item", "day", "supply", "method")
CHANGED: Final = ("code", "boxes", "kind", "words")
"""The boxes of the two forms."""
KINDS: Final = ("outbreak", "event", "closed", "transport", "data", "other")


@SERVICE.page("GET", path="/allocation", title=TITLE)
async def home(request: FaceRequest) -> View:
    """Approved plans; for officers drafts and the form of a new one."""
    return await home_view(request)


@SERVICE.page("GET", path="/allocation/plans/{id}")
async def plan(request: FaceRequest) -> View:
    """One plan; everything here can be had by the operations too."""
    return await plan_view(request, request.params["id"])


async def home_view(
    request: FaceRequest,
    *,
    given: dict[str, str] | None = None,
    wrong: tuple[FieldError, ...] = (),
    compared: dict[str, Any] | None = None,
    status: int = 200,
) -> View:
    """`given` are the words of the form, `compared` the methods side by side."""
    may = is_officer(request.caller)
    plans = await request.call("allocation.plans", Nothing())
    values = {
        "plans": plans,
        "drafts": await request.call("allocation.drafts", Nothing()) if may else (),
        "officer": may,
        "items": await _items(request) if may else (),
        "given": dict.fromkeys(ASKED, "") | (given or {}),
        "errors": wrong,
        "compared": compared,
        "at": epoch_of,
        "crumbs": ({"title": TITLE[request.lang], "path": ""},),
    }
    headers = PRIVATE if may else ()
    return View("allocation/home.html", values, title=TITLE[request.lang], status=status, headers=headers)


async def plan_view(
    request: FaceRequest,
    id: str,
    *,
    given: dict[str, str] | None = None,
    wrong: tuple[FieldError, ...] = (),
    status: int = 200,
) -> View:
    """The page of a plan; `wrong` are the words of an act that did not stand."""
    query = dict(request.query)
    q, first = query.get("q", "")[:60], _number(query.get("first", ""))
    found, page, fair, moves = await asyncio.gather(
        request.call("allocation.plan", Named(id)),
        request.call("allocation.rows", RowsQuery(id, q, first, PAGE)),
        request.call("allocation.fairness", Named(id)),
        request.call("allocation.moves", Named(id)),
    )
    may = is_officer(request.caller)
    title = f"{found.title[request.lang]} {found.day}"
    values = {
        "one": found,
        "page": page,
        "fair": fair,
        "towns": sorted(fair.towns, key=lambda town: (town.per_1000 is None, town.per_1000 or 0.0, town.town)),
        "moves": moves[:MOVES],
        "picture": await asyncio.to_thread(map_of, fair.towns),
        "lorenz": lorenz_chart(fair, request.lang),
        "q": q,
        "first": first,
        "before": max(0, first - PAGE),
        "after": first + PAGE if first + PAGE < page.total else 0,
        "officer": may,
        "kinds": KINDS,
        "given": dict.fromkeys(CHANGED, "") | (given or {}),
        "errors": wrong,
        "at": epoch_of,
        "crumbs": ({"title": TITLE[request.lang], "path": "/allocation"}, {"title": title, "path": ""}),
    }
    headers = PRIVATE if may or found.state != "approved" else ()
    return View("allocation/plan.html", values, title=title, status=status, headers=headers)


def epoch_of(moment: str) -> float:
    """RFC 3339 as epoch seconds, for the filters that say a time."""
    return datetime.fromisoformat(moment).timestamp()


async def _items(request: FaceRequest) -> list[Any]:
    """The map's items, to choose from."""
    return [view.item for view in await request.call("supplies.items", {})]


def _number(text: str) -> int:
    return min(int(text), 10**6) if text.isascii() and text.isdigit() and len(text) < 8 else 0
