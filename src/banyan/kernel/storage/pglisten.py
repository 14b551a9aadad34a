"""Hearing what other nodes committed: LISTEN on a connection of its own, from one thread."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import psycopg
from psycopg import sql

from banyan.errors import Problem
from banyan.kernel.storage.store import Row

Connection = psycopg.Connection[Row]
_LOOK_S: Final = 0.2
"""How often the thread looks whether it is to end, and waits before it connects again."""


class Ear:
    """One connection that hears the notices of all nodes and calls the listeners back from its thread."""

    def __init__(self, connect: Callable[[], Connection], channel: str) -> None:
        self._connect = connect
        self._channel = channel
        self._callbacks: list[Callable[[str], None]] = []
        self._is_closed = threading.Event()
        self._connection = self._open()
        self._thread = threading.Thread(target=self._work, name=f"listen {channel}", daemon=True)
        self._thread.start()

    def listen(self, callback: Callable[[str], None]) -> Callable[[], None]:
        self._callbacks.append(callback)
        return lambda: self._callbacks.remove(callback)

    def close(self) -> None:
        self._is_closed.set()
        self._thread.join()
        self._connection.close()

    def _open(self) -> Connection:
        connection = self._connect()
        connection.execute(sql.SQL("listen {}").format(sql.Identifier(self._channel)))
        return connection

    def _work(self) -> None:
        while not self._is_closed.is_set():
            try:
                for notice in self._connection.notifies(timeout=_LOOK_S):
                    self._tell(notice.payload)
            except psycopg.Error:
                self._reconnect()

    def _reconnect(self) -> None:
        while not self._is_closed.wait(_LOOK_S):
            with suppress(Problem, psycopg.Error):
                self._connection.close()
                self._connection = self._open()
                self._tell("")  # something may have happened while nobody listened
                return

    def _tell(self, topic: str) -> None:
        for callback in tuple(self._callbacks):
            callback(topic)


def channel_of(schema: str) -> str:
    """The notice channel of a service's schema."""
    return f"banyan_{schema}"
