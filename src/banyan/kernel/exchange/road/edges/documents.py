"""Providers' descriptions of their services: read from a file, or fetched from where the offer says, within bounds."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from banyan.errors import Limit, Unavailable
from banyan.kernel.events.clock import Clock, EpochS
from banyan.kernel.exchange.road.behind import HttpProvider
from banyan.kernel.exchange.road.edges.meta import Document
from banyan.kernel.exchange.road.model import Call, Offer
from banyan.kernel.exchange.road.spool import EMPTY, Spooling
from banyan.limits import XROAD_OPENAPI_BYTES
from banyan.limits_road import EDGES_DOCUMENT_S
from banyan.wire.xroad.headers import Asked, last_of
from banyan.wire.xroad.identifiers import ServiceId
from banyan.wire.xroad.target import target_of

_YAML: Final = "text/yaml"
_JSON: Final = "application/json"
_ACCEPT: Final = ((b"accept", b"application/json, application/yaml, text/yaml, */*;q=0.5"),)
_NOBODY: Final = ServiceId("-", "-", "-", "-", "getOpenAPI")


class Documents:
    """A `meta.Read`. `folder` is for bodies too large for memory; bodies over the bound are refused as they arrive."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._provider = HttpProvider(Spooling(folder, most=XROAD_OPENAPI_BYTES), clock)
        self._clock = clock

    async def __call__(self, where: str) -> Document:
        """`where`: http(s)://..., file:///... or a path. Raises Problem: not there, too large, too slow."""
        if where.startswith(("http://", "https://")):
            return await self._fetched(where)
        path = Path(unquote(urlsplit(where).path) if where.startswith("file:") else where)
        return await asyncio.to_thread(_read, path)

    def close(self) -> None:
        self._provider.close()

    async def _fetched(self, url: str) -> Document:
        try:
            parts = urlsplit(url)
        except ValueError as error:
            raise Unavailable("The description's address is none.", remedy="Write http(s)://host/path.") from error
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        offer = Offer(_NOBODY, "OPENAPI", f"{parts.scheme}://{parts.netloc}", timeout_s=EDGES_DOCUMENT_S)
        now = self._clock()
        asked = Asked(_NOBODY.provider, ())
        call = Call("GET", target_of(_NOBODY), asked, _ACCEPT, "", "", now, EpochS(now + EDGES_DOCUMENT_S))
        answer = await self._provider.ask(offer, call, path.encode("ascii", "replace"), EMPTY, "")
        try:
            if answer.status != 200:
                raise Unavailable(f"The description was answered with {answer.status}.", remedy="Answer it with 200.")
            kind = (last_of(answer.fields, b"content-type") or b"").decode("latin-1")
            content = answer.body.whole(XROAD_OPENAPI_BYTES)
        finally:
            answer.body.close()
        return Document(content, kind or _kind_of(content))


def _read(path: Path) -> Document:
    try:
        with path.open("rb") as file:
            content = file.read(XROAD_OPENAPI_BYTES + 1)
    except OSError as error:
        raise Unavailable("The description's file cannot be read.", remedy="Put it where the offer says.") from error
    if len(content) > XROAD_OPENAPI_BYTES:
        raise Limit("XROAD_OPENAPI_BYTES", remedy=f"A description has at most {XROAD_OPENAPI_BYTES} bytes.")
    return Document(content, _kind_of(content))


def _kind_of(content: bytes) -> str:
    return _JSON if content.lstrip()[:1] == b"{" else _YAML
