"""Where everybody stands: places from lots, and how far the room has come. No clock, no network, no session.

Who comes before the opening is in window 0; then windows of a minute in the opening minutes, and of ten seconds after
them. Within a window the order is by lot, so that being a second earlier, or having the faster network, gives nothing;
windows follow each other. All that is kept is how many came in each window, and how many places are released.

    lot = SHA-256(seed of the window || who), moved by `fine` over an eighth of the window
    place = people of the windows before + lot * people of this window

An address has one lot in a window, however many tokens are asked for from it: who farms tokens gains an eighth of the
window on average. A family comes in together; a carrier's crowd behind one address is spread by `fine`, so that it does
not come in at one moment.
"""

from __future__ import annotations

from bisect import bisect_right
from hashlib import sha256
from typing import Final

import msgspec

OPENING_S: Final = 600
"""The opening minutes: ten windows of a minute."""
WINDOW_S: Final = 60
LATER_S: Final = 10
SPREAD: Final = 8
"""`fine` moves a lot by at most one part in so many of its window."""
LOOK_S: Final = (20, 300)
"""A page looks again after half the time left, within these bounds: 20 s is what one can read a page in."""
LAG_S: Final = 20.0
"""How long after a release its holder's page has looked, for who is near the front: LOOK_S at its least."""
SHOWN_LEAST: Final = 0.25
"""Of those released so many come at least: the room is never opened to more than four times its pace."""
_WHOLE: Final = 1 << 64
_CELLS: Final = 1 << 20
_CELL_MOST: Final = 255
"""A window's joiners are counted in so many cells of a byte: a million addresses fall one to a cell."""


def window_at(after_s: float) -> int:
    """The window of a moment so long after the opening (negative before it)."""
    if after_s < 0:
        return 0
    if after_s < OPENING_S:
        return 1 + int(after_s // WINDOW_S)
    return 1 + OPENING_S // WINDOW_S + int((after_s - OPENING_S) // LATER_S)


def window_end(window: int) -> float:
    """When a window is over, seconds after the opening."""
    opening = OPENING_S // WINDOW_S
    return float(window * WINDOW_S if window <= opening else OPENING_S + (window - opening) * LATER_S)


def lot_of(seed: bytes, who: bytes, fine: int) -> int:
    """A lot of 64 bits. `fine` is of 16 bits."""
    whole = int.from_bytes(sha256(seed + who).digest()[:8], "big")
    return (whole + fine * (_WHOLE // SPREAD >> 16)) % _WHOLE


class Progress(msgspec.Struct):
    """How far a room has come: people by window, places released, passes given, and when that was true."""

    counts: list[int] = []
    released: float = 0.0
    passes: int = 0
    at: float = 0.0
    """Seconds after the opening."""


class Place(msgspec.Struct, frozen=True, gc=False):
    """`ahead` are those who wait before; `wait_s` about how long it takes. `is_drawn`: the window is over, so that the
    place is settled; before that only the server can know it, and nobody is told."""

    ahead: int
    wait_s: float
    is_drawn: bool


class Line:
    """The line of one room at `pace` people a second, over the seeds of its windows."""

    def __init__(self, seeds: list[bytes], pace: float, progress: Progress) -> None:
        self.seeds, self.pace, self.progress = seeds, pace, progress
        self._bases = [0]
        for count in progress.counts:
            self._bases.append(self._bases[-1] + count)
        self._looks: list[tuple[float, float]] = [(progress.at, progress.released)]
        self._spare = 0.0
        self._joining, self._seen = -1, bytearray()

    @property
    def issued(self) -> int:
        """Tokens to wait, of all windows."""
        return self._bases[-1]

    def advance(self, at: float) -> None:
        """Release what the time since the last call is worth. `at` in seconds after the opening."""
        one = self.progress
        if at <= max(one.at, 0.0):
            one.at = max(one.at, at)
            return
        passed = min(at - max(one.at, 0.0), LOOK_S[0])  # a node that stood still lets nobody in at once afterwards
        one.at = at
        over = self._over(window_at(at))
        one.released = min(over, one.released + passed * self.speed)
        is_empty = one.released >= over and not self.counted(window_at(at))
        self._spare = min(2 * self.pace, self._spare + passed * self.pace) if is_empty else 0.0
        if at - self._looks[-1][0] >= LAG_S / 10:
            self._looks.append((at, one.released))
            del self._looks[:-60]

    @property
    def speed(self) -> float:
        """Places released a second: more than the pace as far as people who left do not come."""
        index = bisect_right(self._looks, (self.progress.at - LAG_S, _WHOLE)) - 1
        then = self._looks[index][1] if index >= 0 else 0.0
        shown = self.progress.passes / then if then >= LAG_S * self.pace else 1.0
        return self.pace / min(1.0, max(SHOWN_LEAST, shown))

    def counted(self, window: int) -> int:
        counts = self.progress.counts
        return counts[window] if window < len(counts) else 0

    def is_free(self) -> bool:
        """Whether who comes now may go in at once: nobody waits, and the pace allows one more."""
        if self._spare < 1.0:
            return False
        self._spare -= 1.0
        return True

    def join(self, who: bytes) -> int:
        """Count somebody who waits from now on; their window. Of one address 255 are counted in a window: who asks
        for tokens without end makes the line no longer for others."""
        counts = self.progress.counts
        window = max(window_at(self.progress.at), len(counts) - 1)
        if window != self._joining:
            self._joining, self._seen = window, bytearray(_CELLS)
        cell = int.from_bytes(who[:4], "big") % _CELLS
        if self._seen[cell] == _CELL_MOST:
            return window
        self._seen[cell] += 1
        while len(counts) <= window:
            counts.append(0)
            self._bases.append(self._bases[-1])
        counts[window] += 1
        self._bases[-1] += 1  # who comes is of the newest window
        return window

    def place(self, window: int, who: bytes, fine: int) -> Place:
        """Where a token stands now."""
        one = self.progress
        is_drawn = window < window_at(one.at)
        base = self._over(window)
        place = base + (lot_of(self.seeds[window], who, fine) * self.counted(window) >> 64)
        ahead = max(0, place - int(one.released))
        starts = max(0.0, -one.at) if is_drawn else max(0.0, window_end(window) - one.at)
        return Place(ahead, max(starts, ahead / self.speed if one.at >= 0 else starts + ahead / self.pace), is_drawn)

    def may_enter(self, window: int, who: bytes, fine: int) -> bool:
        """Whether a token's place is settled and released."""
        if window >= window_at(self.progress.at):
            return False
        lot = lot_of(self.seeds[window], who, fine)
        return self._over(window) + (lot * self.counted(window) >> 64) < int(self.progress.released)

    def _over(self, window: int) -> int:
        """How many waited in the windows before one."""
        return self._bases[min(window, len(self._bases) - 1)]


def look_again_s(wait_s: float, fine: int) -> int:
    """After how many seconds a page looks again: half the time left, spread by a quarter so that pages do not come in
    step. Seven looks or so are enough for any wait of half an hour."""
    least, most = LOOK_S
    half = min(most, max(least, wait_s / 2))
    return int(half * (1 + fine / (1 << 18)))
