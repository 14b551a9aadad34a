"""The page `/transparency`: orders in force, uses by basis, how the log grew, and how to check it oneself."""

from __future__ import annotations

import asyncio

from banyan.kernel.catalogue import FaceRequest, View
from banyan.service.transparency.operations import EntriesQuery, Nothing
from banyan.service.transparency.service import SERVICE

TITLE = {"zh-Hant": "透明日誌", "en": "Transparency log"}


@SERVICE.page("GET", path="/transparency", title=TITLE, menu=9)
async def page(request: FaceRequest) -> View:
    """Everything here can be had by the operations too."""
    nothing = Nothing()
    standing, orders, uses, entries, register = await asyncio.gather(
        request.call("transparency.standing", nothing),
        request.call("transparency.orders", nothing),
        request.call("transparency.uses", nothing),
        request.call("transparency.entries", EntriesQuery()),
        request.call("transparency.register", nothing),
    )
    values = {
        "standing": standing,
        "in_force": [order for order in orders if order.state == "in-force"],
        "over": [order for order in orders if order.state != "in-force"],
        "uses": uses.counts,
        "entries": list(reversed(entries)),
        "register": register,
        "titles": {basis.id: basis.title for basis in register},
        "base": request.base_url,
        "crumbs": ({"title": TITLE[request.lang], "path": ""},),
    }
    return View("transparency/log.html", values, title=TITLE[request.lang])
