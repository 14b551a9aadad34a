"""Trace context: every request belongs to a trace, its own or its caller's. Source: W3C Trace Context, s3.2."""

from __future__ import annotations

import re
from itertools import count
from secrets import randbits
from typing import Final

_TRACEPARENT = re.compile(rb"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")
_PROCESS: Final = f"{randbits(64) | 1:016x}"  # never zero: an all-zero trace id is invalid
_SPANS: Final = randbits(56) << 8 | 1 << 63
_NUMBERS = count(1)


class Trace:
    """A request's place in its trace; written out only where it is needed."""

    __slots__ = ("_flags", "_span", "id")

    def __init__(self, traceparent: bytes) -> None:
        """A new span in the caller's trace, or the first of a new one when `traceparent` is absent or wrong."""
        self._span = next(_NUMBERS) ^ _SPANS
        found = _TRACEPARENT.fullmatch(traceparent) if traceparent else None
        if found is not None and found[1].strip(b"0") and found[2].strip(b"0"):
            self.id, self._flags = found[1].decode(), found[3].decode()
        else:
            self.id, self._flags = f"{_PROCESS}{self._span:016x}", "00"

    @property
    def traceparent(self) -> str:
        return f"00-{self.id}-{self._span:016x}-{self._flags}"
