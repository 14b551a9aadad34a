"""A rule book made ready for questions: which rule is whose on a day, and whether the day is hers.

Pure: values in, values out. What does not depend on the buyer's purchases is decided here.
"""

from __future__ import annotations

from bisect import bisect_right
from datetime import date
from typing import Final

from banyan.kernel.events.clock import EpochS
from banyan.limits_rationing import RATION_HISTORY_DAYS
from banyan.service.rationing.engine.days import date_of, day_number, latest_birth, start_of
from banyan.service.rationing.engine.model import Buyer, Code, Refusal
from banyan.service.rationing.engine.rulebook import Edition, Rule, RuleBook

_KEPT_DAYS: Final = 2_000
"""Days that stay compiled: five years; then all are made anew."""
_AHEAD_DAYS: Final = 8
"""A parity's or a channel's next day is within a week."""


class Ruling:
    """A rule on one day. `since`: purchases of later days count."""

    __slots__ = ("born_after", "born_until", "counts", "is_open_to", "quantity", "rule", "since")

    def __init__(self, rule: Rule, day: int) -> None:
        today = date_of(day)
        self.rule = rule
        self.quantity = rule.quantity
        self.since = day - rule.window_days
        self.counts = frozenset(rule.counts or (rule.item,))
        self.born_until = latest_birth(today, rule.least_age)
        self.born_after = latest_birth(today, rule.most_age + 1)
        weekday = today.isoweekday()
        has_parity = bool(rule.odd_weekdays or rule.even_weekdays)
        self.is_open_to = (
            not has_parity or weekday in rule.even_weekdays,
            not has_parity or weekday in rule.odd_weekdays,
        )


class Day:
    """What holds on one day."""

    __slots__ = ("day", "rulings", "weekday")

    def __init__(self, day: int, edition: Edition | None) -> None:
        self.day = day
        self.weekday = date_of(day).isoweekday()
        self.rulings: dict[str, list[Ruling]] = {}
        for rule in edition.rule if edition is not None else ():
            self.rulings.setdefault(rule.item, []).append(Ruling(rule, day))

    def ruling(self, item: str, born: date) -> Ruling | None:
        """Hers, by her age on this day."""
        for one in self.rulings.get(item, ()):
            if one.born_after < born <= one.born_until:
                return one
        return None


class Law:
    """A rule book with its days compiled as they are asked for."""

    def __init__(self, book: RuleBook) -> None:
        self.book = book
        self._since = [day_number(one.since) for one in book.edition]
        self._days: dict[int, Day] = {}
        self.windows = frozenset(rule.window_days for one in book.edition for rule in one.rule)
        self.kept_days = max(RATION_HISTORY_DAYS, *self.windows) if self.windows else RATION_HISTORY_DAYS
        """How long a purchase matters."""

    def on(self, day: int) -> Day:
        found = self._days.get(day)
        if found is None:
            if len(self._days) >= _KEPT_DAYS:
                self._days.clear()
            found = self._days[day] = Day(day, self.edition(day))
        return found

    def edition(self, day: int) -> Edition | None:
        """In force on that day."""
        place = bisect_right(self._since, day)
        return self.book.edition[place - 1] if place else None

    def changes(self, after: int, until: int) -> list[int]:
        """The days after `after`, up to `until`, on which another edition begins."""
        return [one for one in self._since if after < one <= until]

    def with_edition(self, edition: Edition) -> Law:
        """The book with one more; one of the same day takes the other's place."""
        others = [one for one in self.book.edition if one.since != edition.since]
        return Law(RuleBook(tuple(sorted([*others, edition], key=lambda one: one.since))))


def permitted(today: Day, buyer: Buyer, item: str, channel: str | None, *, ignores_day: bool = False) -> Ruling | Code:
    """The ruling when the buyer may come today at all, else why not. `channel` None: whichever sells to her."""
    born = buyer.born
    for ruling in today.rulings.get(item, ()):
        if ruling.born_after < born <= ruling.born_until:
            break
    else:
        return "not_of_age" if item in today.rulings else "unknown_rule"
    rule = ruling.rule
    if channel is not None and channel not in rule.channels:
        return "not_this_channel"
    if buyer.kind not in rule.kinds:
        return "not_this_kind"
    if ignores_day:
        return ruling
    if rule.closed and _is_closed(rule, today.weekday, channel):
        return "closed"
    if buyer.parity is not None and not ruling.is_open_to[buyer.parity]:
        return "too_early_by_parity"
    return ruling


def _is_closed(rule: Rule, weekday: int, channel: str | None) -> bool:
    """On every channel, where none is named."""
    channels = rule.channels if channel is None else (channel,)
    return all(weekday in rule.closed.get(one, ()) for one in channels)


def refused(code: Code, law: Law, today: int, buyer: Buyer, item: str, *, channel: str | None) -> Refusal:
    """`code` with the day on which it no longer holds, where the calendar tells it."""
    if code not in ("closed", "too_early_by_parity"):
        return Refusal(code)
    for day in range(today + 1, today + _AHEAD_DAYS):
        if isinstance(permitted(law.on(day), buyer, item, channel), Ruling):
            return Refusal(code, next_from=EpochS(start_of(day)))
    return Refusal(code)
