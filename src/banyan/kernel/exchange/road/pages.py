"""A gateway's own pages beside `/r1/`: other parts add theirs, on the edge or on the peers' listener.

A path that ends with a slash stands for everything below it; the longest that fits is taken, an exact one first.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from banyan.kernel.exchange.road.model import Page
from banyan.limits_road import ROAD_PAGE_BYTES

Side = Literal["edge", "peer"]


class Placed(msgspec.Struct, frozen=True):
    """`most`: bytes of a body that the page takes. `is_signed`: only signed by a member (`Peer.ask(member=...)`).
    `is_open`: on the peers' listener, also for a gateway that the directory does not know (yet)."""

    page: Page
    most: int = ROAD_PAGE_BYTES
    is_signed: bool = False
    is_open: bool = False


class Pages:
    def __init__(self) -> None:
        self._exact: dict[tuple[Side, bytes], Placed] = {}
        self._below: dict[tuple[Side, bytes], Placed] = {}

    def add(self, side: Side, path: bytes, placed: Placed) -> None:
        """`pages.add("edge", b"/verificationconf", Placed(handler))`. A path is added once."""
        assert path.startswith(b"/"), "a path begins with a slash"
        assert not path.startswith(b"/r1/"), "calls are not pages"
        among = self._below if path.endswith(b"/") else self._exact
        assert (side, path) not in among, "a path has one page"
        among[side, path] = placed

    def find(self, side: Side, target: bytes) -> Placed | None:
        path = target.partition(b"?")[0]
        found = self._exact.get((side, path)) or self._below.get((side, path))
        while found is None and path:
            path = path[: path.rstrip(b"/").rfind(b"/") + 1]
            found = self._below.get((side, path))
            if path == b"/":
                break
        return found
