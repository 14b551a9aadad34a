"""The days of a drawer's items, fed by every event the board takes, and made anew from the journal at start."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Final
from weakref import WeakKeyDictionary

import msgspec
import numpy as np

from banyan.errors import Problem
from banyan.kernel.catalogue.operation import Context
from banyan.kernel.events.clock import EpochS
from banyan.kernel.storage import Drawer
from banyan.limits_supplies import SUPPLIES_FORECAST_PART, SUPPLIES_FORECAST_STRIDE
from banyan.service.supplies.board import Board, Change
from banyan.service.supplies.forecast.day import NONE, Day, Ints
from banyan.service.supplies.forecast.pace import parts_of
from banyan.service.supplies.forecast.trials import Rows
from banyan.service.supplies.keeping import Kept, kept_of
from banyan.service.supplies.model import BoardEvent, ItemsSet, PlacesChanged, ReservedSet, StockTick
from banyan.service.supplies.service import SERVICE

DAY_S: Final = 86_400
TAIPEI_S: Final = 8 * 3_600


def day_of(at: EpochS) -> tuple[int, float]:
    """Taiwan's day (since 1970) and its hour, of a moment."""
    day, second = divmod(at + TAIPEI_S, DAY_S)
    return int(day), second / 3_600


def moment_of(day: int, hour: float) -> EpochS:
    """The moment of an hour of Taiwan's day, to the second."""
    return EpochS(day * DAY_S + round(hour * 3_600) - TAIPEI_S)


def weekday_of(day: int) -> int:
    """Monday 0; 1970-01-01 was a Thursday."""
    return (day + 3) % 7


class Course(msgspec.Struct):
    """One item: its day, and what outlets reported and promised last, to tell what one can get."""

    day: Day
    count: Ints
    reserved: Ints

    def grow(self, size: int) -> None:
        more = size - len(self.count)
        if more > 0:
            self.count = np.append(self.count, np.full(more, NONE, np.int32))
            self.reserved = np.append(self.reserved, np.zeros(more, np.int32))
        self.day.grow(size)

    def left(self, rows: Rows) -> Ints:
        """What a person who comes now can get."""
        left: Ints = np.maximum(self.count[rows] - self.reserved[rows], 0).astype(np.int32)
        return left


class Forecaster:
    """Every item's course. `board` gives rows, service hours and what counts as few."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._courses: dict[str, Course] = {}

    def day(self, item: str) -> Day | None:
        """An item's day; None before its stock was ever told."""
        course = self._courses.get(item)
        return course.day if course else None

    def take(self, event: BoardEvent) -> None:
        """Follow one event that the board has taken."""
        match event:
            case StockTick():
                self._tick(event)
            case ReservedSet():
                self._reserve(event)
            case ItemsSet():
                for item in event.items:
                    if item.id in self._courses:
                        self._courses[item.id].day.few = item.few
            case PlacesChanged():
                for course in self._courses.values():
                    self._set_parts(course.day)
            case _:
                return

    def remember(self, tick: StockTick) -> None:
        """Take a look of the day before: only what stood then counts."""
        rows, gone = self._rows(tick.codes), self._rows(tick.gone)
        for place, name in enumerate(tick.items):
            course = self._course(name)
            self._count(course, place, rows, tick)
            course.day.know(rows, course.left(rows))
            course.day.is_listed[gone] = False

    def catch_up(self) -> None:
        """Take what the board says of rows that no event told of."""
        for place, item in enumerate(self._board.items):
            course, available = self._course(item.id), self._board.available(place)
            rows = np.flatnonzero((course.count == NONE) & (available >= 0))
            course.count[rows] = self._board.count(place)[rows]
            course.reserved[rows] = self._board.reserved(place)[rows]
            course.day.know(rows, available[rows])

    def _tick(self, event: StockTick) -> None:
        number, hour = day_of(event.as_of)
        rows, gone = self._rows(event.codes), self._rows(event.gone)
        for place, name in enumerate(event.items):
            course = self._course(name)
            day = course.day
            if day.number < number:
                day.begin(number)
                self._set_parts(day)
            self._count(course, place, rows, event)
            if day.number > number:  # a list of before midnight, after an outlet that counts itself told of after it
                continue
            day.look(rows, course.left(rows), hour)
            day.vanish(gone, hour)

    def _count(self, course: Course, place: int, rows: Rows, tick: StockTick) -> None:
        course.count[rows] = np.array(tick.counts[place], np.int32)
        if tick.reserved:
            course.reserved[rows] = np.array(tick.reserved[place], np.int32)

    def _reserve(self, event: ReservedSet) -> None:
        rows = self._rows(event.codes)
        for place, name in enumerate(event.items):
            course = self._course(name)
            course.reserved[rows] = np.array(event.reserved[place], np.int32)
            listed = rows[course.day.is_listed[rows]]
            course.day.look(listed, course.left(listed), course.day.hour)

    def _course(self, name: str) -> Course:
        course = self._courses.get(name)
        if course is None:
            few = self._board.items[self._board.item_of[name]].few
            course = self._courses[name] = Course(Day(few), np.empty(0, np.int32), np.empty(0, np.int32))
        course.grow(self._board.size)
        return course

    def _set_parts(self, day: Day) -> None:
        if day.number != NONE:
            day.grow(self._board.size)
            day.parts[: self._board.size] = parts_of(self._board.slots(), weekday_of(day.number))

    def _rows(self, codes: tuple[str, ...]) -> Rows:
        row_of = self._board.row_of
        return np.array([row_of[code] for code in codes if code in row_of], np.int64)


