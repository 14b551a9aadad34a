"""The error curve of tracing: pairs are judged as the kernel judges them, and what is shipped is what is measured."""

from __future__ import annotations

import numpy as np
import pytest

from banyan.craft.cells.covering import Plane
from banyan.craft.fencing.roc import generated_table
from banyan.craft.tracing.erring import METRES, STEPS, Seen, erring, listed, shipped
from banyan.craft.tracing.model import HOUR_S, Rule, fixes, hours_of
from banyan.craft.tracing.tracing import contacts, hours_asked, in_memory, merged, question, trace
from banyan.errors import Invalid
from banyan.service.tracing.presets import presets

RULES = {name: one.rule for name, one in presets().items()}
EDGE = 0.003
"""Plane against sphere, and whole micro-degrees: who is that near to the radius may be told either way."""


def pairs(dice: np.random.Generator, count: int, radius_m: float) -> Seen:
    """People and fixes as no mast would have them: every distance around the radii, seconds in any order."""
    at = [dice.integers(0, HOUR_S, (count, STEPS)).astype(np.int32) for _ in range(2)]
    place = [dice.normal(0.0, 30.0, (count, STEPS)) for _ in range(4)]
    place[2] += dice.uniform(0.0, 2 * radius_m, (count, 1))
    return Seen((at[0], at[1]), (place[0], place[2]), (place[1], place[3]))


def by_kernel(seen: Seen, pair: int, rule: Rule) -> bool:
    plane = Plane(121.5, 25.0)
    phone = np.repeat((0, 1), STEPS)
    columns = [np.concatenate([side[pair] for side in both]) for both in (seen.at, seen.x, seen.y)]
    given = fixes(phone, columns[0].astype(np.int64), *plane.degrees(columns[1], columns[2]))
    own = np.zeros(1, np.uint32)
    asked = question(given.take(np.flatnonzero(given.phone == 0)), rule, phones=2, own=own)
    found = contacts(merged(trace(asked, in_memory(hours_of(given)), hours_asked(asked)), 2), rule)
    return bool(len(found))


@pytest.mark.parametrize("name", RULES)
def test_a_pair_is_judged_as_the_kernel_judges_it(name: str) -> None:
    rule = RULES[name]
    seen = pairs(np.random.default_rng(7), 60, rule.radius_m)
    apart = np.hypot(seen.x[1][:, :, None] - seen.x[0][:, None, :], seen.y[1][:, :, None] - seen.y[0][:, None, :])
    clear = np.flatnonzero((np.abs(apart - rule.radius_m) > EDGE * rule.radius_m).all(axis=(1, 2)))
    said = listed(seen, rule)
    assert 0 < said[clear].sum() < len(clear), "the pairs tell nothing apart"
    assert [by_kernel(seen, pair, rule) for pair in clear.tolist()] == said[clear].tolist()


def test_what_is_shipped_is_what_is_measured() -> None:
    """Fewer pairs than were shipped: five standard errors apart at most."""
    for one in shipped():
        found = erring(generated_table(one.place, 2020), one.place, RULES, pairs=150, seed=5)
        assert set(found.rules) == set(one.rules) == set(RULES)
        assert abs(found.error_m - one.error_m) < 0.2 * one.error_m
        for name in RULES:
            for metres in METRES:
                told, again = one.listed(name, metres), found.listed(name, metres)
                error = np.sqrt(max(told * (1 - told), 0.01) / 150)
                assert abs(told - again) < 5 * error, (one.place, name, metres)


def test_who_is_near_is_listed_more_than_who_is_far_and_the_same_seed_is_the_same_answer() -> None:
    table = generated_table("urban", 2020)
    found = erring(table, "urban", RULES, pairs=100, seed=1)
    assert found == erring(table, "urban", RULES, pairs=100, seed=1)
    for name in RULES:
        assert found.listed(name, 0.0) > 0.8 > 0.2 > found.listed(name, 5_000.0)


def test_a_number_of_pairs_that_cannot_be_is_named() -> None:
    with pytest.raises(Invalid) as problem:
        erring(generated_table("urban", 1), "urban", RULES, pairs=0, seed=1)
    assert [one.field for one in problem.value.fields] == ["pairs"]
