"""Axes: round tick values that cover a range, and the equal bins of a histogram."""

from __future__ import annotations

import math
from collections.abc import Sequence

STEPS = (1, 2, 2.5, 5, 10)
NARROW = 1e-9
"""A range narrower than this share of its values cannot be told apart on a screen, nor in a float's digits."""


def ticks_of(low: float, high: float, *, about: int = 5) -> list[float]:
    """Round values from at most `low` to at least `high`, about that many. The range of nothing is 0 to 1."""
    if not (math.isfinite(low) and math.isfinite(high)):
        low, high = 0.0, 1.0
    elif high - low <= max(abs(low), abs(high), 1e-6) * NARROW:
        high = low + max(1.0, abs(low))
    rough = (high - low) / max(about, 1)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(step * power for step in STEPS if step * power >= rough * 0.999999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(number * step, max(0, 2 - math.floor(math.log10(step)))) for number in range(first, last + 1)]


def bins_of(values: Sequence[float], counts: Sequence[int] = (), *, about: int = 12) -> list[tuple[float, float, int]]:
    """(from, to, count) of equal bins with round edges over the finite values; the last bin holds its upper edge.
    `counts` says how often each value occurs; left out, once."""
    weights = counts or [1] * len(values)
    finite = [(value, weight) for value, weight in zip(values, weights, strict=True) if math.isfinite(value)]
    if not finite:
        return []
    edges = ticks_of(min(finite)[0], max(finite)[0], about=about)
    step = edges[1] - edges[0]
    held = [0] * (len(edges) - 1)
    for value, weight in finite:
        held[min(int((value - edges[0]) / step), len(held) - 1)] += weight
    return [(edges[place], edges[place + 1], count) for place, count in enumerate(held)]


def spoken(value: float) -> str:
    """A number as a reader expects it: thousands separated, no trailing zeros."""
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    return f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.1f}"
