"""`sold_out_when`: when an outlet sells out, how sure that is, and how wrong this very forecast was today."""

from __future__ import annotations

import math
from typing import Final, Literal

import msgspec
import numpy as np

from banyan.errors import NotFound
from banyan.kernel.catalogue.messages import LANGUAGES, load_messages
from banyan.kernel.catalogue.operation import OPEN, Context
from banyan.kernel.events.clock import iso
from banyan.service.supplies.board import Board
from banyan.service.supplies.forecast.day import Day, curve_of
from banyan.service.supplies.forecast.errors import AHEAD_H, Error, Interval, errors_of, interval_of
from banyan.service.supplies.forecast.following import following_of, moment_of
from banyan.service.supplies.forecast.pace import service_hours
from banyan.service.supplies.forecast.trials import Rows
from banyan.service.supplies.keeping import kept_of
from banyan.service.supplies.operations import Code, ItemId, item_of, missing, said
from banyan.service.supplies.service import SERVICE

SENTENCES: Final = load_messages("banyan.service.supplies.forecast")
SHIPPED_MINUTES: Final = (15, 30, 48, 139, 108)
"""The median errors by AHEAD_H of 14 February 2020 (docs/decisions/0074), told until today has its own."""
State = Literal["selling", "not_selling", "remnant", "sold_out", "promised", "not_listed", "unknown", "closed"]


class SoldOutQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    code: Code
    item: ItemId = ""


class SoldOut(msgspec.Struct, frozen=True):
    """A forecast as of the newest look at the stock. Times are RFC 3339 UTC, empty: not today, or not known.

    `state`: `selling` gives a forecast; `not_selling` sold nothing for an hour of service; `remnant` has so little left
    that it is as good as sold out; `promised`: all that is left is promised to plate holders; `closed`: no service
    hours are left today. `per_hour` is the rate in service hours. One of ten sells out before `earliest`, half before
    `expected`, nine of ten before `latest`; `chance_today` is the percentage that sells out before tonight. `since`:
    sold out, or without a sale, since then. `errors` and `interval` measure today's own forecasts of the item.
    """

    code: str
    item: str
    as_of: str
    state: State
    available: int | None
    sold_today: int
    delivered: str
    per_hour: float | None
    earliest: str
    expected: str
    latest: str
    chance_today: int | None
    since: str
    errors: tuple[Error, ...]
    interval: Interval | None
    text: dict[str, str]
    """The same in words a person understands, by language."""


@SERVICE.operation(
    "sold_out_when",
    title={"zh-Hant": "什麼時候會賣完", "en": "When it sells out"},
    summary={
        "zh-Hant": "照今天的銷售速度預估一個地點何時賣完，附最早與最晚時間，以及今天預估的實際誤差。",
        "en": "Foretells from today's pace when an outlet sells out, the earliest and latest time, and today's error.",
    },
    data=OPEN,
    audience="public",
    path="/api/supplies/sold_out_when/{code}",
    channels=("web", "api", "mcp"),
)
async def sold_out_when(ctx: Context, request: SoldOutQuery) -> SoldOut:
    """Raises NotFound for a code no register has, or an item there is not."""
    board = kept_of(ctx.db).board
    row = board.row_of.get(request.code)
    if row is None or board.is_gone()[row]:
        raise missing(NotFound, "outlet_unknown", code=request.code)
    item = item_of(board, request.item)
    forecaster = await following_of(ctx.db, ctx.now).ready()
    day = forecaster.day(board.items[item].id)
    return answer(board, item, row, day)


def answer(board: Board, item: int, row: int, day: Day | None) -> SoldOut:
    """The forecast of a row; `day` is None for an item never told of."""
    view = _View(board, item, row, day)
    foretold = _foretold(view) if view.state == "selling" else _NOTHING
    since = view.at(view.column("empty_since" if view.state == "sold_out" else "sold_at"))
    fates = day.trials.fates(day.hour, day.parts) if day else None
    errors = errors_of(fates) if fates else ()
    interval = interval_of(fates) if fates else None
    delivered = view.at(view.column("delivered_at"))
    known = board.available(item)[row]
    return SoldOut(
        code=board.places[row].code,
        item=board.items[item].id,
        as_of=said(board.as_of[item]),
        state=view.state,
        available=int(known) if known >= 0 else None,
        sold_today=int(view.column("sold")),
        delivered=delivered,
        per_hour=foretold.per_hour,
        earliest=view.at(foretold.earliest),
        expected=view.at(foretold.expected),
        latest=view.at(foretold.latest),
        chance_today=foretold.chance,
        since=since if view.state in ("sold_out", "not_selling") else "",
        errors=errors,
        interval=interval,
        text={lang: _sentences(view, foretold, errors, interval, lang=lang) for lang in LANGUAGES},
    )


