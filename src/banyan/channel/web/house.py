"""Pages of the house itself: the site map and the accessibility statement."""

from __future__ import annotations

from banyan.channel.web.portal import Group
from banyan.kernel.catalogue import FaceRequest, Service, View

SITEMAP = {"zh-Hant": "網站導覽", "en": "Site map"}
ACCESSIBILITY = {"zh-Hant": "無障礙聲明", "en": "Accessibility statement"}


class HousePages:
    """What these pages need to know of the others: every page that can be named."""

    def __init__(self) -> None:
        self.groups: tuple[Group, ...] = ()

    async def sitemap(self, request: FaceRequest) -> View:
        return View("sitemap.html", {"groups": self.groups}, title=SITEMAP[request.lang])

    async def accessibility(self, request: FaceRequest) -> View:
        return View("accessibility.html", {}, title=ACCESSIBILITY[request.lang])


def add_house_pages(own: Service) -> HousePages:
    house = HousePages()
    own.page("GET", path="/sitemap", title=SITEMAP)(house.sitemap)
    own.page("GET", path="/accessibility", title=ACCESSIBILITY)(house.accessibility)
    return house
