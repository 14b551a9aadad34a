"""Sending a reply to LINE: bounded in time, tried again while its reply token lives, never logged with its words."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final, Literal

import msgspec
import urllib3

from banyan import __version__
from banyan.kernel.events.clock import Clock, EpochS
from banyan.limits import (
    LINE_AT_ONCE,
    LINE_REPLY_TIME_S,
    LINE_REPLY_TRIES,
    LINE_REPLY_WAIT_S,
    LINE_TOKEN_S,
)
from banyan.wire.line import Message, write_reply

PATH: Final = "/v2/bot/message/reply"
Outcome = Literal["sent", "refused", "unauthorised", "limited", "failed", "unreachable"]
"""`refused`: LINE will not have it (400: a used or old reply token, or a message it does not like). `limited`, `failed`
(5xx) and `unreachable` were tried again until the token lapsed."""


class Tried(msgspec.Struct, frozen=True):
    """One try: the HTTP status (0: no answer), and the seconds LINE asks us to wait."""

    status: int
    wait_s: float = 0.0


Post = Callable[[bytes], Awaitable[Tried]]
"""Post the body of a reply."""
Pause = Callable[[float], Awaitable[None]]


class Line:
    """The Messaging API at `api_url`, with a channel access token. Closed by `close`."""

    def __init__(self, api_url: str, token: str) -> None:
        self._url = api_url.rstrip("/") + PATH
        self._headers = {
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/json",
            "User-Agent": f"banyan/{__version__}",
        }
        timeout = urllib3.Timeout(total=LINE_REPLY_TIME_S)
        self._pool = urllib3.PoolManager(maxsize=LINE_AT_ONCE, timeout=timeout, retries=False)
        self._threads = ThreadPoolExecutor(LINE_AT_ONCE, thread_name_prefix="line")

    async def post(self, body: bytes) -> Tried:
        return await asyncio.get_running_loop().run_in_executor(self._threads, partial(self._post, body))

    def _post(self, body: bytes) -> Tried:
        try:
            answer = self._pool.request("POST", self._url, body=body, headers=self._headers, redirect=False)
        except (urllib3.exceptions.HTTPError, OSError):
            return Tried(0)
        asked = answer.headers.get("retry-after", "")
        return Tried(answer.status, float(asked) if asked.isascii() and asked.isdigit() else 0.0)

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._pool.clear()


async def send(token: str, messages: Sequence[Message], post: Post, *, clock: Clock, pause: Pause) -> Outcome:
    """Reply once. A token is good for one reply, so trying again cannot say a thing twice."""
    body, until = write_reply(token, messages), EpochS(clock() + LINE_TOKEN_S)
    outcome: Outcome = "unreachable"
    for number in range(LINE_REPLY_TRIES):
        tried = await post(body)
        outcome = outcome_of(tried.status)
        wait_s = max(LINE_REPLY_WAIT_S * 2**number, tried.wait_s)
        if outcome in ("sent", "refused", "unauthorised") or clock() + wait_s > until:
            return outcome
        if number + 1 < LINE_REPLY_TRIES:
            await pause(wait_s)
    return outcome


def outcome_of(status: int) -> Outcome:
    if status == 0:
        return "unreachable"
    if 200 <= status < 300:
        return "sent"
    if status in (401, 403):
        return "unauthorised"
    if status == 429:
        return "limited"
    return "failed" if status >= 500 else "refused"
