"""The life of an order and its money, in any order of events, beside an oracle that was written another way.

The oracle knows no table: it keeps what happened and says from the story alone what an order is and where each dollar
lies. The machine under test runs on the real tables of SQLite, by the very steps that operations and worker take.
"""

from __future__ import annotations

import asyncio
import tempfile
from itertools import count, product
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from banyan.kernel.events.clock import EpochS
from banyan.kernel.storage import close_drawer, open_drawer
from banyan.kernel.storage.store import Tx
from banyan.service.rationing.preorder import money, records, states
from banyan.service.rationing.preorder.money import Purse
from banyan.service.rationing.preorder.moving import moved, take_word
from banyan.service.rationing.preorder.payment import Word
from banyan.service.rationing.preorder.records import SQL, Order
from banyan.service.rationing.preorder.states import HAPPENINGS, LIVE, PLEDGED, STATES, TABLE, Happening, State

PRICE = 52
PAY_BY = 1_000.0


# The table by itself


def test_nothing_leaves_an_end_but_a_withdrawn_registration() -> None:
    ends = {state for state in STATES if not any(before == state for before, _ in TABLE)}
    assert ends == {"lost", "refused", "collected", "lapsed", "forfeited", "cancelled"}
    assert {happening for state, happening in TABLE if state == "withdrawn"} == {"register"}


def test_every_state_can_be_reached_and_every_live_one_can_be_called_off() -> None:
    reached: set[State] = {"registered"}
    for _ in STATES:
        reached |= {step.to for (state, _), step in TABLE.items() if state in reached}
    assert reached == set(STATES)
    for state in LIVE:
        called_off = TABLE[state, "cancel"]
        assert called_off.to == "cancelled"
        assert called_off.ends


@pytest.mark.parametrize(("state", "happening"), sorted(product(STATES, HAPPENINGS)))
def test_a_pledge_is_ended_once_when_it_is_left(state: State, happening: Happening) -> None:
    step = states.step(state, happening)
    if step is None:
        assert (state, happening) not in TABLE
    elif state in PLEDGED and step.to not in PLEDGED:
        assert step.owes in ("void", "post", "forfeit")
    elif step.to in PLEDGED:
        assert step.owes == ""


@pytest.mark.parametrize("state", STATES)
def test_any_payment_is_kept_held_or_sent_back(state: State) -> None:
    purses = (Purse(), Purse(0, 20)) if state == "won" else (Purse(PRICE, 0), Purse())
    for purse, amount, is_late in product(purses, (1, 20, 32, PRICE, 60, 500), (False, True)):
        after = money.received(purse, state, amount, price=PRICE, is_late=is_late)
        back = after.refund.amount if after.refund is not None else 0
        assert purse.kept + purse.held + amount == after.purse.kept + after.purse.held + back
        assert after.purse.kept in (0, PRICE)
        assert 0 <= after.purse.held < PRICE
        assert not (after.purse.held and state != "won")
        assert not (is_late and after.is_paid)


# In any order, on the tables


class Story:
    """What happened to one order, and what follows from it."""

    def __init__(self) -> None:
        self.state = "registered"
        self.came: list[int] = []
        self.towards: list[int] = []
        self.is_paid = False

    def paid(self, amount: int, *, is_late: bool) -> None:
        self.came.append(amount)
        if self.state == "won" and not is_late:
            self.towards.append(amount)
            if sum(self.towards) >= PRICE:
                self.state, self.is_paid = "paid", True

    def ends_unpaid(self) -> None:
        self.towards, self.is_paid = [], False

    @property
    def here(self) -> tuple[int, int]:
        """(kept, held)"""
        return (PRICE, 0) if self.is_paid else (0, sum(self.towards))


