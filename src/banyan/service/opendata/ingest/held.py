"""Columns held as what their cells say while a large text is read, instead of as text: numbers, moments, few words.

A sample of the file names them; the statement that reads the file proves every cell, and stops at the first that is
written otherwise: then that column is read as text. Nothing is lost: the text of a held cell can be had back exactly,
so whatever asks for text gets it, and only the costly questions are asked of the values.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import IO

import msgspec

from banyan.limits import KIB, MIB
from banyan.service.opendata.ingest.dialect import Dialect, reader_of

HELD_LEAST_BYTES = 4 * MIB
"""Smaller texts are read in less time than the sample takes."""
TRIES = 3
"""Readings, each but the last ended by a cell that does not fit; the last holds no column."""
STRIPES, STRIPE_BYTES = 24, 72 * KIB
"""16,000 rows of 100 bytes, spread over the file: a column of 1,000 words shows them all."""
WORDS = 4_096
"""Words of one column."""
WORD_CHARACTERS = 100
WORD_CELLS = 1_000
"""Cells to have seen before a column is believed to hold few words."""
NUMBERS = 3_000
"""Different cells to have seen of a column of numbers or moments."""
WHOLE = re.compile(r"(?!-0)-?(0|[1-9]\d{0,17})", re.ASCII)
DECIMAL = re.compile(r"(?!-0\.0+$)-?(0|[1-9]\d*)\.\d+", re.ASCII)
DECIMAL_DIGITS = 15
"""Of a fixed number of places: what a double holds exactly, as a whole number and divided by a power of ten."""
MOMENT = re.compile(r"[1-9]\d{3}-\d\d-\d\d \d\d:\d\d:\d\d", re.ASCII)
MISFIT = re.compile(r"misfit column (\d+)")


class Held(msgspec.Struct, frozen=True):
    """How a column's cells lie in the stage. `kind` is the SQL type; `proof` the test of `{c}`, a cell, and `{x}`, what
    it was cast to; `macro` the pattern that all its cells fit, written plainly, and then `value` is published."""

    kind: str
    proof: str
    macro: str = ""
    value: str = "{v}"
    words: tuple[str, ...] = ()


def guess_held(path: Path, dialect: Dialect, width: int) -> dict[int, Held]:
    """The columns of a large UTF-8 text that can be held, by place, as far as a sample tells."""
    size = path.stat().st_size
    if size < HELD_LEAST_BYTES:
        return {}
    with path.open("rb") as file:
        rows = [row for row in _sampled(file, size, dialect) if len(row) == width]
    guessed = {place: _held(place, cells) for place, cells in enumerate(zip(*rows, strict=True))}
    return {place: held for place, held in guessed.items() if held}


def _sampled(file: IO[bytes], size: int, dialect: Dialect) -> Iterator[list[str]]:
    """Rows from all over the file but its opening; where a quote runs over a line's end some are nonsense."""
    for number in range(1, STRIPES + 1):
        file.seek(size * number // (STRIPES + 1))
        text = file.read(STRIPE_BYTES).decode("utf-8", "replace")
        lines = text.replace("\r\n", "\n").split("\n")[1:-1]
        if '"' not in text:
            yield from (line.split(dialect.delimiter) for line in lines)
            continue
        try:
            yield from reader_of(lines, dialect.delimiter, quoted=dialect.quoted)
        except csv.Error:
            continue


def _held(place: int, cells: Sequence[str]) -> Held | None:
    seen = Counter(cells)
    seen.pop("", None)
    if not seen:
        return None
    first, some = next(iter(seen)), list(islice(seen, NUMBERS))
    if WHOLE.fullmatch(first):
        if all(map(WHOLE.fullmatch, some)):
            return Held("bigint", "{x}::varchar is not distinct from {c}", "as_integer")
    elif DECIMAL.fullmatch(first):
        after = len(first) - first.index(".") - 1
        longest = DECIMAL_DIGITS + 1  # the sign needs no digit: one less is held of those below zero
        if all(DECIMAL.fullmatch(one) and one[-after - 1] == "." and len(one) <= longest for one in some):
            kind = f"decimal({DECIMAL_DIGITS}, {after})"
            return Held(kind, "{x}::varchar is not distinct from {c}", "as_number", "{v}::double")
    elif MOMENT.fullmatch(first) and all(map(MOMENT.fullmatch, some)):
        return Held("timestamp", "({c} is null or (strlen({c}) = 19 and {x}::varchar = {c}))", "as_datetime")
    return _words(place, seen)


def _words(place: int, seen: Counter[str]) -> Held | None:
    """Few words, each seen again: a word seen once tells of others not seen."""
    if len(seen) > WORDS or seen.total() < WORD_CELLS or min(seen.values()) == 1:
        return None
    if any(len(word) > WORD_CHARACTERS or "\x00" in word or "\ufffd" in word for word in seen):
        return None
    return Held(f"words_{place}", "({c} is null or {x} is not null)", words=tuple(sorted(seen)))


def reading(place: int, held: Held | None) -> str:
    """SQL of a stage column made from the text cell `c…`: itself, or the value `v…`, proved."""
    if held is None:
        return f"c{place}"
    x = f"try_cast(c{place} as {held.kind})"
    proof = held.proof.format(c=f"c{place}", x=x)
    return f"case when {proof} then {x} else error('misfit column {place}') end as v{place}"


def looking(width: int, held: Mapping[int, Held]) -> str:
    """SQL of the columns of the view over what is held: the text of every cell, then the values."""
    texts = [f"v{place}::varchar as c{place}" if place in held else f"c{place}" for place in range(width)]
    return ", ".join(["rowid", *texts, *(f"v{place}" for place in held)])


def misfit(error: Exception) -> int | None:
    """The place of the column whose cell stopped the reading; None when something else did."""
    found = MISFIT.search(str(error))
    return int(found.group(1)) if found else None
