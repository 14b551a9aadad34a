"""The chart builder: which column, what to measure, which shape; all in the address, drawn on the server as SVG."""

from __future__ import annotations

import re

import msgspec

from banyan.craft.chart import Chart, ChartKind, Series, draw
from banyan.kernel.catalogue import FaceRequest, View
from banyan.service.opendata.model import Column, Version
from banyan.service.opendata.pages.addresses import aggregate_address
from banyan.service.opendata.pages.grid import Asked, asked_of
from banyan.service.opendata.pages.saying import one, whole
from banyan.service.opendata.pages.table import shown
from banyan.service.opendata.service import SERVICE
from banyan.service.opendata.tables.operations import GroupQuery, Groups

TITLE = {"zh-Hant": "圖表", "en": "Chart"}
BARS = 20
BARS_MOST = 60
POINTS_MOST = 500
NUMBERS = ("integer", "number")
MOMENTS = ("date", "datetime", "month", "year")
FUNCTIONS = ("count", "sum", "avg", "median", "min", "max")
_NAME = re.compile(r"^[a-z]+$")


class Wanted(msgspec.Struct, frozen=True):
    """A chart as its address says it. `measure` is `count` or `FUNCTION:COLUMN`, as the API takes it."""

    by: str
    function: str
    column: str
    kind: ChartKind
    most: int

    @property
    def measure(self) -> str:
        if self.function == "count" or not self.column:
            return "count"
        name = self.column.replace('"', '""')
        return f'{self.function}:"{name}"' if "," in name else f"{self.function}:{self.column}"


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
        "numbers": [column for column in version.columns if column.type in NUMBERS],
        "functions": FUNCTIONS,
        "drawing": draw(drawn, ident="chart") if labels else "",
        "chart": drawn,
        "data": {
            "kind": wanted.kind,
            "labels": labels,
            "series": [{"name": drawn.title, "values": numbers}],
        },
        "lines": list(zip(labels, numbers, strict=True)),
        "api": aggregate_address(page.resource.id, [("by", wanted.by), ("measures", wanted.measure)]),
        "scripts": ("chart", "chart.js"),
    }
    return View("opendata/chart.html", values, title=f"{TITLE[lang]} – {page.resource.name}")


def wanted_of(request: FaceRequest, version: Version) -> Wanted:
    """Read the address; what it leaves open is chosen so that the first chart already says something."""
    names = {column.name: column for column in version.columns}
    by = one(request, "by")
    by = by if by in names else _telling(version)
    function = one(request, "measure", "count")
    column = one(request, "of")
    fits = column in names and names[column].type in NUMBERS
    kind = one(request, "kind")
    first: ChartKind = "line" if by and names[by].type in MOMENTS else "bar"
    return Wanted(
        by=by,
        function=function if function in FUNCTIONS and fits else "count",
        column=column if fits else "",
        kind="line" if kind == "line" else "bar" if kind == "bar" else first,
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
    """Bars: the largest first. Lines: in the order of the column."""
    by = f'"{wanted.by}"'
    is_line = wanted.kind == "line"
    return GroupQuery(
        register=resource,
        by=(by,),
        measures=(wanted.measure,),
        filters=asked.filters,
        q=asked.q,
        sort=by if is_line else f"{_measured(wanted)} desc",
        limit=POINTS_MOST if is_line else wanted.most,
    )


def _measured(wanted: Wanted) -> str:
    """The measure's name in the answer."""
    name = "count" if wanted.measure == "count" else f"{wanted.function}_{wanted.column}"
    return name if _NAME.match(name) else '"' + name.replace('"', '""') + '"'


def _values(groups: Groups, wanted: Wanted) -> tuple[list[str], list[float | None]]:
    labels, numbers = [], []
    name = groups.fields[-1].id
    for record in groups.records:
        value = record[name]
        label = record[wanted.by]
        labels.append("–" if label is None else str(label)[:60])
        numbers.append(float(value) if isinstance(value, int | float) else None)
    return labels, numbers


def _title(wanted: Wanted, lang: str) -> str:
    said = {
        "count": ("筆數", "rows"),
        "sum": ("總和", "sum"),
        "avg": ("平均", "mean"),
        "median": ("中位數", "median"),
        "min": ("最小", "lowest"),
        "max": ("最大", "highest"),
    }[wanted.function]
    if lang == "en":
        return f"{said[1].capitalize()}{' of ' + wanted.column if wanted.column else ''} by {wanted.by}"
    return f"各「{wanted.by}」的{'「' + wanted.column + '」' if wanted.column else ''}{said[0]}"
