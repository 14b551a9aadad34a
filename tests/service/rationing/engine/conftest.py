"""One PostgreSQL for the engine's tests; each takes its own schema."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.postgres import postgres_server


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    with postgres_server() as address:
        yield address
