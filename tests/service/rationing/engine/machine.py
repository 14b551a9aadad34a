"""Any commands in any order, on an engine beside the oracle: the same answers, and what always holds does hold."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from tests.service.rationing.engine.oracle import Oracle, day_in_taipei
from tests.service.rationing.engine.world import ADULT, CHILD, a_key, taipei

from banyan.kernel.events.clock import EpochS
from banyan.service.rationing.engine.booking import taiwan_2020
from banyan.service.rationing.engine.model import (
    Buy,
    Buyer,
    Correct,
    Deliver,
    Event,
    Lease,
    Merge,
    Post,
    Receipt,
    Refusal,
    Reserve,
    Return,
    SetRule,
    Void,
)
from banyan.service.rationing.engine.rulebook import Edition, Rule

START = taipei(2020, 4, 6)
"""Three days before the great change of 9 April: every run lives through it."""
PEOPLE = [
    Buyer(b"adult-odd-number", date(1980, 2, 29), 1),
    Buyer(b"adult-even-numbr", date(1950, 12, 31), 0),
    Buyer(b"a-child-of-ten..", date(2010, 4, 10), 1),
    Buyer(b"sixteen-soon-17.", date(2003, 4, 11), 0),
    Buyer(b"visitor-no-digit", date(1990, 1, 1), None, "entry_permit"),
]
OUTLETS, ITEMS = ["5901010001", "592202A296"], [ADULT, CHILD, "mask-mail"]
person, outlet = st.sampled_from(PEOPLE), st.sampled_from(OUTLETS)
item = st.sampled_from([ADULT] * 4 + [CHILD] * 2 + ["mask-mail"])
units = st.integers(1, 4) | st.integers(1, 10)
channel = st.sampled_from(["pharmacy"] * 7 + ["online", "mail", "fax"])
carrier = st.sampled_from([b"", b"", PEOPLE[0].person, PEOPLE[1].person])
index = st.integers(0, 1_000_000)


class Machine(RuleBasedStateMachine):
    """`open_shop` gives what has `engine`, `clock`, `run`, `restart` and `close`."""

    def open_shop(self) -> Any:
        raise NotImplementedError

    def __init__(self) -> None:
        super().__init__()
        self.shop = self.open_shop()
        self.oracle = Oracle(taiwan_2020(), START)
        self.counter = 0
        self.given: list[Any] = []
        self.receipts: dict[bytes, Receipt] = {}
        self.events: list[Event] = []
        self.shop.engine.listen(self.events.extend)
        for outlet, item in ((OUTLETS[0], ADULT), (OUTLETS[0], CHILD), (OUTLETS[1], ADULT)):
            self.do(Deliver(key=self.next_key(), outlet=outlet, item=item, qty=40))
        self.do(Lease(key=self.next_key(), outlet=OUTLETS[0], item=ADULT, qty=12, until=EpochS(START + 86_400)))

    def teardown(self) -> None:
        self.shop.close()

    def next_key(self) -> bytes:
        self.counter += 1
        return a_key(self.counter)

    def do(self, command: Any) -> Any:
        self.oracle.pass_time(self.shop.clock.at)
        answer = self.shop.run(self.shop.engine.do(command))
        wanted = self.oracle.do(command)
        if isinstance(answer, Refusal):
            assert answer.code == wanted, command
        else:
            assert ("receipt", answer.over, answer.short) == wanted, command
            assert answer.key == command.key
            is_new = command.key not in self.receipts
            assert self.receipts.setdefault(command.key, answer) == answer, "a key has one receipt, for ever"
            self.given.append(command)
            if is_new and isinstance(command, Buy | Reserve) and command.buyer.person not in self.oracle.merged:
                self.has_no_more_than_a_ration(command.buyer, command.item)
        return answer

    def has_no_more_than_a_ration(self, buyer: Buyer, item: str) -> None:
        """The window that ends with this purchase, on every channel together; so any window of as many days, until a
        rule gives less or looks back further: an older receipt, shown again, may stand beside more than that."""
        today = day_in_taipei(self.oracle.at)
        rule = self.oracle.rule(item, buyer.born, today)
        assert isinstance(rule, Rule)
        mine = [one for one in self.oracle.bought if one["person"] == buyer.person]
        days = [one for one in mine if 0 <= (today - one["day"]).days < rule.window_days]
        assert sum(one["qty"] for one in days if one["item"] in (rule.counts or (item,))) <= rule.quantity

    @rule(outlet=outlet, item=st.sampled_from(ITEMS[:2]), qty=st.integers(1, 60))
    def deliver(self, **fields: Any) -> None:
        self.do(Deliver(key=self.next_key(), **fields))

    @rule(outlet=outlet, item=st.sampled_from(ITEMS[:2]), delta=st.integers(-20, 5).filter(bool))
    def correct(self, **fields: Any) -> None:
        self.do(Correct(key=self.next_key(), **fields))

    @rule(buyer=person, item=item, qty=units, outlet=outlet, channel=channel, collected_by=carrier)
    def buy(self, **fields: Any) -> None:
        answer = self.do(Buy(key=self.next_key(), **fields))
        if isinstance(answer, Refusal) and answer.code == "quota_reached":
            assert answer.left == self.oracle.left(fields["buyer"], fields["item"])

    @rule(buyer=person, item=st.sampled_from(ITEMS[:2]), qty=units, outlet=outlet, hours=st.integers(-1, 60),
          ignores_day=st.booleans(), collected_by=carrier)  # fmt: skip
    def reserve(self, hours: int, **fields: Any) -> None:
        until = EpochS(self.shop.clock.at + 3_600 * hours)
        self.do(Reserve(key=self.next_key(), expires_at=until, channel="online", **fields))

    @precondition(lambda self: len(self.oracle.holds) > 1)
    @rule(which=index)
    def post(self, which: int) -> None:
        self.do(Post(key=self.next_key(), ref=self.a_ref(which)))

    @precondition(lambda self: len(self.oracle.holds) > 1)
    @rule(which=index, keeps_quota=st.booleans())
    def void(self, which: int, keeps_quota: bool) -> None:
        self.do(Void(key=self.next_key(), ref=self.a_ref(which), keeps_quota=keeps_quota))

    def a_ref(self, which: int) -> bytes:
        refs = [*self.oracle.holds, a_key(10**9)]
        return refs[which % len(refs)]

    @rule(outlet=outlet, item=st.sampled_from(ITEMS[:2]), qty=st.integers(1, 20), hours=st.integers(-1, 100))
    def lease(self, hours: int, **fields: Any) -> None:
        self.do(Lease(key=self.next_key(), until=EpochS(self.shop.clock.at + 3_600 * hours), **fields))

    @rule(which=index, buyer=person, qty=units, hours=st.integers(-200, 10))
    def merge(self, which: int, buyer: Buyer, qty: int, hours: int) -> None:
        leases = [(key, hold) for key, hold in self.oracle.holds.items() if hold["lease"]]
        key, hold = leases[which % len(leases)]
        sold_at = EpochS(self.shop.clock.at + 3_600 * hours)
        self.do(Merge(key=self.next_key(), lease=key, buyer=buyer, item=hold["item"], qty=qty, outlet=hold["outlet"],
                      sold_at=sold_at))  # fmt: skip

    @precondition(lambda self: self.given)
    @rule(which=index, qty=units, with_quota=st.booleans())
    def give_back(self, which: int, qty: int, with_quota: bool) -> None:
        sales = [one for one in self.given if isinstance(one, Buy | Reserve)]
        if sales:
            sale = sales[which % len(sales)]
            quota = {"person": sale.buyer.person, "of": sale.key} if with_quota else {}
            self.do(Return(key=self.next_key(), outlet=sale.outlet, item=sale.item, qty=qty, **quota))

    @precondition(lambda self: self.counter % 7 == 6)
    @rule(days=st.integers(-1, 20), quantity=st.integers(0, 12), window=st.sampled_from([1, 7, 14, 30]))
    def set_rule(self, days: int, quantity: int, window: int) -> None:
        since = day_in_taipei(self.shop.clock.at) + timedelta(days)
        rules = tuple(
            Rule(item=one, quantity=quantity + more, window_days=window, counts=(ADULT, CHILD), least_age=least)
            for one, more, least in ((ADULT, 0, 0), (CHILD, 1, 3))
        )
        self.do(SetRule(key=self.next_key(), edition=Edition(since=since, rule=rules)))

    @rule(hours=st.sampled_from([1, 5, 24, 24 * 3, 24 * 7, 24 * 15]))
    def pass_time(self, hours: int) -> None:
        self.shop.clock.at += 3_600 * hours
        self.oracle.pass_time(self.shop.clock.at)
        self.shop.run(self.shop.engine.tick())

    @rule()
    def the_clock_jumps_back(self) -> None:
        self.shop.clock.at -= 1_000_000
        self.do(Deliver(key=self.next_key(), outlet=OUTLETS[0], item=ADULT, qty=1))
        self.shop.clock.at += 1_000_000

    @precondition(lambda self: self.given)
    @rule(which=index)
    def repeat(self, which: int) -> None:
        self.do(self.given[which % len(self.given)])

    @precondition(lambda self: self.given)
    @rule(which=index, qty=st.integers(61, 70))
    def use_a_key_again(self, which: int, qty: int) -> None:
        key = self.given[which % len(self.given)].key
        answer = self.do(Deliver(key=key, outlet=OUTLETS[0], item=ADULT, qty=qty))
        assert answer.code == "key_reused"

    @rule()
    def restart(self) -> None:
        before = self.shop.run(self.shop.engine.state_hash())
        self.shop.restart()
        self.shop.engine.listen(self.events.extend)
        assert self.shop.run(self.shop.engine.state_hash()) == before

    @rule(buyer=person, item=item)
    def ask(self, buyer: Buyer, item: str) -> None:
        """What she is told she may buy is what the oracle has left for her, today and on each later day."""
        now = self.shop.clock.at
        told = self.shop.run(self.shop.engine.entitlement(buyer, item))
        self.oracle.pass_time(now)
        probe = Oracle(taiwan_2020(), now)
        probe.__dict__.update(self.oracle.__dict__)
        best = told.may_buy
        assert best == self.allowed(probe, buyer, item)
        steps = {one.from_when: one.up_to for one in told.steps}
        start = taipei(*day_in_taipei(now).timetuple()[:3], hour=0)
        for days in range(1, 30):
            probe.at = start + days * 86_400
            allowed = self.allowed(probe, buyer, item)
            if len(steps) == 8 and probe.at > max(steps):
                break
            if allowed > best:
                assert steps.get(probe.at) == allowed
                best = allowed
            else:
                assert probe.at not in steps

    @staticmethod
    def allowed(oracle: Oracle, buyer: Buyer, item: str) -> int:
        left = oracle.left(buyer, item)
        rule = oracle.rule(item, buyer.born, day_in_taipei(oracle.at))
        if isinstance(rule, str) or not left:
            return 0
        tries = (Buy(key=b"", buyer=buyer, item=item, qty=left, outlet="x", channel=one) for one in rule.channels)
        return left if any(isinstance(oracle.refusal(one, ignores_day=False), Rule) for one in tries) else 0

    @invariant()
    def stock_is_exact(self) -> None:
        stocks = self.shop.run(self.shop.engine.stocks())
        for place, row in self.oracle.stock.items():
            if place not in stocks:
                assert not any(row.values())
                continue
            stock = stocks[place]
            assert {name: getattr(stock, name) for name in row} == row
            assert stock.available == self.oracle.available(row)
            assert stock.available >= 0
            assert all(count >= 0 for name, count in row.items() if name != "corrected")

    @invariant()
    def the_public_totals_are_the_logs(self) -> None:
        totals: dict[tuple[str, str], int] = {}
        held = set(self.oracle.holds)
        for one in self.events:
            if one.what in ("buy", "merge") or (one.what == "post" and one.ref in held):
                totals[one.outlet, one.item] = totals.get((one.outlet, one.item), 0) + one.qty
        for place, row in self.oracle.stock.items():
            assert totals.get(place, 0) == row["sold"]
