"""What of a plan people would rather look at: the map by town, the Lorenz curve, the fills; as SVG without script."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence

import msgspec

from banyan.craft.chart import Chart, Series, draw
from banyan.craft.place import outlines
from banyan.craft.place.outline import HEIGHT, WIDTH
from banyan.service.allocation.views import Fairness, TownView
from banyan.service.allocation.wording import MESSAGES

SHADES = 5
"""Each holds as many towns as the others; 0 stands for towns of which nothing is known."""


class Area(msgspec.Struct, frozen=True):
    """A town's outline, its value, its shade."""

    name: str
    path: str
    value: float | None
    shade: int


class Step(msgspec.Struct, frozen=True):
    """A line of the legend; None for towns without a value."""

    shade: int
    low: float | None
    high: float | None


class Picture(msgspec.Struct, frozen=True):
    width: int
    height: int
    towns: tuple[Area, ...]
    counties: tuple[str, ...]
    legend: tuple[Step, ...]


def map_of(towns: Sequence[TownView]) -> Picture | None:
    """Units per 1,000 residents by town; None when the outlines are not installed or nobody knows the residents."""
    values = {one.town: one.per_1000 for one in towns if one.per_1000 is not None}
    shapes = outlines("towns")
    if not shapes or not values:
        return None
    shades = shades_of(values)
    areas = tuple(Area(shape.name, shape.path, values.get(shape.name), shades.get(shape.name, 0)) for shape in shapes)
    counties = tuple(shape.path for shape in outlines("counties"))
    return Picture(WIDTH, HEIGHT, areas, counties, _legend(areas))


def shades_of(values: Mapping[str, float]) -> dict[str, int]:
    """1 to SHADES by quantile, equal values alike."""
    order = sorted(values.values())
    bounds = [order[len(order) * step // SHADES] for step in range(1, SHADES)]
    return {name: 1 + bisect_right(bounds, value) for name, value in values.items()}


def lorenz_chart(found: Fairness, lang: str) -> str:
    """The curve beside the even line; empty when residents are not known."""
    if not found.people:
        return ""

    def said(key: str, **values: object) -> str:
        return MESSAGES.text(f"allocation.chart.{key}", lang, **values)

    chart = Chart(
        kind="line",
        title=said("lorenz_title"),
        description=said("lorenz_words", gini=found.gini_people),
        labels=tuple(f"{part:.0%}" for part in found.people),
        series=(Series(said("held"), tuple(100 * one for one in found.units)),
                Series(said("even"), tuple(100 * one for one in found.people))),
        unit="%",
    )  # fmt: skip
    return draw(chart, ident="lorenz")


def methods_chart(labels: Sequence[str], sold: Sequence[int], lang: str) -> str:
    """What each method is expected to sell, as bars."""
    title = MESSAGES.text("allocation.chart.methods_title", lang)
    words = MESSAGES.text("allocation.chart.methods_words", lang)
    series = (Series(title, tuple(float(one) for one in sold)),)
    return draw(Chart("bar", title, words, tuple(labels), series), ident="methods")


def _legend(areas: Sequence[Area]) -> tuple[Step, ...]:
    steps = []
    for shade in range(SHADES + 1):
        held = [area.value for area in areas if area.shade == shade]
        known = [value for value in held if value is not None]
        if held:
            steps.append(Step(shade, min(known, default=None), max(known, default=None)))
    return tuple(steps)
