"""Use records: which data was used, on which basis, through which channel. The gate writes one for every call.

Open data has no subject, so its uses are counted, not listed; a use of personal data will be a leaf of the ledger. Both
stand behind `UsageSink`, and the gate waits for it before it answers: a use that cannot be recorded does not happen.
"""

from __future__ import annotations

from collections import Counter
from typing import Literal, Protocol

import msgspec

from banyan.errors import Unavailable

Outcome = Literal["answered", "refused", "failed"]


class Use(msgspec.Struct, frozen=True, gc=False):
    """One use. It holds no input, no answer and no person: `caller` is a kind (`anonymous`, `administrator`)."""

    operation: str
    basis: str
    purpose: str
    caller: str
    channel: str
    outcome: Outcome


class UsageSink(Protocol):
    """Where uses go. Returns when the record is as durable as its basis asks."""

    async def record(self, use: Use) -> None: ...


class OpenUsage:
    """The sink of the open basis: counts. A use of another basis that was answered is an error: it needs a ledger."""

    def __init__(self) -> None:
        self.counts: Counter[Use] = Counter()

    async def record(self, use: Use) -> None:
        if use.outcome == "answered" and use.basis == "none":
            raise Unavailable("no ledger for this use", remedy="the node needs a ledger before it can answer this")
        self.count(use)

    def count(self, use: Use) -> None:
        """Record a use of open data without waiting."""
        self.counts[use] += 1
