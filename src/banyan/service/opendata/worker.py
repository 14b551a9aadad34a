"""The reading process: turns files into tables outside the node, so that a cancel and a memory bound are real.

It reads one order a line (JSON) from stdin and writes one report a line to stdout; when stdin closes (the node has
died) it ends at once. `reader.py` is its other end. Run as `python -m banyan.service.opendata.worker NICE`.
"""

from __future__ import annotations

import ctypes
import errno
import os
import queue
import signal
import sys
import threading
import traceback
from pathlib import Path
from time import monotonic
from typing import BinaryIO, TypeVar

import msgspec

from banyan.errors import FieldError, Invalid, Limit, Problem
from banyan.limits import PROGRESS_EVERY_S
from banyan.service.opendata.comparing import Comparison, Side, compare_files
from banyan.service.opendata.ingest import Options, Progress, Table, ingest
from banyan.service.opendata.quality.before import look_before_publishing
from banyan.service.opendata.wording import refusal

T = TypeVar("T")
PR_SET_PDEATHSIG = 1
"""linux/prctl.h"""


class ReadOrder(msgspec.Struct, frozen=True):
    """Read a file into tables in the folder `work`."""

    source: Path
    filename: str
    options: Options
    work: Path


class CompareOrder(msgspec.Struct, frozen=True):
    """Compare two versions of a table by `key` (names of the new one); `renamed` are (old, new)."""

    old: Side
    new: Side
    key: tuple[str, ...]
    renamed: tuple[tuple[str, str], ...]


class Order(msgspec.Struct, frozen=True):
    """One line to the reader: exactly one field is set."""

    read: ReadOrder | None = None
    compare: CompareOrder | None = None


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


def to_line(message: msgspec.Struct) -> bytes:
    """One message as it crosses the pipe; paths are texts."""
    return msgspec.json.encode(message, enc_hook=str) + b"\n"


def from_line(line: bytes, of: type[T]) -> T:
    """The message of a line; `of` is a struct or a union of them."""
    return msgspec.json.decode(line, type=of, dec_hook=_path)


def _path(kind: type, value: object) -> Path:
    assert kind is Path, f"no {kind} crosses the pipe"
    return Path(str(value))


def main() -> None:
    """Serve orders until stdin closes. The first argument is the niceness."""
    _die_with_the_node()
    os.nice(int(sys.argv[1]))
    out = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # whatever a library prints is not a report
    orders: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(orders,), daemon=True).start()
    _tell(out, Report(ready=True))
    while True:
        _serve(from_line(orders.get(), Order), out)


def _die_with_the_node() -> None:
    """Ask Linux for SIGKILL when the node dies, so that its next start finds nobody at work in its folder."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _listen(orders: queue.SimpleQueue[bytes]) -> None:
    for line in sys.stdin.buffer:
        orders.put(line)
    os._exit(0)


def _serve(order: Order, out: BinaryIO) -> None:
    try:
        if order.read is not None:
            _tell(out, Report(tables=_read(order.read, _Steps(out))))
        if order.compare is not None:
            two = order.compare
            _tell(out, Report(comparison=compare_files(two.old, two.new, key=two.key, renamed=two.renamed)))
    except Problem as problem:
        _tell(out, Report(refusal=Refusal.of(problem)))
    except Exception as error:  # a file found a way nobody foresaw: say so, show where on stderr, and go on
        traceback.print_exc()
        full = "No space left" in str(error) or getattr(error, "errno", 0) == errno.ENOSPC
        said = refusal(Limit, "publish.storage_full", status=507) if full else _unreadable(error)
        _tell(out, Report(refusal=Refusal.of(said)))


def _unreadable(error: Exception) -> Problem:
    return refusal(Invalid, "publish.unreadable", field="file", error=type(error).__name__)


def _read(order: ReadOrder, steps: _Steps) -> tuple[Table, ...]:
    tables = ingest(
        order.source,
        order.filename,
        options=order.options,
        work=order.work,
        progress=steps.tell,
        cancelled=_never,
    )
    return tuple(_looked_through(table) for table in tables)


def _looked_through(table: Table) -> Table:
    """With what must be said loudly before the table is public: people's numbers, formulas."""
    loud = look_before_publishing(table.parquet, table.columns)
    return msgspec.structs.replace(table, findings=(*loud, *table.findings)) if loud else table


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
    try:
        out.write(to_line(report))
    except BrokenPipeError:
        os._exit(0)  # the node has died: nobody reads


if __name__ == "__main__":
    main()
