"""The kernel's stores under test: every contract runs over SQLite and over PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
from tests.postgres import postgres_server

from banyan.kernel.storage.migrations import load_steps, migrate
from banyan.kernel.storage.postgres import PostgresStore
from banyan.kernel.storage.sqlite import SqliteStore
from banyan.kernel.storage.store import SchemaStore

OpenStore = Callable[..., SchemaStore]
_schemas = count(1)


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The address of one server for the whole run; each test takes its own schema."""
    with postgres_server() as address:
        yield address


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def open_store(engine: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[OpenStore]:
    """Opens the test's own store; a second call opens the same records again. All are closed at the end.

    With a name, another process's view of the same records on PostgreSQL: `open_store()` twice.
    """
    schema = f"t{next(_schemas)}"
    opened: list[SchemaStore] = []

    def open_one() -> SchemaStore:
        if engine == "sqlite":
            opened.append(SqliteStore(tmp_path / "records.db"))
        else:
            opened.append(PostgresStore(request.getfixturevalue("postgres"), schema=schema))
        return opened[-1]

    yield open_one
    for store in opened:
        asyncio.run(store.close())


@pytest.fixture
def store(open_store: OpenStore) -> SchemaStore:
    """A store with the kernel's own tables."""
    opened = open_store()
    migrate(opened, "banyan.kernel.events", load_steps("banyan.kernel.events"), at=0.0)
    return opened
