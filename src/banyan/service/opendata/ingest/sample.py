"""A sample of every column, and how many of its cells each pattern fits: it names candidates, infer.py confirms them.

Counts decide by large shares only (most, or some tenth of the cells), so a pattern that the characters alone rule out
for nearly all cells is not asked about: to plan a statement of all patterns takes longer than to run it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from banyan.limits import INGEST_SAMPLE_ROWS
from banyan.service.opendata.ingest.stage import Stage
from banyan.service.opendata.model import ColumnType

UNFIT_SHARE = 0.05
BATCH = 24
"""Columns asked about in one statement: wide tables stay within DuckDB's expression limits."""
FEW = 200
"""A column with fewer cells in the sampled rows is sampled by itself."""
MISSING_CHARACTERS = 4
"""What `is_missing` knows is no longer than this, spaces aside."""
DIGIT = re.compile(r"\d")
WHOLE = re.compile(r"\s*\d+\s*")
WHOLE_ONLY: Mapping[str, range] = {
    "as_date_8": range(8, 9),
    "as_roc_date_7": range(6, 8),
    "as_month_6": range(6, 7),
    "as_roc_month_5": range(4, 6),
    "as_datetime_14": range(14, 15),
}
"""Patterns of digits alone, and how many."""
WHOLE_TOO: Mapping[str, range] = {"as_year": range(4, 5), "as_roc_year": range(1, 4)}
"""Patterns that digits alone fit too, then so many."""
SHAPES: tuple[tuple[re.Pattern[str], frozenset[str]], ...] = (
    (re.compile(r"[+-]?\d+\.\d+"), frozenset({"as_number"})),
    (re.compile(r"\d{4}-\d\d-\d\d"), frozenset({"as_date"})),
    (re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d(\.\d+)?)?"), frozenset({"as_datetime"})),
    (re.compile(r".*(?![年月日民國中華前上中下午度學元圓整新臺台幣])[㐀-鿿].*", re.DOTALL), frozenset()),
)
"""What most cells of a column look like, and the only macros that can fit such cells."""

PATTERNS: tuple[tuple[str, ColumnType], ...] = (
    ("as_true_false", "boolean"),
    ("as_integer", "integer"),
    ("as_number", "number"),
    ("as_percent", "number"),
    ("as_money", "number"),
    ("as_date", "date"),
    ("as_date_8", "date"),
    ("as_roc_date", "date"),
    ("as_roc_date_7", "date"),
    ("as_date_dmy", "date"),
    ("as_date_mdy", "date"),
    ("as_month", "month"),
    ("as_month_6", "month"),
    ("as_roc_month", "month"),
    ("as_roc_month_5", "month"),
    ("as_year", "year"),
    ("as_roc_year", "year"),
    ("as_time", "time"),
    ("as_datetime", "datetime"),
    ("as_datetime_14", "datetime"),
    ("as_zoned_datetime", "datetime"),
    ("as_roc_datetime", "datetime"),
    ("as_datetime_dmy", "datetime"),
    ("as_datetime_mdy", "datetime"),
)
TESTS: Mapping[str, str] = {
    **{macro: f"count({macro}(v))" for macro, _ in PATTERNS},
    "yearless": "count(*) filter (is_yearless(v))",
    "damaged": "count(*) filter (regexp_full_match(v, '\\d{5,}\\.0'))",
    "roc_mark": "count(*) filter (regexp_matches(v, '民國|民前|年|^\\s*1\\d\\d\\D'))",
}
"""The statement of every count."""
ANY = frozenset(macro for macro, _ in PATTERNS)


class Sampled(msgspec.Struct, frozen=True):
    """The sampled cells of a column that hold a value at all, and how many of them each pattern fits."""

    cells: tuple[str, ...]
    counts: Mapping[str, int]

    @property
    def known(self) -> int:
        return len(self.cells)


