"""What a client hears that is sent away: a fault of the road with 429, when to come back, and who must do what.

Sources: RFC 6585 s4 (429); RFC 9110 s10.2.3 (Retry-After); draft-ietf-httpapi-ratelimit-headers-11 (`RateLimit-Policy`
with `q`, `w` and `qu`, `RateLimit` with `r` and `t`). X-Road has no code for it; `ServiceFailed` is its nearest, and
whoever knows HTTP reads the status.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from banyan.kernel.exchange.road.admission_quota import WINDOW_S
from banyan.wire.xroad.codes import Code, Origin
from banyan.wire.xroad.faults import Fault
from banyan.wire.xroad.headers import Field

Reason = Literal["quota", "late", "full", "lapsed"]
"""The grant's rate is used up; it would wait past its deadline; too many wait and it is of who waits with the most; it
did wait until its deadline."""


class Refusal(msgspec.Struct, frozen=True):
    """`bound`: calls a minute, or calls that run at once. `wait_s`: as estimated."""

    reason: Reason
    bound: int
    retry_s: int
    wait_s: float = 0.0


class Overloaded(Fault):
    """429. `headers` go on the answer as they are."""

    def __init__(self, refusal: Refusal, origin: Origin) -> None:
        what, fix = _said(refusal)
        super().__init__(origin, Code.SERVICE_FAILED, message=what, fix=fix)
        self.status = 429
        self.retry_after_s = refusal.retry_s
        self.refusal = refusal
        self.headers = headers(refusal)


def headers(refusal: Refusal) -> tuple[Field, ...]:
    """Retry-After, RateLimit-Policy and RateLimit."""
    if refusal.reason == "quota":
        policy, name = b'"grant";q=%d;w=%d' % (refusal.bound, WINDOW_S), b"grant"
    else:
        policy, name = b'"gateway";q=%d;qu="concurrent-requests"' % refusal.bound, b"gateway"
    return (
        (b"Retry-After", b"%d" % refusal.retry_s),
        (b"RateLimit-Policy", policy),
        (b"RateLimit", b'"%b";r=0;t=%d' % (name, refusal.retry_s)),
    )


def _said(refusal: Refusal) -> tuple[str, str]:
    again = f"call again in {refusal.retry_s} s"
    if refusal.reason == "quota":
        return (
            f"The grant lets this client call the service {refusal.bound} times a minute, and they are used up.",
            f"The client must {again}; for more, its agency asks the provider for a grant with more calls a minute.",
        )
    if refusal.reason == "late":
        return (
            f"The gateway is busy: the call would wait about {refusal.wait_s:.1f} s, past its deadline.",
            f"The client must {again}, or give it more time; it was not carried out.",
        )
    if refusal.reason == "lapsed":
        return (
            "The gateway is busy: the call waited for its turn until its deadline.",
            f"The client must {again}, or give it more time; it was not carried out.",
        )
    return (
        "The gateway is busy, and no client has more calls waiting than this one.",
        f"The client must wait for answers before it asks more, and {again}; the call was not carried out.",
    )
