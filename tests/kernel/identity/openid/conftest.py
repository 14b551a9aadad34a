"""A provider on either engine."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.make import shared_data

from banyan.kernel.storage.migrations import load_steps, migrate
from banyan.kernel.storage.sqlite import SqliteStore
from banyan.kernel.storage.store import SchemaStore


@pytest.fixture
def identity_store(open_store: Callable[[], SchemaStore]) -> SchemaStore:
    """The contract's store: each test runs on SQLite and on PostgreSQL."""
    opened = open_store()
    migrate(opened, "banyan.kernel.identity", load_steps("banyan.kernel.identity"), at=0.0)
    return opened


@pytest.fixture
def one_store(tmp_path: Path) -> Iterator[SqliteStore]:
    """SQLite only, for what does not depend on the engine."""

    opened = SqliteStore(tmp_path / "records.db")
    migrate(opened, "banyan.kernel.identity", load_steps("banyan.kernel.identity"), at=0.0)
    yield opened
    asyncio.run(opened.close())


@pytest.fixture
def shared_notes() -> str:
    return (Path(shared_data("consent")).parents[1] / "field/consent.md").read_text(encoding="utf-8")