def sampled(stage: Stage, places: Sequence[int], filled: Mapping[int, int], rows: int) -> dict[int, Sampled]:
    """The sample of the stage's columns `places`; `filled` counts the cells of each over all `rows`."""
    step = max(1, rows // INGEST_SAMPLE_ROWS)
    found: dict[int, Sampled] = {}
    for start in range(0, len(places), BATCH):
        batch = places[start : start + BATCH]
        wide = stage.run(
            f"select {', '.join(f'c{place}' for place in batch)} from stage where rowid % {step} = 0 "
            f"limit {2 * INGEST_SAMPLE_ROWS}"
        )
        cells = {
            place: [str(row[position]) for row in wide if row[position] is not None][:INGEST_SAMPLE_ROWS]
            for position, place in enumerate(batch)
        }
        for place, few in cells.items():
            if len(few) < min(FEW, filled[place]):
                rare = stage.run(f"select c{place} from stage where c{place} is not null limit {INGEST_SAMPLE_ROWS}")
                cells[place] = [str(row[0]) for row in rare]
        found |= _counted(stage, _present(stage, cells))
    return found


def _present(stage: Stage, cells: Mapping[int, list[str]]) -> dict[int, tuple[str, ...]]:
    """The cells without those that say there is no value."""
    short = {cell for column in cells.values() for cell in column if len(cell.strip()) <= MISSING_CHARACTERS}
    asked = "select v from (select unnest(?::varchar[]) as v) where is_missing(v)"
    missing = {row[0] for row in stage.run(asked, [sorted(short)])} if short else set()
    return {place: tuple(cell for cell in column if cell not in missing) for place, column in cells.items()}


def _counted(stage: Stage, cells: Mapping[int, tuple[str, ...]]) -> Iterator[tuple[int, Sampled]]:
    """Columns that are asked the same are asked in one statement."""
    alike: dict[frozenset[str], list[int]] = {}
    for place, column in cells.items():
        alike.setdefault(worth_asking(column), []).append(place)
    for asked, places in alike.items():
        counts = dict.fromkeys(places, dict.fromkeys(TESTS, 0))
        if asked:
            names = sorted(asked | {"yearless", "damaged", "roc_mark"})
            flat = [(place, cell) for place in places for cell in cells[place]]
            rows = stage.run(
                f"select place, {', '.join(TESTS[name] for name in names)} "
                "from (select unnest(?::integer[]) as place, unnest(?::varchar[]) as v) group by place",
                [[place for place, _ in flat], [cell for _, cell in flat]],
            )
            for key, *row in rows:
                assert isinstance(key, int), f"a place: {key!r}"
                counts[key] = counts[key] | {name: int(str(count)) for name, count in zip(names, row, strict=True)}
        yield from ((place, Sampled(cells[place], counts[place])) for place in places)


def worth_asking(cells: Sequence[str]) -> frozenset[str]:
    """Macros that could fit most cells, by their characters alone."""
    most = len(cells) * (1 - UNFIT_SHARE)
    digits = sum(1 for cell in cells if DIGIT.search(cell))
    if digits * 2 < most:
        few = sum(1 for cell in cells if len(cell) <= 3)
        if digits * 8 > few > len(cells) // 4:
            return ANY
        said = sum(1 for cell in cells if cell.strip().lower() in {"true", "false"})
        return frozenset({"as_true_false"}) if said >= most else frozenset()
    lengths = [len(cell.strip()) for cell in cells if WHOLE.fullmatch(cell)]
    if len(lengths) > most:
        by_length = [*WHOLE_ONLY.items(), *WHOLE_TOO.items()]
        fitting = {macro for macro, digits_of in by_length if sum(size in digits_of for size in lengths) >= most}
        return frozenset({"as_integer", *fitting})
    for shape, macros in SHAPES:
        if sum(1 for cell in cells if shape.fullmatch(cell)) > most:
            return macros
    return ANY - frozenset(WHOLE_ONLY)
