"""Which rows are the header: lines above it, no header, one row, or two (codes then words, or groups then names)."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence

import msgspec

from banyan.service.opendata.ingest.dialect import Row
from banyan.service.opendata.model import Finding

RESERVED = {"_id", "_lon", "_lat", "_county", "_town", "_geometry", "_rest"}
NAME_CHARACTERS = 200
VALUE = re.compile(
    r"[+-]?[\d,]+(\.\d+)?%?|\d{1,4}[-/.年月]\d{1,2}日?([-/.月]\d{1,4}日?)?([ T].*)?|\d{1,2}:\d{2}(:\d{2})?|https?://.*|[A-Z]{0,3}\d{4,}.*"
)
"""What a header cell hardly ever is: a number, a date, a time, an address on the web, a code."""
YEAR = re.compile(r"(18|19|20|21)\d{2}年?|1?\d{2}年")
UNIT = re.compile(r"[(（]\s*([^()（）]{1,12})\s*[)）]\s*$")
UNIT_WORDS = re.compile(
    r"元|%|％|‰|人|戶|公尺|公里|公分|公克|公斤|公噸|公頃|平方|立方|度|℃|°C|ha|km|cm|mm|m|m²|m2|kg|g|t|"
    r"千|萬|億|件|次|筆|家|所|座|個|輛|張|片|床|分鐘|小時|秒|天|日|mg|μg|ug|ppm|ppb|L|ml|KB|MB|cms|kW|MW|度電",
    re.I,
)


class Head(msgspec.Struct, frozen=True):
    """The decision about the top of a table. `skip` counts rows above the data, `skip_lines` physical lines."""

    names: tuple[str, ...]
    headers: tuple[str, ...]
    titles: tuple[str, ...]
    units: tuple[str, ...]
    header_rows: int
    skip: int
    skip_lines: int
    findings: tuple[Finding, ...] = ()


def find_head(rows: Sequence[Row], *, header_rows: int | None = None, at_least: int = 0) -> Head:
    """Decide from a sample of rows. `at_least` widens the table to that many columns (merged or empty headers)."""
    full = [row for row in rows if any(cell.strip() for cell in row.cells)]
    width = max(_usual_width(full), at_least)
    above = _preamble(full, width) if header_rows != 0 else 0
    body = full[above:]
    count, evidence = (header_rows, "declared") if header_rows is not None else _count(body)
    head = body[:count]
    width = max([width, *(_last_filled(row.cells) for row in head)])
    cells = [_fit(row.cells, width) for row in head]
    names, titles, mended = _named(cells, width)
    findings = [*_about(full[:above], count, evidence, titles), *mended]
    last = (full[: above + count] or [Row([], 0)])[-1]
    units = tuple(_unit(title or name) for name, title in zip(names, titles, strict=True))
    headers = tuple(_raw_header(cells, column) for column in range(len(names)))
    skip = 0 if not last.line else next(i for i, row in enumerate(rows) if row.line == last.line) + 1
    return Head(names, headers, titles, units, count, skip, last.line, tuple(findings))


def unique_names(wanted: Sequence[str], *, prefix: str = "column") -> tuple[tuple[str, ...], list[Finding]]:
    """Trimmed, one line, never empty, never ours, unique without regard to case; every change is a finding."""
    taken: set[str] = set()
    names: list[str] = []
    empty: list[str] = []
    doubled: list[str] = []
    for place, text in enumerate(wanted, 1):
        name = _clean(text)
        if not name:
            name = f"{prefix}_{place}"
            empty.append(name)
        if name.lower() in RESERVED or name.endswith("__raw"):
            name = f"{name.strip('_')}_"
        if name.lower() in taken:
            first, number = name, 2
            while name.lower() in taken:
                name, number = f"{first}_{number}", number + 1
            doubled.append(name)
        taken.add(name.lower())
        names.append(name)
    findings = []
    if doubled:
        findings.append(
            Finding(
                "mended",
                "header-duplicate",
                count=len(doubled),
                examples=tuple(doubled[:10]),
                override="--rename OLD=NEW",
            )
        )
    if empty and len(empty) < len(names):
        findings.append(
            Finding("mended", "header-empty", count=len(empty), examples=tuple(empty[:10]), override="--rename OLD=NEW")
        )
    return tuple(names), findings


def _count(body: Sequence[Row]) -> tuple[int, str]:
    """How many header rows, and why we think so."""
    if not body:
        return 0, "empty"
    width = _usual_width(body)
    first, rest = _fit(body[0].cells, width), [_fit(row.cells, width) for row in body[1:]]
    if not rest:
        return (0, "values") if any(VALUE.fullmatch(cell.strip()) for cell in first) else (1, "alone")
    if not _is_header(first, rest):
        return 0, "values"
    if len(rest) > 1 and _is_second(first, rest[0], rest[1:]):
        return 2, "two"
    return 1, "names"


def _is_header(first: Sequence[str], rest: Sequence[Sequence[str]]) -> bool:
    cells = [cell.strip() for cell in first]
    named = [cell for cell in cells if cell]
    if not named or all(VALUE.fullmatch(cell) for cell in named):
        return False
    values = [cell for cell in _without_year_headings(named) if VALUE.fullmatch(cell)]
    below = [[row[place].strip() for row in rest[:200]] for place in range(len(cells))]
    differs = sum(
        1
        for cell, column in zip(cells, below, strict=True)
        if cell and not VALUE.fullmatch(cell) and _value_share(column) > 0.6
    )
    if values:
        return differs > len(values)
    if differs:
        return True
    repeated = sum(1 for cell, column in zip(cells, below, strict=True) if cell and cell in column)
    return repeated * 4 <= len(named) and max(map(len, named)) <= 60 and len({*named}) * 10 >= len(named) * 8


def _is_second(first: Sequence[str], second: Sequence[str], rest: Sequence[Sequence[str]]) -> bool:
    """All words, where the columns below hold values; at least half of the value columns must say so."""
    filled = sum(1 for cell in second if cell.strip())
    columns = [[row[place].strip() for row in rest[:200]] for place in range(len(second))]
    values = [place for place, column in enumerate(columns) if _value_share(column) > 0.6]
    if any(VALUE.fullmatch(cell) for cell in _without_year_headings(second)):
        return False
    worded = [place for place in values if second[place].strip()]
    gaps = any(not cell.strip() for cell in first)
    if not worded or len(worded) * 2 < len(values):
        return False
    if any(cell.strip() and cell.strip() in column for cell, column in zip(second, columns, strict=True)):
        return False  # a title does not come back as a value
    return (filled * 2 >= len(second) or gaps) and list(second) != list(first)


def _without_year_headings(cells: Sequence[str]) -> list[str]:
    """The cells without those years that are headings: two different ones (2019, 2020); one alone is a value."""
    trimmed = [cell.strip() for cell in cells]
    years = {cell for cell in trimmed if YEAR.fullmatch(cell)}
    return [cell for cell in trimmed if len(years) < 2 or cell not in years]


def _value_share(column: Sequence[str]) -> float:
    filled = [cell for cell in column if cell]
    return (
        sum(1 for cell in filled if VALUE.fullmatch(unicodedata.normalize("NFKC", cell))) / len(filled)
        if filled
        else 0.0
    )


def _preamble(rows: Sequence[Row], width: int) -> int:
    """Leading rows with far fewer cells than the table: a title, a date, a note. At most ten."""
    if width < 3:
        return 0
    count = 0
    for row in rows[:10]:
        if sum(1 for cell in row.cells if cell.strip()) > max(1, width // 3):
            break
        count += 1
    return count if count < len(rows) and count < 10 else 0


def _usual_width(rows: Sequence[Row]) -> int:
    widths = Counter(len(row.cells) for row in rows)
    return max(widths.items(), key=lambda item: (item[1], item[0]))[0] if widths else 0


def _named(head: Sequence[Sequence[str]], width: int) -> tuple[tuple[str, ...], tuple[str, ...], list[Finding]]:
    """Names, titles and what was mended. Two rows are codes over words, or groups over names."""
    if not head:
        return tuple(f"column_{place + 1}" for place in range(width)), ("",) * width, []
    if len(head) == 1:
        names, findings = unique_names(head[0])
        return names, ("",) * width, findings
    top, below = head[0], head[-1]
    if all(cell.strip() for cell in top) and len({cell.strip() for cell in top}) == len(top):
        names, findings = unique_names(top)
        return names, tuple(_clean(cell) for cell in below), findings
    joined = [_joined(group, cell) for group, cell in zip(_filled(top), below, strict=True)]
    names, findings = unique_names(joined)
    findings.append(
        Finding(
            "mended", "header-merged", count=len({*_filled(top)} - {""}), examples=names[:6], override="--header-rows N"
        )
    )
    return names, ("",) * width, findings


def _filled(cells: Sequence[str]) -> list[str]:
    """A merged header stands in its first cell; the others are empty."""
    filled: list[str] = []
    for cell in cells:
        filled.append(cell.strip() or (filled[-1] if filled else ""))
    return filled


def _joined(group: str, cell: str) -> str:
    group, cell = _clean(group), _clean(cell)
    return f"{group}_{cell}" if group and cell and group != cell else group or cell


def _about(above: Sequence[Row], count: int, evidence: str, titles: Sequence[str]) -> list[Finding]:
    findings = []
    if above:
        lines = tuple(" ".join(cell.strip() for cell in row.cells if cell.strip())[:120] for row in above)
        findings.append(
            Finding("guess", "header-preamble", count=len(above), examples=lines, override="--header-rows N")
        )
    if count == 0:
        findings.append(Finding("guess", "header-none", values={"evidence": evidence}, override="--header-rows N"))
    if count == 2:
        shown = tuple(title for title in titles if title)[:6]
        findings.append(Finding("guess", "header-two", count=2, examples=shown, override="--header-rows N"))
    return findings


def _unit(text: str) -> str:
    found = UNIT.search(text)
    return found[1].strip() if found and UNIT_WORDS.search(found[1]) and found.start() > 0 else ""


def _raw_header(cells: Sequence[Sequence[str]], column: int) -> str:
    return "\n".join(row[column] for row in cells) if cells else ""


def _clean(text: str) -> str:
    """One line without control or invisible format characters, trimmed, at most NAME_CHARACTERS long."""
    visible = "".join(char if unicodedata.category(char) not in {"Cc", "Cf", "Zl", "Zp"} else " " for char in text)
    return " ".join(visible.replace('"', "'").split())[:NAME_CHARACTERS].strip()


def _last_filled(cells: Sequence[str]) -> int:
    return max((place for place, cell in enumerate(cells, 1) if cell.strip()), default=0)


def _fit(cells: Sequence[str], width: int) -> list[str]:
    return [*cells[:width], *[""] * (width - len(cells))]
