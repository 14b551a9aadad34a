"""Outlets that count themselves: a sale at a real-name counter is on the map at the next commit, not at the next file.

`rationing` tells on its feed what an outlet has and announces. From then on what registers say of the same outlet is
not taken: two hands on one number would show the older one. What was told is kept, so that an item that is saved later,
and a restart, show it too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from banyan.kernel.catalogue.operation import Context
from banyan.kernel.events import Event
from banyan.kernel.events.clock import EpochS
from banyan.kernel.storage import Tx
from banyan.kernel.storage.statements import load_statements
from banyan.service.supplies.keeping import Kept, kept_of
from banyan.service.supplies.model import Notice, NoticesChanged, StockTick, Window
from banyan.service.supplies.remembering import fed_of
from banyan.service.supplies.service import SERVICE

SQL: Final = load_statements("banyan.service.supplies", "tills.sql")
OF: Final = "rationing"


class Counted(msgspec.Struct, frozen=True):
    """What an outlet has of an item; `reserved` of `count` is promised."""

    outlet: str
    item: str
    count: int
    reserved: int


class _Counted(msgspec.Struct, frozen=True):
    at: float
    stocks: tuple[Counted, ...]


class _Announced(msgspec.Struct, frozen=True):
    """Windows are [start, end] in minutes of the day, or empty."""

    outlet: str
    sale: tuple[int, ...] = ()
    plate: tuple[int, ...] = ()
    text: str = ""


class Told(msgspec.Struct, frozen=True):
    """A row as it is kept."""

    code: str
    item: str
    count: int
    reserved: int
    at: EpochS


@SERVICE.on("stock.counted", of=OF)
async def counted(ctx: Context, event: Event) -> None:
    """Keep it, then show it."""
    told = msgspec.json.decode(event.data, type=_Counted)
    rows = [Told(one.outlet, one.item, one.count, one.reserved, EpochS(told.at)) for one in told.stocks]

    def job(tx: Tx) -> None:
        for row in rows:
            tx.run(SQL["put_till"], **msgspec.structs.asdict(row))

    await ctx.db.sql.write(job)
    kept = kept_of(ctx.db)
    if not {row.code for row in rows} <= kept.tills:
        async with fed_of(ctx.db).lock:  # a look that is under way still takes the register's word for these
            kept.tills |= {row.code for row in rows}
    await _show(kept, rows, ctx.now)


@SERVICE.on("notice.announced", of=OF)
async def announced(ctx: Context, event: Event) -> None:
    said = msgspec.json.decode(event.data, type=_Announced)
    notice = Notice(said.outlet, _window(said.sale), _window(said.plate), said.text)
    document = msgspec.json.encode(notice).decode()
    await ctx.db.sql.write(lambda tx: tx.run(SQL["put_till_notice"], code=notice.code, document=document))
    kept = kept_of(ctx.db)
    kept.announcers.add(notice.code)
    await kept.commit(NoticesChanged(ctx.now, (notice,)))


@SERVICE.start
async def remember(ctx: Context) -> None:
    """Know who counts themselves, and show what a crash kept from the board."""
    kept = kept_of(ctx.db)
    documents = await ctx.db.sql.read(lambda tx: [str(row[0]) for row in tx.rows(SQL["till_notices"])])
    notices = [msgspec.json.decode(one, type=Notice) for one in documents]
    kept.announcers |= {one.code for one in notices}
    news = tuple(one for one in notices if one.code not in kept.board.row_of or _shown(kept, one.code) != one)
    if news:
        await kept.commit(NoticesChanged(ctx.now, news))
    await show_all(ctx)


async def show_all(ctx: Context) -> None:
    """What was told and does not stand on the board: after a crash, or of an item that was saved later."""
    kept = kept_of(ctx.db)
    rows = await ctx.db.sql.read(_told)
    kept.tills |= {row.code for row in rows}
    await _show(kept, [row for row in rows if not _stands(kept, row)], ctx.now)


async def _show(kept: Kept, rows: Sequence[Told], now: EpochS) -> None:
    """One event an item and moment. An item that nobody has saved waits."""
    kept.tills |= {row.code for row in rows}
    for item, at in dict.fromkeys((row.item, row.at) for row in rows if row.item in kept.board.item_of):
        of_item = [row for row in rows if (row.item, row.at) == (item, at)]
        await kept.commit(
            StockTick(
                at=now,
                as_of=at,
                source=OF,
                items=(item,),
                codes=tuple(row.code for row in of_item),
                counts=(tuple(row.count for row in of_item),),
                reserved=(tuple(row.reserved for row in of_item),),
                is_own=True,
            )
        )


def _stands(kept: Kept, row: Told) -> bool:
    """Whether the board shows it."""
    board = kept.board
    item, place = board.item_of.get(row.item), board.row_of.get(row.code)
    if item is None or place is None:
        return False
    shown = int(board.count(item)[place]), int(board.reserved(item)[place]), float(board.own_as_of(item)[place])
    return shown == (row.count, row.reserved, row.at)


def _told(tx: Tx) -> list[Told]:
    names = Told.__struct_fields__
    return [msgspec.convert(dict(zip(names, row, strict=True)), Told) for row in tx.rows(SQL["tills"])]


def _shown(kept: Kept, code: str) -> Notice | None:
    return kept.board.notices[kept.board.row_of[code]]


def _window(minutes: tuple[int, ...]) -> Window | None:
    return Window(*minutes) if len(minutes) == 2 else None
