"""Sharing out what is scarce: how much each outlet would sell, how much each gets and why, and how fair that is."""

from banyan.craft.allot.fairness import Lorenz, by_town, gini, lorenz
from banyan.craft.allot.filling import fill
from banyan.craft.allot.marginal import by_gain
from banyan.craft.allot.model import Amounts, Asked, Counts, Shared
from banyan.craft.allot.reasons import Reason, reasons_of

__all__ = [
    "Amounts",
    "Asked",
    "Counts",
    "Lorenz",
    "Reason",
    "Shared",
    "by_gain",
    "by_town",
    "fill",
    "gini",
    "lorenz",
    "reasons_of",
]
