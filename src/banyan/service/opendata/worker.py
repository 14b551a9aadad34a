"""The reading process: turns files into tables outside the node, so that a cancel and a memory bound are real.

It reads one order a line (JSON) from stdin and writes one report a line to stdout; when stdin closes (the node has
died) it ends at once. `reader.py` is its other end. Run as `python -m banyan.service.opendata.worker`.
"""

from __future__ import annotations

import os
import queue
import sys
import threading
from pathlib import Path
from time import monotonic
from typing import BinaryIO

import msgspec

from banyan.errors import FieldError, Problem
from banyan.limits import PROGRESS_EVERY_S, READER_NICE
from banyan.service.opendata.comparing import Comparison, Side, compare_files
from banyan.service.opendata.ingest import Options, Progress, Table, ingest


class ReadOrder(msgspec.Struct, frozen=True, tag="read"):
    """Read a file into tables in the folder `work`."""

    source: Path
    filename: str
    options: Options
    work: Path


class CompareOrder(msgspec.Struct, frozen=True, tag="compare"):
    """Compare two versions of a table by `key` (names of the new one); `renamed` are (old, new)."""

    old: Side
    new: Side
    key: tuple[str, ...]
    renamed: tuple[tuple[str, str], ...]


class Refusal(msgspec.Struct, frozen=True):
    """A Problem as it crosses a process or rests in a job's record."""

    title: str
    remedy: str = ""
    kind: str = "internal"
    status: int = 500
    fields: tuple[FieldError, ...] = ()

    @classmethod
    def of(cls, problem: Problem) -> Refusal:
        return cls(problem.title, problem.remedy, problem.kind, problem.status, problem.fields)

    def problem(self) -> Problem:
        return Problem(self.title, remedy=self.remedy, kind=self.kind, status=self.status, fields=self.fields)


class Report(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line from the reader: exactly one field is set."""

    progress: Progress | None = None
    tables: tuple[Table, ...] | None = None
    comparison: Comparison | None = None
    refusal: Refusal | None = None
    ready: bool = False


def main() -> None:
    """Serve orders until stdin closes."""
    os.nice(READER_NICE)
    out = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # whatever a library prints is not a report
    orders: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(orders,), daemon=True).start()
    _tell(out, Report(ready=True))
    while True:
        _serve(msgspec.json.decode(orders.get(), type=ReadOrder | CompareOrder), out)


def _listen(orders: queue.SimpleQueue[bytes]) -> None:
    for line in sys.stdin.buffer:
        orders.put(line)
    os._exit(0)


def _serve(order: ReadOrder | CompareOrder, out: BinaryIO) -> None:
    try:
        if isinstance(order, ReadOrder):
            steps = _Steps(out)
            tables = ingest(
                order.source,
                order.filename,
                options=order.options,
                work=order.work,
                progress=steps.tell,
                cancelled=_never,
            )
            _tell(out, Report(tables=tuple(tables)))
        else:
            compared = compare_files(order.old, order.new, key=order.key, renamed=order.renamed)
            _tell(out, Report(comparison=compared))
    except Problem as problem:
        _tell(out, Report(refusal=Refusal.of(problem)))


class _Steps:
    """Progress thinned out: a line for each new phase, else one every PROGRESS_EVERY_S."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self._phase = ""
        self._told_at = 0.0

    def tell(self, progress: Progress) -> None:
        now = monotonic()
        if progress.phase != self._phase or now - self._told_at > PROGRESS_EVERY_S:
            self._phase, self._told_at = progress.phase, now
            _tell(self._out, Report(progress=progress))


def _never() -> bool:
    return False  # a cancel kills this process


def _tell(out: BinaryIO, report: Report) -> None:
    out.write(msgspec.json.encode(report) + b"\n")


if __name__ == "__main__":
    main()
