"""The HTTP door: one ASGI application over the catalogue's operations, faces and pages.

Head checks, routing, rate, caller, the run under a time limit, the answer, the record: straight calls, no middleware.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from time import monotonic, perf_counter_ns
from typing import Any, Final, TypeGuard

from banyan.errors import Denied, NotFound, Problem, Unavailable
from banyan.kernel.catalogue.catalogue import Catalogue
from banyan.kernel.catalogue.operation import Face, FaceAnswer, View
from banyan.kernel.exchange.answers import Send, Wire
from banyan.kernel.exchange.binder import Unreadable, decoded
from banyan.kernel.exchange.deadline import Deadlines
from banyan.kernel.exchange.endpoint import ENGLISH, Endpoint, endpoints_of, face_endpoint
from banyan.kernel.exchange.explain import document, say
from banyan.kernel.exchange.feeds import Feeds
from banyan.kernel.exchange.gate import Gate, Log, Refused
from banyan.kernel.exchange.hot import STATE, HotDoor
from banyan.kernel.exchange.keys import KeyRefused, Keys
from banyan.kernel.exchange.own import Own
from banyan.kernel.exchange.presence import Present
from banyan.kernel.exchange.rates import Rates, TooMany
from banyan.kernel.exchange.record import Access, AccessRecord
from banyan.kernel.exchange.request import SAFE_METHODS, Disconnected, DoorRequest, Receive, RequestTools, Scope
from banyan.kernel.exchange.router import Route, Router
from banyan.kernel.exchange.security import (
    CORS_OPEN,
    DATA_HEADERS,
    HSTS,
    KEYED_CACHE,
    PAGE_HEADERS,
    PREFLIGHT,
    Headers,
    Hosts,
    is_cross_site,
)
from banyan.kernel.exchange.session import Sessions
from banyan.kernel.exchange.settings import DoorSettings, Identify, Render
from banyan.kernel.exchange.standing import Standing
from banyan.kernel.identity.openid.fault import Fault
from banyan.limits import HEADER_COUNT, PATH_BYTES, QUERY_BYTES, SEND_IDLE_S
from banyan.wire.problem import MEDIA_TYPE as PROBLEM
from banyan.wire.problem import encode as encoded

App = Callable[[Scope, Receive, Send], Awaitable[None]]
Found = tuple[Route[Endpoint], Mapping[str, str]]
METHODS: Final = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))


def build_door(
    catalogue: Catalogue,
    gate: Gate,
    *,
    identify: Identify,
    settings: DoorSettings,
    log: Log,
    render: Render | None = None,
    record: AccessRecord | None = None,
    keys: Keys | None = None,
    present: Present | None = None,
) -> App:
    """The ASGI application of a node. `render` is the web channel's: without it no pages are served. `keys` are those
    of the service that gives them; `present` says who is signed in."""
    rates = Rates(settings.rate_scale, monotonic)
    tools = RequestTools(
        gate,
        identify,
        Sessions(settings.secret),
        settings,
        Deadlines(),
        rates,
        keys or Keys(settings.secret),
        present,
    )
    return Door(catalogue, tools, log=log, render=render, record=record or AccessRecord())


class Door:
    """The application: its routes and what it counts."""

    def __init__(
        self, catalogue: Catalogue, tools: RequestTools, *, log: Log, render: Render | None, record: AccessRecord
    ) -> None:
        self._tools = tools
        self._render = render
        self._log = log
        self._record = record
        self._rates = tools.rates
        self._member = tools.settings.member
        self._hosts = Hosts(tools.settings)
        self._deadlines = tools.deadlines
        self._trusted = tools.settings.trusted_proxies
        self._present = tools.present
        self._feeds = Feeds(tools.gate, member=self._member)
        own = Own(tools.gate, self._feeds, record, self._deadlines, tools.settings)
        faces = [*own.faces(), Face(("GET",), "/limits", Standing(tools.rates).limits)]
        self._router: Router[Endpoint] = Router()
        endpoints = [*endpoints_of(catalogue, render), *map(face_endpoint, faces)]
        self.hot = HotDoor(endpoints, tools, self._hosts, record, log)
        """Answers that the server gives before this application is called; it finds them in the lifespan's state."""
        for endpoint in endpoints:
            self._router.add(endpoint.template, endpoint.methods, endpoint)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            assert scope["type"] == "lifespan", f"the door speaks HTTP only, not {scope['type']}"
            scope.get("state", {})[STATE] = self.hot
            await _lifespan(receive, send)
            self.close()
            return
        try:
            request = DoorRequest(scope, receive, self._tools)
        except Problem as problem:
            await _bare(problem, send)
            return
        task: asyncio.Task[Any] | None = asyncio.current_task()
        assert task is not None, "a request runs in a task"
        try:
            await self._serve(scope, request, Wire(request, send, receive), task)
        except Disconnected:
            pass
        finally:
            self._deadlines.stop(task)
            request.discard()

    def close(self) -> None:
        """End live streams and write down the access record; at the end of the node, before the drawers close."""
        self._feeds.close()
        self._record.flush()

    async def _serve(self, scope: Scope, request: DoorRequest, wire: Wire, task: asyncio.Task[Any]) -> None:
        started = perf_counter_ns()
        endpoint: Endpoint | None = None
        try:
            route, request.params = self._admit(scope, request)
            endpoint = route.targets.get("GET" if request.method == "HEAD" else request.method)
            if endpoint is None:
                await self._other_method(request, wire, route)
                return
            self._enter(request, endpoint)
            self._deadlines.start(task, endpoint.time_s)
            request.timed(task)
            if self._present is not None:
                await request.present(self._present)
            answer = await endpoint.run(request)
            wire.timed(task, self._deadlines, SEND_IDLE_S)
            await wire.answer(answer, self._headers(request, endpoint))
        except Problem as problem:
            await self._fail(request, wire, problem, endpoint)
        except asyncio.CancelledError:
            if not self._deadlines.lapsed(task):
                raise
            task.uncancel()
            title, remedy = say("timeout", request.lang)
            await self._fail(request, wire, Unavailable(title, remedy=remedy, kind="timeout", status=504), endpoint)
        except Disconnected:
            raise
        except Exception as error:
            self._log("door.failed", {"kind": type(error).__name__, "at": _where(error), "trace": request.trace.id})
            title, remedy = say("internal", request.lang)
            await self._fail(request, wire, Problem(title, remedy=remedy), endpoint)
        finally:
            self._note(request, wire, endpoint, (perf_counter_ns() - started) // 1000)

    def _admit(self, scope: Scope, request: DoorRequest) -> Found:
        """Check the head and find the route."""
        if len(scope["headers"]) > HEADER_COUNT:
            raise Problem(f"over {HEADER_COUNT} headers", kind="limit", status=431, remedy="send fewer headers")
        if len(scope["query_string"]) > QUERY_BYTES:
            raise Problem(f"query over {QUERY_BYTES} bytes", kind="limit", status=414, remedy="use POST with a body")
        if not self._hosts.accepts(request.raw_header(b"host")):
            title, remedy = say("host", request.lang)
            raise Problem(title, kind="host", status=421, remedy=remedy)
        if self._trusted:
            request.come_from(self._trusted)
        found = self._find(scope["raw_path"], scope["path"])
        if found is None:
            if scope["path"].startswith(f"{ENGLISH}/"):
                request.enter(request.channel, "en")
            title, remedy = say("not-found", request.lang)
            raise NotFound(title, remedy=remedy)
        return found

    def _enter(self, request: DoorRequest, endpoint: Endpoint) -> None:
        """May this caller use this route now: rate, and for a page's form, whether our own page sent it."""
        request.enter(endpoint.channel, endpoint.lang)
        bucket = request.bucket(endpoint.rate) if self._rates.is_on or request.has_credentials else None
        if bucket is not None and self._rates.is_on:
            wait = self._rates.take(*bucket)
            if wait is not None:
                raise TooMany(wait, request.lang)
        if endpoint.is_page and request.method not in SAFE_METHODS and is_cross_site(request):
            title, remedy = say("csrf", request.lang)
            raise Denied(title, kind="csrf", remedy=remedy)

    def _find(self, raw_path: bytes, path: str) -> Found | None:
        if b"%" not in raw_path:
            if b"/." in raw_path and not {".", ".."}.isdisjoint(path.split("/")):
                return None
            return self._router.find(path)
        if len(raw_path) > PATH_BYTES:
            raise Problem(f"path over {PATH_BYTES} bytes", kind="limit", status=414, remedy="use a shorter address")
        segments = [decoded(part, plus=False) for part in raw_path[1:].decode("latin-1").split("/")]
        if any(part in (".", "..") or "/" in part or "\\" in part for part in segments):
            raise Unreadable("path with an encoded slash or dots", remedy="ask for the plain path")
        return self._router.find_segments(segments)

    def _headers(self, request: DoorRequest, endpoint: Endpoint) -> Headers:
        is_safe = request.method in SAFE_METHODS
        headers = endpoint.headers if is_safe and not request.has_credentials else endpoint.private_headers
        if request.key is not None:
            if is_safe:
                headers = [*(pair for pair in endpoint.headers if pair[0] != KEYED_CACHE[0]), KEYED_CACHE]
            headers = [*headers, *self._standing(request, endpoint)]
        return [*headers, HSTS] if request.scheme == "https" else [*headers]

    def _standing(self, request: DoorRequest, endpoint: Endpoint | None) -> Headers:
        """How the holder of a key stands, for every answer to it."""
        if request.key is None or endpoint is None or not self._rates.is_on:
            return []
        bucket = request.bucket(endpoint.rate)
        return self._rates.standing(*bucket).headers if bucket is not None else []

    async def _other_method(self, request: DoorRequest, wire: Wire, route: Route[Endpoint]) -> None:
        allow = (("Allow", route.allow),)
        target = route.targets.get("GET")
        if request.method == "OPTIONS":
            is_open = target is not None and CORS_OPEN in target.headers
            headers = [*DATA_HEADERS, CORS_OPEN, *PREFLIGHT] if is_open else [*DATA_HEADERS]
            await wire.answer(FaceAnswer(b"", status=204, headers=allow), headers)
            return
        title, remedy = say("method", request.lang, allow=route.allow)
        problem = Problem(title, kind="method", status=405, remedy=remedy)
        await self._fail(request, wire, problem, target, headers=allow)

    async def _fail(
        self,
        request: DoorRequest,
        wire: Wire,
        problem: Problem,
        endpoint: Endpoint | None,
        *,
        headers: tuple[tuple[str, str], ...] = (),
    ) -> None:
        """Send a problem, as a page to a reader of pages and as RFC 9457 to a program."""
        if wire.sent.started:  # the head is out: the only honest end is a broken one, and the server breaks it
            return
        if request.doubt is not None and isinstance(problem, Refused):
            problem = request.doubt
        if isinstance(problem, Fault):
            headers = (*headers, *problem.headers)
        if asks_for_token(problem, request, endpoint):
            problem = Refused(problem.decision, status=401)
            headers = (*headers, ("WWW-Authenticate", endpoint.challenge if endpoint is not None else "Bearer"))
        if isinstance(problem, KeyRefused):
            headers = (*headers, ("WWW-Authenticate", 'Bearer error="invalid_token"'))
        if isinstance(problem, TooMany):
            headers = (*headers, *problem.headers)
        elif problem.retry_after_s is not None:
            headers = (*headers, ("Retry-After", str(problem.retry_after_s)))
        said = document(problem, request.lang, instance=request.path, trace=request.trace.id)
        wants_page = endpoint.is_page if endpoint is not None else "text/html" in request.header("accept")
        if wants_page and self._render is not None:
            values = {"problem": said}
            view = View("problem.html", values, title=said.title, status=problem.status, headers=headers)
            await wire.answer(self._render(request, view), [*PAGE_HEADERS, _NO_STORE])
            return
        answer = FaceAnswer(encoded(said), media_type=PROBLEM, status=problem.status, headers=headers)
        standing = [] if isinstance(problem, TooMany) else self._standing(request, endpoint)
        await wire.answer(answer, [*DATA_HEADERS, CORS_OPEN, _NO_STORE, *standing])

    def _note(self, request: DoorRequest, wire: Wire, endpoint: Endpoint | None, took_us: int) -> None:
        """Write the access record's line."""
        operation = request.ran
        basis = endpoint.basis if endpoint is not None else ""
        self._record.add(
            Access(
                round(request.now, 3),
                self._member,
                request.method if request.method in METHODS else "OTHER",
                endpoint.template if endpoint is not None else "",
                wire.sent.status,
                took_us,
                wire.sent.bytes,
                request.channel,
                request.known_kind,
                operation,
                basis or (self._tools.gate.basis(operation, request.caller) if operation else ""),
                request.trace.id,
            )
        )


def asks_for_token(problem: Problem, request: DoorRequest, endpoint: Endpoint | None) -> TypeGuard[Refused]:
    """Whether a program that said nothing of itself was refused for that alone: 401, not 403 (RFC 9110 s15.5.2)."""
    return (
        isinstance(problem, Refused)
        and endpoint is not None
        and bool(endpoint.challenge)
        and request.caller.kind == "anonymous"
    )


_NO_STORE = (b"cache-control", b"no-store")


def _where(error: BaseException) -> str:
    """File and line of the failure, for the log: the exception's own text may hold personal data."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace is not None else ""


async def _bare(problem: Problem, send: Send) -> None:
    """An answer to a head that could not even be parsed."""
    body = encoded(document(problem, "en"))
    headers = [*DATA_HEADERS, (b"content-type", PROBLEM.encode()), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": problem.status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
