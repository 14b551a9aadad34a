"""What answers one route: an operation through the binder and the gate, a face, or a page in both languages."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from typing import Literal

import msgspec

from banyan.errors import Problem
from banyan.kernel.catalogue.catalogue import Catalogue
from banyan.kernel.catalogue.operation import Face, FaceAnswer, Operation, Page, RateClass, View
from banyan.kernel.exchange.binder import Binder
from banyan.kernel.exchange.explain import say
from banyan.kernel.exchange.request import DoorRequest
from banyan.kernel.exchange.security import (
    CORS_OPEN,
    DATA_HEADERS,
    OPEN_CACHE,
    PAGE_HEADERS,
    PRIVATE_CACHE,
    Headers,
    shared_cache,
)
from banyan.kernel.exchange.settings import Render
from banyan.kernel.exchange.ways import CHALLENGES, security_of
from banyan.limits import JSON_BODY_BYTES, REQUEST_TIME_S

Kind = Literal["operation", "face", "page"]
Run = Callable[[DoorRequest], Awaitable[FaceAnswer]]
FORM = "application/x-www-form-urlencoded"
ENGLISH = "/en"
"""Begins the address of every page in English."""


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """One route's target, everything about it decided at start."""

    kind: Kind
    template: str
    methods: tuple[str, ...]
    run: Run
    headers: Headers
    """For reads by anybody."""
    private_headers: Headers
    """For changes, and for reads by somebody who said who they are."""
    rate: RateClass
    channel: str = "api"
    lang: str = ""
    operation: str = ""
    basis: str = ""
    """When it is the same for every caller; otherwise the policy decides it."""
    challenge: str = ""
    """How a program must come that was refused for saying nothing of itself; empty when nobody needs to."""
    time_s: float = REQUEST_TIME_S

    @property
    def is_page(self) -> bool:
        return self.kind == "page"


def endpoints_of(catalogue: Catalogue, render: Render | None) -> Iterator[Endpoint]:
    """All routes of the catalogue. A page is served at its path in zh-Hant and under `/en` in English."""
    for operation in catalogue.of_channel("api"):
        yield operation_endpoint(operation)
    for face in catalogue.faces:
        yield face_endpoint(face)
    if render is not None:
        for page in catalogue.pages:
            yield page_endpoint(page, render, lang="zh-Hant")
            yield page_endpoint(page, render, lang="en")


def operation_endpoint(operation: Operation) -> Endpoint:
    path_fields = tuple(part[1:-1] for part in operation.path.split("/") if part.startswith("{"))
    binder = Binder(operation.request, path_fields)
    is_open = operation.effect == "read" and operation.audience == "public" and operation.data == ("open",)
    public = [*DATA_HEADERS, CORS_OPEN] if is_open else DATA_HEADERS
    cache = shared_cache(operation.hot.max_age_s, operation.hot.stale_s) if operation.hot is not None else OPEN_CACHE
    return Endpoint(
        kind="operation",
        template=operation.path,
        methods=(operation.method,),
        run=_reading(operation, binder) if operation.method == "GET" else _writing(operation, binder),
        headers=[*public, cache if is_open else PRIVATE_CACHE],
        private_headers=[*DATA_HEADERS, PRIVATE_CACHE],
        rate=operation.rate or operation.effect,
        operation=operation.id,
        basis="open" if is_open else "",
        challenge=CHALLENGES[security_of(operation)],
        time_s=operation.time_s or REQUEST_TIME_S,
    )


def _reading(operation: Operation, binder: Binder) -> Run:
    encode = msgspec.json.Encoder().encode
    name = operation.id

    async def run(request: DoorRequest) -> FaceAnswer:
        answer = await request.call(name, binder.from_pairs(request.query, request.params))
        return answer if isinstance(answer, FaceAnswer) else FaceAnswer(encode(answer))

    return run


def _writing(operation: Operation, binder: Binder) -> Run:
    encode = msgspec.json.Encoder().encode
    name = operation.id

    async def run(request: DoorRequest) -> FaceAnswer:
        if not request.has_credentials:
            request.ask(name)  # who may not is told before a byte of the body is read
        media_type = request.header("content-type").partition(";")[0].strip().lower()
        if media_type in ("application/json", "") or media_type.endswith("+json"):
            bound = binder.from_json(await request.body(JSON_BODY_BYTES), request.params)
        elif media_type == FORM:
            bound = binder.from_pairs((await request.form()).fields, request.params)
        else:
            title, remedy = say("media-type", request.lang, accepted=f"application/json、{FORM}")
            raise Problem(title, kind="media-type", status=415, remedy=remedy)
        answer = await request.call(name, bound)
        return answer if isinstance(answer, FaceAnswer) else FaceAnswer(encode(answer))

    return run


def face_endpoint(face: Face) -> Endpoint:
    is_open = "GET" in face.methods
    public = [*DATA_HEADERS, CORS_OPEN] if is_open else DATA_HEADERS

    async def run(request: DoorRequest) -> FaceAnswer:
        return await face.run(request)

    return Endpoint(
        kind="face",
        template=face.path,
        methods=face.methods,
        run=run,
        headers=[*public, OPEN_CACHE],
        private_headers=[*DATA_HEADERS, PRIVATE_CACHE],
        rate=face.rate or ("read" if is_open else "write"),
        channel=face.channel,
        time_s=face.time_s or REQUEST_TIME_S,
    )


def page_endpoint(page: Page, render: Render, *, lang: str) -> Endpoint:
    async def run(request: DoorRequest) -> FaceAnswer:
        view = await page.run(request)
        if isinstance(view, View) and view.redirect and view.status == 200:
            view = msgspec.structs.replace(view, status=303)
        return render(request, view) if isinstance(view, View) else view

    path = page.path if lang == "zh-Hant" else ENGLISH + (page.path if page.path != "/" else "")
    return Endpoint(
        kind="page",
        template=path,
        methods=page.methods,
        run=run,
        headers=[*PAGE_HEADERS, OPEN_CACHE],
        private_headers=[*PAGE_HEADERS, PRIVATE_CACHE],
        rate=page.rate or "page",
        channel=page.channel,
        lang=lang,
        time_s=page.time_s or REQUEST_TIME_S,
    )
