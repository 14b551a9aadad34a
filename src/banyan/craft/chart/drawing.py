"""Bar, line and histogram charts as SVG text: title and description inside, colours by class, no script, no style.

Bars lie on their side, so that long Chinese names stand whole beside them. A page shows the same values as a table.
Source: SVG 2 `title`/`desc`; WAI-ARIA Graphics Module 1.0 (`img` role with a name and a description).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from typing import Final, Literal

import msgspec

from banyan.craft.chart.scale import spoken, ticks_of

ChartKind = Literal["bar", "line", "histogram"]
WIDTH = 760
ROW = 30
PLOT_HEIGHT = 260
TEXT = 14
LINE_LABELS = 8
"""Labels under a line chart before they run into each other at 320 px wide screens' zoom."""


class Series(msgspec.Struct, frozen=True):
    """One row of values; None is a gap, never zero."""

    name: str
    values: tuple[float | None, ...]


class Chart(msgspec.Struct, frozen=True):
    """What to draw: `labels` name the places of every series. `description` says in words what the picture shows."""

    kind: ChartKind
    title: str
    description: str
    labels: tuple[str, ...]
    series: tuple[Series, ...]
    unit: str = ""


def draw(chart: Chart, *, ident: str) -> str:
    """The chart as one `<svg>` element. `ident` makes its ids unique on the page."""
    assert all(len(series.values) == len(chart.labels) for series in chart.series), "a series lacks values"
    body, height = _bars(chart) if chart.kind == "bar" else _plot(chart)
    return "".join(
        [
            f'<svg class="chart chart-{chart.kind}" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}"',
            f' font-size="{TEXT}" role="img" aria-labelledby="{ident}-t {ident}-d">',
            f'<title id="{ident}-t">{escape(chart.title)}</title>',
            f'<desc id="{ident}-d">{escape(chart.description)}</desc>',
            *body,
            "</svg>",
        ]
    )


_OWN_STYLE: Final = (
    "<style>.grid{stroke:#b1b4b6}.tick,.label,.value{fill:#0b0c0c;font-family:sans-serif}.path{stroke-width:3}"
    ".series-0{stroke:#1d70b8;fill:#1d70b8}.series-1{stroke:#d4351c;fill:#d4351c}.series-2{stroke:#00703c;fill:#00703c}"
    ".path{fill:none}</style>"
)


def alone(svg: str) -> str:
    """The same chart with its own colours: a picture in a file has no page that gives them."""
    return svg.replace("</title>", f"</title>{_OWN_STYLE}", 1)


