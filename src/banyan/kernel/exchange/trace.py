"""Trace context: every request belongs to a trace, its own or its caller's. Source: W3C Trace Context, s3.2."""

from __future__ import annotations

import re
from itertools import count
from secrets import randbits
from typing import Final

_TRACEPARENT = re.compile(rb"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")
_PROCESS: Final = randbits(64) | 1  # never zero: an all-zero trace id is invalid
_NUMBERS = count(1)


def joined(traceparent: bytes) -> str:
    """The traceparent of this request: a new span in the caller's trace, or the first of a new one."""
    span = next(_NUMBERS) ^ (_PROCESS >> 8)
    if traceparent:
        found = _TRACEPARENT.fullmatch(traceparent)
        if found is not None and found[1].strip(b"0") and found[2].strip(b"0"):
            return f"00-{found[1].decode()}-{span:016x}-{found[3].decode()}"
    return f"00-{_PROCESS:016x}{span:016x}-{span:016x}-00"


def trace_id(traceparent: str) -> str:
    return traceparent[3:35]
