"""What type checkers call valid and readers trip over: reported with counts and examples, never altered."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set

from banyan.service.opendata.ingest.stage import Stage
from banyan.service.opendata.ingest.write import Planned
from banyan.service.opendata.model import Finding

CHECKS = (
    ("markup", "has_markup", "html-cells"),
    ("escape", "has_escape", "escaped-newlines"),
    ("", "has_formula", "formula-cells"),
    ("replacement", "has_replacement", "replacement-characters"),
    ("private", "has_private_use", "private-use-characters"),
)
"""(mark of the sieve, macro, finding)"""
SENTINELS = (-9999.0, -999.0, -99999.0, -99.99, 9999.0, 99999.0, -9998.0)
"""Numbers that instruments write for "no value"."""
FOOT_ROWS = 5
FORMULA_RANGES = (("+", "."), ("=", ">"), ("@", "A"))
"""Where formula openings sort: DuckDB knows each block's range, so a column without them is not read."""


def text_findings(stage: Stage, planned: Sequence[Planned], marks: Set[str]) -> Iterator[Finding]:
    """Markup, literal \\\\r\\\\n, formula openings, replacement and private-use characters, by column."""
    for one in planned:
        if one.column.type != "text":
            continue
        c = f"c{one.place}"
        asked = [
            (macro, code) for mark, macro, code in CHECKS if (mark in marks if mark else _may_open(stage, one.place))
        ]
        if not asked:
            continue
        counts = stage.row(
            "select " + ", ".join(f"count(*) filter ({macro}({c}))" for macro, _ in asked) + " from stage"
        )
        for (macro, code), count in zip(asked, counts, strict=True):
            if count:
                rows = stage.run(
                    f"select rowid + 1, left({c}, 60) from stage where {macro}({c}) order by rowid limit 3"
                )
                examples = tuple(f"{row}: {text}" for row, text in rows)
                yield Finding("problem", code, column=one.column.name, count=int(str(count)), examples=examples)


def _may_open(stage: Stage, place: int) -> bool:
    """Whether any cell begins where formulas do."""
    if place in stage.held and (words := stage.held[place].words):
        return any(low <= word < high for word in words for low, high in FORMULA_RANGES)
    c = f"c{place}"
    return any(stage.run(f"select 1 from stage where {c} >= ? and {c} < ? limit 1", edges) for edges in FORMULA_RANGES)


def number_findings(stage: Stage, planned: Sequence[Planned]) -> Iterator[Finding]:
    """Numbers that stand for "no value" at the end of the range."""
    for one in planned:
        if one.column.type not in {"number", "integer"}:
            continue
        if one.fit.low:
            ends: set[object] = {float(one.fit.low), float(one.fit.high)}
        else:
            ends = set(stage.row(f"select min({one.value})::double, max({one.value})::double from stage s"))
        for edge in ends & set(SENTINELS):
            count = stage.count(f"select count(*) from stage s where {one.value} = ?", (edge,))
            yield Finding("problem", "sentinel", column=one.column.name, count=count, values={"value": f"{edge:g}"})


def foot_findings(stage: Stage, planned: Sequence[Planned], rows: int) -> Iterator[Finding]:
    """Totals and notes in the last rows: they stay in the table, and are named."""
    if rows < 3 or len(planned) < 2:
        return
    cells = ", ".join(f"c{one.place}" for one in planned)
    foot = stage.run(f"select rowid + 1, {cells} from stage limit {FOOT_ROWS} offset {max(rows - FOOT_ROWS, 0)}")
    found = [
        (row, filled)
        for row, *rest in foot
        if (filled := [str(cell) for cell in rest if cell]) and _is_foot(filled, len(rest))
    ]
    if found:
        examples = tuple(f"{row}: {filled[0][:60]}" for row, filled in found)
        yield Finding("problem", "rows-foot", count=len(found), examples=examples)


def _is_foot(filled: Sequence[str], width: int) -> bool:
    first = "".join(filled[0].split())
    total = first in {"總計", "合計", "小計", "總和", "總數", "Total", "total", "TOTAL", "Sum"}
    noted = first.startswith(
        ("註", "備註：", "備註:", "說明：", "說明:", "資料來源", "附註", "Source:", "Note:", "※", "製表")
    )
    return total or (noted and len(filled) * 3 <= max(width, 3))
