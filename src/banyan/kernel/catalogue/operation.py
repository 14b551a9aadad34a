"""What a service can do: operations, and the other things one declaration of a service holds.

From one `Operation` come the HTTP route, the OpenAPI entry, the catalogue entry, the policy subject, the form, the
dialogue, the MCP tool and the touchpoint event; there is no second declaration.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Protocol, TypeVar, get_type_hints

import msgspec

from banyan.kernel.events.clock import EpochS
from banyan.kernel.events.feed import Event
from banyan.kernel.identity.caller import Caller
from banyan.kernel.storage.drawer import Drawer

Text = Mapping[str, str]
"""A bilingual text: keys `zh-Hant` and `en`, both required."""

Audience = Literal["public", "officer", "agency", "hospital", "citizen", "administrator"]
"""`agency`: its officers, and its registered apps when they speak for themselves and for no person."""
Effect = Literal["read", "write"]
RateClass = Literal["", "page", "read", "query", "write", "upload", "login", "stream", "bulk"]
"""How often one address may ask; the figures are RATES in limits.py. Empty: what fits the kind of route."""
F = TypeVar("F", bound=Callable[..., Awaitable[Any]])
OPEN: tuple[str, ...] = ("open",)


Asking = msgspec.Struct | Mapping[str, Any]
"""A request: the operation's own type, or plain values from a service that may not import another's types."""


class Call(Protocol):
    """`ctx.call`: the gate, bound to this caller. The only way from one service to another."""

    async def __call__(self, operation: str, request: Asking, *, purpose: str = "") -> Any: ...


class Context(msgspec.Struct, frozen=True):
    """What an operation is given. A test freezes this list: widen it only with a page in docs/decisions."""

    caller: Caller
    now: EpochS
    db: Drawer
    call: Call
    emit: Callable[[Event], Awaitable[None]]
    log: Callable[[str, Mapping[str, str | int | float]], None]


HotRun = Callable[[bytes, EpochS], bytes | None]
"""`run(query, now)`: the operation's JSON from memory for an undecoded query, or None for anything unusual: then the
general way reads, answers or refuses it. It never waits, and its bytes are those of the general way."""
Hot = Callable[[Drawer], HotRun]
"""Made once for a drawer, at start: what it needs of the drawer it takes when first asked."""


class HotWay(msgspec.Struct, frozen=True):
    """A second way to an open read's answer, straight from memory. Any cache may keep the answer `max_age_s` seconds,
    and show it `stale_s` longer while it asks anew. Why: docs/decisions/0072."""

    make: Hot
    max_age_s: int
    stale_s: int


class Operation(msgspec.Struct, frozen=True):
    """One typed thing a service does: `request -> answer | refusal`.

    `id` is `service.name`. `data` names the data classes it touches (`("open",)` or personal classes such as
    `("health",)`); anything but open needs a legal basis, and until one holds the gate refuses.
    `keys` are words of the public that lead a dialogue here; `method` and `path` are its route's.
    """

    id: str
    title: Text
    summary: Text
    request: type[msgspec.Struct]
    answer: Any
    data: tuple[str, ...]
    audience: Audience
    effect: Effect
    purpose: str
    method: str
    path: str
    keys: tuple[str, ...]
    channels: tuple[str, ...]
    run: Callable[[Context, Any], Awaitable[Any]]
    rate: RateClass = ""
    time_s: float = 0.0
    """How long it may run; 0 means REQUEST_TIME_S."""
    subject: str = ""
    """The request's field that names whose personal data it is: a person's number. Empty for open data."""
    once: str = ""
    """The request's field that names what a call is about. The operation does nothing when a call about the same person
    comes again by that name, and its use is written once: who was cut off may send it again."""
    hot: HotWay | None = None
    service: str = ""

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "service", self.id.partition(".")[0])


class Traced(Protocol):
    """A request's trace: `id` also stands in the access record's line."""

    @property
    def id(self) -> str: ...


class FaceRequest(Protocol):
    """One HTTP request as a face sees it: parsed head, body read on demand within its bound."""

    @property
    def trace(self) -> Traced: ...

    @property
    def method(self) -> str: ...
    @property
    def path(self) -> str: ...
    @property
    def params(self) -> Mapping[str, str]:
        """Path parameters."""

    @property
    def query(self) -> list[tuple[str, str]]: ...
    @property
    def raw_query(self) -> str: ...
    def header(self, name: str) -> str: ...
    @property
    def base_url(self) -> str:
        """Scheme, host and port the caller used, without a trailing slash (or the configured public one)."""

    @property
    def client(self) -> str:
        """The caller's network address, past trusted proxies: to throttle by, never to keep."""

    @property
    def caller(self) -> Caller: ...
    @property
    def now(self) -> EpochS: ...
    @property
    def lang(self) -> str:
        """`zh-Hant` or `en`, from the path, the `lang` cookie or Accept-Language."""

    async def body(self, limit: int) -> bytes:
        """The whole body; Limit when it is longer than `limit` bytes."""

    async def form(self) -> FormData:
        """A parsed urlencoded or multipart body; files are spooled to the drawer's work folder."""

    def cookie(self, name: str) -> str:
        """A cookie's value as sent, or empty."""

    @property
    def csrf(self) -> str:
        """What a form of this session sends back as `csrf_token`; empty without a session."""

    def sign_in(self, token: str) -> str:
        """The Set-Cookie value that starts a session for the holder of `token`; empty when the token is wrong."""

    def sign_out(self) -> str:
        """The Set-Cookie value that ends the session."""

    def stream(self) -> AsyncIterator[bytes]: ...
    async def call(self, operation: str, request: Asking, *, purpose: str = "") -> Any: ...


