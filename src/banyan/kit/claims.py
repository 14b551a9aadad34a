"""What an app says: one claim for each outlet and item it shows, however it shows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

Kind = Literal["api", "geojson", "csv", "html"]
IN_STOCK = ("in_stock", "few")


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """One number or word about one item at one outlet. `where` says where it stands in the document. None or empty is
    what the app does not say; `count` is a number that the app gives without saying what is promised of it."""

    where: str
    code: str
    is_code_text: bool = True
    item: str = ""
    available: int | None = None
    reserved: int | None = None
    count: int | None = None
    status: str = ""
    as_of: str = ""
    lon: float | None = None
    lat: float | None = None
    is_marked_stale: bool = False
    """The reader is told that the number is old, in words or by a confidence."""
    is_marked_doubtful: bool = False
    """The reader is told that the place may be wrong."""

    @property
    def shown(self) -> int | None:
        """The number a person takes for what is there."""
        return self.available if self.available is not None else self.count

    @property
    def says_in_stock(self) -> bool:
        return self.status in IN_STOCK or (not self.status and (self.shown or 0) > 0)


class App(msgspec.Struct, frozen=True, kw_only=True):
    """A document, understood. `refresh_s` is how often the page reloads by itself, when that can be seen; `links` are
    documents it leaves numbers to (places of a pack)."""

    kind: Kind
    claims: tuple[Claim, ...]
    has_licence: bool = False
    refresh_s: float | None = None


class Taken(msgspec.Struct, frozen=True):
    """An answer as it came: `headers` by lower-case name, `at` when (epoch seconds), `is_revalidated` whether asking
    again with its ETag gave 304; None when it has none."""

    url: str
    body: bytes
    headers: Mapping[str, str]
    at: float
    is_revalidated: bool | None = None
