"""The officers' console of the exchange: how it stands, grants, calls of now, the queue. Officers only.

Nothing here says who a call was about. Everything on the pages can be had by the operations too.
"""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any, Final

from banyan.kernel.catalogue import FaceRequest, View
from banyan.service.exchange.granting import Nothing
from banyan.service.exchange.service import SERVICE
from banyan.service.exchange.wording import denied

TITLE: Final = {"zh-Hant": "機關間資料交換", "en": "Exchange between agencies"}
GRANTS: Final = {"zh-Hant": "交換授權", "en": "Grants"}
CALLS: Final = {"zh-Hant": "即時呼叫", "en": "Calls of now"}
QUEUE: Final = {"zh-Hant": "待送佇列", "en": "The queue"}
PRIVATE: Final = (("Cache-Control", "no-store"),)
NEWEST: Final = 8
"""Calls of services on the first page; the page of calls has them all, and the questions about services too."""


@SERVICE.page("GET", path="/exchange")
async def exchange(request: FaceRequest) -> View:
    """How it stands."""
    admit(request)
    standing, calls, letters, grants = await asyncio.gather(
        request.call("exchange.standing", Nothing()),
        request.call("exchange.calls", Nothing()),
        request.call("exchange.letters", Nothing()),
        request.call("exchange.grants", Nothing()),
    )
    values = {
        "one": standing,
        "calls": [one for one in calls if not one.is_about][:NEWEST],
        "waiting": sum(letter.state == "waiting" for letter in letters),
        "dead": sum(letter.state != "waiting" for letter in letters),
        "proposed": sum(grant.state == "proposed" and grant.is_own for grant in grants),
        "in_force": sum(grant.state == "in-force" for grant in grants),
        **who(request),
        "crumbs": ({"title": TITLE[request.lang], "path": ""},),
    }
    return View("exchange/standing.html", values, title=TITLE[request.lang], headers=PRIVATE)


@SERVICE.page("GET", path="/exchange/calls")
async def calls(request: FaceRequest) -> View:
    """The newest calls of the officer's agency."""
    admit(request)
    found = await request.call("exchange.calls", Nothing())
    values = {"calls": found, **under(request, CALLS)}
    return View("exchange/calls.html", values, title=CALLS[request.lang], headers=PRIVATE)


def admit(request: FaceRequest) -> None:
    """Raises Denied before anything is shown; the operations judge again."""
    if request.caller.kind != "officer" or not request.caller.agency:
        raise denied()


def who(request: FaceRequest) -> dict[str, Any]:
    """What every template here needs: the officer's agency, and how to read a moment."""
    return {"agency": request.caller.agency, "at": epoch_of}


def under(request: FaceRequest, title: dict[str, str]) -> dict[str, Any]:
    crumbs = ({"title": TITLE[request.lang], "path": "/exchange"}, {"title": title[request.lang], "path": ""})
    return {**who(request), "crumbs": crumbs}


def epoch_of(moment: str) -> float:
    """RFC 3339 as epoch seconds, for the filters that say a time."""
    return datetime.fromisoformat(moment).timestamp()
