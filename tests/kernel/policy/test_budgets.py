"""Privacy budgets on both engines: nothing is spent twice, nothing beyond, whoever asks at once."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from banyan.errors import Conflict, Invalid
from banyan.kernel.events.clock import EpochS
from banyan.kernel.policy.budgets import (
    EVERYBODY,
    Budget,
    Overspent,
    Spending,
    allot,
    beyond,
    budgets_of,
    epsilon,
    refused,
    said,
    spend,
    spendings_of,
)
from banyan.kernel.storage.migrations import load_steps, migrate
from banyan.kernel.storage.store import SchemaStore, Tx

NOW = EpochS(1_800_000_000.0)
FLU, CDC, NHI = "nhi.flu", "TW/GOV/CDC", "TW/GOV/NHI"


def a_spending(id: str, cost: int = 100, recipient: str = CDC, at: float = NOW) -> Spending:
    return Spending(id, FLU, recipient, cost, EpochS(at), "flu by town")


@pytest.fixture
def opened(open_store: Callable[[], SchemaStore]) -> SchemaStore:
    store = open_store()
    migrate(store, "banyan.kernel.policy", load_steps("banyan.kernel.policy"), at=0.0)
    return store


def spent(store: SchemaStore, recipient: str = CDC) -> dict[str, int]:
    return {one.recipient: one.spent for one in asyncio.run(store.read(lambda tx: budgets_of(tx, FLU, recipient)))}


def ask(store: SchemaStore, *spendings: Spending) -> list[Overspent | None]:
    """All at once."""

    async def together() -> list[Overspent | None]:
        return list(await asyncio.gather(*(store.write(lambda tx, one=one: spend(tx, one)) for one in spendings)))

    return asyncio.run(together())


def grant(store: SchemaStore, **most: int) -> None:
    names = {"cdc": CDC, "nhi": NHI, "everybody": EVERYBODY}

    def job(tx: Tx) -> None:
        for name, value in most.items():
            allot(tx, FLU, names[name], value)

    asyncio.run(store.write(job))


def test_without_a_budget_nothing_is_answered(opened: SchemaStore) -> None:
    assert ask(opened, a_spending("a", 1)) == [Overspent(1, 0)]
    grant(opened, everybody=1_000)
    assert ask(opened, a_spending("a", 1)) == [Overspent(1, 0)], "that of all together is nobody's own"
    assert spent(opened) == {EVERYBODY: 0}


def test_answers_add_up_and_the_last_one_must_fit(opened: SchemaStore) -> None:
    grant(opened, cdc=250)
    assert ask(opened, a_spending("a"), a_spending("b", 149)) == [None, None]
    assert ask(opened, a_spending("c", 2)) == [Overspent(2, 1)]
    assert ask(opened, a_spending("d", 1, at=NOW + 1)) == [None]
    assert spent(opened) == {CDC: 250}
    kept = asyncio.run(opened.read(lambda tx: spendings_of(tx, FLU, CDC)))
    assert [(one.id, one.cost) for one in kept] == [("d", 1), ("a", 100), ("b", 149)]


def test_a_retry_pays_once_and_another_question_under_its_key_is_refused(opened: SchemaStore) -> None:
    grant(opened, cdc=150)
    assert ask(opened, a_spending("a"), a_spending("a"), a_spending("a", at=NOW + 9)) == [None, None, None]
    assert spent(opened) == {CDC: 100}
    with pytest.raises(Conflict, match="another"):
        ask(opened, a_spending("a", 1))
    assert spent(opened) == {CDC: 100}


def test_many_at_once_cannot_share_the_last_of_it(opened: SchemaStore) -> None:
    grant(opened, cdc=700)
    answers = ask(opened, *(a_spending(f"s{number}") for number in range(40)))
    assert answers.count(None) == 7
    assert spent(opened) == {CDC: 700}


def test_two_nodes_at_once_cannot_share_the_last_of_it(
    opened: SchemaStore, open_store: Callable[[], SchemaStore]
) -> None:
    """Each node has a writer of its own; the second opens the same records."""
    grant(opened, cdc=500, nhi=10_000, everybody=700)
    other = open_store()

    async def race() -> list[Overspent | None]:
        asked = [(store, a_spending(f"{who}{number}", recipient=who)) for number in range(15)
                 for store, who in ((opened, CDC), (other, NHI))]  # fmt: skip
        return list(await asyncio.gather(*(store.write(lambda tx, one=one: spend(tx, one)) for store, one in asked)))

    answers = asyncio.run(race())
    assert answers.count(None) == 7
    own, others = spent(opened, CDC), spent(opened, NHI)
    assert own[EVERYBODY] == own[CDC] + others[NHI] == 700
    assert own[CDC] <= 500


def test_spent_is_always_what_was_let_through(opened: SchemaStore) -> None:
    dice = random.Random(7)
    grant(opened, cdc=2_000, nhi=1_500, everybody=2_500)
    let = {CDC: 0, NHI: 0}
    for number in range(60):
        who, cost = dice.choice((CDC, NHI)), dice.randrange(1, 200)
        most = {CDC: 2_000, NHI: 1_500}[who]
        fits = let[who] + cost <= most and sum(let.values()) + cost <= 2_500
        assert (ask(opened, a_spending(str(number), cost, who)) == [None]) is fits
        let[who] += cost if fits else 0
        assert spent(opened, who) == {EVERYBODY: sum(let.values()), who: let[who]}


def test_a_budget_lowered_below_what_is_spent_ends_the_answers(opened: SchemaStore) -> None:
    grant(opened, cdc=300)
    assert ask(opened, a_spending("a", 200)) == [None]
    grant(opened, cdc=50)
    assert ask(opened, a_spending("b", 1)) == [Overspent(1, 0)]
    grant(opened, cdc=201)
    assert ask(opened, a_spending("b", 1)) == [None]


@pytest.mark.parametrize(("cost", "recipient"), [(0, CDC), (-5, CDC), (1, EVERYBODY)])
def test_what_would_give_budget_back_is_refused(opened: SchemaStore, cost: int, recipient: str) -> None:
    grant(opened, cdc=300, everybody=300)
    with pytest.raises(Invalid):
        ask(opened, a_spending("a", cost, recipient))
    with pytest.raises(Invalid):
        grant(opened, cdc=-1)


@given(st.integers(0, 99), st.integers(0, 99), st.integers(0, 99), st.integers(0, 99), st.integers(1, 99))
def test_a_cost_must_fit_into_each_budget(own: int, used: int, all_of_us: int, all_used: int, cost: int) -> None:
    budgets = [Budget(FLU, EVERYBODY, all_of_us, all_used), Budget(FLU, CDC, own, used)]
    refusal = beyond(budgets, a_spending("a", cost))
    assert (refusal is None) == (used + cost <= own and all_used + cost <= all_of_us)
    assert beyond(budgets[:1], a_spending("a", cost)) == Overspent(cost, 0)


def test_it_is_told_in_plain_words() -> None:
    budget = Budget(FLU, CDC, 2_000_000, 500_000)
    assert said(budget, "流感", "zh-Hant").startswith("「流感」給 TW/GOV/CDC 的隱私預算是 2，已經用了 0.5，還剩 1.5。")
    assert said(Budget(FLU, EVERYBODY, 1, 0), "Flu", "en").startswith(
        "The privacy budget of “Flu” for all agencies together is 0.000001; 0 is"
    )
    told = refused(Overspent(750_000, 500_000))
    assert (told.status, told.kind) == (409, "privacy-budget")
    assert "0.75" in told.title
    assert [epsilon(micro) for micro in (0, 1, 10_000_000, 1_234_567)] == ["0", "0.000001", "10", "1.234567"]