class UploadedFile(msgspec.Struct, frozen=True):
    field: str
    filename: str
    media_type: str
    path: Path
    size: int


class FormData(msgspec.Struct, frozen=True):
    fields: list[tuple[str, str]]
    files: list[UploadedFile]

    def get(self, name: str, default: str = "") -> str:
        return next((value for key, value in self.fields if key == name), default)


class FaceAnswer(msgspec.Struct, frozen=True):
    """What a face sends back. `body` may be bytes, a chunk iterator, or a file's path (sent with ranges)."""

    body: bytes | AsyncIterator[bytes] | Path
    media_type: str = "application/json"
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    etag: str = ""


class Face(msgspec.Struct, frozen=True):
    """A route that speaks another standard's words (CKAN, DCAT, downloads). It reaches data only through `call`."""

    methods: tuple[str, ...]
    path: str
    run: Callable[[FaceRequest], Awaitable[FaceAnswer]]
    rate: RateClass = ""
    time_s: float = 0.0
    channel: str = "api"
    """How its callers come, as use records and touchpoints name it."""


class View(msgspec.Struct, frozen=True):
    """A page's template and values; channel/web adds the layout, the menu and the language."""

    template: str
    values: Mapping[str, Any]
    title: str = ""
    status: int = 200
    redirect: str = ""
    headers: tuple[tuple[str, str], ...] = ()


class Page(msgspec.Struct, frozen=True):
    """A portal page a service brings when the generated form is not enough."""

    methods: tuple[str, ...]
    path: str
    run: Callable[[FaceRequest], Awaitable[View | FaceAnswer]]
    title: Text = {}
    """Its name in the site map; empty for pages that are reached from another (a dataset, a form's answer)."""
    menu: int = 0
    """Its place in the main menu, from 1; 0 keeps it out."""
    rate: RateClass = ""
    time_s: float = 0.0
    channel: str = "web"


class Handler(msgspec.Struct, frozen=True):
    """What runs when an event of `topic` is committed, or a timer of that name is due. At least once, keyed."""

    topic: str
    run: Callable[[Context, Event], Awaitable[None]]
    of: str = ""
    """The service whose feed is followed; empty: its own."""


Shown = Callable[[Context, Sequence[Event]], Awaitable[Sequence[Event]]]
"""Which events of a service's feed anybody may follow: some are of things that are not public yet."""


