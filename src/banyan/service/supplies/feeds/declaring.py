"""How every feed is declared: open to all, described like any operation, and sent by a face of its own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from banyan.kernel.catalogue.operation import OPEN, Context, FaceAnswer, FaceRequest, Text
from banyan.service.supplies.feeds.answering import JSON, LICENCE, LIVE, asked, sent
from banyan.service.supplies.feeds.shelf import Encoded
from banyan.service.supplies.service import SERVICE

F = TypeVar("F", bound=Callable[..., Any])
D = TypeVar("D", bound=Callable[[Context, Any], Awaitable[Encoded]])
LINKED = (("Link", LICENCE),)


def feed(name: str, path: str, *, title: Text, summary: Text, answers: Any = FaceAnswer) -> Callable[[F], F]:
    """Declare an operation that a face at /api/supplies/`path` sends as it is; `answers` is what that holds."""
    return SERVICE.operation(
        name,
        title=title,
        summary=summary,
        data=OPEN,
        audience="public",
        path=f"/api/supplies/{path}",
        channels=("feed",),
        answers=answers,
    )


def document(name: str, path: str, *, title: Text, summary: Text, answers: Any, cache: str = LIVE) -> Callable[[D], D]:
    """`feed`, with its face: a JSON document that only its path chooses."""

    def register(run: D) -> D:
        feed(name, path, title=title, summary=summary, answers=answers)(run)

        async def face(request: FaceRequest) -> FaceAnswer:
            asked(request)
            made = await request.call(f"{SERVICE.name}.{name}", dict(request.params))
            return sent(request, made, JSON, cache=cache, headers=LINKED)

        SERVICE.face("GET", path=f"/api/supplies/{path}")(face)
        return run

    return register
