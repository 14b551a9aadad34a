"""The first page, the page about the portal, and the usage figures."""

from __future__ import annotations

import asyncio

from banyan.kernel.catalogue import FaceRequest, View
from banyan.service.opendata.agencies import Everything
from banyan.service.opendata.export.entry import EntriesQuery, Entry
from banyan.service.opendata.licences import LICENCES
from banyan.service.opendata.pages.saying import one, whole
from banyan.service.opendata.service import SERVICE
from banyan.service.opendata.usage import UsageQuery

ABOUT = {"zh-Hant": "關於與授權", "en": "About and licence"}
USAGE = {"zh-Hant": "使用統計", "en": "Usage"}
HOME = {"zh-Hant": "首頁", "en": "Home"}
NEWEST = 6
LOOKED_AT = 50
"""Latest entries that are looked through for live ones."""


@SERVICE.page("GET", path="/", title=HOME)
async def home(request: FaceRequest) -> View:
    """Search, themes, what is live, what is new, and the figures of the catalogue."""
    entries, themes, usage, agencies = await asyncio.gather(
        request.call("opendata.entries", EntriesQuery(rows=LOOKED_AT, latest=True)),
        request.call("opendata.themes", Everything()),
        request.call("opendata.usage", UsageQuery(days=30)),
        request.call("opendata.agencies", Everything()),
    )
    found: tuple[Entry, ...] = entries.entries
    values = {
        "newest": found[:NEWEST],
        "live": [(entry, *table) for entry in found for table in entry.tables() if table[0].live is not None][:NEWEST],
        "themes": [item for item in themes if item.datasets],
        "figures": {
            "datasets": entries.total,
            "rows": sum(version.rows for entry in found for version in entry.versions.values()),
            "agencies": sum(1 for item in agencies if item.datasets),
            "uses": usage.total.views + usage.total.downloads + usage.total.calls,
        },
    }
    return View("opendata/home.html", values)


@SERVICE.page("GET", path="/about", title=ABOUT)
async def about(request: FaceRequest) -> View:
    """What the portal is, and what each licence lets people do."""
    values = {"licences": list(LICENCES.values()), "crumbs": ({"title": ABOUT[request.lang], "path": ""},)}
    return View("opendata/about.html", values, title=ABOUT[request.lang])


@SERVICE.page("GET", path="/usage", title=USAGE)
async def usage(request: FaceRequest) -> View:
    """How much the catalogue is used, and which datasets most. Counts only: nobody is followed."""
    days = whole(one(request, "days"), 30, most=365)
    found = await request.call("opendata.usage", UsageQuery(days=days))
    values = {"usage": found, "span": days, "crumbs": ({"title": USAGE[request.lang], "path": ""},)}
    return View("opendata/usage.html", values, title=USAGE[request.lang])
