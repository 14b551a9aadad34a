"""What the public is told of offline selling: counts, never where or who."""

from __future__ import annotations

import msgspec

from banyan.kernel.catalogue.operation import OPEN, Context
from banyan.kernel.storage.store import Tx
from banyan.service.rationing.counter.outlets import Nothing
from banyan.service.rationing.offline import records
from banyan.service.rationing.service import SERVICE


class Report(msgspec.Struct, frozen=True):
    """Since the beginning. `over`: units beyond quotas, charged to the next window; `short`: units beyond leases and
    stock; `forked`: counters claimed twice (a cloned or restored terminal); `missing`: receipts that a chain names and
    nobody brought; `unread`: receipts whose card could not be opened or is nobody's; `off_clock`: sold, by the
    terminal's own clock, outside its lease. `leased`: units of open leases that no receipt has told of yet, the most
    that can still come in beyond quotas. `hash` is SHA-256 of all receipts' ids in order."""

    receipts: int
    units: int
    over: int
    short: int
    forked: int
    missing: int
    unread: int
    off_clock: int
    online: int
    leases: int
    leased: int
    hash: str


@SERVICE.operation(
    "offline_report",
    title={"zh-Hant": "離線販售統計", "en": "Offline sales in figures"},
    summary={
        "zh-Hant": "離線販售的筆數、超出名額的數量與收據鏈的缺漏；不含任何個人或據點資料。",
        "en": "Receipts, units beyond quotas, and what chains lack; nothing of any person or outlet.",
    },
    data=OPEN,
    audience="public",
    channels=("web", "api"),
    rate="query",
)
async def report(ctx: Context, request: Nothing) -> Report:
    return await ctx.db.sql.read_long(_counted)


def _counted(tx: Tx) -> Report:
    by_state = {str(row[0]): [_count(value) for value in row[1:]] for row in tx.rows(records.SQL["totals"])}
    count, digest = records.set_hash(tx)
    leases = tx.row(records.SQL["lease_totals"]) or (0, 0, 0)

    def of(*states: str) -> int:
        return sum(by_state[one][0] for one in states if one in by_state)

    return Report(
        receipts=count,
        units=sum(row[1] for state, row in by_state.items() if state != "online"),
        over=sum(row[2] for row in by_state.values()),
        short=sum(row[3] for row in by_state.values()),
        forked=_count((tx.row(records.SQL["forks"]) or (0,))[0]),
        missing=_count((tx.row(records.SQL["missing"]) or (0,))[0]),
        unread=of("unopened", "nobody"),
        off_clock=of("clock"),
        online=of("online"),
        leases=_count(leases[0]),
        leased=max(0, _count(leases[1]) - _count(leases[2])),
        hash=digest.hex(),
    )


def _count(value: object) -> int:
    return int(str(value)) if value is not None else 0