def _bars(chart: Chart) -> tuple[list[str], int]:
    """Rows of bars from zero to the right; negative values go left from the zero line."""
    known = [value for series in chart.series for value in series.values if value is not None]
    ticks = ticks_of(min([0.0, *known]), max([0.0, *known]), about=4)
    left = min(260.0, 16 + max((_text_width(_short(label)) for label in chart.labels), default=0.0))
    right = WIDTH - 76.0
    legend = 28 if len(chart.series) > 1 else 0
    thick = (ROW - 8) / len(chart.series)
    row = max(ROW, int(8 + 14 * len(chart.series))) if len(chart.series) > 1 else ROW
    thick = (row - 8) / len(chart.series)
    height = legend + row * len(chart.labels) + 34

    def across(value: float) -> float:
        return left + (right - left) * (value - ticks[0]) / (ticks[-1] - ticks[0])

    parts = [*_legend(chart)]
    for tick in ticks:
        x = across(tick)
        parts.append(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{legend}" y2="{height - 26}"/>')
        parts.append(f'<text class="tick" x="{x:.1f}" y="{height - 8}" text-anchor="middle">{spoken(tick)}</text>')
    for place, label in enumerate(chart.labels):
        top = legend + place * row
        parts.append(
            f'<text class="label" x="{left - 8:.1f}" y="{top + row / 2 + 5:.1f}" text-anchor="end">'
            f"{escape(_short(label))}</text>"
        )
        for number, series in enumerate(chart.series):
            parts.extend(_bar(series.values[place], number, top + 4 + number * thick, thick, (across(0.0), across)))
    return parts, height


def _bar(value: float | None, number: int, top: float, thick: float, scale: tuple[float, object]) -> Iterator[str]:
    if value is None:
        return
    zero, across = scale
    assert callable(across)
    end = across(value)
    yield (
        f'<rect class="mark series-{number}" x="{min(zero, end):.1f}" y="{top:.1f}"'
        f' width="{max(1.0, abs(end - zero)):.1f}" height="{thick - 2:.1f}" rx="2"/>'
    )
    yield f'<text class="value" x="{max(zero, end) + 6:.1f}" y="{top + thick / 2 + 4:.1f}">{spoken(value)}</text>'


def _plot(chart: Chart) -> tuple[list[str], int]:
    """Upright axes for a line or a histogram."""
    known = [value for series in chart.series for value in series.values if value is not None]
    low = 0.0 if chart.kind == "histogram" or not known or min(known) >= 0 else min(known)
    ticks = ticks_of(low, max([*known, low]), about=5)
    left = 20 + max(_text_width(spoken(tick)) for tick in ticks)
    top = 34.0 if len(chart.series) > 1 else 14.0
    bottom, height = top + PLOT_HEIGHT, int(top + PLOT_HEIGHT + 40)

    def up(value: float) -> float:
        return bottom - PLOT_HEIGHT * (value - ticks[0]) / (ticks[-1] - ticks[0])

    slot = (WIDTH - left - 16) / max(len(chart.labels), 1)
    parts = [*_legend(chart)]
    for tick in ticks:
        parts.append(f'<line class="grid" x1="{left}" x2="{WIDTH - 16}" y1="{up(tick):.1f}" y2="{up(tick):.1f}"/>')
        parts.append(
            f'<text class="tick" x="{left - 8}" y="{up(tick) + 5:.1f}" text-anchor="end">{spoken(tick)}</text>'
        )
    every = max(1, -(-len(chart.labels) // LINE_LABELS))
    for place in range(0, len(chart.labels), every):
        x = left + slot * (place + 0.5)
        text = escape(_short(chart.labels[place], 12))
        parts.append(f'<text class="tick" x="{x:.1f}" y="{height - 12}" text-anchor="middle">{text}</text>')
    for number, series in enumerate(chart.series):
        marks = _line if chart.kind == "line" else _columns
        points = [
            None if value is None else (left + slot * (place + 0.5), up(value))
            for place, value in enumerate(series.values)
        ]
        parts.extend(marks(points, number, slot, up(max(ticks[0], 0.0))))
    return parts, height


Points = Sequence[tuple[float, float] | None]


def _line(points: Points, number: int, slot: float, floor: float) -> Iterator[str]:
    """A path that breaks at gaps, with a dot on each value when there are few."""
    steps, fresh = [], True
    for point in points:
        if point is not None:
            steps.append(f"{'M' if fresh else 'L'}{point[0]:.1f} {point[1]:.1f}")
        fresh = point is None
    yield f'<path class="path series-{number}" d="{"".join(steps)}" fill="none"/>'
    if len(points) <= 60:
        for point in points:
            if point is not None:
                yield f'<circle class="mark series-{number}" cx="{point[0]:.1f}" cy="{point[1]:.1f}" r="3.5"/>'


def _columns(points: Points, number: int, slot: float, floor: float) -> Iterator[str]:
    for point in points:
        if point is not None:
            x, y = point[0] - slot / 2 + 1, min(point[1], floor)
            yield (
                f'<rect class="mark series-{number}" x="{x:.1f}" y="{y:.1f}" width="{max(1.0, slot - 2):.1f}"'
                f' height="{max(0.5, abs(floor - point[1])):.1f}"/>'
            )


def _legend(chart: Chart) -> Iterator[str]:
    if len(chart.series) < 2:
        return
    x = 16.0
    for number, series in enumerate(chart.series):
        name = _short(series.name, 16)
        yield f'<rect class="mark series-{number}" x="{x:.1f}" y="4" width="14" height="14" rx="2"/>'
        yield f'<text class="label" x="{x + 20:.1f}" y="16">{escape(name)}</text>'
        x += 44 + _text_width(name)


def _short(text: str, most: int = 16) -> str:
    """The text cut to `most` full-width places; the table beside the chart has it whole."""
    kept, room = "", float(most)
    for letter in text:
        room -= 1.0 if ord(letter) > 0x2E7F else 0.56
        if room < 0:
            return kept + "…"
        kept += letter
    return kept


def _text_width(text: str) -> float:
    """About how wide the text is in px at the chart's size: Han letters are square, others a little over half."""
    return sum(1.0 if ord(letter) > 0x2E7F else 0.56 for letter in text) * TEXT
