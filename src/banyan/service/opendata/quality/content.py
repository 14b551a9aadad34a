"""From the ingest's findings and a table's counts to content checks: what a validator of types calls valid.

Every check is listed, passed or not, so a report says what was looked for. `passed` None is a notice: worth knowing,
no fault. Evidence names the row in the source and shows the cell; people's numbers are masked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from banyan.limits import QUALITY_EXAMPLES
from banyan.service.opendata.model import Check, Column, Finding, Version
from banyan.service.opendata.quality import personal
from banyan.service.opendata.quality.patterns import DATES
from banyan.service.opendata.quality.scan import ColumnScan, Hit, Scan

LOUD = ("national-id", "resident-id", "mobile", "formula")
"""Said before anything is published."""

_FROM_FINDINGS: Mapping[str, tuple[str, ...]] = {
    "mixed-encoding": ("encoding-mixed", "bytes-unfit"),
    "two-headers": ("header-two", "header-merged"),
    "header-names": ("header-duplicate", "header-empty"),
    "no-header": ("header-none",),
    "preamble": ("header-preamble",),
    "ragged": ("rows-short", "rows-long", "quote-broken"),
    "merged-cells": ("cells-merged",),
    "yearless": ("date-without-year",),
    "mixed-dates": ("date-ambiguous",),
    "date-form": ("roc-date", "roc-year", "date-digits", "day-first", "month-first"),
    "missing-words": ("cells-missing", "sentinel"),
    "no-crs": ("crs-missing", "crs-unclear", "crs-twd67"),
    "coordinates": ("points-zero", "points-outside", "points-swapped", "points-all-swapped", "geometry-broken"),
    "damaged-codes": ("code-damaged", "code-zeros-lost"),
    "padding": ("cells-trimmed",),
    "place-differs": ("place-differs",),
}
_SIMPLE = ("literal-escape", "replacement", "mojibake", "lost-character", "private-use", "control", "html", "formula",
    "full-width")  # fmt: skip
NOTICES = frozenset(
    ("unfinished", "date-form", "constant-columns", "padding", "preamble", "full-width", "private-use", "missing-words")
)
CODES = (
    "mixed-encoding", "two-headers", "header-names", "no-header", "preamble", "ragged", "merged-cells",
    "duplicate-rows", "duplicate-keys", "footer", "empty-columns", "constant-columns", "unfit", "number-words",
    "thousands", "yearless", "mixed-dates", "date-form", "missing-words", "damaged-codes", *_SIMPLE, "mixed-tai",
    "padding", "no-crs", "coordinates", "place-differs", "national-id", "resident-id", "mobile", "unfinished",
)  # fmt: skip


def judge(version: Version, seen: Scan) -> tuple[Check, ...]:
    """All content checks of one table, in the order of CODES."""
    found: dict[str, list[Check]] = {}
    for check in (*_findings(version.findings), *_columns(version), *_cells(seen), *_rows(seen), *_people(seen)):
        found.setdefault(check.code, []).append(check)
    scanned = {"scanned": str(seen.scanned), "rows": str(seen.rows)}
    return tuple(_merged(code, found.get(code, []), scanned) for code in CODES)


def cells(seen: Scan) -> tuple[Check, ...]:
    """The checks of cells alone, without what an ingest found: one check a code and column."""
    return (*_cells(seen), *_people(seen))


def merged(tables: Sequence[Sequence[Check]]) -> tuple[Check, ...]:
    """The checks of a dataset from those of its tables: passed where all passed."""
    if not tables:
        return ()
    return tuple(_merged(same[0].code, [one for one in same if one.count], same[0].values)
                 for same in zip(*tables, strict=True))  # fmt: skip


def _merged(code: str, parts: Sequence[Check], values: Mapping[str, str]) -> Check:
    count = sum(part.count for part in parts)
    columns = dict.fromkeys(name for part in parts for name in part.values.get("columns", "").split("、") if name)
    evidence = [line for part in parts for line in part.evidence]
    said = {key: value for key, value in values.items() if key in ("scanned", "rows")}
    if columns:
        said["columns"] = "、".join(list(columns)[:20])
    passed = True if not count else None if code in NOTICES else False
    return Check(code, passed, count=count, evidence=tuple(evidence[:QUALITY_EXAMPLES]), values=said)


def _one(code: str, count: int, evidence: Sequence[str], column: str = "") -> Check:
    return Check(code, None, count=count, evidence=tuple(evidence), values={"columns": column} if column else {})


def _findings(findings: Sequence[Finding]) -> Iterator[Check]:
    codes = {finding: code for code, names in _FROM_FINDINGS.items() for finding in names}
    for finding in findings:
        code = codes.get(finding.code)
        if code:
            shown = finding.examples or tuple(f"{key}: {value}" for key, value in finding.values.items())
            yield _one(code, max(1, finding.count), [f"{finding.code}: {line}" for line in shown] or [finding.code],
                finding.column)  # fmt: skip


def _columns(version: Version) -> Iterator[Check]:
    for column in version.columns:
        if version.rows and column.nulls >= version.rows:
            yield _one("empty-columns", 1, [column.name], column.name)
        elif version.rows > 1 and column.distinct == 1 and column.nulls == 0:
            value = column.examples[0] if column.examples else column.minimum
            yield _one("constant-columns", 1, [f"{column.name}: {value}"], column.name)
        if column.unfit:
            yield _one("unfit", column.unfit, [_unfit(version, column)], column.name)


def _unfit(version: Version, column: Column) -> str:
    shown = next((one.examples for one in version.findings if one.column == column.name
                  and one.code == "cells-unfit"), ())  # fmt: skip
    return f"{column.name} ({column.type}): " + "; ".join(shown[:3])


def _cells(seen: Scan) -> Iterator[Check]:
    for column in seen.columns:
        for code in _SIMPLE:
            if count := column.counts.get(code, 0):
                yield _one(code, count, _shown(column, code), column.column)
        yield from (check for rule in _RULES if (check := rule(column)))
    formal = sum(column.counts.get("tai-formal", 0) for column in seen.columns)
    common = sum(column.counts.get("tai-common", 0) for column in seen.columns)
    if formal and common:
        rarer = "tai-formal" if formal < common else "tai-common"
        shown = [line for column in seen.columns for line in _shown(column, rarer)][:QUALITY_EXAMPLES]
        yield _one("mixed-tai", min(formal, common), [f"臺 {formal} / 台 {common}", *shown])


def _rows(seen: Scan) -> Iterator[Check]:
    if seen.duplicate_rows:
        yield _one("duplicate-rows", seen.duplicate_rows, [f"{seen.duplicate_rows} / {seen.scanned}"])
    if seen.duplicate_keys:
        yield _one("duplicate-keys", seen.duplicate_keys, seen.duplicate_examples)
    if not seen.is_whole:
        yield _one("unfinished", 1, [f"{len(seen.columns)}"])
    if seen.footer:
        yield _one("footer", len(seen.footer), [_line(hit) for hit in seen.footer])


def _people(seen: Scan) -> Iterator[Check]:
    for column in seen.columns:
        numbers = [(hit.row, *pair) for hit in column.candidates for pair in personal.kinds(hit.text)]
        for kind in dict.fromkeys(kind for _, kind, _ in numbers):
            lines = [f"#{row} {column.column}: {number}" for row, one, number in numbers if one == kind]
            yield _one(kind, len(lines), lines[:QUALITY_EXAMPLES], column.column)


def _number_words(column: ColumnScan) -> Check | None:
    """Numbers with words in a column of numbers: 約1筆, 12筆 beside 1843."""
    worded, numbers = column.counts.get("worded", 0), column.counts.get("number", 0)
    if not worded or (worded + numbers) * 2 < column.filled or worded + numbers < 3:
        return None
    return _one("number-words", worded, _shown(column, "worded"), column.column)


def _thousands(column: ColumnScan) -> Check | None:
    count = column.counts.get("thousands", 0)
    if not count or column.counts.get("number", 0) * 2 < column.filled:
        return None
    return _one("thousands", count, _shown(column, "thousands"), column.column)


def _yearless(column: ColumnScan) -> Check | None:
    count = column.counts.get("yearless", 0)
    if not count or count * 2 < column.filled:
        return None
    return _one("yearless", count, _shown(column, "yearless"), column.column)


def _mixed_dates(column: ColumnScan) -> Check | None:
    forms = {name: column.counts[name] for name in DATES if column.counts.get(name)}
    if len(forms) < 2 or sum(forms.values()) * 10 < column.filled * 6:
        return None
    rare = sorted(forms, key=lambda name: forms[name])[:-1]
    shown = [line for name in rare for line in _shown(column, name)[:2]]
    return _one("mixed-dates", sum(forms[name] for name in rare), shown, column.column)


def _missing_words(column: ColumnScan) -> Check | None:
    count = column.counts.get("missing", 0)
    return _one("missing-words", count, _shown(column, "missing"), column.column) if count else None


_RULES: tuple[Callable[[ColumnScan], Check | None], ...] = (
    _number_words,
    _thousands,
    _yearless,
    _mixed_dates,
    _missing_words,
)


def _shown(column: ColumnScan, code: str) -> list[str]:
    return [_line(hit, column.column) for hit in column.hits.get(code, ())]


def _line(hit: Hit, column: str = "") -> str:
    return f"#{hit.row} {column}: {hit.text}" if column else f"#{hit.row} {hit.text}"
