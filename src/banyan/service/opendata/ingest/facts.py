"""Counts over every row of every column: how many cells, how many that differ, how long."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from banyan.service.opendata.ingest.held import Held
from banyan.service.opendata.ingest.sample import BATCH
from banyan.service.opendata.ingest.stage import Stage

EXACT_ROWS = 200_000
"""Larger tables have their distinct values estimated (HyperLogLog, about 2 %), of a held number as a number."""


class Facts(msgspec.Struct, frozen=True):
    """Counts over every row of one column; lengths in bytes."""

    filled: int
    distinct: int
    shortest: int
    longest: int
    total: int
    """All lengths together; of a held number not less than that."""
    low: str = ""
    high: str = ""
    """The least and the greatest published value of a held number or moment."""


def facts_of(stage: Stage, width: int) -> list[Facts]:
    """One pass over the stage for all columns of text, one for those of numbers, one for each of words."""
    found: dict[int, Facts] = {}
    texts = [place for place in range(width) if place not in stage.held]
    parts = (
        "count(c{n})",
        "approx_count_distinct(c{n})",
        "coalesce(min(strlen(c{n})), 0)",
        "coalesce(max(strlen(c{n})), 0)",
        "coalesce(sum(strlen(c{n})), 0)::bigint",
    )
    found |= {place: _counted(cells) for place, cells in _per_column(stage, parts, texts)}
    words = [place for place, held in stage.held.items() if held.words]
    found |= {place: _of_words(stage, place) for place in words}
    numbers = {place: held for place, held in stage.held.items() if not held.words}
    if numbers:
        text = "::varchar" if stage.count("select count(*) from stage") <= EXACT_ROWS else ""
        asked = ("count(v{n})", f"approx_count_distinct(v{{n}}{text})", "min(v{n})::varchar", "max(v{n})::varchar")
        for place, cells in _per_column(stage, asked, list(numbers)):
            found[place] = _of_numbers(stage, place, numbers[place], cells)
    return [found[place] for place in range(width)]


def _of_words(stage: Stage, place: int) -> Facts:
    """Of each word once: the estimate of how many differ is the same."""
    cells = stage.row(
        "select coalesce(sum(n), 0)::bigint, approx_count_distinct(t), coalesce(min(strlen(t)), 0), "
        f"coalesce(max(strlen(t)), 0), coalesce(sum(n * strlen(t)), 0)::bigint from {grouped(place)}"
    )
    return _counted(cells)


def _counted(cells: Sequence[object]) -> Facts:
    filled, distinct, shortest, longest, total = map(whole, cells)
    return Facts(filled, distinct, shortest, longest, total)


def grouped(place: int) -> str:
    """SQL of a held column's words `t`, and how many cells `n` say each."""
    return f"(select v{place}::varchar as t, count(*) as n from stage where v{place} is not null group by v{place})"


def _of_numbers(stage: Stage, place: int, held: Held, cells: Sequence[object]) -> Facts:
    filled, distinct, least, most = whole(cells[0]), whole(cells[1]), cells[2], cells[3]
    if not filled:
        return Facts(0, 0, 0, 0, 0)
    low, high = str(least), str(most)
    shortest, longest = len(low), len(high)
    if low.startswith("-"):
        v = f"strlen(v{place}::varchar)"
        shortest, longest = map(whole, stage.row(f"select min({v}), max({v}) from stage"))
    if held.value != "{v}":
        value = held.value.format(v="?::" + held.kind)
        low, high = map(str, stage.row(f"select ({value})::varchar, ({value})::varchar", (low, high)))
    return Facts(filled, distinct, shortest, longest, filled * longest, low, high)


def _per_column(stage: Stage, parts: Sequence[str], places: Sequence[int]) -> Iterator[tuple[int, Sequence[object]]]:
    for start in range(0, len(places), BATCH):
        batch = places[start : start + BATCH]
        asked = ", ".join(part.format(n=place) for place in batch for part in parts)
        row = stage.run(f"select {asked} from stage", phase="infer")[0]
        for position, place in enumerate(batch):
            yield place, row[position * len(parts) : (position + 1) * len(parts)]


def whole(value: object) -> int:
    """A count as DuckDB gives it."""
    assert isinstance(value, int), f"a count: {value!r}"
    return value
