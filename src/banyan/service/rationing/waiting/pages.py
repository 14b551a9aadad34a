"""The page of a waiting room. The layer sends it to who waits, with their own place put in; asked for by itself it says
how the room goes."""

from __future__ import annotations

from banyan.kernel.catalogue import FaceRequest, View
from banyan.service.rationing.service import SERVICE
from banyan.service.rationing.waiting.operations import RoomQuery


@SERVICE.page("GET", path="/rationing/waiting/{room}")
async def page(request: FaceRequest) -> View:
    """Works without script: the layer's `Refresh` header looks again."""
    found = await request.call("rationing.waiting", RoomQuery(request.params["room"]))
    title = found.title[request.lang]
    values = {"room": found, "crumbs": ({"title": title, "path": ""},)}
    return View("rationing/waiting.html", values, title=title)
