"""`GET /listClients`: everybody in the directory, as X-Road's tools or GovStack's ask for it.

Source: X-Road PR-META s4.1; GovStack IM Service Metadata API 1.0.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Literal

from banyan.errors import Invalid, NotFound
from banyan.kernel.exchange.road.edges.asked import check_get, once, pairs
from banyan.kernel.exchange.road.model import Directory, Request, Response
from banyan.wire.govstack import listing as govstack
from banyan.wire.xroad import members
from banyan.wire.xroad.headers import Field
from banyan.wire.xroad.members import Listed

PATH = b"/listClients"
GOVSTACK_PATH = b"/govstack/listClients"
Form = Literal["govstack", "application/json", "text/xml"]


class ListClients:
    """A page. `instance` is this gateway's own: whom a question without an instance is about. Each list is written once
    for a version of the directory, off the loop: ten thousand members in XML take half a second."""

    def __init__(self, directory: Directory, instance: str) -> None:
        self._directory, self._instance = directory, instance
        self._version = ""
        self._written: dict[tuple[str, Form], bytes] = {}
        self._turn = asyncio.Lock()

    async def __call__(self, request: Request) -> Response:
        """Raises Invalid (400) for a wrong query, NotFound for an instance that the directory does not have."""
        check_get(request)
        asked = pairs(request)
        theirs, govs = once(asked, "xRoadInstance"), once(asked, "instanceId")
        if theirs and govs and theirs != govs:
            raise Invalid.at("instanceId", "Name one instance.", status=400)
        instance = theirs or govs or self._instance
        body = await self._list(instance, _form(request, govs))
        if body is None:
            raise NotFound(f"The directory has no instance {instance}.", remedy="Leave xRoadInstance out for our own.")
        kind = "text/xml; charset=utf-8" if body.startswith(b"<") else "application/json"
        return Response(200, ((b"content-type", kind.encode("ascii")),), body)

    async def _list(self, instance: str, form: Form) -> bytes | None:
        """None: nobody is of that instance, and it is not our own."""
        async with self._turn:
            if self._version != self._directory.version:
                self._version, self._written = self._directory.version, {}
            found = self._written.get((instance, form))
            if found is None:
                listed = [one for one in self._directory.listed() if one.id.instance == instance]
                if not listed and instance != self._instance:
                    return None
                found = await asyncio.to_thread(_write, listed, form)
                self._written[instance, form] = found
            return found


def _form(request: Request, govstack_instance: str) -> Form:
    if govstack_instance or request.target.startswith(GOVSTACK_PATH) or _is_govstack(request.fields):
        return "govstack"
    accept = [value.decode("latin-1") for name, value in request.fields if name.lower() == b"accept"]
    return "application/json" if members.media_type_of(accept) == "application/json" else "text/xml"


def _write(listed: Sequence[Listed], form: Form) -> bytes:
    return govstack.encode_clients(listed) if form == "govstack" else members.encode(listed, form)


def _is_govstack(fields: tuple[Field, ...]) -> bool:
    return any(name.lower().startswith(b"x-govstack-") for name, _ in fields)
