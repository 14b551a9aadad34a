"""What feeds a board: the registers of open data that are followed, and how the last look at each went.

A source names a register, what it says (its role), and under which names its columns say it. The words are data:
`headings.toml` for the columns, `supplies.save_item` for the items.
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from banyan.kernel.events.clock import EpochS
from banyan.kernel.storage import Tx
from banyan.kernel.storage.statements import load_statements

SQL: Final = load_statements("banyan.service.supplies", "sources.sql")
Role = Literal["stock", "places", "hours", "notices"]
"""stock: who is on the list and how many each has. places: where outlets are. hours: when they serve, and their note.
notices: when they sell and hand out number plates (號碼牌), what they promised, their words."""
Reason = Literal[
    "no-register", "no-column", "empty", "stale", "future", "vanished", "jumped", "fell", "risen", "codes",
    "duplicates", "cells", "strangers",
]  # fmt: skip
"""Why a look is held back; the sentences are `supplies.held.REASON` in feeding.toml."""


class Source(msgspec.Struct, frozen=True):
    """One followed register. `columns` by field, `items` the column of each item id. `rank` of places: 0 the first
    geocoding, 1 the second."""

    id: str
    register: str
    role: Role
    columns: dict[str, str]
    items: dict[str, str] = {}
    rank: int = 0
    since: EpochS = EpochS(0)

    @property
    def wanted(self) -> tuple[str, ...]:
        """Every column it needs, each once."""
        return tuple(dict.fromkeys((*self.columns.values(), *self.items.values())))


class Looked(msgspec.Struct, frozen=True, omit_defaults=True):
    """Which state of a register was looked at."""

    resource: str = ""
    version: int = 0
    as_of: EpochS = EpochS(0)
    """Open data's time of the version."""


class Held(msgspec.Struct, frozen=True, omit_defaults=True):
    """A look that was not believed. `agreed`: how many later looks said the same."""

    looked: Looked
    reason: Reason
    values: dict[str, str] = {}
    since: EpochS = EpochS(0)
    agreed: int = 0


class Standing(msgspec.Struct, frozen=True, omit_defaults=True):
    """The last look that was taken in: its version, its own time, when it was read; and what was held back since.

    `unread`: rows of it that kept what the board had, because a cell of theirs was no whole number or was cut off.
    """

    taken: Looked = Looked()
    as_of: EpochS = EpochS(0)
    read: EpochS = EpochS(0)
    rows: int = 0
    unread: int = 0
    examples: tuple[str, ...] = ()
    held: Held | None = None

    def has_seen(self, looked: Looked) -> bool:
        """Whether this very state was looked at already, taken or held."""
        return looked == self.taken or (self.held is not None and looked == self.held.looked)


def source_by(tx: Tx, id: str) -> tuple[Source, Standing] | None:
    row = tx.row(SQL["source_by_id"], id=id)
    return None if row is None else _read(*row)


def all_sources(tx: Tx) -> list[tuple[Source, Standing]]:
    """Oldest first."""
    return [_read(*row) for row in tx.rows(SQL["all_sources"])]


def put_source(tx: Tx, source: Source) -> None:
    """Follow; an earlier source of this id is replaced, and its last look forgotten."""
    tx.run(
        SQL["put_source"],
        id=source.id,
        role=source.role,
        since=source.since,
        document=_written(source),
        standing=_written(Standing()),
    )


def rename_columns(tx: Tx, source: Source) -> None:
    """The same source under its columns' new names."""
    tx.run(SQL["rename_columns"], id=source.id, document=_written(source))


def put_standing(tx: Tx, id: str, standing: Standing) -> None:
    tx.run(SQL["put_standing"], id=id, standing=_written(standing))


def drop_source(tx: Tx, id: str) -> None:
    tx.run(SQL["drop_source"], id=id)


def _written(document: msgspec.Struct) -> str:
    return msgspec.json.encode(document).decode()


def _read(document: object, standing: object) -> tuple[Source, Standing]:
    assert isinstance(document, str), "sources: a document is JSON text"
    assert isinstance(standing, str), "sources: a standing is JSON text"
    return msgspec.json.decode(document, type=Source), msgspec.json.decode(standing, type=Standing)
