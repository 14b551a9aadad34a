"""Alarms: what the provider refused, in a bounded record without personal data: which kind, where, which app, which
trace. Addresses, names, tokens and what was sent are not in it; the trace leads to the access record's line.

Source: OWASP ASVS 5.0 V16.3.1-3 (authentication and authorisation refusals are logged), V14.2.4.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence

import msgspec

from banyan.limits_identity import OPENID_ALARM_KINDS, OPENID_ALARMS

ORDINARY = frozenset(("use_dpop_nonce", "no_token"))
"""Refusals that every honest client gets: the first round of a DPoP nonce, a look without a token."""


class Alarm(msgspec.Struct, frozen=True, omit_defaults=True):
    """One refusal. `kind` is of our own words, `endpoint` an operation's name, `client` the id of a registered app."""

    at: float
    kind: str
    endpoint: str
    client: str = ""
    trace: str = ""


class Alarms:
    """The newest alarms in memory, counts by kind, and each as a JSON line through `write` (a rotating file's)."""

    def __init__(self, write: Callable[[bytes], None] | None = None) -> None:
        self._write = write
        self._newest: deque[Alarm] = deque(maxlen=OPENID_ALARMS)
        self._counts: Counter[str] = Counter()
        self._encode = msgspec.json.Encoder().encode_lines

    def add(self, alarm: Alarm) -> None:
        if alarm.kind in ORDINARY:
            return
        self._newest.append(alarm)
        is_known = alarm.kind in self._counts or len(self._counts) < OPENID_ALARM_KINDS
        self._counts[alarm.kind if is_known else "other"] += 1
        if self._write is not None:
            self._write(self._encode([alarm]))

    def newest(self, most: int) -> Sequence[Alarm]:
        """The newest first."""
        return tuple(alarm for _, alarm in zip(range(most), reversed(self._newest), strict=False))

    @property
    def counts(self) -> Mapping[str, int]:
        """Since this process began."""
        return self._counts
