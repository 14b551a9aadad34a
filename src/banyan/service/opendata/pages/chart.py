"""The chart builder: which column, what to measure, which shape; all in the address, drawn on the server as SVG."""

from __future__ import annotations

from typing import TypeGuard

import msgspec

from banyan.craft.chart import Chart, ChartKind, Series, bins_of, draw, spoken
from banyan.kernel.catalogue import FaceRequest, View
from banyan.limits import QUERY_ROWS
from banyan.service.opendata.model import Column, Version
from banyan.service.opendata.pages.addresses import aggregate_address
from banyan.service.opendata.pages.grid import Asked, asked_of
from banyan.service.opendata.pages.measuring import FUNCTIONS, Measure, measure_of, numbers_of
from banyan.service.opendata.pages.saying import one, whole
from banyan.service.opendata.pages.table import shown
from banyan.service.opendata.service import SERVICE
from banyan.service.opendata.tables.operations import GroupQuery, Groups

TITLE = {"zh-Hant": "圖表", "en": "Chart"}
BARS = 20
BARS_MOST = 60
POINTS_MOST = 500
MOMENTS = ("date", "datetime", "month", "year")
KINDS: tuple[ChartKind, ...] = ("bar", "line", "histogram")


class Wanted(msgspec.Struct, frozen=True):
    """A chart as its address says it. A histogram counts the rows of each range of `by`."""

    by: str
    measure: Measure
    kind: ChartKind
    most: int


@SERVICE.page("GET", path="/dataset/{name}/resource/{id}/chart")
async def chart(request: FaceRequest) -> View:
    """The chart of the address, its numbers as a table, and the form to make another."""
    page = await shown(request)
    version, lang = page.table, request.lang
    asked, wanted = asked_of(request, version), wanted_of(request, version)
    query = _query(page.resource.id, wanted, asked)
    groups: Groups = await request.call("opendata.aggregate", query)
    labels, numbers = _values(groups, wanted)
    drawn = Chart(
        kind=wanted.kind,
        title=_title(wanted, lang),
        description=f"{page.dataset.title}：{page.resource.name}",
        labels=tuple(labels),
        series=(Series(_title(wanted, lang), tuple(numbers)),),
    )
    values = page.values("chart", lang, TITLE[lang]) | {
        "wanted": wanted,
        "asked": asked,
        "pairs": asked.pairs,
        "columns": version.columns,
        "numbers": numbers_of(version),
        "functions": tuple(FUNCTIONS),
        "kinds": KINDS,
        "is_cut": wanted.kind == "histogram" and len(groups.records) == QUERY_ROWS,
        "drawing": draw(drawn, ident="chart") if labels else "",
        "chart": drawn,
        "data": {
            "kind": wanted.kind,
            "labels": labels,
            "series": [{"name": drawn.title, "values": numbers}],
        },
        "lines": list(zip(labels, numbers, strict=True)),
        "api": aggregate_address(page.resource.id, [("by", wanted.by), ("measures", wanted.measure.asked)]),
        "scripts": (*page.scripts, "chart", "chart.js"),
    }
    return View("opendata/chart.html", values, title=f"{TITLE[lang]} – {page.resource.name}")


def wanted_of(request: FaceRequest, version: Version) -> Wanted:
    """Read the address; what it leaves open is chosen so that the first chart already says something."""
    names = {column.name: column for column in version.columns}
    by = one(request, "by")
    by = by if by in names else _telling(version)
    asked = one(request, "kind")
    first: ChartKind = "line" if by and names[by].type in MOMENTS else "bar"
    kind = next((kind for kind in KINDS if kind == asked), first)
    if kind == "histogram":
        numbers = [column.name for column in numbers_of(version)]
        by = by if by in numbers else next(iter(numbers), "")
    return Wanted(
        by=by or _telling(version),
        measure=Measure() if kind == "histogram" else measure_of(version, one(request, "measure"), one(request, "of")),
        kind=kind if by else first,
        most=whole(one(request, "most"), BARS, most=BARS_MOST),
    )


def _telling(version: Version) -> str:
    """A column that groups well: time first, else a text with a few values, else the text that repeats most."""
    times = [column for column in version.columns if column.type in MOMENTS and column.distinct > 2]
    few = [column for column in version.columns if column.type == "text" and 2 <= column.distinct <= 60]
    repeating = [column for column in version.columns if column.type == "text" and 1 < column.distinct < version.rows]
    ordered = [*times, *sorted(few, key=lambda column: -column.distinct)]
    ordered += sorted(repeating, key=lambda column: column.distinct)
    found: Column | None = next(iter(ordered), None)
    return found.name if found else version.columns[0].name if version.columns else ""


def _query(resource: str, wanted: Wanted, asked: Asked) -> GroupQuery:
    """Bars: the largest first. Lines: in the order of the column. A histogram: every value, the commonest first."""
    by = f'"{wanted.by}"'
    is_line = wanted.kind == "line"
    most = {"bar": wanted.most, "line": POINTS_MOST, "histogram": QUERY_ROWS}[wanted.kind]
    return GroupQuery(
        register=resource,
        by=(by,),
        measures=(wanted.measure.asked,),
        filters=asked.filters,
        q=asked.q,
        sort=by if is_line else f"{wanted.measure.answered} desc",
        limit=most,
    )


def _values(groups: Groups, wanted: Wanted) -> tuple[list[str], list[float | None]]:
    """Labels and numbers, as they are drawn."""
    name = groups.fields[-1].id
    pairs = [(record[wanted.by], record[name]) for record in groups.records]
    if wanted.kind == "histogram":
        known = [(float(value), int(count)) for value, count in pairs if _is_number(value) and _is_number(count)]
        bins = bins_of([value for value, _ in known], [count for _, count in known])
        return [f"{spoken(low)}–{spoken(high)}" for low, high, _ in bins], [float(count) for *_, count in bins]
    labels = ["–" if label is None else str(label)[:60] for label, _ in pairs]
    return labels, [float(value) if _is_number(value) else None for _, value in pairs]


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float)


def _title(wanted: Wanted, lang: str) -> str:
    if wanted.kind == "histogram":
        return f"Distribution of {wanted.by}" if lang == "en" else f"「{wanted.by}」的分布"
    said = wanted.measure.said(lang)
    return f"{said} by {wanted.by}" if lang == "en" else f"各「{wanted.by}」的{said}"
