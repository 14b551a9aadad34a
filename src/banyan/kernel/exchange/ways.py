"""How a caller of an operation must come, as its declaration says: for the API's description, and for a 401."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from banyan.kernel.catalogue.operation import Operation
from banyan.kernel.identity.openid.jose import ALGORITHMS
from banyan.kernel.policy.decision import INTAKE

Way = Literal["token", "session", "app"]
"""The administrator's token, a person's sign-in by cookie, an app's token bound to its key."""
CHALLENGES: Final[Mapping[tuple[Way, ...], str]] = {
    (): "",
    ("token",): "Bearer",
    ("session",): f'DPoP algs="{" ".join(ALGORITHMS)}"',
    ("session", "app"): f'DPoP algs="{" ".join(ALGORITHMS)}"',
}
"""What a 401 says (RFC 9110 s11.6.1, RFC 9449 s7.1); there is no registered scheme for a cookie."""


def security_of(operation: Operation) -> tuple[Way, ...]:
    """How a caller of the operation must come; any one way will do, and none is needed when there are none."""
    if operation.audience == "citizen":
        return ("session",)
    if operation.subject or operation.audience in ("officer", "agency", "hospital"):
        return ("session", "app")
    is_open = operation.purpose in INTAKE if operation.effect == "write" else operation.audience == "public"
    return () if is_open else ("token",)
