"""Privacy budgets: how much statistics with noise may tell a recipient about a data set, all answers together.

Epsilons of answers about the same persons add up (sequential composition; Dwork and Roth 2014, theorem 3.16), whatever
the questions were; groups that no two share a person cost once (parallel composition), so one noisy table is one
spending. Recipients can put their answers together, so a data set may have a budget for all of them too (`*`). Counted
in millionths of epsilon, whole ones. Spend first, then draw the noise: an answer that was lost is paid for.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

import msgspec

from banyan.errors import Conflict, Invalid
from banyan.kernel.catalogue.messages import load_messages
from banyan.kernel.events.clock import EpochS
from banyan.kernel.storage.statements import load_statements
from banyan.kernel.storage.store import SqlValue, Tx
from banyan.limits_mydata import PRIVACY_SPENDINGS

SQL: Final = load_statements("banyan.kernel.policy", "budgets.sql")
MESSAGES: Final = load_messages("banyan.kernel.policy", "budgets.toml")
EVERYBODY: Final = "*"
_MICRO: Final = 1_000_000


class Budget(msgspec.Struct, frozen=True):
    """`most` may be spent, `spent` is; millionths of epsilon. `recipient` is a member id, or `*`: all together."""

    dataset: str
    recipient: str
    most: int
    spent: int

    @property
    def left(self) -> int:
        return max(self.most - self.spent, 0)


class Spending(msgspec.Struct, frozen=True):
    """One answer's cost. `id` is the caller's idempotency key; `asked` says what for, with nothing of a person."""

    id: str
    dataset: str
    recipient: str
    cost: int
    at: EpochS
    asked: str


class Overspent(msgspec.Struct, frozen=True):
    """The refusal: it costs more than is left to this recipient, or to all together. Nothing was spent."""

    cost: int
    left: int


def allot(tx: Tx, dataset: str, recipient: str, most: int) -> None:
    """Let a recipient (`*`: all together) spend up to `most`; below what is spent already it ends their answers."""
    if most < 0:
        raise Invalid.at("most", "0 or more millionths of epsilon")
    tx.run(SQL["allot"], dataset=dataset, recipient=recipient, most=most)


def budgets_of(tx: Tx, dataset: str, recipient: str) -> list[Budget]:
    """What binds a recipient: that of all together, if there is one, and their own."""
    rows = tx.rows(SQL["budgets"], dataset=dataset, recipient=recipient)
    return [Budget(dataset, str(who), int(str(most)), int(str(spent))) for who, most, spent in rows]


def spend(tx: Tx, spending: Spending) -> Overspent | None:
    """Spend, in this transaction; None when it is spent, also by an earlier try of the same. No budget is a budget of
    nothing. Raises Conflict when the id was another spending's."""
    if spending.cost < 1:
        raise Invalid.at("cost", "at least 1 millionth of epsilon")
    if spending.recipient == EVERYBODY:
        raise Invalid.at("recipient", "one recipient")
    tx.run(SQL["hold"], dataset=spending.dataset)
    kept = _kept(tx, spending.id)
    if kept is not None:
        if msgspec.structs.replace(kept, at=spending.at) != spending:
            raise Conflict(
                "This key is of another question.", remedy="Send a new idempotency key.", kind="other-spending"
            )
        return None
    refusal = beyond(budgets_of(tx, spending.dataset, spending.recipient), spending)
    if refusal is None:
        bound: dict[str, SqlValue] = {
            "dataset": spending.dataset,
            "recipient": spending.recipient,
            "cost": spending.cost,
        }
        tx.run(SQL["spend"], **bound)
        tx.run(SQL["keep_spending"], **bound, id=spending.id, at=spending.at, asked=spending.asked)
    return refusal


def beyond(budgets: Sequence[Budget], spending: Spending) -> Overspent | None:
    """The refusal when it does not fit into each of the budgets that bind the recipient. Pure."""
    own = any(one.recipient == spending.recipient for one in budgets)
    left = min((one.left for one in budgets), default=0) if own else 0
    return Overspent(spending.cost, left) if spending.cost > left else None


def spendings_of(tx: Tx, dataset: str, recipient: str) -> list[Spending]:
    """What a recipient's budget went for, the newest first."""
    rows = tx.rows(SQL["spendings"], dataset=dataset, recipient=recipient, limit=PRIVACY_SPENDINGS)
    return [
        Spending(str(id), dataset, recipient, int(str(cost)), EpochS(float(str(at))), str(asked))
        for id, cost, at, asked in rows
    ]


def said(budget: Budget, title: str, lang: str) -> str:
    """A budget in plain words; `title` is the data set's."""
    who = MESSAGES.text("everybody", lang) if budget.recipient == EVERYBODY else budget.recipient
    numbers = {"most": epsilon(budget.most), "spent": epsilon(budget.spent), "left": epsilon(budget.left)}
    return MESSAGES.text("standing", lang, dataset=title, recipient=who, **numbers)


def refused(overspent: Overspent) -> Conflict:
    """The refusal as the caller is told it."""
    numbers = {"cost": epsilon(overspent.cost), "left": epsilon(overspent.left)}
    remedy = MESSAGES.text("overspent_remedy", "zh-Hant")
    return Conflict(MESSAGES.text("overspent", "zh-Hant", **numbers), remedy=remedy, kind="privacy-budget")


def epsilon(micro: int) -> str:
    """Millionths as people write them: 0.5, 2."""
    return f"{(Decimal(micro) / _MICRO).normalize():f}"


def _kept(tx: Tx, id: str) -> Spending | None:
    row = tx.row(SQL["spending"], id=id)
    if row is None:
        return None
    dataset, recipient, cost, at, asked = row
    return Spending(id, str(dataset), str(recipient), int(str(cost)), EpochS(float(str(at))), str(asked))
