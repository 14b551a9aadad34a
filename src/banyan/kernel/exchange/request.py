"""One HTTP request as faces and pages see it: the `FaceRequest` of the catalogue, over ASGI.

The head is parsed strictly and once, the body only on demand and within its bound.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, MutableMapping
from ipaddress import ip_address
from typing import Any, Final

import msgspec

from banyan.errors import Limit, Problem
from banyan.kernel.catalogue.operation import Asking, FormData
from banyan.kernel.events.clock import EpochS
from banyan.kernel.exchange.binder import Unreadable, pairs_of
from banyan.kernel.exchange.deadline import Deadlines
from banyan.kernel.exchange.forms import multipart, urlencoded
from banyan.kernel.exchange.gate import Gate
from banyan.kernel.exchange.keys import PREFIX, BulkKey, KeyRefused, Keys, holder
from banyan.kernel.exchange.presence import Presence, Present
from banyan.kernel.exchange.rates import BULK, BULK_COVERS, Rates, TooMany
from banyan.kernel.exchange.session import Session, Sessions
from banyan.kernel.exchange.settings import DoorSettings, Identify
from banyan.kernel.exchange.trace import Trace
from banyan.kernel.identity.caller import ANONYMOUS, Caller
from banyan.limits import BODY_IDLE_S, JSON_BODY_BYTES, SESSION_TIME_S, UPLOAD_BYTES

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
ONCE: Final = frozenset((b"host", b"content-length", b"content-type", b"authorization", b"transfer-encoding"))
"""Headers whose repetition is an attack or a mistake: two readers would choose differently."""
LOOPBACK: Final = frozenset(("127.0.0.1", "::1"))
FORWARDED: Final = frozenset((b"x-forwarded-for", b"forwarded", b"via", b"x-real-ip"))
TOKENS: Final = frozenset((b"authorization", b"x-api-key", b"x-ckan-api-key"))
SAFE_METHODS: Final = frozenset(("GET", "HEAD", "OPTIONS"))


class Disconnected(Exception):
    """The caller went away before the body ended."""


class DoorRequest:
    """State of one request. Made by the door; everything a face needs and nothing of the server."""

    __slots__ = (
        "_body",
        "_caller",
        "_form",
        "_has_token",
        "_headers",
        "_holds",
        "_presence",
        "_receive",
        "_scope",
        "_session",
        "_task",
        "_tools",
        "_verified",
        "channel",
        "client",
        "has_credentials",
        "key",
        "lang_from_path",
        "method",
        "now",
        "params",
        "path",
        "ran",
        "raw_query",
        "scheme",
        "trace",
    )

    def __init__(self, scope: Scope, receive: Receive, tools: RequestTools) -> None:
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.raw_query: str = scope["query_string"].decode("latin-1")
        self.params: Mapping[str, str] = {}
        self.now: EpochS = tools.gate.clock()
        self.lang_from_path = ""
        self.channel = "api"
        self.ran = ""
        self.scheme: str = scope["scheme"]
        self.client: str = scope["client"][0] if scope["client"] else ""
        self._receive = receive
        self._scope = scope
        self._tools = tools
        self._task: asyncio.Task[Any] | None = None
        self._caller: Caller | None = None
        self._session: Session | None = None
        self._presence: Presence | None = None
        self._verified = False
        self._holds: bool | None = None
        self._body: bytes | None = None
        self._form: FormData | None = None
        headers = scope["headers"]
        self._headers: dict[bytes, bytes] = dict(headers)
        if len(self._headers) != len(headers):
            self._headers = _joined(headers)
        self.trace = Trace(self._headers.get(b"traceparent", b""))
        self.key: BulkKey | None = None
        """The bulk key the caller sent, once `caller` was asked for."""
        self._has_token = not TOKENS.isdisjoint(self._headers)
        self.has_credentials = self._has_token or (b"cookie" in self._headers and self.session is not None)
        """Whether an answer may differ from what anybody would get: then no shared cache may store it."""

    # Head

    def header(self, name: str) -> str:
        return self._headers.get(name.lower().encode("latin-1"), b"").decode("latin-1")

    def raw_header(self, name: bytes) -> bytes:
        """A header by its lower-case name, as bytes: the door's own fast way."""
        return self._headers.get(name, b"")

    @property
    def raw_path(self) -> str:
        """The path as sent, percent-encoded: what a client signs."""
        raw: bytes = self._scope["raw_path"]
        return raw.decode("latin-1")

    @property
    def query(self) -> list[tuple[str, str]]:
        return pairs_of(self.raw_query)

    def cookie(self, name: str) -> str:
        """A cookie's value as sent, or empty. Source: RFC 6265 s4.2."""
        for part in self._headers.get(b"cookie", b"").decode("latin-1").split(";"):
            key, _, value = part.strip().partition("=")
            if key == name:
                return value
        return ""

    @property
    def base_url(self) -> str:
        return self._tools.settings.public_url or f"{self.scheme}://{self.header('host') or 'localhost'}"

    @property
    def lang(self) -> str:
        if self.lang_from_path:
            return self.lang_from_path
        wanted = self.cookie("lang") if b"cookie" in self._headers else ""
        if not wanted:
            wanted = self._headers.get(b"accept-language", b"")[:64].decode("latin-1")
        return "en" if wanted.lower().startswith("en") else "zh-Hant"

    def enter(self, channel: str, lang: str) -> None:
        """Set what the route decides: the channel it belongs to, and the language when its address says it."""
        if channel != self.channel:
            self.channel, self._caller = channel, None
        self.lang_from_path = lang

    def come_from(self, trusted: tuple[str, ...]) -> None:
        """Set address and scheme by what a trusted proxy forwards; anybody else's word is not believed."""
        if self.client not in trusted:
            return
        self.client = origin_of(self.client, self.header("x-forwarded-for"), trusted)
        forwarded = self.header("x-forwarded-proto").strip().lower()
        if forwarded in ("http", "https"):
            self.scheme = forwarded
            self._session = None  # its cookie has another name over https
            self.has_credentials = self._has_token or self.session is not None

    @property
    def is_local(self) -> bool:
        """Whether a program of this machine asks by itself; what a proxy passes on says so in its headers."""
        return self.client in LOOPBACK and FORWARDED.isdisjoint(self._headers)

    # Who

    @property
    def caller(self) -> Caller:
        """Who asks. A session counts for a change only after its CSRF token was seen (header, or `form()`). Raises
        KeyRefused, once, for a key that is not good."""
        known = self._caller
        if known is None:
            known = self._caller = self._found_caller()
        return known

    def _found_caller(self) -> Caller:
        token = token_of(self._headers) if self._has_token else ""
        if token.startswith(PREFIX):
            return self._holder(token)
        found = self._tools.identify(token) if token else None
        self._holds = found is not None
        if found is None and b"x-api-key" in self._headers:
            return self._holder(token)
        if found is None and (self.session is not None or self._presence is not None) and self._is_meant:
            found = self._signed_in()
        found = found or ANONYMOUS
        return found if found.channel == self.channel else msgspec.structs.replace(found, channel=self.channel)

    @property
    def _is_holder(self) -> bool:
        """Whether the administrator's token came: asked by who must know the caller, and not again for the hook."""
        if self._holds is None:
            self._holds = self._tools.identify(token_of(self._headers)) is not None
        return self._holds

    @property
    def known_kind(self) -> str:
        """The caller's kind, for a record: of a key that is not good, anonymous."""
        try:
            return self.caller.kind
        except KeyRefused:
            return ANONYMOUS.kind

    def _signed_in(self) -> Caller | None:
        """Who is present; of the administrator's session and a person's in one browser, who came last."""
        presence, session = self._presence, self.session
        if session is not None and not self._is_outdone(presence, session):
            return self._tools.sessions.caller(session, self.channel)
        return presence.caller if presence is not None else None

    @staticmethod
    def _is_outdone(presence: Presence | None, session: Session) -> bool:
        return presence is not None and (not presence.secret or presence.at >= session.until - SESSION_TIME_S)

    async def present(self, hook: Present) -> None:
        """Let the composition root say who is present, once, when anything was sent that could tell."""
        if b"authorization" not in self._headers and b"cookie" not in self._headers:
            return
        if self._has_token and (self.key is not None or self._is_holder):
            return
        self._presence = await hook(self)
        if self._presence is not None:
            self._caller, self.has_credentials = None, True

    @property
    def doubt(self) -> Problem | None:
        """Why the token that was sent is not believed, for who is then refused."""
        return self._presence.doubt if self._presence is not None else None

    def _holder(self, token: str) -> Caller:
        self._caller = msgspec.structs.replace(ANONYMOUS, channel=self.channel)  # who is told that the key is not good
        self.key = self._tools.keys.read(token, self.now)
        return holder(self.key, self.channel)

    def bucket(self, rate: str) -> tuple[str, str] | None:
        """The class and the name of the bucket from which this caller takes for a route of class `rate`; None when no
        rate holds: for the administrator, and for a program of this machine without a key."""
        caller = self.caller
        if caller.kind == "app":
            return (BULK if rate in BULK_COVERS else rate, f"key/{caller.id}")
        return None if caller.may_write or self.is_local else (rate, self.client)

    @property
    def session(self) -> Session | None:
        if self._session is None and b"cookie" in self._headers:
            self._session = self._tools.sessions.read(
                self.cookie(self._tools.sessions.cookie_name(self.scheme)), self.now
            )
        return self._session

    @property
    def csrf(self) -> str:
        """The token a form of this session must send back as `csrf_token`; empty without a session."""
        tokens = self._form_tokens()
        return tokens[0] if tokens else ""

    def _form_tokens(self) -> list[str]:
        """The form token of who is signed in, and of who else is in this browser: a form drawn before a second sign-in
        is still this browser's own."""
        sessions, session, presence = self._tools.sessions, self.session, self._presence
        tokens = [] if session is None else [sessions.csrf(session)]
        if presence is not None and presence.secret:
            other = sessions.csrf_of(presence.secret)
            return [other, *tokens] if session is None or self._is_outdone(presence, session) else [*tokens, other]
        return tokens

    def _is_form_token(self, sent: str) -> bool:
        return any(hmac.compare_digest(token.encode(), sent.encode("utf-8")) for token in self._form_tokens())

    def sign_in(self, token: str) -> str:
        """The Set-Cookie value that starts a session for the holder of `token`; empty when the token is wrong."""
        wait = None if self.is_local else self._tools.rates.take("login", self.client)
        if wait is not None:
            raise TooMany(wait, self.lang)
        found = self._tools.identify(token) if token else None
        if found is None or not found.may_write:
            return ""
        return self._tools.sessions.set_cookie(self._tools.sessions.start(found, self.now), self.scheme)

    def sign_out(self) -> str:
        """The Set-Cookie value that ends the session."""
        return self._tools.sessions.clear_cookie(self.scheme)

    @property
    def _is_meant(self) -> bool:
        """Whether the request was made on purpose by the session's own pages."""
        if self._verified or self.method in SAFE_METHODS:
            return True
        if self._presence is not None and not self._presence.secret:
            return True  # a token came in a header: no browser sends that by itself
        sent = self._headers.get(b"x-csrf-token", b"").decode("latin-1")
        self._verified = bool(sent) and self._is_form_token(sent)
        return self._verified

    # Body

    async def body(self, limit: int = JSON_BODY_BYTES) -> bytes:
        if self._body is None:
            declared = self._headers.get(b"content-length", b"")
            if declared and int(declared) > limit:
                raise _too_large(limit)
            body, more = await self._chunk()
            if more:
                chunks = bytearray(body)
                while more and len(chunks) <= limit:
                    chunk, more = await self._chunk()
                    chunks += chunk
                body = bytes(chunks)
            if len(body) > limit:
                raise _too_large(limit)
            self._body = body
        if len(self._body) > limit:
            raise _too_large(limit)
        return self._body

    async def stream(self) -> AsyncIterator[bytes]:
        """The body as it comes; the server stops reading the socket while nobody asks (back-pressure)."""
        more = True
        while more:
            chunk, more = await self._chunk()
            if chunk:
                yield chunk

    async def _chunk(self) -> tuple[bytes, bool]:
        """What came next, and whether more is to come."""
        message = await self._receive()
        if message["type"] == "http.disconnect":
            raise Disconnected
        self._progress()
        return message.get("body", b""), message.get("more_body", False)

    async def form(self) -> FormData:
        """The parsed form; its `csrf_token` is checked, and taken out, when the caller has a session."""
        if self._form is None:
            media_type = self.header("content-type")
            if media_type.lower().startswith("multipart/form-data"):
                form = await multipart(self._bounded(UPLOAD_BYTES), media_type, self._tools.settings.work)
            else:
                form = urlencoded(await self.body(JSON_BODY_BYTES))
            self._form = self._checked(form)
        return self._form

    def _checked(self, form: FormData) -> FormData:
        if self._is_form_token(form.get("csrf_token")):
            self._verified = True
            self._caller = None
        return FormData([pair for pair in form.fields if pair[0] != "csrf_token"], form.files)

    async def _bounded(self, limit: int) -> AsyncIterator[bytes]:
        size = 0
        async for chunk in self.stream():
            size += len(chunk)
            if size > limit:
                raise _too_large(limit)
            yield chunk

    def _progress(self) -> None:
        if self._task is not None:
            self._tools.deadlines.start(self._task, BODY_IDLE_S)

    # Door

    def ask(self, operation: str) -> None:
        """Raise Refused when the policy would refuse this caller, without running anything."""
        self._tools.gate.ask(operation, self.caller)

    async def call(self, operation: str, request: Asking, *, purpose: str = "") -> Any:
        self.ran = operation
        return await self._tools.gate.call(operation, request, caller=self.caller, purpose=purpose, trace=self.trace)

    def mark_endless(self) -> None:
        """Tell the server that the answer ends only with the reader: at a stop it need not be waited for."""
        self._scope["banyan.endless"] = True

    def timed(self, task: asyncio.Task[Any]) -> None:
        """Tie the request to the task whose deadline a received chunk pushes forward."""
        self._task = task

    def discard(self) -> None:
        """Remove uploaded files that nobody moved away."""
        if self._form is not None:
            for file in self._form.files:
                file.path.unlink(missing_ok=True)


