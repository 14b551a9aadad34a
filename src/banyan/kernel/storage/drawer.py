"""A service's own drawer: every engine it may keep data in, under one folder. Nobody else opens it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec

from banyan.kernel.storage.blobs import Blobs
from banyan.kernel.storage.journal import Journal
from banyan.kernel.storage.lake import Lake
from banyan.kernel.storage.store import Store
from banyan.kernel.storage.textindex import TextIndex


class Drawer(msgspec.Struct, frozen=True):
    """`sql` records, `lake` Parquet versions, `blobs` files by hash, `index` derived search, `journal(name)` logs."""

    sql: Store
    lake: Lake
    blobs: Blobs
    index: TextIndex
    journal: Callable[[str], Journal]
    work: Path
    """Scratch folder, emptied at start; a half-done publish left here is never served."""