class _Foretold(msgspec.Struct, frozen=True):
    """Hours of the day (NaN: not today), `ahead_h` service hours to the expected one."""

    per_hour: float | None = None
    earliest: float = math.nan
    expected: float = math.nan
    latest: float = math.nan
    chance: int | None = None
    ahead_h: float = math.inf


_NOTHING: Final = _Foretold()


class _View(msgspec.Struct, frozen=True):
    """One row of one item's day, as it is read here."""

    board: Board
    item: int
    row: int
    day: Day | None

    @property
    def rows(self) -> Rows:
        return np.array([self.row], np.int64)

    def column(self, name: str) -> float:
        """A column's value at the row; NaN (0 for `sold`) where the day has none."""
        if self.day is None or self.row >= len(self.day.left):
            return 0.0 if name == "sold" else math.nan
        return float(getattr(self.day, name)[self.row])

    def at(self, hour: float) -> str:
        return "" if self.day is None or math.isnan(hour) else iso(moment_of(self.day.number, hour))

    @property
    def state(self) -> State:
        status = self.board.status(self.row, self.item)
        if status in ("not_listed", "unknown", "sold_out"):
            return status
        if status == "reserved":
            return "promised"
        day = self.day
        if day is None or self.row >= len(day.left):
            return "not_selling"
        if day.left[self.row] <= day.remnant:
            return "remnant"
        if not service_hours(np.float32(day.hour), np.float32(24), day.parts[self.rows])[0]:
            return "closed"
        return "selling" if day.is_selling(self.rows)[0] else "not_selling"


def _foretold(view: _View) -> _Foretold:
    day, rows = view.day, view.rows
    assert day is not None, "an outlet that sells has a day"
    need, curve = day.needs(rows), curve_of(day)
    told = curve.told(need)
    earliest, expected, latest = (float(day.times(rows, hours)[0]) for hours in told)
    rest = float(service_hours(np.float32(day.hour), np.float32(24), day.parts[rows])[0])
    return _Foretold(
        per_hour=round(float(day.rates(rows)[0]), 1),
        earliest=earliest,
        expected=expected,
        latest=latest,
        chance=round(100 * curve.chance(float(need[0]), rest)),
        ahead_h=float(told[1][0]),
    )


def _sentences(
    view: _View, foretold: _Foretold, errors: tuple[Error, ...], interval: Interval | None, *, lang: str
) -> str:
    """The forecast, the delivery, and the error, as a person would say them."""
    parts = [_headline(view, foretold, lang)]
    delivered = view.column("delivered_at")
    if not math.isnan(delivered):
        parts.append(SENTENCES.text("forecast.delivered", lang, at=_clock(delivered)))
    if view.state == "selling" and not math.isnan(foretold.expected):
        parts.append(_error_said(foretold.ahead_h, errors, lang))
        if interval is not None:
            parts.append(SENTENCES.text("forecast.interval", lang, covered=interval.covered))
    return ("" if lang == "zh-Hant" else " ").join(parts)


def _headline(view: _View, foretold: _Foretold, lang: str) -> str:
    item, state = view.board.items[view.item], str(view.state)
    since = view.column("empty_since" if state == "sold_out" else "sold_at")
    if state == "selling":
        state += _how_sure(foretold)
    elif state in ("sold_out", "not_selling") and math.isnan(since):
        state += "_today"
    return SENTENCES.text(
        f"forecast.{state}",
        lang,
        expected=_about(foretold.expected),
        earliest=_about(foretold.earliest),
        latest=_about(foretold.latest),
        since=_clock(since),
        left=int(view.column("left")) if view.day else 0,
        unit=item.unit.get(lang, ""),
    )


def _how_sure(foretold: _Foretold) -> str:
    """Which sentence: by the first of the three times that does not come today."""
    if math.isnan(foretold.earliest):
        return "_lasts"
    if math.isnan(foretold.expected):
        return "_maybe"
    return "_open" if math.isnan(foretold.latest) else ""


def _error_said(ahead_h: float, errors: tuple[Error, ...], lang: str) -> str:
    place = next(place for place, bound in enumerate(AHEAD_H) if ahead_h <= bound)
    own = next((error for error in errors if error.ahead_h == AHEAD_H[place]), None)
    if own is None:
        return SENTENCES.text("forecast.error_shipped", lang, minutes=SHIPPED_MINUTES[place])
    return SENTENCES.text("forecast.error", lang, minutes=own.minutes, judged=own.judged)


def _about(hour: float) -> str:
    """A foretold time, to five minutes: more would only look exact."""
    return _clock(round(hour * 12) / 12) if not math.isnan(hour) else ""


def _clock(hour: float) -> str:
    """Hours and minutes as on a clock; empty for none."""
    if math.isnan(hour):
        return ""
    minute = int(hour * 60 + 1 / 120)
    return f"{minute // 60:02d}:{minute % 60:02d}"
