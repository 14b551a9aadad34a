"""Builders for the engine's tests: persons, keys, a clock that is moved by hand, engines in a folder."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

from banyan.kernel.events.clock import EpochS
from banyan.kernel.storage import Journal
from banyan.kernel.storage.store import SchemaStore
from banyan.service.rationing.engine.booking import taiwan_2020
from banyan.service.rationing.engine.days import day_number, start_of
from banyan.service.rationing.engine.journalled import JournalEngine
from banyan.service.rationing.engine.model import Buyer
from banyan.service.rationing.engine.recorded import RecordedEngine
from banyan.service.rationing.engine.rulebook import RuleBook

T = TypeVar("T")
ADULT, CHILD = "mask-adult", "mask-child"


class HandClock:
    """Says what it was set to."""

    def __init__(self, at: float) -> None:
        self.at = at

    def __call__(self) -> EpochS:
        return EpochS(self.at)


def taipei(year: int, month: int, day: int, hour: float = 10) -> float:
    """That hour in Taipei."""
    return start_of(day_number(date(year, month, day))) + hour * 3_600


def a_key(counter: int, terminal: bytes = b"terminal") -> bytes:
    return terminal + counter.to_bytes(8, "big")


def a_buyer(name: int = 1, *, born: date = date(1980, 6, 1), parity: int | None = None, **more: Any) -> Buyer:
    return Buyer(name.to_bytes(16, "big"), born, parity, **more)


class Shop:
    """An engine over a journal in a folder, driven from a test that is not async; `restart` reads it again."""

    def __init__(self, folder: Path, at: float, *, book: RuleBook | None = None, every: int = 1_000_000) -> None:
        self.clock = HandClock(at)
        self.folder, self.every = folder, every
        self.book = book if book is not None else taiwan_2020()
        self.loop = asyncio.new_event_loop()
        self._open()

    def _open(self) -> None:
        self.journal = Journal(self.folder)
        self.engine = JournalEngine(self.journal, self.clock, book=self.book, every=self.every)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    def do(self, command: Any) -> Any:
        return self.run(self.engine.do(command))

    def restart(self) -> None:
        self.run(self.engine.close())
        self.journal.close()
        self._open()

    def close(self) -> None:
        self.run(self.engine.close())
        self.journal.close()
        self.loop.close()


class RecordedShop:
    """The same over SQL records: `open_store` opens them, again and again."""

    def __init__(self, open_store: Callable[[], SchemaStore], at: float, *, book: RuleBook | None = None) -> None:
        self.clock = HandClock(at)
        self.book = book if book is not None else taiwan_2020()
        self.open_store = open_store
        self.loop = asyncio.new_event_loop()
        self._open()

    def _open(self) -> None:
        self.store = self.open_store()
        self.engine = RecordedEngine(self.store, self.clock, book=self.book)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    def do(self, command: Any) -> Any:
        return self.run(self.engine.do(command))

    def restart(self) -> None:
        self.run(self.engine.close())
        self._open()

    def close(self) -> None:
        self.run(self.engine.close())
        self.run(self.loop.shutdown_default_executor())
        self.loop.close()


def in_a_shop(folder: Path, at: float, story: Callable[[Shop], None], **more: Any) -> None:
    shop = Shop(folder, at, **more)
    try:
        story(shop)
    finally:
        shop.close()
