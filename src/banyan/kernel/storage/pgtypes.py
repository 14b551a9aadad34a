"""How PostgreSQL's values become the four that SQLite knows, so that both engines answer alike."""

from __future__ import annotations

from decimal import Decimal

import psycopg
from psycopg.adapt import Buffer, Loader
from psycopg.types.numeric import IntDumper

from banyan.kernel.storage.store import Row


class _Number(Loader):
    """`sum(bigint)` and `avg` are numeric: whole without a point, else a double."""

    def load(self, data: Buffer) -> int | float:
        text = bytes(data).decode()
        return int(text) if text.lstrip("-").isdigit() else float(Decimal(text))


class _Flag(Loader):
    """A truth value is 0 or 1."""

    def load(self, data: Buffer) -> int:
        return int(bytes(data) == b"t")


def register_types(connection: psycopg.Connection[Row]) -> None:
    """Teach one connection."""
    connection.adapters.register_loader("numeric", _Number)
    connection.adapters.register_loader("bool", _Flag)
    connection.adapters.register_dumper(bool, IntDumper)
