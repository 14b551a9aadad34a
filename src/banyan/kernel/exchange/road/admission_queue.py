"""Who runs next: classes by weight, the clients of a class in turn, within bounds. Pure; every step is O(1).

Between classes: stride scheduling (Waldspurger and Weihl 1995). A class that has somebody waiting and is not at its cap
gets `weight / sum of weights` of the places that come free; one that was away has no claims from then.
Within a class: of the clients that wait, the one with the fewest calls running, and among equals the one that has
waited longest. So clients share *places in time*: one whose calls take long has no more of them than another, which
counting the calls that were let in (deficit round robin) would give it.
A class and those below it together have a cap under the gateway's limit, so slow calls of lower classes never hold
every place: a crisis call need not await one of theirs.
A full class sends away the newest call of the client that waits with the most, be it the one who asks.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import Final, Literal

import msgspec

from banyan.kernel.exchange.road.admission_levels import Levels
from banyan.kernel.exchange.road.model import Priority
from banyan.limits_road import ADMISSION_CLIENTS, ADMISSION_RESERVED, ADMISSION_WAITING, ADMISSION_WEIGHTS

CLASSES: Final[tuple[Priority, ...]] = ("crisis", "normal", "bulk")
"""Best first: who goes first when two have the same claim."""


State = Literal["waiting", "running", "done", "shed"]
"""`shed`: it waited, and was sent away for another. Texts, for a member of an Enum costs 50 ns to look up."""


class Place:
    """One call: its state, and who it is of."""

    __slots__ = ("flow", "since", "state", "wake")

    def __init__(self, flow: _Flow) -> None:
        self.flow = flow
        self.state: State = "waiting"
        self.since = 0.0
        """When it began to run; the caller's clock."""
        self.wake: object = None
        """The caller's: whom to tell when the state changes."""


class Load(msgspec.Struct, frozen=True):
    """How full a class is: for the page of live calls, and for the estimate of a wait."""

    running: int
    waiting: int
    clients: int
    """That wait."""
    cap: int
    """Of its own running calls and those of the classes below it."""


class _Flow:
    """The calls of one client in one class."""

    __slots__ = ("of", "running", "waiting")

    def __init__(self, of: _Class) -> None:
        self.of = of
        self.running = 0
        self.waiting: OrderedDict[Place, None] = OrderedDict()


class _Class:
    __slots__ = (
        "by_running",
        "by_waiting",
        "cap",
        "clients",
        "flows",
        "held",
        "passed",
        "prune_at",
        "running",
        "stride",
        "waiting",
        "weight",
        "within",
    )

    def __init__(self, weight: int, stride: int) -> None:
        self.weight = weight
        self.stride = stride
        self.passed = 0
        """Virtual time of its next claim."""
        self.within: tuple[_Class, ...] = ()
        """The classes whose caps its calls count to: itself and those above."""
        self.cap = 1
        self.held = 0
        """Running, of it and of the classes below."""
        self.running = 0
        self.waiting = 0
        self.clients = 0
        """That wait."""
        self.flows: dict[Hashable, _Flow] = {}
        self.prune_at = ADMISSION_CLIENTS
        self.by_running: Levels[_Flow] = Levels()
        """Those that wait, by how many they have running."""
        self.by_waiting: Levels[_Flow] = Levels()
        """Those that wait, by how many they have waiting."""


