"""How much is asked: bounds of a hospital's day and a clinician's hour, and guessing of numbers, which is stopped.

A look-up needs no card, so the danger is the patient harvester: somebody with a list of numbers. What gives them away
is how many persons an hour, and how many of them no register here has ever heard of.
"""

from __future__ import annotations

from typing import Final, Literal

from banyan.errors import Limit
from banyan.kernel.catalogue.operation import Context
from banyan.kernel.storage.statements import load_statements
from banyan.kernel.storage.store import Tx
from banyan.limits_travel import TRAVEL_A_DAY, TRAVEL_AN_HOUR, TRAVEL_SHOWN, TRAVEL_STRANGERS
from banyan.service.travel.shelf import both

SQL: Final = load_statements("banyan.service.travel", "counting.sql")
HOUR_S, DAY_S, TAIWAN_S = 3_600, 86_400, 8 * 3_600
KEPT_DAYS: Final = 31
Why = Literal["", "day", "hour", "strangers"]


async def count(ctx: Context, *, is_stranger: bool) -> None:
    """One more look-up. Raises Limit at a bound: by then it is on record that it was met."""
    agency, officer = ctx.caller.agency, ctx.caller.id
    day, hour = day_number(ctx.now), int(ctx.now // HOUR_S)

    def job(tx: Tx) -> Why:
        in_day, _ = _counted(tx, agency, "", day, is_stranger)
        in_hour, strangers = _counted(tx, agency, officer, hour, is_stranger)
        why = bound_met(in_day, in_hour, strangers)
        if why:
            tx.run(SQL["stop"], agency=agency, officer=officer, step=day, why=why)
        return why

    why = await ctx.db.sql.write(job)
    if why:
        wait = DAY_S - int(ctx.now + TAIWAN_S) % DAY_S if why == "day" else HOUR_S - int(ctx.now) % HOUR_S
        raise Limit(
            both(f"over_{why}"), remedy=both("over_remedy"), status=429, kind="travel-bound", retry_after_s=wait
        )


def bound_met(in_day: int, in_hour: int, strangers: int) -> Why:
    """Pure: which bound the count is beyond."""
    if strangers > TRAVEL_STRANGERS:
        return "strangers"
    if in_hour > TRAVEL_AN_HOUR:
        return "hour"
    return "day" if in_day > TRAVEL_A_DAY else ""


def stops_of(tx: Tx, agency: str, now: float) -> list[tuple[str, int, str, int]]:
    """(officer's pseudonym, day, why, how often), the newest first, of an agency's own."""
    since = day_number(now) - KEPT_DAYS
    rows = tx.rows(SQL["stops"], agency=agency, since=since, limit=TRAVEL_SHOWN)
    return [(str(row[0]), int(str(row[1])), str(row[2]), int(str(row[3]))) for row in rows]


def uses_by_day(tx: Tx, now: float, days: int) -> dict[int, int]:
    """Look-ups of all hospitals by day, from today backwards."""
    rows = tx.rows(SQL["days"], since=day_number(now) - days + 1)
    return {int(str(row[0])): int(str(row[1])) for row in rows}


def stops_of_all(tx: Tx, now: float) -> int:
    row = tx.row(SQL["stops_of_all"], since=day_number(now) - KEPT_DAYS)
    return int(str(row[0])) if row is not None else 0


def forget(tx: Tx, now: float) -> None:
    """Counts of long ago."""
    tx.run(SQL["forget"], day=day_number(now) - KEPT_DAYS)
    tx.run(SQL["forget_hours"], hour=int(now // HOUR_S) - 1)


def day_number(now: float) -> int:
    """The day in Taiwan, counted from 1970."""
    return int((now + TAIWAN_S) // DAY_S)


def _counted(tx: Tx, agency: str, officer: str, step: int, is_stranger: bool) -> tuple[int, int]:
    row = tx.row(SQL["count"], agency=agency, officer=officer, step=step, strangers=int(is_stranger))
    assert row is not None, "an upsert returns its row"
    return int(str(row[0])), int(str(row[1]))
