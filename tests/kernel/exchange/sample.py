"""A service for tests of the door and the gate: one of each kind of operation, face and page."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from banyan.errors import Conflict, Invalid, NotFound
from banyan.kernel.catalogue import Context, FaceAnswer, FaceRequest, Service, View
from banyan.kernel.events import Event

Word = Annotated[str, msgspec.Meta(min_length=1, max_length=40, title="詞", description="A word")]


class Echo(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    word: Word
    times: Annotated[int, msgspec.Meta(ge=1, le=50)] = 1
    loud: bool = False
    tags: tuple[Annotated[str, msgspec.Meta(max_length=20)], ...] = ()
    style: Literal["plain", "fancy"] = "plain"


class Echoed(msgspec.Struct, frozen=True):
    words: list[str]
    caller: str
    channel: str


class Item(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    id: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]


class Found(msgspec.Struct, frozen=True):
    id: int
    name: str


class Save(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: Word
    size: Annotated[int, msgspec.Meta(ge=0, le=1000)] = 0


class Saved(msgspec.Struct, frozen=True):
    name: str
    by: str


class Person(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: Word


def sample(name: str = "sample") -> Service:
    """A fresh declaration: services of one process share nothing."""
    service = Service(name, title={"zh-Hant": "範例", "en": "Sample"}, package="tests.kernel.exchange")

    def text(words: str) -> dict[str, str]:
        return {"zh-Hant": f"{words}（中文）", "en": words}

    @service.operation("echo", title=text("Echo"), summary=text("Say it again."), data=("open",), audience="public")
    async def echo(ctx: Context, request: Echo) -> Echoed:
        words = [request.word.upper() if request.loud else request.word] * request.times
        return Echoed([*words, *request.tags], ctx.caller.kind, ctx.caller.channel)

    @service.operation(
        "item",
        title=text("Item"),
        summary=text("One item."),
        data=("open",),
        audience="public",
        path="/api/sample/item/{id}",
    )
    async def item(ctx: Context, request: Item) -> Found:
        if request.id > 100:
            raise NotFound(f"no item {request.id}", remedy="see the list")
        return Found(request.id, f"item {request.id}")

    @service.operation(
        "save", title=text("Save"), summary=text("Keep it."), data=("open",), audience="public", effect="write"
    )
    async def save(ctx: Context, request: Save) -> Saved:
        if request.name == "taken":
            raise Conflict("the name is taken", remedy="choose another")
        if request.name == "wrong":
            raise Invalid.at("name", "not this one")
        return Saved(request.name, ctx.caller.kind)

    @service.operation(
        "ask",
        title=text("Ask"),
        summary=text("Anybody may ask."),
        data=("open",),
        audience="public",
        effect="write",
        purpose="public-intake",
    )
    async def ask(ctx: Context, request: Save) -> Saved:
        return Saved(request.name, ctx.caller.kind)

    @service.operation(
        "history", title=text("History"), summary=text("Health."), data=("health", "border"), audience="hospital"
    )
    async def history(ctx: Context, request: Person) -> Found:
        return Found(1, request.name)

    @service.operation("twice", title=text("Twice"), summary=text("By echo."), data=("open",), audience="public")
    async def twice(ctx: Context, request: Person) -> Echoed:
        answer: Echoed = await ctx.call(f"{name}.echo", Echo(word=request.name, times=2))
        return answer

    @service.shows
    async def shown(ctx: Context, events: Sequence[Event]) -> Sequence[Event]:
        return [event for event in events if not event.topic.startswith("secret")]

    return service


def faces(service: Service, folder: Path) -> Service:
    """Faces and pages for tests of answers."""

    @service.face("GET", path="/text/{name}.txt")
    async def text(request: FaceRequest) -> FaceAnswer:
        return FaceAnswer(request.params["name"].encode(), media_type="text/plain")

    @service.face("GET", path="/file")
    async def file(request: FaceRequest) -> FaceAnswer:
        return FaceAnswer(folder / "file.bin", media_type="application/octet-stream")

    @service.face("GET", path="/numbers")
    async def numbers(request: FaceRequest) -> FaceAnswer:
        async def chunks() -> AsyncIterator[bytes]:
            for number in range(1000):
                yield b"%d\n" % number

        return FaceAnswer(chunks(), media_type="text/csv")

    @service.face("POST", path="/size")
    async def size(request: FaceRequest) -> FaceAnswer:
        total = 0
        async for chunk in request.stream():
            total += len(chunk)
        return FaceAnswer(b"%d" % total, media_type="text/plain")

    @service.page("GET", "POST", path="/form")
    async def form(request: FaceRequest) -> View:
        if request.method == "POST":
            sent = await request.form()
            values = {
                "fields": sent.fields,
                "files": [(file.field, file.filename, file.size) for file in sent.files],
                "caller": request.caller.kind,
            }
            return View("form.html", values)
        return View("form.html", {"lang": request.lang, "caller": request.caller.kind})

    return service
