"""Write the typed table as compressed Parquet, a large one sorted, and describe what each column holds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from banyan.service.opendata.ingest.facts import EXACT_ROWS, Facts, whole
from banyan.service.opendata.ingest.infer import Fit
from banyan.service.opendata.ingest.sample import BATCH
from banyan.service.opendata.ingest.stage import Stage, identifier, literal
from banyan.service.opendata.model import Column, Finding

SORT_DISTINCT = 1_000
"""A facet has at most this many values; sorting by more buys nothing for filters."""
FLAG_DISTINCT = 4
"""A column of two or three values cuts little off a scan."""
SORT_ROWS = 4_000_000
"""Smaller tables keep their source order. Sorting takes half of the writing (1.6 s of CPU for 0.8 at 1M rows) and
makes the file larger (18.6 MB for 16.1); a filtered page from it took 17 ms for 29, an unfiltered one 92 for 31."""
SORT_COLUMNS = 2
EXAMPLES, EXAMPLE_CELLS, EXAMPLE_ROWS = 3, 100, 200
DICTIONARY_WORDS = 8_192
"""Of a row group's column: beyond it DuckDB stops trying. Its own bound of 24,576 took 0.1 s of CPU more at 1M rows
and made the file 1.5 % larger."""
EXAMPLE_CHARACTERS = 80


class Planned(msgspec.Struct, frozen=True):
    """One published column: its place in the stage, its name, how its cells become values."""

    place: int
    column: Column
    fit: Fit

    @property
    def value(self) -> str:
        """SQL of the typed value."""
        return self.fit.sql.format(c=f"s.c{self.place}", v=f"s.v{self.place}") if self.fit.sql else f"s.c{self.place}"

    @property
    def raw(self) -> str:
        """SQL of the raw text where the value does not carry it, else NULL."""
        c = f"s.c{self.place}"
        lost = f"{self.value} is distinct from {c}" if self.fit.type in {"text", "json"} else f"{self.value} is null"
        return f"case when {c} is not null and ({lost}) then {c} end"


class Located(msgspec.Struct, frozen=True):
    """What the table `place` of the stage holds: its columns, the extent of its points, and what was found."""

    derived: tuple[str, ...] = ()
    bbox: tuple[float, float, float, float] | None = None
    geometry: str = ""
    findings: tuple[Finding, ...] = ()


def sort_columns(planned: Sequence[Planned], facts: Sequence[Facts], rows: int) -> tuple[str, ...]:
    """Text columns that people filter by: few values, many rows each; the coarsest first, flags last of all."""
    if rows < SORT_ROWS:
        return ()
    facets = [
        (facts[one.place].distinct < FLAG_DISTINCT, facts[one.place].distinct, one.column.name)
        for one in planned
        if one.column.type == "text"
        and one.column.role != "address"
        and 2 <= facts[one.place].distinct <= SORT_DISTINCT
        and facts[one.place].filled * 10 >= rows * 9
        and rows >= 50 * facts[one.place].distinct
    ]
    return tuple(name for _, _, name in sorted(facets)[:SORT_COLUMNS])


def write_parquet(
    stage: Stage,
    planned: Sequence[Planned],
    sort: Sequence[str],
    target: Path,
    *,
    derived: Sequence[str] = (),
    shape: int | None = None,
) -> None:
    """`_id`, the columns, their raw columns, then the columns of the stage table `place` named in `derived`.

    `place` lies beside the stage row by row. Without sorting nothing else disturbs the order DuckDB keeps, so the two
    are read side by side: at 1M rows half the CPU of a join and a sort, which alone can use both cores.
    """
    chosen = ["s.row + 1 as _id"]
    chosen += [f"{_written(stage, one)} as {identifier(one.column.name)}" for one in planned]
    chosen += [f"{one.raw} as {identifier(one.column.raw)}" for one in planned if one.column.raw]
    chosen += [f"p.{name} as {name}" for name in derived]
    if shape is not None:
        chosen.append(f"s.c{shape} as _geometry")
    beside = "left join place p on p.row = s.row" if sort else "positional join place p"
    order = ", ".join([*(f"{identifier(name)} nulls last" for name in sort), "_id"])
    ordered = f"order by {order}" if sort else ""
    source = f"(select rowid as row, * from stage) s {beside if derived else ''} {ordered}"
    stage.run(
        f"copy (select {', '.join(chosen)} from {source}) "
        f"to {literal(str(target))} (format parquet, compression zstd, row_group_size 122880, "
        f"dictionary_size_limit {DICTIONARY_WORDS})",
        phase="write",
    )


def _written(stage: Stage, one: Planned) -> str:
    """Words are written as they are held, for they are a dictionary already; they are sorted as their text is."""
    is_word = one.place in stage.held and stage.held[one.place].words and not one.fit.sql
    return f"s.v{one.place}" if is_word else one.value


def described(
    stage: Stage, planned: Sequence[Planned], facts: Sequence[Facts], rows: int, target: Path
) -> tuple[Column, ...]:
    """The columns with counts, range and examples; ranges are read back from the file that was written."""
    table = f"read_parquet({literal(str(target))})"
    examples = _examples(stage, planned, rows)
    exact = rows <= EXACT_ROWS
    columns: list[Column] = []
    for start in range(0, len(planned), BATCH):
        batch = planned[start : start + BATCH]
        row = stage.run(
            f"select {', '.join(_questions(one, exact=exact) for one in batch)} from {table}", phase="write"
        )[0]
        for position, one in enumerate(batch):
            filled, distinct, low, high = row[position * 4 : position * 4 + 4]
            columns.append(
                msgspec.structs.replace(
                    one.column,
                    nulls=rows - whole(filled),
                    unfit=one.fit.unfit,
                    distinct=whole(distinct) if exact else min(facts[one.place].distinct, rows),
                    minimum=str(low) if low is not None else "",
                    maximum=str(high) if high is not None else "",
                    examples=examples[one.place],
                )
            )
    return tuple(columns)


def _questions(one: Planned, *, exact: bool) -> str:
    name = identifier(one.column.name)
    ranged = one.column.type not in {"text", "json", "boolean"}
    low, high = (f"min({name})::varchar", f"max({name})::varchar") if ranged else ("null", "null")
    return f"count({name}), {f'count(distinct {name})' if exact else '0'}, {low}, {high}"


def _examples(stage: Stage, planned: Sequence[Planned], rows: int) -> dict[int, tuple[str, ...]]:
    """The first values in source order that differ, of each column by its place."""
    found: dict[int, tuple[str, ...]] = {}
    for start in range(0, len(planned), BATCH):
        batch = planned[start : start + BATCH]
        shown = [f"left({one.value}::varchar, {EXAMPLE_CHARACTERS})" for one in batch]
        wide = stage.run(f"select {', '.join(shown)} from stage s limit {EXAMPLE_ROWS}")
        for position, one in enumerate(batch):
            cells = [row[position] for row in wide if row[position] is not None][:EXAMPLE_CELLS]
            if len(cells) < EXAMPLE_CELLS and len(wide) < rows:
                value = shown[position]
                rare = stage.run(f"select {value} from stage s where {one.value} is not null limit {EXAMPLE_CELLS}")
                cells = [row[0] for row in rare]
            found[one.place] = tuple(dict.fromkeys(map(str, cells)))[:EXAMPLES]
    return found