class Following:
    """A drawer's forecaster while it catches up with today's events, and after. New events wait until it has."""

    def __init__(self, kept: Kept, now: EpochS) -> None:
        self.forecaster = Forecaster(kept.board)
        self._waiting: list[BoardEvent] | None = []
        self._task = asyncio.create_task(self._catch_up(kept, now))
        kept.listeners.append(self._hear)

    async def ready(self) -> Forecaster:
        """The forecaster, once it knows today; a day of one look each 30 s takes some seconds."""
        await asyncio.shield(self._task)
        return self.forecaster

    async def close(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    def _hear(self, event: BoardEvent, change: Change) -> None:
        if self._waiting is None:
            self.forecaster.take(event)
        else:
            self._waiting.append(event)

    async def _catch_up(self, kept: Kept, now: EpochS) -> None:
        """Today's events again, and what stood at midnight as far as yesterday's events tell. In small parts: nobody
        waits for it but who asks for a forecast."""
        midnight, last = moment_of(day_of(now)[0], 0), kept.board.seq
        start = EpochS(midnight - DAY_S)
        for number, event in enumerate(_since(kept, last, start)):
            if event.at >= midnight:
                self.forecaster.take(event)
            elif isinstance(event, StockTick):
                self.forecaster.remember(event)
            if number % SUPPLIES_FORECAST_PART == 0:
                await asyncio.sleep(0)
        self.forecaster.catch_up()
        waiting, self._waiting = self._waiting or [], None
        for event in waiting:
            self.forecaster.take(event)


def _since(kept: Kept, last: int, start: EpochS) -> Iterator[BoardEvent]:
    """Events received since `start` up to `last`, found by going back in strides; those pruned are gone."""
    after = last
    while after > 0:
        earlier = max(0, after - SUPPLIES_FORECAST_STRIDE)
        try:
            _, first = next(kept.events(earlier))
        except (Problem, StopIteration):
            break
        after = earlier
        if first.at < start:
            break
    for seq, event in kept.events(after):
        if seq > last:
            return
        if event.at >= start:
            yield event


_followings: WeakKeyDictionary[object, Following] = WeakKeyDictionary()


def following_of(db: Drawer, now: EpochS) -> Following:
    """What follows the board of a drawer for forecasts; made when first asked for."""
    known = _followings.get(db.sql)
    if known is None:
        known = _followings[db.sql] = Following(kept_of(db), now)
    return known


@SERVICE.start
async def begin_forecasts(ctx: Context) -> None:
    """Follow the board from the first event on."""
    following_of(ctx.db, ctx.now)


@SERVICE.stop
async def end_forecasts(ctx: Context) -> None:
    await following_of(ctx.db, ctx.now).close()
