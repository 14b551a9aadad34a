"""What a person may buy, and when: pure functions over the law and her purchases.

Units sold beyond a quota (two devices without a network) are not undone. They count against the window after, and if
that is full against the one after it. This is a view over the set of purchases, so the order in which devices come back
does not matter.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from heapq import heapify, heappop, heappush
from typing import Final, NamedTuple

from banyan.service.rationing.engine.days import LAST_DAY, date_of, day_number, day_of, start_of
from banyan.service.rationing.engine.law import Law, Ruling, permitted, refused
from banyan.service.rationing.engine.model import Buyer, Entitlement, Refusal, Step, Why

HORIZON_DAYS: Final = 62
"""How far ahead an answer looks: the longest window of 2020."""
_STEPS: Final = 8
"""As many later chances are told; further ones are told when they are nearer."""


class Purchase(NamedTuple):
    """`qty` units on a calendar day in Taipei."""

    day: int
    item: str
    qty: int


History = Sequence[Purchase]


def charged(law: Law, history: History, buyer: Buyer) -> list[Purchase]:
    """The purchases as they count: what is over a quota moves to the first later day on which it fits.

    On one day the smaller ration is taken first, so that what is possible in any order fits."""
    waiting = [(one.day, _quantity(law, one, buyer), one.item, one.qty) for one in history]
    heapify(waiting)
    counted: list[Purchase] = []
    while waiting:
        day, _, item, qty = heappop(waiting)
        ruling = law.on(day).ruling(item, buyer.born)
        fits = qty if ruling is None else min(qty, max(0, ruling.quantity - _used(counted, ruling, day)))
        if fits:
            counted.append(Purchase(day, item, fits))
        if fits < qty and ruling is not None and (following := _room_again(law, counted, ruling, day)):
            later = Purchase(following, item, qty - fits)
            heappush(waiting, (following, _quantity(law, later, buyer), item, later.qty))
    return counted


def _room_again(law: Law, counted: History, ruling: Ruling, day: int) -> int:
    """The next day on which a purchase leaves the window or another edition begins; 0 when none ever will."""
    window = ruling.rule.window_days
    days = [sold + window for sold, item, _ in counted if day - window < sold <= day and item in ruling.counts]
    return min([*days, *law.changes(day, LAST_DAY)[:1]], default=0)


def over(law: Law, history: History, buyer: Buyer) -> int:
    """How many units of the history count on a later day than they were sold on."""
    as_sold: dict[tuple[int, str], int] = {}
    for day, item, qty in history:
        as_sold[day, item] = as_sold.get((day, item), 0) + qty
    for day, item, qty in charged(law, history, buyer):
        as_sold[day, item] = as_sold.get((day, item), 0) - qty
    return sum(left for left in as_sold.values() if left > 0)


def used(law: Law, history: History, buyer: Buyer, ruling: Ruling, day: int) -> int:
    """Units that count in the ruling's window on that day."""
    return _used(charged(law, history, buyer), ruling, day)


def entitlement(law: Law, history: History, buyer: Buyer, item: str, at: float) -> Entitlement:
    """What she may buy at `at`, on any channel that sells to her, and when more."""
    today = day_of(at)
    counted = charged(law, history, buyer)
    now = _chance(law, counted, buyer, item, today)
    steps = _steps(law, counted, buyer, item, today)
    first = steps[0] if steps else None
    return Entitlement(
        item=item,
        may_buy=now.left,
        of=now.of,
        from_when=first.from_when if first else None,
        up_to=first.up_to if first else 0,
        why=now.why,
        steps=steps,
    )


def quota_refused(law: Law, history: History, buyer: Buyer, item: str, at: float, *, qty: int) -> Refusal:
    """The quota does not allow `qty` units now: how many it does, and from when it will."""
    today = day_of(at)
    counted = charged(law, history, buyer)
    now = _chance(law, counted, buyer, item, today)
    for day in _turns(law, counted, buyer, today):
        later = _chance(law, counted, buyer, item, day)
        if later.left >= min(qty, later.of) and later.left > now.left:
            return Refusal("quota_reached", next_from=start_of(day), left=now.left, up_to=now.of)
    return Refusal("quota_reached", left=now.left, up_to=now.of)


class _Chance(NamedTuple):
    """What one day would allow. `code`: why it is less than the ration."""

    left: int
    of: int
    days: int
    code: str
    why: tuple[Why, ...]


def _chance(law: Law, counted: History, buyer: Buyer, item: str, day: int) -> _Chance:
    today = law.on(day)
    ruling = today.ruling(item, buyer.born)
    of, days = (ruling.quantity, ruling.rule.window_days) if ruling is not None else (0, 0)
    found = permitted(today, buyer, item, None)
    if not isinstance(found, Ruling):
        refusal = refused(found, law, day, buyer, item, channel=None)
        return _Chance(0, of, days, found, (Why(found, _when(refusal)),))
    left = max(0, found.quantity - _used(counted, found, day))
    code = "open" if left == found.quantity else "part_used" if left else "all_used"
    return _Chance(left, of, days, code, (Why(code, {"left": left, "of": of, "days": days}),))


def _steps(law: Law, counted: History, buyer: Buyer, item: str, today: int) -> tuple[Step, ...]:
    """Each later day that allows more than any day before it."""
    before = best = _chance(law, counted, buyer, item, today)
    steps: list[Step] = []
    for day in _turns(law, counted, buyer, today):
        chance = _chance(law, counted, buyer, item, day)
        if chance.left > best.left:
            steps.append(Step(start_of(day), chance.left, (_rise(day, chance, best, before),)))
            best = chance
            if len(steps) == _STEPS:
                break
        before = chance
    return tuple(steps)


def _turns(law: Law, counted: History, buyer: Buyer, today: int) -> list[int]:
    """The later days on which something may change: a purchase leaves a window, an edition begins, she grows older; and
    the week after each, in which every weekday and parity has its day."""
    last = today + HORIZON_DAYS
    turns = {today, *law.changes(today, last)}
    for window in law.windows:
        turns.update(day for sold, _, _ in counted if today < (day := sold + window) <= last)
    born = buyer.born
    for year in (date_of(today).year, date_of(last).year):
        birthday = date(year, 3, 1) if (born.month, born.day) == (2, 29) else born.replace(year=year)
        turns.add(day_number(birthday))
    return sorted({day for turn in turns for day in range(turn, turn + 8) if today < day <= last})


def _rise(day: int, chance: _Chance, best: _Chance, before: _Chance) -> Why:
    """Why `day` allows more than the best day before it: another law, her number's day, or time that went by."""
    if (chance.of, chance.days) != (best.of, best.days):
        code = "rule_changes"
    elif before.code in ("closed", "too_early_by_parity"):
        code = "your_day"
    else:
        code = "window_moves"
    more = chance.left - best.left
    return Why(
        code,
        {
            "from": date_of(day).isoformat(),
            "more": more,
            "up_to": chance.left,
            "of": chance.of,
            "days": chance.days,
        },
    )


def _when(refusal: Refusal) -> dict[str, str | int]:
    if refusal.next_from is None:
        return {}
    return {"from": date_of(day_of(refusal.next_from)).isoformat()}


def _quantity(law: Law, purchase: Purchase, buyer: Buyer) -> int:
    ruling = law.on(purchase.day).ruling(purchase.item, buyer.born)
    return ruling.quantity if ruling is not None else 0


def _used(counted: History, ruling: Ruling, day: int) -> int:
    since = day - ruling.rule.window_days
    return sum(qty for sold, item, qty in counted if since < sold <= day and item in ruling.counts)
