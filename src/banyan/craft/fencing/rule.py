"""The fence's rules with all their parameters, and each as plain Python: what the compiled kernel must equal.

Fingerprint CUSUM (field notes s2): for each phone the share of fixes that each cell served during training is its home.
Each later fix is weighed: how likely is this cell away from home, how likely at home; the logarithm of the ratio, less
a drift, adds to a score that never falls below 0. A threshold is a published trade of false alarms for detection.
Source: Page 1954, "Continuous inspection schemes"; Dirichlet prior with Jeffreys' 0.5.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, Literal

import msgspec

TRAINING_S: Final = 86_400
HOME_CELLS: Final = 24
"""Cells of a fingerprint: a still phone meets 5 a day, the busiest of a thousand simulated ones 19."""
GRAIN: Final = 1024
"""Scores are whole parts of this: sums are exact, and every processor and every restart gives the same."""


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of the fingerprint rule; all are published beside the curve that they give."""

    prior: float = 0.5
    other_sector: float = 0.3
    other_site: float = 0.05
    away: float = 1 / 40
    least: float = -3.0
    most: float = 4.0
    drift: float = 0.2
    h1: float = 4.0
    h2: float = 8.0
    clear_share: float = 0.25
    clear_times: int = 2
    training_s: int = TRAINING_S
    slot_s: int = 600
    silent_s: int = 900
    grace_s: int = 120
    outage_phones: int = 5
    outage_share: float = 0.5
    outage_s: int = 6 * 3_600
    outage_reach_m: float = 5_000.0


PUBLISHED: Final = Rule()
"""As the field notes measured it: urban .041 false alarms a person-day at .86 detection of 600 m for h2."""


class Fingerprint(msgspec.Struct):
    """What a phone's training saw: cells with their sites and counts, in the order they first came."""

    cells: list[int]
    sites: list[int]
    counts: list[float]

    def learn(self, cell: int, site: int) -> None:
        """A fix of the training. Beyond HOME_CELLS another cell is as if it was not seen."""
        if cell in self.cells:
            self.counts[self.cells.index(cell)] += 1
        elif len(self.cells) < HOME_CELLS:
            self.cells.append(cell)
            self.sites.append(site)
            self.counts.append(1.0)


def share_at_home(rule: Rule, home: Fingerprint, cell: int, site: int) -> float:
    """P(cell | home): Dirichlet over the seen cells and one place for all unseen; an unseen sector of a seen mast gets
    a share of that place, an unseen mast less."""
    total = 0.0
    for count in home.counts:
        total += count
    total += rule.prior * (len(home.cells) + 1)
    for place, known in enumerate(home.cells):
        if known == cell:
            return (home.counts[place] + rule.prior) / total
    return rule.prior * (rule.other_sector if site in home.sites else rule.other_site) / total


def evidence(rule: Rule, home: Fingerprint, cell: int, site: int) -> float:
    """What one fix adds to the score, before the drift."""
    weighed = math.log(rule.away / share_at_home(rule, home, cell, site))
    return in_grains(min(max(weighed, rule.least), rule.most))


def in_grains(value: float) -> float:
    return math.floor(value * GRAIN + 0.5) / GRAIN


def next_score(rule: Rule, score: float, added: float) -> float:
    return max(0.0, score + added - in_grains(rule.drift))


Told = Literal["suspect", "away", "clear"]


class Watch(msgspec.Struct):
    """One phone's judgement after training: score, level (0 home, 1 suspect, 2 away), fixes in a row that were low."""

    score: float = 0.0
    level: int = 0
    low: int = 0


def judge(rule: Rule, watch: Watch, added: float) -> list[Told]:
    """Take one fix's evidence in; what is to be told. Clear: twice below a quarter of the threshold it had passed."""
    watch.score = next_score(rule, watch.score, added)
    if watch.score > rule.h2 and watch.level < 2:
        told: list[Told] = ["away"] if watch.level == 1 else ["suspect", "away"]
        watch.level, watch.low = 2, 0
        return told
    if watch.score > rule.h1 and watch.level < 1:
        watch.level, watch.low = 1, 0
        return ["suspect"]
    threshold = rule.h2 if watch.level == 2 else rule.h1
    if watch.level and watch.score < threshold * rule.clear_share:
        watch.low += 1
        if watch.low >= rule.clear_times:
            watch.level, watch.low = 0, 0
            return ["clear"]
    else:
        watch.low = 0
    return []


class DistanceRule(msgspec.Struct, frozen=True):
    """The rule of 2020 (EFS) and its siblings: `fixes` in a row farther than `metres` from the address; `calibrated`:
    from the middle of the training's positions instead."""

    fixes: int = 2
    metres: float = 500.0
    calibrated: bool = False

    @property
    def name(self) -> str:
        of = "home" if self.calibrated else "address"
        return f"{self.fixes} fix{'es' if self.fixes > 1 else ''} > {self.metres:g} m of {of}"


EFS_2020: Final = DistanceRule()
SIBLINGS: Final = (
    DistanceRule(1), DistanceRule(2), DistanceRule(3), DistanceRule(2, 1_000.0), DistanceRule(2, 500.0, True),
)  # fmt: skip


def distance_alarms(rule: DistanceRule, metres: Sequence[float]) -> list[int]:
    """Places of the fixes at which the rule newly alarms; it is over with the first fix inside."""
    alarms, outside = [], 0
    for place, away in enumerate(metres):
        outside = outside + 1 if away > rule.metres else 0
        if outside == rule.fixes:
            alarms.append(place)
    return alarms
