"""Problem details for HTTP APIs. Source: RFC 9457 (application/problem+json)."""

from __future__ import annotations

import msgspec

MEDIA_TYPE = "application/problem+json"


class FieldProblem(msgspec.Struct, frozen=True):
    """One wrong field and its fix; an extension member (RFC 9457 s3.2)."""

    field: str
    fix: str


class ProblemDocument(msgspec.Struct, frozen=True, omit_defaults=True):
    """`type` is a URI reference to a page about the kind; `title` is that kind in words, `detail` this case."""

    type: str
    title: str
    status: int
    detail: str = ""
    instance: str = ""
    remedy: str = ""
    """What to do next, one sentence."""
    errors: tuple[FieldProblem, ...] = ()
    trace: str = ""
    """The W3C trace id to quote when asking for help."""


def encode(document: ProblemDocument) -> bytes:
    return msgspec.json.encode(document)
