"""The first page's services, the foot and the site map come from what services say of themselves."""

from __future__ import annotations

import re

from tests.channel.web.conftest import Filled

from banyan.channel.web.portal import groups_of
from banyan.kernel.catalogue import FaceRequest, Service, View


async def page(request: FaceRequest) -> View:
    return View("x.html", {})


def a_service(name: str, *paths: str, front: int = 0) -> Service:
    made = Service(name, title={"zh-Hant": name}, about={"zh-Hant": f"about {name}"}, front=front)
    for path in paths:
        made.page("GET", path=path, title={"zh-Hant": path})(page)
    made.page("GET", path=f"/{name}/hidden")(page)
    made.page("POST", path=f"/{name}/posted", title={"zh-Hant": "posted"})(page)
    made.page("GET", path=f"/{name}/{{id}}", title={"zh-Hant": "one"})(page)
    return made


def test_a_group_begins_at_its_shortest_address_and_names_what_can_be_named() -> None:
    services = [a_service("a", "/a/desk", "/a", "/a/rules", front=2), a_service("b"), a_service("c", "/dataset", "/")]
    a, c = groups_of(services)  # b has no page with a name
    assert (a.path, a.front, a.about) == ("/a", 2, {"zh-Hant": "about a"})
    assert [place.path for place in a.places] == ["/a/desk", "/a", "/a/rules"]
    assert c.path == "/"


def test_the_site_map_names_every_page_that_the_first_page_leads_to_by_card_or_foot(portal: Filled) -> None:
    for prefix in ("", "/en"):
        home = portal.get(prefix or "/")
        foot = re.findall(r'href="(/[^"]*)"', home.split('<footer class="foot">')[1])
        cards = re.findall(r'<h3><a href="([^"]+)"', home.split('id="services"')[1].split("</section>")[0])
        named = re.findall(r'<li><a href="([^"]+)"', portal.get(f"{prefix}/sitemap").split("</header>")[1])
        assert len(cards) >= 10
        assert set(foot) | set(cards) <= set(named)
        assert len(named) == len(set(named)) + len(set(foot)), "a page is named once in the map and once in the foot"
