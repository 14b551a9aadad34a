"""The service worker of pages that work without a network. Source: Service Workers s3.1 (Service-Worker-Allowed).

A worker's policy is its answer's, so it says here what every worker may reach: this site, and nothing else.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

from banyan.errors import NotFound
from banyan.kernel.catalogue.operation import FaceAnswer, FaceRequest, Service

FOLDER: Final = Path(__file__).parents[4] / "web" / "portal"
HEADERS: Final = (
    ("Service-Worker-Allowed", "/"),
    ("Content-Security-Policy", "default-src 'none'; connect-src 'self'"),
    ("Cache-Control", "no-cache"),
)


def serve_worker(service: Service, path: str, file: str) -> None:
    """Answer `path` with a script of web/portal; it may care for the pages of both languages."""

    async def worker(request: FaceRequest) -> FaceAnswer:
        try:
            body = await asyncio.to_thread((FOLDER / file).read_bytes)
        except FileNotFoundError as error:
            raise NotFound("no worker here", remedy="install web/portal with the code") from error
        return FaceAnswer(body, media_type="text/javascript; charset=utf-8", headers=HEADERS)

    service.face("GET", "HEAD", path=path, rate="page", channel="web")(worker)
