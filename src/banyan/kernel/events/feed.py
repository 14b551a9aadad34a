"""Events and the change feed: what happened, in one order, for anyone to follow from a cursor."""

from __future__ import annotations

import msgspec

from banyan.kernel.events.clock import EpochS


class Event(msgspec.Struct, frozen=True):
    """One thing that happened. No personal data: `subject` is a public key (a register's name), never a person's.

    Maps to CloudEvents 1.0: topic -> type, source is the service, key -> subject, seq -> part of the id.
    """

    topic: str
    subject: str
    data: msgspec.Raw
    at: EpochS = EpochS(0)
    seq: int = 0
    """Position in the service's feed, from 1, without gaps visible to a reader; 0 before it is committed."""
