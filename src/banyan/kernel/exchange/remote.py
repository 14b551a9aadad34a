"""A call to a peer. The gate does not know whether a service is embedded or behind a `Remote`: same answer and errors.

The signed leg between gateways (RFC 9421, X-Road REST r1) implements `Remote` in its own issue; tests stand a plain
loopback HTTP peer behind it and run the same contract over both.
"""

from __future__ import annotations

from typing import Any, Protocol

import msgspec

from banyan.kernel.catalogue.operation import Operation
from banyan.kernel.identity.caller import Caller


class Envelope(msgspec.Struct, frozen=True):
    """What travels with a remote call besides the request: who asks, why, and the trace it belongs to."""

    caller: Caller
    purpose: str
    traceparent: str = ""


class Remote(Protocol):
    """A peer that runs some services. Errors come back as the same `Problem` tree; a dead peer is `Unavailable`."""

    async def call(self, operation: Operation, request: msgspec.Struct, envelope: Envelope) -> Any:
        """Run `operation` at the peer and decode its answer as `operation.answer`. Bounded by REMOTE_TIME_S."""
