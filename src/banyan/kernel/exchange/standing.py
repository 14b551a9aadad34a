"""`/limits`: every rate, what a key gives, and how the caller stands, so that a mapper knows before being blocked."""

from __future__ import annotations

from math import ceil
from typing import Final

import msgspec

from banyan.kernel.catalogue.messages import LANGUAGES
from banyan.kernel.catalogue.operation import FaceAnswer, FaceRequest, Text
from banyan.kernel.events.clock import iso
from banyan.kernel.exchange.explain import MESSAGES
from banyan.kernel.exchange.rates import BULK, BULK_COVERS, Rates
from banyan.kernel.exchange.request import DoorRequest
from banyan.limits import KEY_DAYS, RATES

_NO_STORE: Final = (("Cache-Control", "no-store"),)


class RateView(msgspec.Struct, frozen=True):
    """A class of requests: how many a second in the long run, and how many at once."""

    name: str
    per_second: float
    burst: int
    what: Text


class StandingView(msgspec.Struct, frozen=True):
    """How many may be asked now, and in how many seconds the bucket is full again."""

    name: str
    remaining: int
    full_in_s: int


class KeyOffer(msgspec.Struct, frozen=True):
    """What a key gives: the class `bulk` in place of those it covers; in every other class a bucket of its own."""

    covers: tuple[str, ...]
    send: tuple[str, ...]
    most_days: int
    what: Text
    how: Text


class You(msgspec.Struct, frozen=True, omit_defaults=True):
    """The caller. `limited` is false for a program of this machine and for the administrator."""

    caller: str
    limited: bool
    standing: tuple[StandingView, ...]
    key: str = ""
    key_until: str = ""


class Limits(msgspec.Struct, frozen=True):
    on: bool
    by: Text
    answer: Text
    classes: tuple[RateView, ...]
    key: KeyOffer
    you: You


class Standing:
    """Answers `/limits`."""

    def __init__(self, rates: Rates) -> None:
        self._rates = rates

    async def limits(self, request: FaceRequest) -> FaceAnswer:
        """Costs a token of `read`, as any look does."""
        assert isinstance(request, DoorRequest), "the door's own face"
        answer = Limits(
            on=self._rates.is_on,
            by=_both("limits.by"),
            answer=_both("limits.answer"),
            classes=tuple(self._view(name) for name in RATES),
            key=KeyOffer(
                covers=BULK_COVERS,
                send=("Authorization: Bearer bulk_…", "X-API-Key: bulk_…"),
                most_days=KEY_DAYS,
                what=_both("limits.key"),
                how=_both("limits.how"),
            ),
            you=self._you(request),
        )
        return FaceAnswer(msgspec.json.encode(answer), headers=_NO_STORE)

    def _view(self, name: str) -> RateView:
        per_s, burst = self._rates.figures(name)
        return RateView(name, per_s, int(burst), _both(f"limits.class.{name}"))

    def _you(self, request: DoorRequest) -> You:
        key = request.key
        is_limited = self._rates.is_on and request.bucket("read") is not None
        found = []
        for name in RATES:
            bucket = request.bucket(name)
            if is_limited and bucket is not None and bucket[0] == name and (name != BULK or key is not None):
                standing = self._rates.standing(*bucket)
                found.append(StandingView(name, standing.remaining, ceil(standing.full_in_s)))
        return You(
            caller=request.caller.kind,
            limited=is_limited,
            standing=tuple(found),
            key=key.name if key is not None else "",
            key_until=iso(key.until) if key is not None else "",
        )


def _both(key: str) -> Text:
    return {lang: MESSAGES.text(key, lang) for lang in LANGUAGES}