class Queue:
    """All calls of one role of one gateway. The caller wakes what the steps return."""

    def __init__(self, limit: int, waiting: int = ADMISSION_WAITING) -> None:
        most = max(ADMISSION_WEIGHTS.values())
        self._by_name = {name: _Class(ADMISSION_WEIGHTS[name], most // ADMISSION_WEIGHTS[name]) for name in CLASSES}
        self._classes = tuple(self._by_name.values())
        for at, one in enumerate(self._classes):
            one.within = self._classes[at::-1]
        self._most_waiting = waiting
        self._clock = 0
        """Virtual time: the claim of who was let in last."""
        self.running = 0
        self.waiting = 0
        self.limit = limit
        self._set_caps()

    def enter(self, client: Hashable, priority: Priority) -> tuple[Place | None, Place | None]:
        """The new call's place, running or waiting, and the call that was sent away for it. No place: this call is the
        one to send away."""
        place = self.start(client, priority)
        if place is not None:
            return place, None
        of = self._by_name[priority]
        shed = None
        if of.waiting >= self._most_waiting:
            flow = of.flows.get(client)
            greediest, most = of.by_waiting.highest()
            if most <= (len(flow.waiting) if flow else 0) + 1:
                return None, None
            shed = next(reversed(greediest.waiting))
            self._unwait(shed, greediest)
            shed.state = "shed"
        flow = self._flow(client, of)
        place = Place(flow)
        self._await(place, flow)
        return place, shed

    def start(self, client: Hashable, priority: Priority) -> Place | None:
        """The call's place when it may run at once."""
        of = self._by_name[priority]
        if of.waiting or not _has_room(of):
            return None
        flow = self._flow(client, of)
        place = Place(flow)
        self._start(place, flow)
        return place

    def leave(self, place: Place) -> list[Place]:
        """A call ended, or gave up waiting; who runs now instead."""
        if place.state == "running":
            flow = place.flow
            of = flow.of
            self.running -= 1
            of.running -= 1
            for one in of.within:
                one.held -= 1
            flow.running -= 1
            if flow.waiting:
                of.by_running.take(flow, flow.running + 1)
                of.by_running.put(flow, flow.running)
        elif place.state == "waiting":
            flow = place.flow
            of = flow.of
            self._unwait(place, flow)
        else:
            return []
        place.state = "done"
        return self._fill() if self.waiting else []

    def resize(self, limit: int) -> list[Place]:
        """A new bound on the calls that run; who runs now because of it."""
        self.limit = limit
        self._set_caps()
        return self._fill()

    def load(self, priority: Priority) -> Load:
        of = self._by_name[priority]
        return Load(of.running, of.waiting, of.clients, of.cap)

    def ahead(self, client: Hashable, priority: Priority) -> float:
        """How many calls of its class are let in before a new one of this client, when the others have as many waiting:
        each has as many turns as this one, and one more. Not bounded by those that wait now, for who comes later with
        fewer waiting goes first."""
        of = self._by_name[priority]
        flow = of.flows.get(client)
        own = len(flow.waiting) if flow else 0
        others = of.clients - (own > 0)
        return own + others * (own + 1)

    def places(self, priority: Priority) -> float:
        """How many of the gateway's places serve this class while others wait as now."""
        of = self._by_name[priority]
        whole = sum(one.weight for one in self._classes if one.waiting or one is of)
        return min(of.cap, self.limit * of.weight / whole)

    def _flow(self, client: Hashable, of: _Class) -> _Flow:
        """Those of clients that went are kept for their next call, up to a bound."""
        flow = of.flows.get(client)
        if flow is None:
            if len(of.flows) >= of.prune_at:
                of.flows = {name: one for name, one in of.flows.items() if one.running or one.waiting}
                of.prune_at = len(of.flows) + ADMISSION_CLIENTS
            flow = of.flows[client] = _Flow(of)
        return flow

    def _fill(self) -> list[Place]:
        """Let in who waits, as far as there is room."""
        started: list[Place] = []
        while self.running < self.limit:
            best, claim = None, 0
            for of in self._classes:
                if of.waiting and _has_room(of):
                    passed = max(of.passed, self._clock)
                    if best is None or passed < claim:
                        best, claim = of, passed
            if best is None:
                break
            flow = best.by_running.lowest()
            place = next(iter(flow.waiting))
            self._unwait(place, flow)
            self._start(place, flow)
            started.append(place)
        return started

    def _start(self, place: Place, flow: _Flow) -> None:
        of = flow.of
        place.state = "running"
        self.running += 1
        of.running += 1
        for one in of.within:
            one.held += 1
        if flow.waiting:
            of.by_running.take(flow, flow.running)
            of.by_running.put(flow, flow.running + 1)
        flow.running += 1
        clock = self._clock
        if of.passed > clock:
            self._clock = clock = of.passed
        of.passed = clock + of.stride

    def _await(self, place: Place, flow: _Flow) -> None:
        of = flow.of
        held = len(flow.waiting)
        flow.waiting[place] = None
        self.waiting += 1
        of.waiting += 1
        if held:
            of.by_waiting.take(flow, held)
        else:
            of.clients += 1
            of.by_running.put(flow, flow.running)
        of.by_waiting.put(flow, held + 1)

    def _unwait(self, place: Place, flow: _Flow) -> None:
        of = flow.of
        held = len(flow.waiting)
        del flow.waiting[place]
        self.waiting -= 1
        of.waiting -= 1
        of.by_waiting.take(flow, held)
        if held > 1:
            of.by_waiting.put(flow, held - 1)
        else:
            of.clients -= 1
            of.by_running.take(flow, flow.running)

    def _set_caps(self) -> None:
        for name, of in self._by_name.items():
            of.cap = max(1, self.limit - int(self.limit * ADMISSION_RESERVED[name]))


def _has_room(of: _Class) -> bool:
    for one in of.within:  # noqa: SIM110 (all() with a generator costs three times as much)
        if one.held >= one.cap:
            return False
    return True
