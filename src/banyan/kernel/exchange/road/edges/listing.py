"""`GET /listClients`: everybody in the directory, as X-Road's tools or GovStack's ask for it.

Source: X-Road PR-META s4.1; GovStack IM Service Metadata API 1.0.
"""

from __future__ import annotations

from banyan.errors import Invalid, NotFound
from banyan.kernel.exchange.road.edges.asked import check_get, once, pairs
from banyan.kernel.exchange.road.model import Directory, Request, Response
from banyan.wire.govstack import listing as govstack
from banyan.wire.xroad import members
from banyan.wire.xroad.headers import Field

PATH = b"/listClients"
GOVSTACK_PATH = b"/govstack/listClients"


class ListClients:
    """A page. `instance` is this gateway's own: whom a question without an instance is about."""

    def __init__(self, directory: Directory, instance: str) -> None:
        self._directory, self._instance = directory, instance

    async def __call__(self, request: Request) -> Response:
        """Raises Invalid (400) for a wrong query, NotFound for an instance that the directory does not have."""
        check_get(request)
        asked = pairs(request)
        theirs, govs = once(asked, "xRoadInstance"), once(asked, "instanceId")
        if theirs and govs and theirs != govs:
            raise Invalid.at("instanceId", "Name one instance.", status=400)
        instance = theirs or govs or self._instance
        listed = [one for one in self._directory.listed() if one.id.instance == instance]
        if not listed and instance != self._instance:
            raise NotFound(f"The directory has no instance {instance}.", remedy="Leave xRoadInstance out for our own.")
        if govs or request.target.startswith(GOVSTACK_PATH) or _is_govstack(request.fields):
            return _answer(govstack.encode_clients(listed), "application/json")
        accept = [value.decode("latin-1") for name, value in request.fields if name.lower() == b"accept"]
        kind = members.media_type_of(accept)
        return _answer(members.encode(listed, kind), kind if kind == "application/json" else f"{kind}; charset=utf-8")


def _is_govstack(fields: tuple[Field, ...]) -> bool:
    return any(name.lower().startswith(b"x-govstack-") for name, _ in fields)


def _answer(body: bytes, kind: str) -> Response:
    return Response(200, ((b"content-type", kind.encode("ascii")),), body)
