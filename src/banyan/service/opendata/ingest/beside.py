"""Work in a second thread while DuckDB reads: hashing and looking for bytes leave its two threads alone."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from banyan.service.opendata.ingest.options import Watch

Found = TypeVar("Found")


@contextmanager
def beside(work: Callable[[Watch], Found], watch: Watch) -> Iterator[Future[Found]]:
    """`work` runs until the block ends: its Watch reports nothing, and stops it when the block is left early."""
    left = threading.Event()
    with ThreadPoolExecutor(1, thread_name_prefix="ingest-beside") as pool:
        future = pool.submit(work, watch.silent(left.is_set))
        try:
            yield future
        finally:
            left.set()
