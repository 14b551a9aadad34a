"""The gate: the one way to run an operation, from any channel, service or peer.

    who is it -> may they, why -> run, here or at a peer -> minimise -> record use -> prove -> answer

Embedded it costs microseconds; the caller cannot tell a peer from this process, so lawfulness cannot be skipped by
running in one process.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from time import perf_counter_ns
from typing import Any

import msgspec

from banyan.errors import Denied, Invalid, Problem
from banyan.kernel.catalogue.catalogue import Catalogue
from banyan.kernel.catalogue.operation import Asking, Context, HotRun, Operation
from banyan.kernel.events import feed
from banyan.kernel.events.clock import Clock, EpochS
from banyan.kernel.events.feed import Event
from banyan.kernel.exchange.conscience import Conscience, Weighed
from banyan.kernel.exchange.helping import is_help
from banyan.kernel.exchange.remote import Envelope, Remote
from banyan.kernel.exchange.touchpoint import TouchOutcome, Touchpoints
from banyan.kernel.exchange.trace import Trace
from banyan.kernel.identity.caller import ANONYMOUS, SYSTEM, Caller
from banyan.kernel.ledger.usage import OpenUsage, Outcome, UsageSink, Use
from banyan.kernel.policy.decision import Decision, decide, is_out_of_place
from banyan.kernel.storage.drawer import Drawer

Emit = Callable[[str, Event], Awaitable[None]]
"""`emit(service, event)`: append to that service's feed, durable when it returns."""
Log = Callable[[str, Mapping[str, str | int | float]], None]
"""`log(event, fields)`: one structured line; fields hold no personal data."""


def emit_to_feeds(drawers: Mapping[str, Drawer], clock: Clock) -> Emit:
    """`ctx.emit` for embedded services: the service's own feed, stamped with the node's clock."""

    async def emit(service: str, event: Event) -> None:
        stamped = event if event.at else msgspec.structs.replace(event, at=clock())
        await drawers[service].sql.write(lambda tx: feed.append(tx, stamped))

    return emit


class Refused(Denied):
    """The policy said no. Carries the bilingual decision so that a channel can say it in the caller's language."""

    def __init__(self, decision: Decision, *, status: int = 403) -> None:
        super().__init__(decision.explanation["zh-Hant"], remedy=decision.remedy["zh-Hant"], status=status)
        self.decision = decision


class Bound:
    """`ctx.call`: the gate bound to one caller and one trace."""

    __slots__ = ("_caller", "_gate", "_trace")

    def __init__(self, gate: Gate, caller: Caller, trace: Trace | None) -> None:
        self._gate, self._caller, self._trace = gate, caller, trace

    async def __call__(self, operation: str, request: Asking, *, purpose: str = "") -> Any:
        return await self._gate.call(operation, request, caller=self._caller, purpose=purpose, trace=self._trace)


class HotCall:
    """An operation as anybody may ask it, decided once at start and recorded at every answer. Made by `Gate.hot`."""

    __slots__ = ("_count", "_run", "_touch", "_use", "basis", "operation")

    def __init__(self, run: HotRun, use: Use, count: Callable[[Use], None], touchpoints: Touchpoints) -> None:
        self.operation, self.basis = use.operation, use.basis
        self._run, self._use = run, use
        self._count = count
        self._touch = touchpoints.add

    def answer(self, query: bytes, now: EpochS) -> bytes | None:
        """The answer, recorded; or None, with nothing recorded: then the call goes the general way."""
        started = perf_counter_ns()
        body = self._run(query, now)
        if body is not None:
            took_us = (perf_counter_ns() - started) // 1000
            self._touch(self.operation, self._use.channel, "answered", duration_us=took_us, at=now)
            self._count(self._use)
        return body


