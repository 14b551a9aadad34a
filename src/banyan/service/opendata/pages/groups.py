"""Agencies (機關) and themes (主題): lists, and one page each with its datasets."""

from __future__ import annotations

from banyan.kernel.catalogue import FaceRequest, View
from banyan.service.opendata.agencies import AgencyCount, ByName, Everything, ThemeCount
from banyan.service.opendata.find.operation import FindDatasets
from banyan.service.opendata.pages.saying import Crumb, one, page_links, titled, whole
from banyan.service.opendata.service import SERVICE

AGENCIES = {"zh-Hant": "機關", "en": "Agencies"}
THEMES = {"zh-Hant": "主題", "en": "Themes"}
PAGE = 20


@SERVICE.page("GET", path="/organization", title=AGENCIES, menu=3)
async def agencies(request: FaceRequest) -> View:
    """Every agency with its count of datasets."""
    found: list[AgencyCount] = await request.call("opendata.agencies", Everything())
    return _list(request, AGENCIES, "/organization", [(item.agency, item.datasets) for item in found])


@SERVICE.page("GET", path="/group", title=THEMES, menu=2)
async def themes(request: FaceRequest) -> View:
    """Every theme with its count of datasets."""
    found: list[ThemeCount] = await request.call("opendata.themes", Everything())
    return _list(request, THEMES, "/group", [(item.theme, item.datasets) for item in found])


@SERVICE.page("GET", path="/organization/{name}")
async def agency(request: FaceRequest) -> View:
    """One agency, how to reach it, and its datasets."""
    found: AgencyCount = await request.call("opendata.agency", ByName(request.params["name"]))
    wanted = FindDatasets(agency=(found.agency.name,), rows=PAGE, start=_start(request))
    return await _one(request, AGENCIES, "/organization", found.agency, wanted)


@SERVICE.page("GET", path="/group/{name}")
async def theme(request: FaceRequest) -> View:
    """One theme and its datasets."""
    found: ThemeCount = await request.call("opendata.theme", ByName(request.params["name"]))
    wanted = FindDatasets(theme=(found.theme.name,), rows=PAGE, start=_start(request))
    return await _one(request, THEMES, "/group", found.theme, wanted)


def _start(request: FaceRequest) -> int:
    return (whole(one(request, "page"), 1, most=5_000) - 1) * PAGE


def _list(request: FaceRequest, words: dict[str, str], path: str, items: list[tuple[object, int]]) -> View:
    title = words[request.lang]
    return View("opendata/groups.html", {"items": items, "path": path, "crumbs": (Crumb(title),)}, title=title)


async def _one(request: FaceRequest, words: dict[str, str], path: str, thing: object, wanted: FindDatasets) -> View:
    found = await request.call("opendata.find_datasets", wanted)
    title = titled(thing, request.lang)  # type: ignore[arg-type]  # Agency and Theme both have titles
    here = f"{path}/{request.params['name']}"
    values = {
        "thing": thing,
        "found": found,
        "pages": page_links(wanted.start // PAGE + 1, max(1, -(-found.count // PAGE)), [], here),
        "crumbs": (Crumb(words[request.lang], path), Crumb(title)),
    }
    return View("opendata/group.html", values, title=title)
