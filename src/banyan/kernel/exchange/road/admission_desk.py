"""The decisions of admission, without waiting and by a clock that is told: run, wait, or go away and when to return."""

from __future__ import annotations

from collections.abc import Hashable

import msgspec

from banyan.kernel.exchange.road.admission_pace import Pace
from banyan.kernel.exchange.road.admission_queue import Place, Queue
from banyan.kernel.exchange.road.admission_quota import Quotas, whole_seconds
from banyan.kernel.exchange.road.admission_refusal import Refusal
from banyan.kernel.exchange.road.model import Priority
from banyan.limits_road import ADMISSION_MARGIN, ADMISSION_RETRY_MOST_S, ADMISSION_WAITING


class Asking(msgspec.Struct, frozen=True):
    """Who asks, of which grant (`quota`, any key; `per_minute` 0: no rate of its own), and seconds to its deadline."""

    client: Hashable
    priority: Priority
    left_s: float
    quota: Hashable = None
    per_minute: int = 0


class Tally(msgspec.Struct):
    """Counts since the start. Asked = let in + sent away + gone while they waited + waiting."""

    asked: int = 0
    let_in: int = 0
    ended: int = 0
    gone: int = 0
    quota: int = 0
    late: int = 0
    full: int = 0
    lapsed: int = 0


class Desk:
    """`now` is in seconds and never goes back. The caller tells the places that the steps return that they run."""

    def __init__(self, pace: Pace | None = None, waiting: int = ADMISSION_WAITING) -> None:
        self.pace = pace or Pace()
        self.queue = Queue(self.pace.limit, waiting)
        self.quotas = Quotas()
        self.tally = Tally()
        self._is_held_up = False

    def ask(self, asking: Asking, now: float) -> tuple[Place | Refusal, Place | None]:
        """A place that runs or waits, or the refusal; and the call of somebody else that was sent away for it."""
        self.tally.asked += 1
        if asking.per_minute:
            spent = self.quotas.take(asking.quota, asking.per_minute, now)
            if spent is not None:
                self.tally.quota += 1
                retry_s = whole_seconds(spent.retry_s, ADMISSION_RETRY_MOST_S)
                return Refusal("quota", spent.per_minute, retry_s, spent.retry_s), None
        if asking.left_s > 0:
            place = self.queue.start(asking.client, asking.priority)
            if place is not None:
                place.since = now
                self.tally.let_in += 1
                return place, None
        self._is_held_up = True
        wait_s = self.wait_s(asking.client, asking.priority)
        if wait_s * ADMISSION_MARGIN >= asking.left_s:
            return self._refused(asking, "late", wait_s), None
        place, shed = self.queue.enter(asking.client, asking.priority)
        if place is None:
            return self._refused(asking, "full", wait_s), None
        if shed is not None:
            self.tally.full += 1
        return place, shed

    def start_now(
        self, client: Hashable, priority: Priority, quota: Hashable, per_minute: int, *, now: float
    ) -> Place | None:
        """A place that runs, when one is free and nothing speaks against it; else nothing has been asked or counted."""
        if per_minute and self.quotas.take(quota, per_minute, now) is not None:
            return None
        place = self.queue.start(client, priority)
        if place is None:
            if per_minute:
                self.quotas.give_back(quota, per_minute)
            return None
        place.since = now
        self.tally.asked += 1
        self.tally.let_in += 1
        return place

    def wait_s(self, client: Hashable, priority: Priority) -> float:
        """About how long a new call would wait: the calls before it in its class, at the class's share of places."""
        ahead = self.queue.ahead(client, priority) + 1
        return ahead * self.pace.hold_s / self.queue.places(priority)

    def end(self, place: Place, now: float) -> list[Place]:
        """The call ended, or its client went away while it waited; who runs now."""
        if place.state == "running":
            self.pace.ended(now - place.since)
            self.tally.ended += 1
        elif place.state == "waiting":
            self.tally.gone += 1
        started = self.queue.leave(place)
        return self._all_began(started, now) if started else started

    def lapse(self, place: Place, asking: Asking, now: float) -> Refusal | None:
        """Its deadline has come; None when it did not wait any more. Takes nobody's place, so nobody runs for it."""
        if place.state != "waiting":
            return None
        refusal = self._refused(asking, "lapsed", self.wait_s(asking.client, asking.priority))
        started = self.queue.leave(place)
        assert not started, "a call that waits holds no place"
        return refusal

    def shed(self, asking: Asking) -> Refusal:
        """What the owner of a call that was sent away for another is told."""
        self._give_back(asking)
        wait_s = self.wait_s(asking.client, asking.priority)
        return Refusal("full", self.queue.limit, whole_seconds(wait_s, ADMISSION_RETRY_MOST_S), wait_s)

    def look(self, lag_s: float, now: float) -> list[Place]:
        """Set the bound by how late the loop came; who runs now."""
        is_held_up, self._is_held_up = self._is_held_up or self.queue.waiting > 0, False
        before = self.queue.limit
        limit = self.pace.looked(lag_s, is_held_up=is_held_up)
        return self._all_began(self.queue.resize(limit), now) if limit != before else []

    def _refused(self, asking: Asking, reason: str, wait_s: float) -> Refusal:
        self._give_back(asking)
        retry_s = whole_seconds(wait_s, ADMISSION_RETRY_MOST_S)
        if reason == "late":
            self.tally.late += 1
            return Refusal("late", self.queue.limit, retry_s, wait_s)
        if reason == "lapsed":
            self.tally.lapsed += 1
            return Refusal("lapsed", self.queue.limit, retry_s, wait_s)
        self.tally.full += 1
        return Refusal("full", self.queue.limit, retry_s, wait_s)

    def _give_back(self, asking: Asking) -> None:
        if asking.per_minute:
            self.quotas.give_back(asking.quota, asking.per_minute)

    def _all_began(self, places: list[Place], now: float) -> list[Place]:
        for place in places:
            place.since = now
        self.tally.let_in += len(places)
        return places
