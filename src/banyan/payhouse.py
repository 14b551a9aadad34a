"""The demonstration's payment provider beside a node: a server of its own on loopback, its words sent to the node.

Only where node.toml names no provider. Nothing of it is kept: a new start has a new one, which knows no old charge.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import partial
from secrets import randbelow, token_bytes, token_hex
from typing import Final

import msgspec
import urllib3
import uvicorn

from banyan.demo.federation.hosting import free_port
from banyan.demo.payments.app import PaymentsApp
from banyan.demo.payments.book import Book
from banyan.kernel.events.clock import Clock
from banyan.kernel.storage import Drawer
from banyan.paying import TIMEOUT_S, HttpProvider, over_http
from banyan.service.rationing.preorder.desk import desk_of, lend_desk

LOOK_S: Final = 1.0
"""Between looks for words to send: people watch the page."""
WORDS: Final = "/preorder/payments"


@asynccontextmanager
async def payhouse(drawers: Mapping[str, Drawer], shop: str, clock: Clock) -> AsyncIterator[Book]:
    """Serve it while the node runs, and let preorder pay there. `shop` is the node's address."""
    key, secret, port = token_hex(16), token_bytes(32), free_port(0)
    book = Book(clock, randbelow)
    book.pages = f"http://localhost:{port}"
    app = PaymentsApp(book, key=key, secret=secret, shop=shop)
    desk = desk_of(drawers["rationing"])
    provider = HttpProvider(over_http(f"http://127.0.0.1:{port}", key))
    lend_desk(drawers["rationing"], msgspec.structs.replace(desk, provider=provider, secrets=(secret,)))
    server = _Quiet(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="warning", lifespan="off"))
    serving = asyncio.create_task(server.serve())
    telling = asyncio.create_task(_tell(app, shop))
    try:
        while not server.started and not serving.done():  # noqa: ASYNC110 - uvicorn tells it in no other way
            await asyncio.sleep(0.02)
        yield book
    finally:
        telling.cancel()
        server.should_exit = True
        with suppress(asyncio.CancelledError):
            await asyncio.gather(serving, telling, return_exceptions=True)
        lend_desk(drawers["rationing"], desk)


class _Quiet(uvicorn.Server):
    """It leaves signals to the node."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def _tell(app: PaymentsApp, shop: str) -> None:
    """Send words as they come, until cancelled."""
    pool = urllib3.PoolManager(timeout=urllib3.Timeout(total=TIMEOUT_S), retries=False)

    def post(body: bytes, signature: str) -> int:
        headers = {"Content-Type": "application/json", "Payment-Signature": signature}
        try:
            answer = pool.request("POST", shop + WORDS, body=body, headers=headers, redirect=False)
        except (urllib3.exceptions.HTTPError, OSError):
            return 0
        return answer.status

    async def send(body: bytes, signature: str) -> int:
        return await asyncio.to_thread(partial(post, body, signature))

    while True:
        await app.deliver(send)
        await asyncio.sleep(LOOK_S)