class Gate:
    """Runs operations of `catalogue`. `drawers` are by service name; a service in `remotes` runs at that peer."""

    def __init__(
        self,
        catalogue: Catalogue,
        drawers: Mapping[str, Drawer],
        *,
        clock: Clock,
        emit: Emit,
        log: Log,
        usage: UsageSink | None = None,
        touchpoints: Touchpoints | None = None,
        remotes: Mapping[str, Remote] | None = None,
        conscience: Conscience | None = None,
    ) -> None:
        self.catalogue = catalogue
        self._conscience = conscience
        self.clock = clock
        self.usage: UsageSink = usage if usage is not None else OpenUsage()
        self.touchpoints = touchpoints if touchpoints is not None else Touchpoints()
        self.drawers = drawers
        self._remotes: Mapping[str, Remote] = remotes or {}
        self._emits = {service: partial(emit, service) for service in catalogue.services}
        self._log = log

    async def start(self) -> None:
        """Run what services declared for the start, as the system; before the first call."""
        for service in self.catalogue.services.values():
            for run in service.on_start:
                await run(self.context(service.name, SYSTEM))

    async def stop(self) -> None:
        """Run what services declared for the end; after the last call and before the drawers close."""
        for service in self.catalogue.services.values():
            for run in service.on_stop:
                await run(self.context(service.name, SYSTEM))

    async def check(self, limit_s: float) -> dict[str, bool]:
        """Whether each embedded service's store answers a small read within `limit_s` seconds."""
        answers: dict[str, bool] = {}
        for service in self.drawers.keys() - self._remotes.keys():
            try:
                async with asyncio.timeout(limit_s):
                    await self.drawers[service].sql.read(feed.newest)
                answers[service] = True
            except (Problem, TimeoutError):
                answers[service] = False
        return answers

    async def call(
        self, operation: str, request: Asking, *, caller: Caller, purpose: str = "", trace: Trace | None = None
    ) -> Any:
        """Run an operation by its id. Raises NotFound, Refused, or what the operation raises (the Problem tree).

        A service that may not import another's types gives plain values; they are read by the declared type.
        """
        declared = self.catalogue.operation(operation)
        if not isinstance(request, msgspec.Struct):
            request = bound(declared, request)
        assert isinstance(request, declared.request), f"{operation} takes {declared.request.__name__}"
        now, started = self.clock(), perf_counter_ns()
        outcome: Outcome = "failed"
        touched: TouchOutcome = "failed"
        weighed: Weighed | None = None
        basis = "none"
        try:
            if declared.subject and self._conscience is not None and not is_out_of_place(declared, caller):
                weighed = await self._conscience.weigh(declared, request, caller, purpose=purpose, now=now)
                refusal, basis = weighed.refusal, weighed.basis
            else:
                decision = decide(declared, caller, purpose)
                refusal, basis = None if decision.allowed else decision, decision.basis
            if refusal is not None:
                outcome = touched = "refused"
                raise Refused(refusal)
            if self._conscience is not None and is_help(declared, caller, basis):
                await self._conscience.note_help(declared, caller, trace=trace.id if trace is not None else "", now=now)
            service = declared.service
            remote = self._remotes.get(service) if self._remotes else None
            if remote is None:
                answer = await declared.run(self.context(service, caller, trace, now=now), request)
            else:
                parent = trace.traceparent if trace is not None else ""
                answer = await remote.call(declared, request, Envelope(caller, purpose or declared.purpose, parent))
            if weighed is not None and self._conscience is not None:
                number = trace.id if trace is not None else ""
                await self._conscience.release(weighed, declared, caller, trace=number, now=now)
                answer = self._conscience.minimise(answer, weighed)
            outcome = touched = "answered"
        except Invalid:
            touched = "invalid"
            raise
        except Problem as problem:
            if problem.status < 500:
                outcome = touched = "refused"
            raise
        finally:
            self.touchpoints.add(
                operation,
                caller.channel,
                touched,
                duration_us=(perf_counter_ns() - started) // 1000,
                at=now,
            )
            await self.usage.record(
                Use(operation, basis, purpose or declared.purpose, caller.kind, caller.channel, outcome)
            )
        return answer

    def hot(self, operation: str) -> HotCall | None:
        """The hot way to an operation; None when it has none here: not declared, run by a peer, or its uses are kept by
        a sink that must be waited for. What it skips is only what is the same for every anonymous call."""
        declared = self.catalogue.operation(operation)
        if declared.hot is None or declared.service in self._remotes or not isinstance(self.usage, OpenUsage):
            return None
        decision = decide(declared, ANONYMOUS, "")
        assert decision.basis == "open", f"{operation} is not open to anybody: it cannot be hot"
        use = Use(operation, decision.basis, declared.purpose, ANONYMOUS.kind, ANONYMOUS.channel, "answered")
        run = declared.hot.make(self.drawers[declared.service])
        return HotCall(run, use, self.usage.count, self.touchpoints)

    def ask(self, operation: str, caller: Caller) -> None:
        """Raise Refused when the policy would refuse this caller's call. Runs nothing, records nothing."""
        declared = self.catalogue.operation(operation)
        if declared.subject and self._conscience is not None:
            return  # whose data it is stands in the request: only then can it be weighed
        decision = decide(declared, caller, "")
        if not decision.allowed:
            raise Refused(decision)

    def basis(self, operation: str, caller: Caller) -> str:
        """The basis on which this caller's call of the operation stands, for the access record."""
        declared = self.catalogue.operations.get(operation)
        return decide(declared, caller, "").basis if declared is not None else ""

    def context(
        self, service: str, caller: Caller, trace: Trace | None = None, *, now: EpochS | None = None
    ) -> Context:
        """What an operation, event handler or timer of `service` is given."""
        return Context(
            caller=caller,
            now=self.clock() if now is None else now,
            db=self.drawers[service],
            call=Bound(self, caller, trace),
            emit=self._emits[service],
            log=self._log,
        )


def bound(declared: Operation, values: Mapping[str, Any]) -> msgspec.Struct:
    """Plain values as the operation's request. Raises Invalid saying what does not fit."""
    try:
        return msgspec.convert(values, declared.request)
    except msgspec.ValidationError as error:
        raise Invalid(f"{declared.id}: {error}", remedy="see /openapi.json for what it takes") from error
