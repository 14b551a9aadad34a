"""What phones show: the exact texts that the simulated networks hold, for a demonstration. A real node has none."""

from __future__ import annotations

from typing import Final

import msgspec

from banyan.errors import NotFound
from banyan.kernel.catalogue import FaceRequest, View
from banyan.kernel.catalogue.operation import OPEN, Context
from banyan.service.alerts.asking import Everything
from banyan.service.alerts.pages import TITLE
from banyan.service.alerts.seen import Seen
from banyan.service.alerts.service import SERVICE
from banyan.service.alerts.shelf import both, shelf_of

PHONES: Final = {"zh-Hant": "手機上看到的（模擬）", "en": "What phones show (simulated)"}


class Screens(msgspec.Struct, frozen=True):
    """`people` are phones of the public, `sinks` those that nobody carries."""

    people: tuple[Seen, ...]
    sinks: tuple[Seen, ...]


@SERVICE.operation(
    "phones", title=PHONES,
    summary={"zh-Hant": "示範用模擬網路上的手機顯示的文字。", "en": "What phones on the simulated networks show."},
    data=OPEN, audience="public",
)  # fmt: skip
async def phones(ctx: Context, request: Everything) -> Screens:
    """Raises NotFound on a node whose networks are real."""
    look = shelf_of(ctx.db).phones
    if look is None:
        raise NotFound(both("no_phones"), remedy=both("no_phones_remedy"))
    seen = tuple(look())
    return Screens(tuple(one for one in seen if one.is_people), tuple(one for one in seen if not one.is_people))


@SERVICE.page("GET", path="/alerts/phones")
async def page(request: FaceRequest) -> View:
    found: Screens = await request.call("alerts.phones", Everything())
    title = PHONES[request.lang]
    crumbs = ({"title": TITLE[request.lang], "path": "/alerts"}, {"title": title, "path": ""})
    return View("alerts/phones.html", {"found": found, "styles": ("alerts.css",), "crumbs": crumbs}, title=title)
