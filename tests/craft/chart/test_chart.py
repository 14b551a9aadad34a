"""Charts are well-formed SVG that names itself, whatever the labels hold; ticks cover and bins count everything."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from banyan.craft.chart import Chart, ChartKind, Series, bins_of, draw, ticks_of

NUMBERS = st.floats(-1e9, 1e9, allow_nan=False)
SVG = "{http://www.w3.org/2000/svg}"


@given(NUMBERS, NUMBERS)
def test_ticks_cover_the_range(one: float, other: float) -> None:
    low, high = sorted((one, other))
    ticks = ticks_of(low, high)
    slack = max(1.0, abs(low), abs(high)) * 1e-6
    assert len(ticks) >= 2
    assert ticks[0] <= low + slack
    assert ticks[-1] >= high - slack


@given(st.lists(NUMBERS, min_size=1, max_size=200))
def test_bins_count_every_value(values: list[float]) -> None:
    assert sum(count for _, _, count in bins_of(values)) == len(values)
    assert bins_of(values) == bins_of([*values], [1] * len(values))


@pytest.mark.parametrize("kind", ["bar", "line", "histogram"])
@given(
    labels=st.lists(st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=30), min_size=1, max_size=12),
    values=st.lists(st.none() | NUMBERS, min_size=12, max_size=12),
)
def test_any_chart_is_named_well_formed_svg(kind: ChartKind, labels: list[str], values: list[float | None]) -> None:
    series = Series("<b>數量</b>", tuple(values[: len(labels)]))
    picture = ElementTree.fromstring(draw(Chart(kind, "標題 & <x>", "說明", tuple(labels), (series,)), ident="c"))
    assert picture.get("role") == "img"
    assert picture.find(f"{SVG}title").text == "標題 & <x>"  # type: ignore[union-attr]
    assert "style" not in {name for element in picture.iter() for name in element.attrib}


def test_a_gap_is_not_zero() -> None:
    chart = Chart("bar", "t", "d", ("甲", "乙"), (Series("s", (None, 3.0)),))
    picture = ElementTree.fromstring(draw(chart, ident="c"))
    assert len([one for one in picture.iter(f"{SVG}rect") if "mark" in one.get("class", "")]) == 1
