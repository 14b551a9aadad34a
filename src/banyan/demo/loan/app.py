"""The app's three pages over plain ASGI: apply, come back with a code, ask again. Its tokens are in memory only."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from html import escape
from http.cookies import SimpleCookie
from typing import Any, Final
from urllib.parse import parse_qs

import msgspec

from banyan.demo.agencies.law import NEEDED, PURPOSE
from banyan.demo.loan.relying import Begun, Relying, Said
from banyan.kernel.catalogue.messages import load_messages

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
WORDS: Final = load_messages("banyan.demo.loan", "loan.toml")
COOKIE: Final = "loan"
VISITORS: Final = 100
"""Browsers it remembers; a demonstration has a few."""
READ: Final = "/api/tax/income"
SECURITY: Final = (
    (b"content-security-policy", b"default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"),
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
)
STYLE: Final = "body{font:18px/1.6 sans-serif;margin:2rem auto;max-width:40rem;padding:0 1rem;color:#222}h1{color:#7a3e00}dt{font-weight:bold}button{font:inherit;padding:.5rem 1rem;background:#7a3e00;color:#fff;border:0;border-radius:4px}.bad{border-left:6px solid #b10e1e;padding-left:1rem}"  # noqa: E501


class Visitor(msgspec.Struct):
    """One browser: a request under way, its token, and what was said last."""

    begun: Begun | None = None
    token: str = ""
    purpose: str = PURPOSE
    said: Said | None = None


class LoanApp:
    """An ASGI application. `random` gives a secret text."""

    def __init__(self, relying: Relying, *, random: Callable[[], str]) -> None:
        self.relying, self._random = relying, random
        self.visitors: dict[str, Visitor] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
            return
        name, visitor = self._visitor(scope)
        query = {key: values[0] for key, values in parse_qs(scope["query_string"].decode("latin-1")).items()}
        route = (scope["method"], scope["path"])
        if route == ("GET", "/"):
            await _page(send, self._shown(visitor), name)
        elif route == ("POST", "/apply"):
            visitor.begun = await asyncio.to_thread(self.relying.begin, query.get("purpose", PURPOSE))
            visitor.token, visitor.said = "", None
            await _lead(send, visitor.begun.location, name)
        elif route == ("GET", "/cb"):
            await asyncio.to_thread(self._back, visitor, query)
            await _lead(send, "/", name)
        elif route == ("POST", "/check") and visitor.token:
            await asyncio.to_thread(self._read, visitor)
            await _lead(send, "/", name)
        else:
            await _page(send, "", name, status=404)

    def _visitor(self, scope: Scope) -> tuple[str, Visitor]:
        sent = next((value for key, value in scope["headers"] if key == b"cookie"), b"")
        morsel = SimpleCookie(sent.decode("latin-1")).get(COOKIE)
        name = morsel.value if morsel is not None and morsel.value in self.visitors else self._random()
        while len(self.visitors) >= VISITORS and name not in self.visitors:
            self.visitors.pop(next(iter(self.visitors)))
        return name, self.visitors.setdefault(name, Visitor())

    def _back(self, visitor: Visitor, query: dict[str, str]) -> None:
        """The person is back: only with our own state, and from our own provider (RFC 9207)."""
        begun, visitor.begun = visitor.begun, None
        if begun is None or query.get("state") != begun.state or query.get("iss") != self.relying.issuer:
            visitor.said = Said(400, {"title": "state"})
            return
        if "code" not in query:
            visitor.said = Said(403, {"title": query.get("error", "")})
            return
        said = self.relying.token(query["code"], begun.verifier)
        visitor.token = str(said.body.get("access_token", ""))
        if not visitor.token:
            visitor.said = said
            return
        self._read(visitor)

    def _read(self, visitor: Visitor) -> None:
        visitor.said = self.relying.read(READ, {"fields": NEEDED, "purpose": "088"}, visitor.token)

    def _shown(self, visitor: Visitor) -> str:
        if visitor.said is None:
            return f"<p>{_both('intro')}</p>{_form('/apply', 'apply')}"
        if visitor.said.status == 200:
            rows = "".join(
                f"<dt>{_both(f'field.{name}')}</dt><dd>{escape(str(value))}</dd>"
                for name, value in visitor.said.body.items()
            )
            return f"<h2>{_both('result')}</h2><dl>{rows}</dl>{_form('/check', 'check')}"
        said = escape(str(visitor.said.body.get("title") or visitor.said.body.get("error_description") or ""))
        return f'<div class="bad"><h2>{_both("refused")} ({visitor.said.status})</h2><p>{said}</p></div>{_form("/apply", "apply")}'  # noqa: E501


def _both(key: str) -> str:
    return " ".join(escape(WORDS.text(f"loan.{key}", lang)) for lang in ("zh-Hant", "en"))


def _form(path: str, key: str) -> str:
    return f'<form method="post" action="{path}"><button type="submit">{_both(key)}</button></form>'


async def _page(send: Send, shown: str, name: str, *, status: int = 200) -> None:
    title = _both("title")
    body = (
        f'<!doctype html><html lang="zh-Hant"><meta charset="utf-8"><title>{title}</title>'
        f"<style>{STYLE}</style><main><h1>{title}</h1>{shown}</main></html>"
    ).encode()
    headers = [(b"content-type", b"text/html; charset=utf-8"), *SECURITY, _cookie(name)]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _lead(send: Send, location: str, name: str) -> None:
    headers = [(b"location", location.encode()), *SECURITY, _cookie(name)]
    await send({"type": "http.response.start", "status": 303, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


def _cookie(name: str) -> tuple[bytes, bytes]:
    return (b"set-cookie", f"{COOKIE}={name}; Path=/; HttpOnly; SameSite=Lax".encode())


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
