"""The field's cases are asked of both ways of a call."""

from __future__ import annotations

import pytest
from tests.kernel.exchange.road.ways import way

__all__ = ["both_ways", "way"]


@pytest.fixture(autouse=True)
def both_ways(way: str) -> str:
    return way
