"""What is given to a cell broadcast centre (CBC), and what it tells of it.

A `Broadcast` is one message as TS 23.041 has it: pages of 82 octets under a message identifier and a serial number, for
some cells or all. The centre sends it to every base station controller (BSC) that has such cells, and knows it by
(`message_id`, `serial`) ever after. `Shown` is what a phone in a cell has on its screen, as the simulator tells it.
"""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import Final, Protocol

import msgspec

from banyan.wire.cellbroadcast import Page

EVERY_CELL: Final = None
"""`Broadcast.cells` for all cells of all BSCs."""


class Category(IntEnum):
    """TS 48.049 s8.2.10: which broadcasts go first."""

    HIGH = 0
    BACKGROUND = 1
    NORMAL = 2


class Broadcast(msgspec.Struct, frozen=True, kw_only=True):
    """One message for some cells.

    `serial` and `message_id` have 16 bits (TS 23.041 s9.4.1.2). `cells` are `mcc-mnc-area-cell` ids (466-92-10101-5),
    None for every cell. `period` is the pause between two broadcasts in units of 1.883 s (1-4095), `count` how often
    (0: until it is killed; at most 65,535). `replaces` is the serial of the message of the same identifier that this
    takes the place of. `reference` is the caller's own name for it, an alert's id and no more.

    `warning_type` in place of pages: an earthquake and tsunami warning (ETWS), `warning_s` seconds long (0: no end).
    """

    serial: int
    message_id: int
    dcs: int = 0
    pages: tuple[Page, ...] = ()
    cells: tuple[str, ...] | None = EVERY_CELL
    period: int = 1
    count: int = 0
    category: Category = Category.NORMAL
    replaces: int | None = None
    reference: str = ""
    warning_type: int | None = None
    warning_s: int = 0


class Stage(StrEnum):
    """Where a broadcast is. `sending` until each BSC that has cells for it has answered."""

    SENDING = "sending"
    ON_AIR = "on_air"
    PARTLY = "partly"  # answered by all, and some cells refused
    FAILED = "failed"  # refused everywhere
    REPLACED = "replaced"
    KILLING = "killing"
    KILLED = "killed"
    OVER = "over"  # broadcast as often as was asked


class CellFailure(msgspec.Struct, frozen=True):
    """One cell that did not take it, in its BSC's words (`cell-not-operational`). `cell` is `*` for a whole BSC."""

    bsc: str
    cell: str
    cause: str


class CellCount(msgspec.Struct, frozen=True):
    """How often one cell has broadcast it, as its BSC counted; `is_overflow`: at least so often."""

    bsc: str
    cell: str
    broadcasts: int
    is_overflow: bool = False


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one broadcast. Cells are counted as the BSCs named them: `acknowledged` have it on the air.

    `is_every_cell_of` names BSCs that answered for all their cells without naming them. `unreachable` are cells that no
    connected BSC has, `waiting` BSCs that have not answered yet. `counts` are from the newest status query.
    """

    broadcast: Broadcast
    stage: Stage
    at: int
    acknowledged: tuple[str, ...] = ()
    is_every_cell_of: tuple[str, ...] = ()
    failed: tuple[CellFailure, ...] = ()
    unreachable: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()
    counts: tuple[CellCount, ...] = ()


class CellBroadcaster(Protocol):
    """A cell broadcast centre. What it took is on disk when it answers, and comes back on the air after a crash."""

    async def write_replace(self, broadcast: Broadcast) -> Status:
        """Put it on the air. The same again is harmless and tells how it stands.

        Raises Invalid (a bound of TS 23.041, or `replaces` names nothing that is on the air), Conflict (another message
        has this identifier and serial), Limit.
        """
        ...

    async def kill(self, message_id: int, serial: int) -> Status:
        """Take it off the air. Killing what was killed is harmless. Raises NotFound."""
        ...

    async def status(self, message_id: int, serial: int, *, ask: bool = False) -> Status:
        """How it stands; with `ask` the BSCs are asked how often they sent it. Raises NotFound."""
        ...

    def on_air(self) -> tuple[Status, ...]:
        """Every broadcast that is or shall be on the air, oldest first."""
        ...


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """One message as a phone in `cell` shows it; `title_key` tells the words that a phone puts above it (國家級警報).

    `title_key` is one of `presidential`, `emergency`, `notice`, `test`, `exercise`, `operator`, `other`: a page's
    catalogue has its words. `language` is ISO 639 as broadcast, or empty.
    """

    cell: str
    message_id: int
    serial: int
    title_key: str
    text: str
    language: str
    pages: int
    since: int


class Phones(Protocol):
    """What phones show, cell by cell: the local simulator's."""

    def cells(self) -> tuple[str, ...]: ...

    def shown(self, cell: str) -> tuple[Shown, ...]: ...
