"""A ledger on either engine, with fixed keys and counted randomness."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from itertools import count
from pathlib import Path

import pytest

from banyan.kernel.ledger.keys import LedgerKeys
from banyan.kernel.ledger.log import Ledger
from banyan.kernel.storage.migrations import load_steps, migrate
from banyan.kernel.storage.store import SchemaStore

ORIGIN = "log.banyan.example/tw"
KEYS = LedgerKeys(ORIGIN, ed25519=bytes(32), ml_dsa_44=bytes(range(32)), witness=bytes([1]) * 32)
OpenLedger = Callable[[], Ledger]


@pytest.fixture
def ledger_store(open_store: Callable[[], SchemaStore]) -> SchemaStore:
    opened = open_store()
    migrate(opened, "banyan.kernel.ledger", load_steps("banyan.kernel.ledger"), at=0.0)
    return opened


@pytest.fixture
def open_ledger(ledger_store: SchemaStore, tmp_path: Path) -> OpenLedger:
    """Each call opens the ledger anew over the same records and tiles, as after a restart."""
    number = count()

    def random(size: int) -> bytes:
        return sha256(b"%d" % next(number)).digest()[:size]

    return lambda: Ledger(ledger_store, tmp_path / "tiles", KEYS, random=random)