class RequestTools(msgspec.Struct, frozen=True):
    """What every request of one door shares."""

    gate: Gate
    identify: Identify
    sessions: Sessions
    settings: DoorSettings
    deadlines: Deadlines
    rates: Rates
    keys: Keys
    present: Present | None = None


def token_of(headers: Mapping[bytes, bytes]) -> str:
    """The token of `Authorization: Bearer T`, raw `Authorization: T`, or `X-CKAN-API-Key: T` (CKAN's three ways), or
    `X-API-Key: T`."""
    sent = headers.get(b"authorization") or headers.get(b"x-ckan-api-key") or headers.get(b"x-api-key") or b""
    text = sent.decode("latin-1").strip()
    return text[7:].strip() if text[:7].lower() == "bearer " else text


def _joined(headers: list[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """Headers with repetitions joined (RFC 9110 s5.3); repetition of a header that must be single is refused."""
    joined: dict[bytes, bytes] = {}
    for name, value in headers:
        if name in joined:
            if name in ONCE:
                raise Unreadable(f"header {name.decode('latin-1')} came twice", remedy="send it once")
            joined[name] += (b"; " if name == b"cookie" else b", ") + value
        else:
            joined[name] = value
    return joined


def origin_of(client: str, forwarded_for: str, trusted: tuple[str, ...]) -> str:
    """The address behind trusted proxies: the last one they did not add themselves; else the proxy's own."""
    hops = [hop.strip() for hop in forwarded_for.split(",") if hop.strip()]
    while hops and hops[-1] in trusted:
        hops.pop()
    return hops[-1] if hops and is_address(hops[-1]) else client


def is_address(text: str) -> bool:
    try:
        ip_address(text.strip("[]"))
    except ValueError:
        return False
    return True


def _too_large(limit: int) -> Limit:
    return Limit(f"body over {limit} bytes", remedy="send less, or upload it as a file on the publish page")
