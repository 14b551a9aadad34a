"""Asking a payment provider over HTTP: the outside of `service/rationing/preorder/payment`.

One bounded request, no redirect followed, no retry: asking again is the caller's, and safe. A 5xx, a broken answer or
none is Unavailable, for it may have been done.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final, TypeVar
from urllib.parse import quote

import msgspec
import urllib3

from banyan import __version__
from banyan.errors import UNREADABLE, Conflict, Unavailable
from banyan.service.rationing.preorder.payment import Ask, Back, Charge, Word
from banyan.settings import Settings, payment_secrets_from_environment

TIMEOUT_S: Final = 10.0
ANSWER_MOST: Final = 65_536
T = TypeVar("T")
Send = Callable[[str, str, bytes], Awaitable[tuple[int, bytes]]]
"""`send(method, path, body)`: the status and body of the answer; status 0 without one."""


class _Seen(msgspec.Struct, frozen=True):
    charge: Charge
    words: tuple[Word, ...] = ()


class HttpProvider:
    """`Provider` by `send`."""

    def __init__(self, send: Send) -> None:
        self._send = send

    async def charge(self, ask: Ask) -> Charge:
        return await self._asked("POST", "/v1/charges", ask, Charge)

    async def look(self, reference: str) -> tuple[Charge, tuple[Word, ...]]:
        seen = await self._asked("GET", f"/v1/charges/{quote(reference)}", None, _Seen)
        return seen.charge, seen.words

    async def cancel(self, reference: str) -> Charge:
        return await self._asked("POST", f"/v1/charges/{quote(reference)}/cancel", None, Charge)

    async def refund(self, reference: str, payment: str, key: str, amount: int) -> Back:
        ask = {"payment": payment, "key": key, "amount": amount}
        return await self._asked("POST", f"/v1/charges/{quote(reference)}/refunds", ask, Back)

    async def _asked(self, method: str, path: str, request: object, kind: type[T]) -> T:
        body = msgspec.json.encode(request) if request is not None else b""
        status, answer = await self._send(method, path, body)
        if 400 <= status < 500:
            raise Conflict(f"the payment provider refuses: status {status}", remedy="an officer must look at it")
        if not 200 <= status < 300:
            raise _silent()
        try:
            return msgspec.json.decode(answer, type=kind)
        except UNREADABLE as error:
            raise _silent() from error


def provider_of(settings: Settings) -> tuple[HttpProvider | None, tuple[bytes, ...]]:
    """The provider of node.toml and the secrets of its words; none without an address."""
    if not settings.payments.url:
        return None, ()
    key, secrets = payment_secrets_from_environment()
    return HttpProvider(over_http(settings.payments.url, key)), tuple(one.encode() for one in secrets)


def over_http(url: str, key: str) -> Send:
    """Requests to the provider at `url`, with the shop's key."""
    pool = urllib3.PoolManager(timeout=urllib3.Timeout(total=TIMEOUT_S), retries=False, maxsize=8)
    headers = {"Authorization": f"Bearer {key}", "User-Agent": f"banyan/{__version__}", "Accept": "application/json"}

    def ask(method: str, path: str, body: bytes) -> tuple[int, bytes]:
        sent = headers | ({"Content-Type": "application/json"} if body else {})
        try:
            answer = pool.request(
                method, url.rstrip("/") + path, body=body or None, headers=sent, redirect=False, preload_content=False
            )
            data = answer.read(ANSWER_MOST + 1)
            answer.drain_conn()
        except (urllib3.exceptions.HTTPError, OSError):
            return 0, b""
        return (answer.status, data) if len(data) <= ANSWER_MOST else (0, b"")

    async def send(method: str, path: str, body: bytes) -> tuple[int, bytes]:
        return await asyncio.to_thread(partial(ask, method, path, body))

    return send


def _silent() -> Unavailable:
    return Unavailable("the payment provider does not answer", remedy="ask again in a minute: it is safe")