class Orders(RuleBasedStateMachine):
    """One order, its charge, and all that may happen to them."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.drawer = open_drawer(
            Path(self.folder.name), service="rationing", package="banyan.service.rationing", clock=lambda: 0.0
        )
        self.loop = asyncio.new_event_loop()
        self.story = Story()
        self.ids = count(1)
        self.now = 10.0
        self.told: set[str] = set()

    def teardown(self) -> None:
        self.loop.run_until_complete(close_drawer(self.drawer))
        self.loop.close()
        self.folder.cleanup()

    def do(self, job: Any) -> Any:
        return self.loop.run_until_complete(self.drawer.sql.write(job))

    def new_id(self) -> str:
        return f"{next(self.ids):032x}"

    @property
    def order(self) -> Order:
        found = self.do(lambda tx: records.order_by_id(tx, "o"))
        assert found is not None
        return found

    @initialize()
    def begin(self) -> None:
        def job(tx: Tx) -> None:
            tx.run(SQL["add"], id="o", round="r", person=b"p", grp=b"p", none=b"", state="registered", place=0,
                   code="c", word="0000", born="1980-05-01", kind="citizen", parity=-1, channel="web",
                   at=self.now)  # fmt: skip
            tx.run(
                SQL["put_charge"], reference="0" * 32, preorder="o", method="atm", amount=PRICE, until=PAY_BY, at=1.0
            )

        self.do(job)

    def step(self, happening: Happening, *, may: tuple[str, ...], to: str, ends: bool = False) -> None:
        order = self.order
        pay_by = EpochS(PAY_BY) if happening == "win" else None
        after = self.do(lambda tx: moved(tx, order, happening, EpochS(self.now), new_id=self.new_id, pay_by=pay_by))
        assert (after is not None) == (self.story.state in may)
        if self.story.state in may:
            self.story.state = to
            if ends:
                self.story.ends_unpaid()

    @rule()
    def win(self) -> None:
        self.step("win", may=("registered", "waiting"), to="won")

    @rule()
    def wait(self) -> None:
        self.step("wait", may=("registered",), to="waiting")

    @rule()
    def withdraw(self) -> None:
        self.step("withdraw", may=("registered", "waiting", "won"), to="withdrawn", ends=True)

    @rule()
    def lapse(self) -> None:
        self.step("lapse", may=("won",), to="lapsed", ends=True)

    @rule()
    def miss(self) -> None:
        self.step("miss", may=("registered", "waiting"), to="lost", ends=True)

    @rule()
    def collect(self) -> None:
        self.step("collect", may=("paid",), to="collected")

    @rule()
    def forfeit(self) -> None:
        self.step("forfeit", may=("paid",), to="forfeited")

    @rule()
    def cancel(self) -> None:
        self.step("cancel", may=("registered", "waiting", "won", "paid"), to="cancelled", ends=True)

    @rule(amount=st.sampled_from([1, 20, 32, PRICE, 60, 104]), is_late=st.booleans(), times=st.integers(1, 3))
    def pay(self, amount: int, times: int, *, is_late: bool) -> None:
        word = Word(f"e{next(self.ids)}", "payment.received", "0" * 32, amount, EpochS(PAY_BY + is_late))
        if self.order.pay_by == 0:
            is_late = True  # nothing was ever to be paid
        heard = [self.take(word) for _ in range(times)]
        assert heard == [True] + [False] * (times - 1)
        self.story.paid(amount, is_late=is_late)
        self.told.add(word.id)

    @precondition(lambda self: self.told)
    @rule(data=st.data())
    def replay(self, data: st.DataObject) -> None:
        id = data.draw(st.sampled_from(sorted(self.told)))
        assert not self.take(Word(id, "payment.received", "0" * 32, 9_999, EpochS(1.0)))

    @rule(state=st.sampled_from(["done", "failed"]), tried=st.integers(0, 2), data=st.data())
    def refund_told(self, state: str, tried: int, data: st.DataObject) -> None:
        known = self.do(lambda tx: records.refunds_of(tx, "o"))
        if known:
            one = data.draw(st.sampled_from(known))
            at = data.draw(st.sampled_from([one.moved_at - 1, one.moved_at + 1]))
            kind: Any = f"refund.{state}"
            self.take(Word(f"r{next(self.ids)}", kind, "0" * 32, one.amount, EpochS(at), f"{one.id}.{tried}"))

    def take(self, word: Word) -> bool:
        return bool(self.do(lambda tx: take_word(tx, word, PRICE, EpochS(self.now), new_id=self.new_id)))

    @invariant()
    def is_what_the_story_says(self) -> None:
        order = self.do(lambda tx: records.order_by_id(tx, "o"))
        if order is None:
            return
        back = sum(one.amount for one in self.do(lambda tx: records.refunds_of(tx, "o")))
        assert order.state == self.story.state
        assert (order.kept, order.held) == self.story.here
        assert back == sum(self.story.came) - sum(self.story.here)

    @invariant()
    def a_payment_goes_back_at_most_once(self) -> None:
        refunds = self.do(lambda tx: records.refunds_of(tx, "o"))
        by_payment: dict[str, int] = {}
        for one in refunds:
            by_payment[one.payment] = by_payment.get(one.payment, 0) + one.amount
        paid = self.do(lambda tx: {str(row[0]): int(str(row[1])) for row in tx.rows(SQL["came"], preorder="o")})
        assert all(amount <= paid[payment] for payment, amount in by_payment.items())


TestOrders = Orders.TestCase
TestOrders.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
