"""The one error tree of Banyan. Every error says what happened and what to do next.

    Problem(status, kind, title, remedy)
      Invalid      400/409/422  the request is wrong; names the field and the fix
      Denied       401/403      no basis, no right, no token
      NotFound     404
      Conflict     409          somebody else was first, or the state does not allow it
      Limit        413/429/507  a named bound was met
      Unavailable  503/504      a part is down or slow; try again

Expected refusals of a service's own rules (a quota used up) are return values, never errors. Source: RFC 9457.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

UNREADABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What reading a stranger's JSON raises: msgspec tells text that is not UTF-8, and nesting without end, by Python's."""


class FieldError(msgspec.Struct, frozen=True):
    """One field that is wrong: its dotted path (`limit`, `resources.0.url`) and the fix in a sentence."""

    field: str
    fix: str


class Problem(Exception):
    """Base of the tree. `kind` is a stable slug (the last segment of the RFC 9457 `type`); `remedy` is one sentence."""

    status = 500
    kind = "internal"

    def __init__(
        self,
        title: str,
        *,
        remedy: str = "",
        fields: Sequence[FieldError] = (),
        kind: str | None = None,
        status: int | None = None,
        retry_after_s: int | None = None,
    ) -> None:
        super().__init__(title)
        self.title = title
        self.remedy = remedy
        self.fields = tuple(fields)
        self.kind = kind or type(self).kind
        self.status = status or type(self).status
        self.retry_after_s = retry_after_s


class Invalid(Problem):
    """The request is wrong. Name the field with `Invalid.at(field, fix)`."""

    status = 422
    kind = "invalid"

    @classmethod
    def at(cls, field: str, fix: str, *, status: int = 422) -> Invalid:
        return cls(f"{field}: {fix}", fields=(FieldError(field, fix),), status=status)


class Denied(Problem):
    """No basis, no right, or no token."""

    status = 403
    kind = "denied"


class NotFound(Problem):
    status = 404
    kind = "not-found"


class Conflict(Problem):
    status = 409
    kind = "conflict"


class Limit(Problem):
    """A named bound of limits.py was met; the title names it."""

    status = 413
    kind = "limit"


class Unavailable(Problem):
    status = 503
    kind = "unavailable"
