"""Counts and sums with noise, so that no person's being in them can be told (differential privacy; Dwork 2006).

The query engine aggregates and OpenDP adds the noise: drawn exactly, from integers, for noise from floating-point
numbers gives the true value away (Mironov 2012). One person must be in one group only, with one value; the caller's SQL
sees to it. What is spent is kept in `kernel.policy.budgets`: spend first, then draw.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import cache
from importlib import import_module
from typing import Any, Final

from banyan.errors import Invalid
from banyan.limits_mydata import PRIVACY_CELLS, PRIVACY_MOST_EPSILON

MICRO: Final = 1_000_000
"""Epsilon is counted in millionths, whole ones, so that sums of it are exact."""
_LEAST_STEP: Final = 1.000_001
"""How much wider the noise is drawn when rounding makes it cost a hair more than was paid."""


def noisy_counts(counts: Sequence[int], *, micro_epsilon: int) -> list[int]:
    """Each group's count with discrete Laplace noise of scale 1/epsilon, 0 when the noise takes it below. All of them
    together cost `micro_epsilon` once, for a person is in one group."""
    return [max(count, 0) for count in _noisy(counts, 1, micro_epsilon)]


def noisy_sums(sums: Sequence[int], *, least: int, most: int, micro_epsilon: int) -> list[int]:
    """Each group's sum of whole values, which the caller's SQL held between `least` and `most`, with noise of scale
    max(|least|, |most|)/epsilon. All of them together cost `micro_epsilon` once."""
    if least > most:
        raise Invalid.at("least", "not above `most`")
    return _noisy(sums, max(abs(least), abs(most), 1), micro_epsilon)


def _noisy(values: Sequence[int], reach: int, micro_epsilon: int) -> list[int]:
    """`reach` is by how much one person can move the values."""
    if not 1 <= micro_epsilon <= PRIVACY_MOST_EPSILON * MICRO:
        raise Invalid.at("micro_epsilon", f"1 to {PRIVACY_MOST_EPSILON * MICRO}: more protects nobody")
    if not 1 <= len(values) <= PRIVACY_CELLS:
        raise Invalid.at("values", f"1 to {PRIVACY_CELLS} groups")
    drawn: list[int] = _mechanism(len(values), reach, micro_epsilon)(list(values))
    return drawn


def _mechanism(size: int, reach: int, micro_epsilon: int) -> Any:
    """Noise of which OpenDP itself says that it costs no more than was paid."""
    dp = _opendp()
    scale = reach * MICRO / micro_epsilon
    while True:
        space = (dp.vector_domain(dp.atom_domain(T=int), size=size), dp.l1_distance(T=int))
        mechanism = space >> dp.m.then_laplace(scale=scale)
        if Fraction(mechanism.map(d_in=reach)) <= Fraction(micro_epsilon, MICRO):  # floats would round in its favour
            return mechanism
        scale *= _LEAST_STEP


@cache
def _opendp() -> Any:
    """OpenDP, loaded when somebody asks for noise: 0.6 s and 50 MB that a node without statistics never needs."""
    dp = import_module("opendp.prelude")
    dp.enable_features("contrib")  # its word for all that is not in its proven core; vectors of integers are
    return dp
