"""The provider over plain ASGI: its API for shops, a card's page, and a bank where one can pay a number or a slip.

Shops send `Authorization: Bearer KEY`. Words go out by `deliver`, signed anew at each try.
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, MutableMapping
from html import escape
from typing import Any, Final
from urllib.parse import parse_qs

import msgspec

from banyan.demo.payments.book import Book, Parcel, Refused
from banyan.errors import UNREADABLE
from banyan.kernel.catalogue.messages import load_messages
from banyan.service.rationing.preorder.payment import Ask, signature

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Post = Callable[[bytes, str], Awaitable[int]]
"""`post(body, signature)`: send a word to the shop; the status of the answer, 0 without one."""
WORDS: Final = load_messages("banyan.demo.payments")
BODY_MOST: Final = 16_384
STYLE: Final = "body{font:18px/1.6 sans-serif;margin:2rem auto;max-width:40rem;padding:0 1rem;color:#222}h1{color:#0b4f6c}label{display:block;margin-top:1rem}input{font:inherit;padding:.4rem;width:100%;box-sizing:border-box}button{font:inherit;margin-top:1rem;padding:.5rem 1rem;background:#0b4f6c;color:#fff;border:0;border-radius:4px}"  # noqa: E501
HEADERS: Final = (
    (b"content-security-policy", b"default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"),
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
)


class RefundAsk(msgspec.Struct, frozen=True):
    payment: str
    key: str
    amount: int


class PaymentsApp:
    """An ASGI application. `key` is the shop's for the API, `secret` signs words; `shop` is where people go back to."""

    def __init__(self, book: Book, *, key: str, secret: bytes, shop: str) -> None:
        self.book, self.shop = book, shop
        self._key, self._secret = key.encode(), secret

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
            return
        body = await _body(receive)
        parts = [part for part in scope["path"].split("/") if part]
        try:
            if parts[:2] == ["v1", "charges"]:
                await self._api(scope, parts[2:], body, send)
            else:
                await self._page(scope["method"], parts, body, send)
        except Refused as refused:
            await _json(send, {"error": refused.why}, refused.status)
        except UNREADABLE as error:
            await _json(send, {"error": str(error)}, 422)

    async def deliver(self, post: Post) -> int:
        """Send the words that are due; how many were heard."""
        heard = 0
        for parcel in self.book.due():
            is_heard = 200 <= await post(*self.signed(parcel)) < 300
            self.book.was_sent(parcel, is_heard=is_heard)
            heard += is_heard
        return heard

    def signed(self, parcel: Parcel) -> tuple[bytes, str]:
        """A word's body and the header that vouches for it now."""
        body = msgspec.json.encode(parcel.word)
        return body, signature(self._secret, body, int(self.book.clock()))

    async def _api(self, scope: Scope, rest: list[str], body: bytes, send: Send) -> None:
        sent = next((value for name, value in scope["headers"] if name == b"authorization"), b"")
        if not hmac.compare_digest(sent, b"Bearer " + self._key):
            raise Refused(401, "authorization: the shop's key")
        if self.book.faults.is_down:
            raise Refused(503, "down")
        answer = self._asked(scope["method"], rest, body)
        if self.book.loses_answer():
            raise Refused(504, "too late")
        await _json(send, answer)

    def _asked(self, method: str, rest: list[str], body: bytes) -> object:
        if (method, rest) == ("POST", []):
            return self.book.charge(msgspec.json.decode(body, type=Ask))
        if method == "GET" and len(rest) == 1:
            charge, words = self.book.look(rest[0])
            return {"charge": charge, "words": words}
        if method == "POST" and rest[1:] == ["cancel"]:
            return self.book.cancel(rest[0])
        if method == "POST" and rest[1:] == ["refunds"]:
            ask = msgspec.json.decode(body, type=RefundAsk)
            return self.book.refund(rest[0], ask.payment, ask.key, ask.amount)
        raise Refused(404, "no such thing")

    async def _page(self, method: str, parts: list[str], body: bytes, send: Send) -> None:
        given = {name: values[0] for name, values in parse_qs(body.decode("latin-1")).items()}
        if parts in ([], ["bank"]):
            said = self._paid(given) if method == "POST" else ""
            await _html(send, said + _bank())
        elif len(parts) == 2 and parts[0] == "card":
            await self._card(method, parts[1], send)
        else:
            await _html(send, "", status=404)

    def _paid(self, given: dict[str, str]) -> str:
        amount = given.get("amount", "")
        reference = self.book.by_account(given.get("account", ""))
        whole = int(amount[:9]) if amount.isascii() and amount.isdigit() else 0
        if not reference or not whole:
            return f"<p role=status>{_both('unknown')}</p>"
        try:
            self.book.pay(reference, whole)
        except Refused:
            return f"<p role=status>{_both('closed')}</p>"
        return f"<p role=status>{_both('paid')}</p>"

    async def _card(self, method: str, reference: str, send: Send) -> None:
        charge, _ = self.book.look(reference)
        if method == "POST" and charge.state == "open":
            self.book.pay_by_card(reference)
            await _lead(send, self.shop + self.book.asks[reference].back)
            return
        amount = self.book.asks[reference].amount
        form = f'<form method="post"><p>NT${amount:,}</p><button type="submit">{_both("pay")}</button></form>'
        await _html(send, form if charge.state == "open" else f"<p>{_both('closed')}</p>")


def _bank() -> str:
    return (
        f'<form method="post" action="/bank"><label>{_both("account")}<input name="account" autocomplete="off"></label>'
        f'<label>{_both("amount")}<input name="amount" inputmode="numeric" autocomplete="off"></label>'
        f'<button type="submit">{_both("transfer")}</button></form>'
    )


def _both(key: str) -> str:
    return " ".join(escape(WORDS.text(f"payments.{key}", lang)) for lang in ("zh-Hant", "en"))


async def _body(receive: Receive) -> bytes:
    found = b""
    while True:
        message = await receive()
        found += bytes(message.get("body", b""))
        if not message.get("more_body") or len(found) > BODY_MOST:
            return found[:BODY_MOST]


async def _json(send: Send, answer: object, status: int = 200) -> None:
    headers = [(b"content-type", b"application/json"), *HEADERS]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": msgspec.json.encode(answer)})


async def _html(send: Send, shown: str, *, status: int = 200) -> None:
    title = _both("title")
    body = (
        f'<!doctype html><html lang="zh-Hant"><meta charset="utf-8"><title>{title}</title><style>{STYLE}</style>'
        f"<main><h1>{title}</h1><p>{_both('lead')}</p>{shown}</main></html>"
    ).encode()
    headers = [(b"content-type", b"text/html; charset=utf-8"), *HEADERS]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _lead(send: Send, location: str) -> None:
    headers = [(b"location", location.encode()), *HEADERS]
    await send({"type": "http.response.start", "status": 303, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
