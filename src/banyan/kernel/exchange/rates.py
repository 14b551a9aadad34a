"""Rates: a token bucket for each class of route and caller's address (or key). The figures are `RATES` in limits.py.

Source of the headers: draft-ietf-httpapi-ratelimit-headers; RFC 9110 s10.2.3 (Retry-After), RFC 6585 s4 (429).
"""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv6Network
from math import ceil
from typing import Final

import msgspec

from banyan.errors import Limit
from banyan.kernel.exchange.explain import say
from banyan.limits import RATE_ADDRESSES, RATES

BULK: Final = "bulk"
BULK_COVERS: Final = ("page", "read", "stream")
"""The classes in whose place a key's holder takes from `bulk`. The costlier ones keep their figures, by key."""


class Wait(msgspec.Struct, frozen=True):
    """A caller that must wait: how long (whole seconds, at least 1) and the headers that say so."""

    seconds: int
    headers: tuple[tuple[str, str], ...]


class TooMany(Limit):
    """A caller met its rate: 429, with the headers that say when to come back."""

    status = 429
    kind = "rate"

    def __init__(self, wait: Wait, lang: str) -> None:
        title, remedy = say("rate", lang, seconds=wait.seconds)
        super().__init__(title, remedy=remedy, retry_after_s=wait.seconds)
        self.headers = wait.headers


class Standing(msgspec.Struct, frozen=True):
    """How a bucket stands: whole tokens left, seconds until it is full."""

    name: str
    remaining: int
    full_in_s: float
    policy: str

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        """As an answer says it."""
        said = f'"{self.name}";r={self.remaining};t={ceil(self.full_in_s)}'
        return [(b"ratelimit-policy", self.policy.encode()), (b"ratelimit", said.encode())]


class _Bucket(msgspec.Struct):
    tokens: float
    at: float


class Rates:
    """All buckets of a process. `scale` 0 turns the limits off; `clock` gives seconds and never goes back."""

    def __init__(self, scale: float, clock: Callable[[], float]) -> None:
        self._figures = {name: (per_s * scale, burst * scale) for name, (per_s, burst) in RATES.items()}
        self._buckets: dict[str, dict[str, _Bucket]] = {name: {} for name in RATES}
        self._clock = clock
        self.is_on = scale > 0

    def take(self, name: str, address: str) -> Wait | None:
        """Take one token of class `name`; None when there was one."""
        if not self.is_on:
            return None
        per_s, burst = self._figures[name]
        buckets = self._buckets[name]
        now = self._clock()
        key = network_of(address) if ":" in address else address
        bucket = buckets.get(key)
        if bucket is None:
            if len(buckets) >= RATE_ADDRESSES:
                self._forget(name, now)
            buckets[key] = _Bucket(burst - 1, now)
            return None
        bucket.tokens = min(burst, bucket.tokens + (now - bucket.at) * per_s)
        bucket.at = now
        if bucket.tokens >= 1:
            bucket.tokens -= 1
            return None
        seconds = max(1, ceil((1 - bucket.tokens) / per_s))
        return Wait(
            seconds,
            (
                ("Retry-After", str(seconds)),
                ("RateLimit-Policy", self._policy(name)),
                ("RateLimit", f'"{name}";r=0;t={seconds}'),
            ),
        )

    def figures(self, name: str) -> tuple[float, float]:
        """Tokens a second, and how many at once."""
        return self._figures[name]

    def standing(self, name: str, address: str) -> Standing:
        """How a bucket stands now; takes nothing."""
        per_s, burst = self._figures[name]
        bucket = self._buckets[name].get(network_of(address) if ":" in address else address)
        tokens = burst if bucket is None else min(burst, bucket.tokens + (self._clock() - bucket.at) * per_s)
        return Standing(name, int(tokens), (burst - tokens) / per_s if per_s else 0.0, self._policy(name))

    def _policy(self, name: str) -> str:
        per_s, burst = self._figures[name]
        return f'"{name}";q={int(burst)};w={ceil(burst / per_s)}'

    def give_back(self, name: str, address: str) -> None:
        """Put back the token just taken: the request takes one again on its general way."""
        bucket = self._buckets[name].get(network_of(address) if ":" in address else address)
        if bucket is not None:
            bucket.tokens += 1

    def _forget(self, name: str, now: float) -> None:
        """Drop buckets that are full again; when all are busy, the older half."""
        per_s, burst = self._figures[name]
        buckets = self._buckets[name]
        idle = [key for key, bucket in buckets.items() if bucket.tokens + (now - bucket.at) * per_s >= burst]
        for key in idle or sorted(buckets, key=lambda key: buckets[key].at)[: RATE_ADDRESSES // 2]:
            del buckets[key]


def network_of(address: str) -> str:
    """The /64 of an IPv6 address: one home has 2^64 of them."""
    try:
        return str(IPv6Network((address.partition("%")[0], 64), strict=False))
    except ValueError:
        return address
