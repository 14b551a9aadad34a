"""When: the change feed, its live followers, the outbox, timers, the clock."""

from banyan.kernel.events import feed, outbox, timers
from banyan.kernel.events.clock import Clock, EpochS, iso, system_clock
from banyan.kernel.events.feed import Event
from banyan.kernel.events.follower import Follower

__all__ = ["Clock", "EpochS", "Event", "Follower", "feed", "iso", "outbox", "system_clock", "timers"]
