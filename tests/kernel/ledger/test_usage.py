"""Uses of open data are counted; a use without a basis cannot be recorded as answered."""

from __future__ import annotations

import asyncio

import pytest

from banyan.errors import Unavailable
from banyan.kernel.ledger import OpenUsage, Use


def test_open_uses_are_counted_without_their_subject() -> None:
    async def story() -> None:
        usage = OpenUsage()
        for _ in range(3):
            await usage.record(Use("a.b", "open", "open-data", "anonymous", "api", "answered"))
        assert list(usage.counts.values()) == [3]

    asyncio.run(story())


def test_an_answer_without_a_basis_cannot_be_recorded() -> None:
    with pytest.raises(Unavailable):
        asyncio.run(OpenUsage().record(Use("a.b", "none", "care", "officer", "web", "answered")))
