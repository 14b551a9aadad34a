"""Which webhook events were answered: durable, so that a redelivery after a restart is not answered twice."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from banyan.kernel.events.clock import EpochS
from banyan.kernel.storage import Drawer, Tx, load_statements
from banyan.limits import LINE_SEEN_S

SQL: Final = load_statements("banyan.channel.line", "seen.sql")


async def known(db: Drawer, ids: Iterable[str]) -> set[str]:
    """Those of the ids that were answered."""
    asked = list(ids)
    return await db.sql.read(lambda tx: {one for one in asked if tx.row(SQL["known"], event_id=one) is not None})


async def record(db: Drawer, ids: Sequence[str], now: EpochS) -> None:
    """Remember them, and forget those older than LINE_SEEN_S."""

    def job(tx: Tx) -> None:
        for one in ids:
            tx.run(SQL["add"], event_id=one, at=now)
        tx.run(SQL["forget"], before=now - LINE_SEEN_S)

    await db.sql.write(job)
