"""Front-end files: an explicit list, hashed, served under `/assets/NAME-VERSION/FILE` for ever.

Others' files come from npm (`web/node_modules`), ours from `web/portal`. A file that is missing, or whose bytes are not
the listed ones, is not served and not linked: every page works without it.
"""

from __future__ import annotations

import base64
import hashlib
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import msgspec

from banyan.errors import NotFound
from banyan.kernel.catalogue import FaceAnswer, FaceRequest

Kind = Literal["script", "style", "picture", "data"]
MEDIA_TYPES: Mapping[str, str] = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".json": "application/json",
}
FOR_EVER = (("Cache-Control", "public, max-age=31536000, immutable"), ("X-Content-Type-Options", "nosniff"))


class Asset(msgspec.Struct, frozen=True):
    """One file that may be served. `integrity` is the attribute of Subresource Integrity (W3C SRI)."""

    key: str
    url: str
    path: Path
    integrity: str


class _Listed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A line of assets.toml: where npm puts the file, and what its bytes hash to."""

    key: str
    package: str
    version: str
    file: str
    sha384: str


class _List(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    asset: tuple[_Listed, ...]


class Assets:
    """The files this node can serve, by key (`htmx`, `leaflet-css`, `portal.css`). Read once at start."""

    def __init__(self, web: Path) -> None:
        """`web` is the folder that holds `assets.toml`, `node_modules` and `portal`; it may lack any of them."""
        found = [*_others(web), *_ours(web / "portal")]
        self.by_key: Mapping[str, Asset] = {asset.key: asset for asset in found}
        self._by_url = {asset.url: asset for asset in found}

    def url(self, key: str) -> str:
        """Its address, or empty when the file is not here."""
        asset = self.by_key.get(key)
        return asset.url if asset else ""

    def integrity(self, key: str) -> str:
        asset = self.by_key.get(key)
        return asset.integrity if asset else ""

    async def serve(self, request: FaceRequest) -> FaceAnswer:
        """The face `/assets/{file*}`: only listed files, never a path of the caller's making."""
        asset = self._by_url.get(f"/assets/{request.params['file']}")
        if asset is None:
            raise NotFound(f"no asset {request.params['file']}", remedy="load the page again for current addresses")
        return FaceAnswer(
            body=asset.path,
            media_type=MEDIA_TYPES[asset.path.suffix],
            headers=FOR_EVER,
            etag=asset.integrity.removeprefix("sha384-")[:24],
        )


def hash_of(path: Path) -> str:
    """The file's SHA-384 as Subresource Integrity writes it, without the algorithm."""
    return base64.b64encode(hashlib.sha384(path.read_bytes()).digest()).decode()


def listed(web: Path) -> tuple[_Listed, ...]:
    """What `assets.toml` lists; nothing when the file is not installed with the code."""
    path = web / "assets.toml"
    return msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), _List).asset if path.is_file() else ()


def _others(web: Path) -> list[Asset]:
    found = []
    for line in listed(web):
        path = web / "node_modules" / line.package / line.file
        if path.is_file() and hash_of(path) == line.sha384:
            url = f"/assets/{line.package}-{line.version}/{path.name}"
            found.append(Asset(line.key, url, path, f"sha384-{line.sha384}"))
    return found


def _ours(folder: Path) -> list[Asset]:
    """Our own files; their version is their content's hash, so a change is a new address."""
    paths = sorted(path for path in folder.glob("*") if path.suffix in MEDIA_TYPES)
    hashes = {path: hash_of(path) for path in paths}
    version = hashlib.sha256("".join(hashes.values()).encode()).hexdigest()[:10]
    return [Asset(path.name, f"/assets/portal-{version}/{path.name}", path, f"sha384-{hashes[path]}") for path in paths]
