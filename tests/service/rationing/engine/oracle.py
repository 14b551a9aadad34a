"""Rationing told plainly: lists and dicts, one unit after another. What both engines must agree with."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from banyan.service.rationing.engine.model import (
    Buy,
    Buyer,
    Correct,
    Deliver,
    Lease,
    Merge,
    Post,
    Reserve,
    Return,
    SetRule,
    Void,
)
from banyan.service.rationing.engine.rulebook import Rule, RuleBook

PARTS = ("delivered", "corrected", "returned", "sold", "reserved", "leased", "short")


def day_in_taipei(at: float) -> date:
    return (datetime.fromtimestamp(at, UTC) + timedelta(hours=8)).date()


def age(born: date, on: date) -> int:
    return on.year - born.year - ((on.month, on.day) < (born.month, born.day))


class Oracle:
    """`do` gives ("receipt", over, short) or a refusal's code."""

    def __init__(self, book: RuleBook, at: float) -> None:
        self.editions = list(book.edition)
        self.at = at
        self.beginning = day_in_taipei(at)
        self.stock: dict[tuple[str, str], dict[str, int]] = {}
        self.bought: list[dict[str, Any]] = []  # person, day, item, qty
        self.holds: dict[bytes, dict[str, Any]] = {}
        self.keys: dict[bytes, tuple[Any, Any, float]] = {}
        self.brought: dict[tuple[bytes, date], set[bytes]] = {}
        self.merged: set[bytes] = set()

    # -- what may be

    def rule(self, item: str, born: date, on: date) -> Rule | str:
        edition = [one for one in self.editions if one.since <= on][-1:]
        rules = [rule for one in edition for rule in one.rule if rule.item == item]
        fitting = [rule for rule in rules if rule.least_age <= age(born, on) <= rule.most_age]
        return fitting[0] if fitting else ("not_of_age" if rules else "unknown_rule")

    def counted(self, buyer: Buyer, more: list[dict[str, Any]] | None = None) -> list[tuple[date, str]]:
        """Unit by unit, the days on which her purchases count."""
        mine = [one for one in self.bought if one["person"] == buyer.person] + (more or [])
        units = [(one["day"], one["item"]) for one in mine for _ in range(one["qty"])]

        def rank(unit: tuple[date, str]) -> tuple[date, int, str]:
            rule = self.rule(unit[1], buyer.born, unit[0])
            return unit[0], rule.quantity if isinstance(rule, Rule) else 0, unit[1]

        fitted: list[tuple[date, str]] = []
        while units:
            units.sort(key=rank)
            day, item = units.pop(0)
            rule = self.rule(item, buyer.born, day)
            if isinstance(rule, Rule) and self.in_window(fitted, rule, day) >= rule.quantity:
                if day < self.beginning + timedelta(400):
                    units.append((day + timedelta(1), item))
                continue
            fitted.append((day, item))
        return fitted

    @staticmethod
    def in_window(units: list[tuple[date, str]], rule: Rule, day: date) -> int:
        first = day - timedelta(rule.window_days - 1)
        return sum(first <= on <= day and item in (rule.counts or (rule.item,)) for on, item in units)

    def left(self, buyer: Buyer, item: str) -> int:
        today = day_in_taipei(self.at)
        rule = self.rule(item, buyer.born, today)
        return max(0, rule.quantity - self.in_window(self.counted(buyer), rule, today)) if isinstance(rule, Rule) else 0

    def refusal(self, c: Buy | Reserve, *, ignores_day: bool) -> str | Rule:
        today = day_in_taipei(self.at)
        rule = self.rule(c.item, c.buyer.born, today)
        if isinstance(rule, str):
            return rule
        if c.channel not in rule.channels:
            return "not_this_channel"
        if c.buyer.kind not in rule.kinds:
            return "not_this_kind"
        weekday = today.isoweekday()
        if not ignores_day:
            if weekday in rule.closed.get(c.channel, ()):
                return "closed"
            days = rule.odd_weekdays if c.buyer.parity else rule.even_weekdays
            if c.buyer.parity is not None and (rule.odd_weekdays or rule.even_weekdays) and weekday not in days:
                return "too_early_by_parity"
        if c.qty > self.left(c.buyer, c.item):
            return "quota_reached"
        if c.collected_by and c.collected_by != c.buyer.person:
            others = self.brought.get((c.collected_by, today), set()) - {c.buyer.person}
            if len(others) >= rule.proxies:
                return "too_many_proxies"
        return rule

    # -- what becomes of it

    def pass_time(self, at: float) -> None:
        self.at = max(at, self.at)
        for hold in self.holds.values():
            if hold["state"] == "pending" and not hold["lease"] and hold["until"] <= self.at:
                self.release(hold, "expired", keeps_quota=False)

    def available(self, row: dict[str, int]) -> int:
        plus = row["delivered"] + row["corrected"] + row["returned"] + row["short"]
        return plus - row["sold"] - row["reserved"] - row["leased"]

    def release(self, hold: dict[str, Any], state: str, *, keeps_quota: bool) -> None:
        row = self.stock[hold["outlet"], hold["item"]]
        hold["state"] = state
        row["leased" if hold["lease"] else "reserved"] -= hold["left"]
        hold["left"] = 0
        if not hold["lease"] and not keeps_quota:
            self.bought.remove(hold["purchase"])

    def do(self, c: Any) -> Any:
        if c.key in self.keys:
            known, answer, _ = self.keys[c.key]
            return answer if known == identity(c) else "key_reused"
        answer = getattr(self, f"do_{type(c).__name__.lower()}")(c)
        if isinstance(answer, tuple):
            self.keys[c.key] = (identity(c), answer, self.at)
        return answer

    def row(self, c: Any) -> dict[str, int]:
        return self.stock.setdefault((c.outlet, c.item), dict.fromkeys(PARTS, 0))

    def has(self, c: Any) -> int:
        return self.available(self.stock[c.outlet, c.item]) if (c.outlet, c.item) in self.stock else 0

    def purchase(self, c: Any, day: date) -> dict[str, Any]:
        one = {"person": c.buyer.person, "day": day, "item": c.item, "qty": c.qty, "key": c.key}
        self.bought.append(one)
        return one

    def do_deliver(self, c: Deliver) -> Any:
        self.row(c)["delivered"] += c.qty
        return "receipt", 0, 0

    def do_correct(self, c: Correct) -> Any:
        if self.has(c) + c.delta < 0:
            return "no_stock"
        self.row(c)["corrected"] += c.delta
        return "receipt", 0, 0

    def do_buy(self, c: Buy) -> Any:
        rule = self.refusal(c, ignores_day=False)
        if isinstance(rule, str):
            return rule
        if rule.takes_stock and self.has(c) < c.qty:
            return "no_stock"
        if not rule.takes_stock:
            self.row(c)["delivered"] += c.qty
        self.row(c)["sold"] += c.qty
        self.purchase(c, day_in_taipei(self.at))
        self.bring(c)
        return "receipt", 0, 0

    def bring(self, c: Buy | Reserve) -> None:
        if c.collected_by and c.collected_by != c.buyer.person:
            self.brought.setdefault((c.collected_by, day_in_taipei(self.at)), set()).add(c.buyer.person)

    def do_reserve(self, c: Reserve) -> Any:
        if c.expires_at <= self.at:
            return "expired"
        rule = self.refusal(c, ignores_day=c.ignores_day)
        if isinstance(rule, str):
            return rule
        if self.has(c) < c.qty:
            return "no_stock"
        self.row(c)["reserved"] += c.qty
        purchase = self.purchase(c, day_in_taipei(self.at))
        self.bring(c)
        self.hold(c, lease=False, until=c.expires_at, purchase=purchase)
        return "receipt", 0, 0

    def hold(self, c: Any, *, lease: bool, until: float, purchase: Any) -> None:
        self.holds[c.key] = {
            "state": "pending", "outlet": c.outlet, "item": c.item, "left": c.qty, "lease": lease, "until": until,
            "purchase": purchase, "granted": self.at,
        }  # fmt: skip

    def settle(self, ref: bytes, *, leases: bool) -> Any:
        hold = self.holds.get(ref)
        if hold is None or (hold["lease"] and not leases):
            return "unknown_ref"
        words = {"posted": "already_posted", "voided": "already_voided", "expired": "expired"}
        return words.get(hold["state"], hold)

    def do_post(self, c: Post) -> Any:
        hold = self.settle(c.ref, leases=False)
        if isinstance(hold, str):
            return hold
        row = self.stock[hold["outlet"], hold["item"]]
        row["reserved"] -= hold["left"]
        row["sold"] += hold["left"]
        hold["left"], hold["state"] = 0, "posted"
        return "receipt", 0, 0

    def do_void(self, c: Void) -> Any:
        hold = self.settle(c.ref, leases=True)
        if isinstance(hold, str):
            return hold
        self.release(hold, "voided", keeps_quota=c.keeps_quota)
        return "receipt", 0, 0

    def do_lease(self, c: Lease) -> Any:
        if c.until <= self.at:
            return "expired"
        if self.has(c) < c.qty:
            return "no_stock"
        self.row(c)["leased"] += c.qty
        self.hold(c, lease=True, until=c.until, purchase=None)
        return "receipt", 0, 0

    def do_merge(self, c: Merge) -> Any:
        hold = self.holds.get(c.lease)
        if hold is None or not hold["lease"]:
            return "unknown_ref"
        day = day_in_taipei(min(max(c.sold_at, hold["granted"]), self.at))
        sold = {"person": c.buyer.person, "day": day, "item": c.item, "qty": c.qty, "key": c.key}
        over = self.over(c.buyer, [sold]) - self.over(c.buyer, [])
        row, leased = self.row(c), min(c.qty, hold["left"])
        stocked = min(c.qty - leased, self.available(row))
        hold["left"] -= leased
        row["leased"] -= leased
        row["short"] += c.qty - leased - stocked
        row["sold"] += c.qty
        self.bought.append(sold)
        self.merged.add(c.buyer.person)
        return "receipt", max(over, 0), c.qty - leased - stocked

    def over(self, buyer: Buyer, more: list[dict[str, Any]]) -> int:
        mine = [one for one in self.bought if one["person"] == buyer.person] + more
        sold = [(one["day"], one["item"]) for one in mine for _ in range(one["qty"])]
        for unit in self.counted(buyer, more):
            if unit in sold:
                sold.remove(unit)
        return len(sold)

    def do_return(self, c: Return) -> Any:
        row = self.stock.get((c.outlet, c.item))
        if row is None or c.qty > row["sold"] - row["returned"]:
            return "not_sold"
        if c.of or c.person:
            if c.of not in self.keys:
                return "not_sold"
            day = day_in_taipei(self.keys[c.of][2])
            mine = [one for one in self.bought if (one["person"], one["day"], one["item"]) == (c.person, day, c.item)]
            if sum(one["qty"] for one in mine) < c.qty:
                return "not_sold"
            left = c.qty
            # Those that nobody holds first: a reservation that is voided later gives back its own.
            held = [hold["purchase"] for hold in self.holds.values()]
            for one in sorted(mine, key=lambda one: any(one is other for other in held)):
                taken = min(left, one["qty"])
                one["qty"] -= taken
                left -= taken
        row["returned"] += c.qty
        return "receipt", 0, 0

    def do_setrule(self, c: SetRule) -> Any:
        if c.edition.since < day_in_taipei(self.at):
            return "in_the_past"
        self.editions = sorted(
            [*(one for one in self.editions if one.since != c.edition.since), c.edition], key=lambda one: one.since
        )
        return "receipt", 0, 0


def identity(c: Any) -> Any:
    """What a key stands for: facts about the buyer that are not kept do not make another command."""
    if isinstance(c, Buy | Reserve):
        carrier = b"" if c.collected_by == c.buyer.person else c.collected_by
        until = c.expires_at if isinstance(c, Reserve) else 0
        return type(c), c.buyer.person, c.outlet, c.item, c.qty, carrier, until
    if isinstance(c, Merge):
        return Merge, c.buyer.person, c.outlet, c.item, c.qty, c.lease, c.sold_at
    return c
