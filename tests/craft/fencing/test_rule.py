"""The kernel, compiled and as Python, against the rule for one phone as it is published."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from banyan.craft.cells import cell_table, fixes
from banyan.craft.fencing import compiling, kernel
from banyan.craft.fencing.rule import (
    EFS_2020,
    HOME_CELLS,
    PUBLISHED,
    DistanceRule,
    Fingerprint,
    Rule,
    Watch,
    distance_alarms,
    evidence,
    judge,
    share_at_home,
)
from banyan.craft.fencing.state import State

TABLE = cell_table(
    [f"466-92-1-{cell}" for cell in range(90)], [121 + cell // 3 / 100 for cell in range(90)], [25.0] * 90
)
START = 1_800_000_000
SHORT = Rule(training_s=6_000)


@pytest.fixture(scope="module", autouse=True)
def _compiled() -> None:
    compiling.warm().join()
    assert compiling.is_compiled()


def judged(rule: Rule, cells: list[int]) -> tuple[float, int, list[tuple[int, str]]]:
    """By the columns: score, level, (fix, told)."""
    state = State(TABLE, rule)
    state.enrol(0, 1, START)
    told = []
    for place, cell in enumerate(cells):
        now = START + 600 * place
        state.feed(fixes([0], [now], [cell]), now)
        while state.first_slot <= now // 600:
            told += [(place, one.kind) for one in state.close() if one.kind in kernel.TOLD]
    return float(state.cols["score"][0]), int(state.cols["level"][0]), told


def published(rule: Rule, cells: list[int]) -> tuple[float, int, list[tuple[int, str]]]:
    """By `rule.py`."""
    home, watch, told = Fingerprint([], [], []), Watch(), []
    for place, cell in enumerate(cells):
        if 600 * place < rule.training_s:
            home.learn(cell, cell // 3)
        else:
            told += [(place, one) for one in judge(rule, watch, evidence(rule, home, cell, cell // 3))]
    return watch.score, watch.level, told


CELLS = st.lists(st.one_of(st.integers(0, 5), st.integers(0, 89)), min_size=1, max_size=60)


@settings(max_examples=150, deadline=None)
@given(CELLS, st.sampled_from([SHORT, Rule(training_s=6_000, h1=2, h2=3, drift=0.05), Rule(training_s=30_000)]))
def test_the_kernel_judges_as_published(cells: list[int], rule: Rule) -> None:
    assert judged(rule, cells) == published(rule, cells)


@settings(max_examples=25, deadline=None)
@given(CELLS)
def test_compiled_and_plain_python_are_the_same_to_the_last_bit(cells: list[int]) -> None:
    compiled = judged(SHORT, cells)
    with pytest.MonkeyPatch.context() as patch:
        for name in ("scatter", "weigh", "move"):
            patch.setattr(compiling.loops, name, getattr(kernel, name))
        assert judged(SHORT, cells) == compiled


def test_more_cells_than_a_fingerprint_holds_are_as_unseen() -> None:
    cells = list(range(60))
    rule = Rule(training_s=600 * 50)
    assert judged(rule, cells) == published(rule, cells)
    assert HOME_CELLS < 50


def test_shares_of_the_home_sum_to_one_with_the_place_of_the_unseen() -> None:
    home = Fingerprint([1, 2, 9], [0, 0, 3], [100, 40, 4])
    seen = sum(share_at_home(PUBLISHED, home, cell, site) for cell, site in ((1, 0), (2, 0), (9, 3)))
    unseen = PUBLISHED.prior / (144 + PUBLISHED.prior * 4)
    assert seen + unseen == pytest.approx(1)
    assert share_at_home(PUBLISHED, home, 0, 0) == pytest.approx(unseen * 0.3)
    assert share_at_home(PUBLISHED, home, 50, 16) == pytest.approx(unseen * 0.05)


def test_evidence_stays_between_its_bounds() -> None:
    home = Fingerprint([1], [0], [144])
    assert evidence(PUBLISHED, home, 1, 0) == -3.0
    assert evidence(PUBLISHED, home, 80, 26) == 4.0


def test_an_alarm_clears_after_two_low_fixes_and_not_one() -> None:
    watch = Watch()
    told = [judge(PUBLISHED, watch, added) for added in (4.0, 4.0, 4.0, -3.0, -3.0, -3.0, -3.0, 4.0)]
    assert told == [[], ["suspect"], ["away"], [], [], [], ["clear"], []]
    assert watch.level == 0


def test_two_fixes_in_a_row_alarm_once_until_one_is_inside() -> None:
    metres = [0, 600, 600, 600, 100, 600, 100, 501, 502]
    assert distance_alarms(EFS_2020, metres) == [2, 8]
    assert distance_alarms(DistanceRule(1), metres) == [1, 5, 7]


def test_parameters_are_in_the_order_the_kernel_reads() -> None:
    numbers = kernel.parameters(PUBLISHED)
    assert numbers.dtype == np.float64
    assert numbers[3] == 1 / 40
    assert math.isclose(numbers[6], 0.2, abs_tol=1 / 1024)
    assert numbers.tolist()[7:] == [4.0, 8.0, 0.25, 2.0, 86_400.0]
