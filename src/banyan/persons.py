"""Whom a node knows: the records of people and apps, the secret that hides them, and its OpenID Provider."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from secrets import token_bytes
from typing import Final

from banyan.kernel.events.clock import Clock
from banyan.kernel.exchange.record import LogFile
from banyan.kernel.identity.openid.alarms import Alarms
from banyan.kernel.identity.openid.details import CONSENT
from banyan.kernel.identity.openid.keys import Secrets
from banyan.kernel.identity.openid.provider import Provider
from banyan.kernel.storage import close_drawer, open_drawer

SECRET_FILE = "identity.key"  # noqa: S105 - a file's name
SECRET_BYTES = 32
TYPES: Final = {CONSENT: frozenset({"purpose"})}
"""The authorization details that apps may ask by; MyData owns what this one means."""
ALARM_FILE = "security.jsonl"
"""What the provider refused, rotated by size beside the access record."""


@asynccontextmanager
async def open_persons(data: Path, *, engine: str, clock: Clock) -> AsyncIterator[Provider]:
    """Open them below `data`. Without the secret's file nobody can sign in again and no number can be read."""
    folder = data / "identity"
    folder.mkdir(mode=0o700, exist_ok=True)
    drawer = open_drawer(folder, service="identity", package="banyan.kernel.identity", clock=clock, store=engine)
    alarms = LogFile(data / "log" / ALARM_FILE)
    secrets = Secrets(_secret(data / SECRET_FILE))
    try:
        yield Provider(drawer.sql, secrets, clock=clock, random=token_bytes, types=TYPES, alarms=Alarms(alarms.write))
    finally:
        alarms.close()
        await close_drawer(drawer)


def _secret(path: Path) -> bytes:
    """Made at first start; whole or not there at all."""
    if not path.exists():
        staged = path.with_suffix(".new")
        staged.touch(mode=0o600)
        staged.write_bytes(token_bytes(SECRET_BYTES))
        staged.rename(path)
    return path.read_bytes()
