"""Several attempts of which one is needed: each begins when one fails, or beside those that are silent too long.

Source of the idea: RFC 8305 (Happy Eyeballs) s5. An address behind a silent firewall then costs a call 0.3 s, not the
two minutes of X-Road's issue 58.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeVar

from banyan.errors import Problem

T = TypeVar("T")
Failure = OSError | Problem
FAILURES: Final = (OSError, Problem)
"""How an attempt may end without a defect of ours."""


class Silent(OSError):
    """It had not answered when another had."""


async def first_of(
    attempts: Sequence[Callable[[], Awaitable[T]]],
    stagger_s: float,
    over: Callable[[int, Exception | None], None],
    discard: Callable[[T], None],
) -> tuple[int, T]:
    """Which attempt came about first, and with what. `over` is told how each went (None: well; Silent: not in time);
    a second that comes about in the same moment goes to `discard`. Raises what tells most of the attempts' OSErrors and
    Problems when all fail."""
    running: dict[asyncio.Task[T], int] = {}
    failed: list[Failure] = []
    begun, won = 0, -1
    try:
        while running or begun < len(attempts):
            if begun < len(attempts):
                running[asyncio.ensure_future(_run(attempts[begun]))] = begun
                begun += 1
            timeout = stagger_s if begun < len(attempts) else None
            done, _ = await asyncio.wait(list(running), timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
            for task in sorted(done, key=running.__getitem__):
                at = running[task]
                error = task.exception()
                del running[task]
                if error is None:
                    won = at
                    over(at, None)
                    return at, task.result()
                if not isinstance(error, FAILURES):
                    raise error
                over(at, error)
                failed.append(error)
    finally:
        await _end(running, over, discard, won)
    raise most_telling(failed)


def most_telling(errors: Sequence[Failure]) -> Failure:
    """A certificate of somebody else says more than a broken handshake, that more than a refused connection, and that
    more than none."""
    kinds = (Problem, ssl.SSLError, ConnectionError)
    return min(errors, key=lambda error: next((at for at, kind in enumerate(kinds) if isinstance(error, kind)), 3))


async def _run(attempt: Callable[[], Awaitable[T]]) -> T:
    return await attempt()


async def _end(
    running: dict[asyncio.Task[T], int],
    over: Callable[[int, Exception | None], None],
    discard: Callable[[T], None],
    won: int,
) -> None:
    """Cancel what runs still. Who had begun before the winner and did not come about was silent."""
    for task in running:
        task.cancel()
    for task, at in running.items():
        (ended,) = await asyncio.gather(task, return_exceptions=True)
        if not isinstance(ended, BaseException):
            over(at, None)
            discard(ended)
        elif at < won and isinstance(ended, asyncio.CancelledError):
            over(at, Silent("no connection while another came about"))
