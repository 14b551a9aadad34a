"""What the composition root decides about the door. Decoded from node.toml there; nothing below reads configuration."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec

from banyan.kernel.catalogue.operation import FaceAnswer, FaceRequest, View
from banyan.kernel.identity.caller import Caller

Identify = Callable[[str], Caller | None]
"""The caller who holds this token, or None: a wrong token is anonymous. Compares in constant time."""
Render = Callable[[FaceRequest, View], FaceAnswer]
"""Turns a page's view into HTML; given by the web channel. Problems on pages come as template `problem.html`."""


class DoorSettings(msgspec.Struct, frozen=True, kw_only=True):
    """`secret` signs sessions, dialogue state and CSRF tokens (32 bytes or more); `work` takes uploads in flight."""

    secret: bytes
    work: Path
    member: str = "local"
    """This node's member id, written in every access record."""
    public_url: str = ""
    """`https://data.example.gov.tw` when the node stands behind a name; empty: what the caller's Host says."""
    hosts: tuple[str, ...] = ()
    """More host names that are ours, `*` for any. Loopback names, this machine's name, IP addresses and the host of the
    public URL always are."""
    trusted_proxies: tuple[str, ...] = ()
    """Addresses whose X-Forwarded-For and X-Forwarded-Proto are believed."""
    rate_scale: float = 1.0
    """Multiplies every rate of limits.py; 0 turns rate limits off (a proxy in front does it). Programs of this machine
    that ask by themselves and the administrator have none."""

    def __post_init__(self) -> None:
        assert len(self.secret) >= 32, "the door's secret needs 32 bytes or more"
