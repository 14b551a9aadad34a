"""What both sides of a gateway share: its surroundings, the keys of its members, its clock and its chance."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Final, Literal

import msgspec

from banyan.kernel.events.clock import Clock
from banyan.kernel.exchange.road.model import (
    Admission,
    Call,
    Directory,
    Exchanged,
    Grants,
    Handover,
    MessageLog,
    MetaServices,
    Monitor,
    Priority,
    Provider,
    Role,
    Timing,
    Told,
)
from banyan.kernel.exchange.road.spool import Spooling
from banyan.wire.httpsig.keys import Signer
from banyan.wire.xroad.codes import Code, Origin, Spelling
from banyan.wire.xroad.faults import Fault
from banyan.wire.xroad.identifiers import ClientId, ServerId

Connection = Literal["http", "https", "mutual"]


_VARIANT: Final = dict(zip("0123456789abcdef", "89ab" * 4, strict=True))


class Signing(msgspec.Struct, frozen=True):
    """A member's keys at this gateway: the one that signs, and the post-quantum one that signs too."""

    first: Signer
    second: Signer | None = None


class Local(msgspec.Struct, frozen=True):
    """A member or subsystem that may call from this gateway; nobody else may.

    `connection`: `http` (HTTPS too), `https` (no certificate), `mutual` (HTTPS with one of `certificates`, PEM)."""

    id: ClientId
    connection: Connection = "mutual"
    certificates: tuple[str, ...] = ()
    priority: Priority = "normal"
    per_minute: int = 0
    keep_bodies_s: float = 0.0


class Outcome(msgspec.Struct, frozen=True):
    """What came of a call. `status` 0: no answer."""

    request_size: int
    response_size: int
    status: int
    fault: str


class Surroundings(msgspec.Struct):
    """The other parts, as this gateway sees them. Each may be swapped while it runs."""

    directory: Directory
    grants: Grants
    provider: Provider
    log: MessageLog
    calls: Admission
    """Of the client's role."""
    services: Admission
    """Of the provider's role."""
    monitor: Monitor | None = None
    meta: MetaServices | None = None
    handover: Handover | None = None
    seen: Callable[[ServerId, str], None] | None = None
    """Told of the directory's version that another gateway says it has, when it is not ours."""


class Desk(msgspec.Struct):
    """`report` takes what went wrong and why; never a value of a message."""

    server: ServerId
    around: Surroundings
    signing: Mapping[ClientId, Signing]
    locals: Mapping[ClientId, Local]
    spooling: Spooling
    clock: Clock
    draw: Callable[[int], bytes]
    report: Callable[[str, BaseException], None]
    spelling: Spelling = "documented"
    is_strict: bool = False
    _putting: set[asyncio.Task[None]] = msgspec.field(default_factory=set)

    def uuid(self) -> str:
        """Version 4, RFC 9562 s5.4."""
        drawn = self.draw(16).hex()
        return f"{drawn[:8]}-{drawn[8:12]}-4{drawn[13:16]}-{_VARIANT[drawn[16]]}{drawn[17:20]}-{drawn[20:]}"

    def keys_of(self, member: ClientId, origin: Origin) -> Signing:
        """Raises Fault: this gateway does not sign for that member."""
        found = self.signing.get(member)
        if found is None:
            message = "This gateway does not sign for that member, or not any more."
            fix = "Call by a gateway that the directory has for the member."
            raise Fault(origin, Code.CANNOT_CREATE_SIGNATURE, message=message, fix=fix)
        return found

    def check_directory(self, origin: Origin) -> bool:
        """Whether the directory is stale. Raises Fault once it has expired."""
        freshness = self.around.directory.freshness(self.clock())
        if freshness == "expired":
            message = "The directory of this gateway has expired, so no call goes out or comes in."
            fix = "Its operator lets it reach the centre or any other gateway, which hand on the directory in force."
            raise Fault(origin, Code.OUTDATED_GLOBALCONF, message=message, fix=fix)
        return freshness == "stale"

    async def keep(self, exchanged: Exchanged, origin: Origin) -> None:
        """Raises Fault(LoggingFailed): then no answer goes on."""
        try:
            await self.around.log.keep(exchanged)
        except Exception as error:  # whatever it is, the exchange is not provable, so there is none
            raise self.unlogged(error, origin) from error

    def put(self, exchanged: Exchanged, told: Told) -> None:
        """As `keep`, without waiting: `told` hears what came of it. Bodies are small (`Log.put`)."""
        put: Callable[[Exchanged, Told], None] | None = getattr(self.around.log, "put", None)
        if put is None:
            task = asyncio.ensure_future(self._put(exchanged, told))
            self._putting.add(task)
            task.add_done_callback(self._putting.discard)
            return
        try:
            put(exchanged, told)
        except Exception as error:  # as in `keep`
            asyncio.get_running_loop().call_soon(told, -1, error)

    async def _put(self, exchanged: Exchanged, told: Told) -> None:
        try:
            await self.around.log.keep(exchanged)
        except Exception as error:  # as in `keep`
            told(-1, error)
        else:
            told(0, None)

    def unlogged(self, error: Exception, origin: Origin) -> Fault:
        self.report("road: the message log failed", error)
        message, fix = "The exchange could not be logged, so its answer is not given.", "Try again later."
        return Fault(origin, Code.LOGGING_FAILED, message=message, fix=fix)

    def note(self, call: Call, role: Role, moments: tuple[float, float], outcome: Outcome) -> None:
        """Tell the monitor of a call that ends now. `moments`: when it was sent on, and when that was answered."""
        monitor = self.around.monitor
        if monitor is None:
            return
        timing = Timing(
            role=role,
            call_id=call.request_id,
            message_id=call.message_id,
            client=call.asked.client,
            service=call.target.service,
            method=call.verb,
            path=call.target.path.decode("latin-1"),
            request_in=int(call.at * 1000),
            request_out=int(moments[0] * 1000),
            response_in=int(moments[1] * 1000),
            response_out=int(self.clock() * 1000),
            request_size=outcome.request_size,
            response_size=outcome.response_size,
            status=outcome.status,
            fault=outcome.fault,
        )
        monitor.note(timing)
