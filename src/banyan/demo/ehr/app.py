"""The record system over plain ASGI: a page, its script, patients as FHIR, and tokens that its own key signs.

The key is made at each start and never leaves this process; the node is told its public half (register_client).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from html import escape
from importlib.resources import files
from typing import Any, Final
from uuid import uuid4

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec

from banyan.demo.travel import Case, cases
from banyan.kernel.catalogue.messages import load_messages
from banyan.kernel.events.clock import Clock
from banyan.wire.cdshooks.tokens import Claims, public_jwk, signed
from banyan.wire.fhir.model import Identifier, identifier_of

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
WORDS: Final = load_messages("banyan.demo.ehr")
BODY_MOST: Final = 2_048
KID: Final = "demo-ehr"
TOKEN_S: Final = 120
STYLE: Final = "body{font:18px/1.6 sans-serif;margin:2rem auto;max-width:46rem;padding:0 1rem;color:#222}h1{color:#0b4f6c;font-size:1.5rem}button{font:inherit;min-height:44px;margin:.2rem;padding:.3rem 1rem;background:#0b4f6c;color:#fff;border:0;border-radius:4px}.card{border-left:6px solid #5b6b73;background:#f4f7f8;padding:.8rem 1rem;margin:1rem 0}.warning{border-color:#8a5a00;background:#fff6e0}.critical{border-color:#a3161a;background:#fdeceb}.source{color:#4a575e;font-size:.9rem}li{margin:.4rem 0}"  # noqa: E501


class RecordSystem:
    """An ASGI application. `node` is the address of the decision service as a browser calls it, `own` this one's."""

    def __init__(self, *, node: str, own: str, clock: Clock) -> None:
        self.node, self.own, self._clock = node, own, clock
        self._key = ec.generate_private_key(ec.SECP384R1())
        self._patients = {f"demo-{at}": one for at, one in enumerate(cases())}

    @property
    def registration(self) -> dict[str, Any]:
        """What the node's administrator is told."""
        return {
            "id": "demo-ehr", "agency": "TW/MED/H1", "issuer": self.own, "keys": (public_jwk(self._key, KID),),
            "origins": (self.own,), "fhir": self.own,
        }  # fmt: skip

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        body = await _body(receive)
        method, path = scope["method"], scope["path"]
        patient = self._patients.get(path.removeprefix("/Patient/"))
        if (method, path) == ("GET", "/"):
            await self._send(send, self._page().encode(), "text/html; charset=utf-8")
        elif (method, path) == ("GET", "/ehr.js"):
            script = files("banyan.demo.ehr").joinpath("ehr.js").read_bytes()
            await self._send(send, script, "text/javascript; charset=utf-8")
        elif (method, path) == ("POST", "/token") and body.startswith(f"{self.node}/cds-services/".encode()):
            await self._send(send, self._token(body.decode("latin-1")).encode(), "text/plain")
        elif method == "GET" and patient is not None:
            resource = msgspec.json.encode(_resource(path.removeprefix("/Patient/"), patient))
            await self._send(send, resource, "application/fhir+json")
        else:
            await self._send(send, b"", "text/plain", status=404)

    def _token(self, endpoint: str) -> str:
        now = int(self._clock())
        return signed(Claims(self.own, endpoint, now + TOKEN_S, now, uuid4().hex, kid=KID), self._key)

    def _page(self) -> str:
        keys = ("cards", "none", "failed", "dismiss", "thanks", "warning", "info", "critical")
        settings = {"cds": f"{self.node}/cds-services", "words": {key: _both(key) for key in keys}}
        rows = "".join(
            f'<li><button type="button" data-id="{id}" data-name="{escape(one.name)}">{escape(one.name)}</button> '
            f"<span lang=en>{escape(one.name_en)}</span></li>"
            for id, one in self._patients.items()
        )
        told = msgspec.json.encode(settings).decode().replace("<", "\\u003c")
        return (
            f'<!doctype html><html lang="zh-Hant"><head><meta charset="utf-8"><meta name="viewport" '
            f'content="width=device-width"><title>{_both("title")}</title><style>{STYLE}</style></head><body><main>'
            f"<h1>{_both('title')}</h1><p>{_both('lead')}</p><noscript><p>{_both('script')}</p></noscript>"
            f"<h2>{_both('patients')}</h2><ul>{rows}</ul><section id=cards aria-live=polite></section></main>"
            f'<script type="application/json" id="settings">{told}</script><script src="/ehr.js"></script>'
            "</body></html>"
        )

    async def _send(self, send: Send, body: bytes, media_type: str, status: int = 200) -> None:
        policy = (
            f"default-src 'none'; style-src 'unsafe-inline'; script-src 'self'; connect-src 'self' {self.node}; "
            "frame-ancestors 'none'"
        )
        headers = [
            (b"content-type", media_type.encode()), (b"content-security-policy", policy.encode()),
            (b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff"),
            (b"referrer-policy", b"no-referrer"),
        ]  # fmt: skip
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def _resource(id: str, case: Case) -> dict[str, Any]:
    record = Identifier("https://h1.example/mrn", f"MRN-{id}")
    named = [msgspec.to_builtins(one) for one in (record, *(identifier_of(paper) for paper in case.papers[:1]))]
    return {"resourceType": "Patient", "id": id, "identifier": named, "name": [{"text": case.name}]}


def _both(key: str) -> str:
    return f"{WORDS.text(f'ehr.{key}', 'zh-Hant')} {WORDS.text(f'ehr.{key}', 'en')}"


async def _body(receive: Receive) -> bytes:
    """At most BODY_MOST bytes are looked at."""
    body, is_more = b"", True
    while is_more:
        message = await receive()
        body = (body + message.get("body", b""))[: BODY_MOST + 1]
        is_more = message.get("more_body", False)
    return body[:BODY_MOST]