class Service:
    """One folder's declaration. It only registers: nothing runs, nothing is wrapped."""

    def __init__(self, name: str, *, title: Text, package: str = "", about: Text | None = None, front: int = 0) -> None:
        """`about` says in a sentence what people get of it; `front` is its place on the portal's first page, from 1;
        0 keeps it off."""
        self.name = name
        self.title = title
        self.about: Text = about or {}
        self.front = front
        self.package = package or f"banyan.service.{name}"
        self.operations: dict[str, Operation] = {}
        self.faces: list[Face] = []
        self.pages: list[Page] = []
        self.on_event: list[Handler] = []
        self.shown: Shown | None = None
        self.on_timer: list[Handler] = []
        self.on_start: list[Callable[[Context], Awaitable[None]]] = []
        self.on_stop: list[Callable[[Context], Awaitable[None]]] = []

    def operation(
        self,
        name: str,
        *,
        title: Text,
        summary: Text,
        data: tuple[str, ...],
        audience: Audience,
        effect: Effect = "read",
        purpose: str = "open-data",
        path: str = "",
        keys: tuple[str, ...] = (),
        channels: tuple[str, ...] = ("web", "api"),
        rate: RateClass = "",
        time_s: float = 0.0,
        subject: str = "",
        once: str = "",
        answers: Any = None,
    ) -> Callable[[F], F]:
        """Declare an operation; the request and answer types are read from the function's annotations.

        `answers` is the type of what is sent, when the function gives it encoded. One of the channel `feed` has a face
        of its own at `path`, which sends it; it is described like the others.

        The default route is `GET /api/SERVICE/NAME` for reads (fields as query parameters), and POST for writes and for
        what names a person: a number never stands in an address (law 2).
        A `path` may hold `{field}` segments that fill the request's fields.
        """

        def register(run: F) -> F:
            assert name not in self.operations, f"{self.name}.{name} is declared twice"
            hints = get_type_hints(run, include_extras=True)
            parameters = [key for key in hints if key not in ("ctx", "return")]
            assert len(parameters) == 1, f"{self.name}.{name} takes (ctx, request)"
            is_named = not once or (bool(subject) and once in hints[parameters[0]].__struct_fields__)
            assert is_named, f"{self.name}.{name}: {once} names nothing of the request that a person's use is about"
            self.operations[name] = Operation(
                id=f"{self.name}.{name}",
                title=title,
                summary=summary,
                request=hints[parameters[0]],
                answer=answers or hints["return"],
                data=data,
                audience=audience,
                effect=effect,
                purpose=purpose,
                method="GET" if effect == "read" and not subject else "POST",
                path=path or f"/api/{self.name}/{name}",
                keys=keys,
                channels=channels,
                run=run,
                rate=rate,
                time_s=time_s,
                subject=subject,
                once=once,
            )
            return run

        return register

    def hot(self, name: str, make: Hot, *, max_age_s: int, stale_s: int) -> None:
        """Answer the declared operation `name` from memory too, for callers who bring nothing but a query."""
        known = self.operations[name]
        is_fixed = known.method == "GET" and "{" not in known.path
        assert is_fixed, f"{known.id}: only a read at a fixed path can be hot"
        self.operations[name] = msgspec.structs.replace(known, hot=HotWay(make, max_age_s, stale_s))

    def face(
        self, *methods: str, path: str, rate: RateClass = "", time_s: float = 0.0, channel: str = "api"
    ) -> Callable[[F], F]:
        def register(run: F) -> F:
            face = Face(methods=methods, path=path, run=run, rate=rate, time_s=time_s, channel=channel)
            self.faces.append(face)
            return run

        return register

    def page(
        self,
        *methods: str,
        path: str,
        title: Text | None = None,
        menu: int = 0,
        rate: RateClass = "",
        time_s: float = 0.0,
        channel: str = "web",
    ) -> Callable[[F], F]:
        def register(run: F) -> F:
            page = Page(methods, path, run, title=title or {}, menu=menu, rate=rate, time_s=time_s, channel=channel)
            self.pages.append(page)
            return run

        return register

    def on(self, topic: str, *, of: str = "") -> Callable[[F], F]:
        """`run(ctx, event)` for each event of `topic` in this service's feed, or in that of the service `of`."""

        def register(run: F) -> F:
            self.on_event.append(Handler(topic=topic, run=run, of=of))
            return run

        return register

    def timer(self, name: str) -> Callable[[F], F]:
        def register(run: F) -> F:
            self.on_timer.append(Handler(topic=name, run=run))
            return run

        return register

    def shows(self, choose: F) -> F:
        """`choose(ctx, events)` gives those of its events that anybody may follow. Without it the feed shows none."""
        assert self.shown is None, f"{self.name} says twice what its feed shows"
        self.shown = choose
        return choose

    def start(self, run: F) -> F:
        """`run(ctx)` is awaited once, as the system, before the first call: sweep leftovers, rebuild derived data."""
        self.on_start.append(run)
        return run

    def stop(self, run: F) -> F:
        """`run(ctx)` is awaited once after the last call and before the drawer closes: write down what is in memory."""
        self.on_stop.append(run)
        return run
