"""The layer in front of the door: who may not go in yet gets the waiting page, without the door's work.

A request of an address that no open room guards costs one comparison a room. A poll costs one HMAC and one hash, and
the page is a rendered one cut at its few changing words. Place and pass travel in a cookie, or for programs in the
header `Waiting-Token`, and nothing is remembered here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any, Final

import msgspec

from banyan.kernel.events.clock import Clock
from banyan.kernel.storage import Drawer
from banyan.limits_rationing import WAITING_PAGE_S
from banyan.service.rationing.waiting.rooms import MESSAGES, Answer, Room, Rooms, both, save
from banyan.wire.problem import MEDIA_TYPE as PROBLEM

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
AddressOf = Callable[[Scope], str]
Headers = list[tuple[bytes, bytes]]
HEADER: Final = b"waiting-token"
WORDS: Final = ("place", "wait", "again")
"""What changes on the page: `<b data-waiting="place">–</b>` and the like."""
ENGLISH: Final = "/en"
NOBODY: Final = "192.0.2.0"
"""RFC 5737: an address that nobody has, with a rate of its own at the door."""
PAGES: Final = 64
"""Rendered pages that are kept: rooms, languages and names of the node."""


class Page(msgspec.Struct, frozen=True):
    """A rendered page cut where words go, its headers, and when it was rendered."""

    parts: tuple[bytes, ...]
    words: tuple[str, ...]
    status: int
    headers: Headers
    at: float


class Layer:
    """The door behind its waiting rooms. `address_of` says whom a request came from, past trusted proxies."""

    def __init__(self, door: App, db: Drawer, rooms: Rooms, *, clock: Clock, address_of: AddressOf) -> None:
        self._door, self._db, self._rooms, self._clock, self._address_of = door, db, rooms, clock, address_of
        self._pages: dict[tuple[str, str, bytes, str], Page] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._door, name)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        room = None
        if scope["type"] == "http" and self._rooms.by_id:
            now = self._clock()
            path, lang = _bare(scope["path"])
            room = self._rooms.guarding(path, now)
        if room is None:
            await self._door(scope, receive, send)
            return
        headers = dict(scope["headers"])
        answer = room.ask(_token(headers, room), self._address_of(scope), self._rooms.random, now)
        if room.due(now):
            await save(self._db, room.kept())
        if answer.may_enter:
            await self._door(scope, receive, _holding(send, room, answer, scope) if answer.token else send)
        elif scope["method"] in ("GET", "HEAD") and b"text/html" in headers.get(b"accept", b""):
            await self._show(scope, room, answer, lang, send)
        else:
            await _tell(scope, room, answer, send)

    async def _show(self, scope: Scope, room: Room, answer: Answer, lang: str, send: Send) -> None:
        page = await self._page(scope, room, lang)
        assert answer.place is not None, "who waits has a place"
        said = _said(answer, lang)
        body = page.parts[0] + b"".join(
            said[word] + part for word, part in zip(page.words, page.parts[1:], strict=True)
        )
        again = str(answer.look_again_s).encode()
        headers = [*page.headers, (b"refresh", again), (b"content-length", str(len(body)).encode())]
        headers += _cookie(room, answer, scope)
        await send({"type": "http.response.start", "status": page.status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})

    async def _page(self, scope: Scope, room: Room, lang: str) -> Page:
        host = dict(scope["headers"]).get(b"host", b"")
        key = (room.plan.id, lang, host, scope["scheme"])
        now = self._clock()
        known = self._pages.get(key)
        if known is None or not 0 <= now - known.at < WAITING_PAGE_S:
            fresh = await self._rendered(scope, room, lang, host, now)
            if fresh.status != 200:  # a name that is not ours, or the door is busy: an older page is as good
                return known or fresh
            if len(self._pages) > PAGES:
                self._pages.clear()
            known = self._pages[key] = fresh
        return known

    async def _rendered(self, scope: Scope, room: Room, lang: str, host: bytes, now: float) -> Page:
        """The door's own page of the room, asked for as nobody in particular: whoever asks too often must not be
        answered here for all."""
        path = (ENGLISH if lang == "en" else "") + f"/rationing/waiting/{room.plan.id}"
        asked = {
            **scope, "client": (NOBODY, 0), "method": "GET", "path": path, "raw_path": path.encode(),
            "query_string": b"",
            "headers": [(b"host", host), (b"accept", b"text/html"), (b"accept-language", lang.encode())],
        }  # fmt: skip
        sent: list[Message] = []

        async def nothing() -> Message:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def keep(message: Message) -> None:
            sent.append(message)

        await self._door(asked, nothing, keep)
        body = b"".join(one.get("body", b"") for one in sent if one["type"] == "http.response.body")
        drop = (b"content-length", b"etag", b"cache-control", b"content-encoding", b"set-cookie")
        headers = [pair for pair in sent[0]["headers"] if pair[0].lower() not in drop]
        return _cut(body, sent[0]["status"], [*headers, (b"cache-control", b"no-store")], now)


def _cut(body: bytes, status: int, headers: Headers, now: float) -> Page:
    """A page without the marks is sent as it is: it says at least that one has to wait."""
    found: list[tuple[int, str]] = []
    for word in WORDS:
        mark = f'data-waiting="{word}">'.encode()
        at = body.find(mark)
        if at >= 0:
            found.append((at + len(mark), word))
    found.sort()
    parts, start = [], 0
    for at, _ in found:
        parts.append(body[start:at])
        start = body.index(b"<", at)
    return Page((*parts, body[start:]), tuple(word for _, word in found), status, headers, now)


def _said(answer: Answer, lang: str) -> Mapping[str, bytes]:
    place = answer.place
    assert place is not None, "who waits has a place"
    minutes = max(1, round(place.wait_s / 60))
    number = f"{place.ahead + 1:,}" if place.is_drawn else MESSAGES.text("waiting.not_drawn", lang)
    wait = MESSAGES.text("waiting.minutes", lang, minutes=f"{minutes:,}")
    again = MESSAGES.text("waiting.seconds", lang, seconds=answer.look_again_s)
    return {"place": number.encode(), "wait": wait.encode(), "again": again.encode()}


async def _tell(scope: Scope, room: Room, answer: Answer, send: Send) -> None:
    """To a program, or to a form that was sent: not yet; when to try again, and with which token."""
    place = answer.place
    assert place is not None, "who waits has a place"
    problem = {
        "type": "about:blank", "title": both("wait"), "status": 503, "detail": both("wait_remedy"),
        "ahead": place.ahead if place.is_drawn else None, "wait_s": int(place.wait_s),
    }  # fmt: skip
    body = msgspec.json.encode(problem)
    headers = [
        (b"content-type", PROBLEM.encode()), (b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff"),
        (b"retry-after", str(answer.look_again_s).encode()), (b"content-length", str(len(body)).encode()),
        *_cookie(room, answer, scope),
    ]  # fmt: skip
    await send({"type": "http.response.start", "status": 503, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _holding(send: Send, room: Room, answer: Answer, scope: Scope) -> Send:
    """The door's answer with the pass."""

    async def with_pass(message: Message) -> None:
        if message["type"] == "http.response.start":
            kept = [pair for pair in message["headers"] if pair[0].lower() != b"cache-control"]
            private = (b"cache-control", b"private, no-store")  # or a shared cache would hand the pass to others
            message["headers"] = [*kept, private, *_cookie(room, answer, scope)]
        await send(message)

    return with_pass


def _cookie(room: Room, answer: Answer, scope: Scope) -> Headers:
    if not answer.token:
        return []
    secure = "; Secure" if scope["scheme"] == "https" else ""
    age = int(room.plan.until - room.plan.gathers)
    value = f"{_name(room)}={answer.token}; Path=/; Max-Age={age}; HttpOnly; SameSite=Lax{secure}"
    return [(b"set-cookie", value.encode()), (HEADER, answer.token.encode())]


def _token(headers: Mapping[bytes, bytes], room: Room) -> str:
    given = headers.get(HEADER)
    if given is not None:
        return given.decode("latin-1")
    name = f"{_name(room)}="
    for part in headers.get(b"cookie", b"").decode("latin-1").split(";"):
        if part.strip().startswith(name):
            return part.strip()[len(name) :]
    return ""


def _name(room: Room) -> str:
    return f"waiting-{room.plan.id}"


def _bare(path: str) -> tuple[str, str]:
    """An address without its language, and the language."""
    if path == ENGLISH or path.startswith(ENGLISH + "/"):
        return path[len(ENGLISH) :] or "/", "en"
    return path, "zh-Hant"
