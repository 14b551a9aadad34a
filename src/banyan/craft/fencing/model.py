"""What the fence's engine takes and tells. `engine.py` keeps these promises; a service builds on them alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, Literal, Protocol

import msgspec

from banyan.craft.cells.model import Fixes, Ints
from banyan.craft.fencing.rule import Rule

AlarmKind = Literal[
    "suspect", "away", "clear", "silent", "heard", "entered", "outage", "restored", "wiped",
]  # fmt: skip
"""suspect: the score passed h1 (ask the person). away: it passed h2. clear: back home, twice below the threshold.
silent: no fix for `silent_s`. heard: a fix again after that. entered: served by a cell of an event in its window.
outage, restored: of a mast (`phone` is NO_PHONE, `site` the mast, -1 the whole network), which is no person's doing.
wiped: was about a phone that has left since; only its number is kept."""
NO_PHONE: Final = -1
Phase = Literal["none", "training", "watched"]
HOME, EVENTS = 1, 2
"""What a phone is watched for, bits: has left home (EFS 1.0), has entered an event (EFS 2.0)."""


class Alarm(msgspec.Struct, frozen=True):
    """`number` counts 1, 2, 3 ... without gaps: the cursor of who acts on alarms. `id` is the same whenever the same
    fixes are judged again (phone, slot, kind, event). `at` is the fix's time, of silence and outages the slot's end."""

    number: int
    id: str
    kind: AlarmKind
    phone: int
    at: int
    cell: int
    site: int
    score: float
    event: int = 0


class Fed(msgspec.Struct, frozen=True):
    """What became of a batch. `again`: a fix of that phone and slot is there already; `late`: its slot is closed;
    `ahead`: from the future, a wrong clock; `unknown`: no such phone is watched, or the cell is not in the table."""

    taken: int
    again: int
    late: int
    ahead: int
    unknown: int


class Share(msgspec.Struct, frozen=True):
    """A cell of the fingerprint and how often it served the phone at home."""

    cell: int
    share: float


class PhoneState(msgspec.Struct, frozen=True):
    """`level` 0 at home, 1 suspect, 2 away. `trained_until`: from then on the phone is judged. `last_at` is 0 before
    the first fix. `in_outage`: a mast of its home is dark, so its silence and its jumps say nothing."""

    phone: int
    phase: Phase
    watched_for: int
    level: int
    score: float
    is_silent: bool
    in_outage: bool
    last_at: int
    last_cell: int
    trained_until: int
    fixes: int
    home: tuple[Share, ...]


class Counts(msgspec.Struct, frozen=True):
    """Of the phones watched: how many are in each state; `dark`: masts out of order; `late`, `ahead`: fixes so far."""

    watched: int
    training: int
    home: int
    suspect: int
    away: int
    silent: int
    in_outage: int
    dark: int
    late: int
    ahead: int


Listener = Callable[[Sequence[Alarm]], None]


class FenceEngine(Protocol):
    """One fence over one table of cells. What an awaited call said is on disk."""

    @property
    def rule(self) -> Rule: ...

    async def enrol(self, phone: int, *, watched_for: int = HOME, at: int | None = None) -> None:
        """Watch a phone from now (or `at`) on; its first 24 h of fixes train it. `phone` is a number that the caller
        gives each enrolment, from 0, never the same again (arrays grow with the highest). Again: nothing changes."""

    async def leave(self, phones: Sequence[int]) -> int:
        """Stop, and wipe their rows: fingerprint, score, last fix, alarms not yet told. How many were watched."""

    async def forget(self) -> None:
        """After phones left: let go of all of the journal that was written with them."""

    async def open_event(self, event: int, cells: Ints, since: int, until: int) -> None:
        """Tell when a phone watched for EVENTS is served by one of the cells in that time (once a phone and event)."""

    async def close_event(self, event: int) -> None: ...

    async def feed(self, batch: Fixes, *, complete_until: int | None = None) -> Fed:
        """Take fixes in any order. A slot of 10 minutes is judged once it is over and the grace for late ones is too,
        or when the operator says that all up to `complete_until` was sent: then by that word alone, so that a new
        fence (enrolled `at` that time) can be fed days past in order, before the first `tick`."""

    async def tick(self) -> int:
        """Judge what is due by the clock, also when nothing was fed; how many slots."""

    def alarms(self, after: int = 0, *, limit: int = 1_000) -> list[Alarm]:
        """Those with a higher number, oldest first, until `told`."""

    async def told(self, upto: int) -> None:
        """Alarms up to that number were acted upon durably; they may be forgotten."""

    def state_of(self, phone: int) -> PhoneState: ...

    def counts(self) -> Counts: ...

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Call with each slot's new alarms once they are durable; the result ends it."""

    def state_hash(self) -> str:
        """Equal for equal histories, whatever the batches, restarts and snapshots."""

    async def close(self) -> None: ...
