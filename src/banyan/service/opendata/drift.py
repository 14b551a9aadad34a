"""How the columns of a new file differ from those of the version before, and which of them only changed their name.

Pure. The case it was made for: 成人口罩總剩餘數 became 成人口罩剩餘數 between 10 and 14 February 2020, and every
program that read the mask list broke.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from difflib import SequenceMatcher

import msgspec

from banyan.service.opendata.model import Column

ALIKE = 0.6
"""Names at least this alike (difflib ratio) may be one column renamed; 成人口罩總剩餘數/成人口罩剩餘數 is 0.93."""
ALMOST_SAME = 0.8
"""In the same place, names this alike are one column even when its type changed too."""
SAME_VALUES = 0.5
"""Share of example values, or of the value range, that must be common when only the place speaks for a rename."""
_DIGITS = re.compile(r"\d+")
_NUMERIC = ("integer", "number", "year")


class Drift(msgspec.Struct, frozen=True, omit_defaults=True):
    """The named differences; all empty when the columns are as before (in whatever order)."""

    added: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    renamed: tuple[tuple[str, str], ...] = ()
    """(old, new)"""
    retyped: tuple[tuple[str, str, str], ...] = ()
    """(new name, old type, new type)"""
    kept: int = 0
    """Columns of the old version that the new one still has, renamed ones included."""

    @property
    def is_empty(self) -> bool:
        return not (self.added or self.gone or self.renamed or self.retyped)


def drift(old: Sequence[Column], new: Sequence[Column], *, apart: Sequence[str] = ()) -> Drift:
    """Compare columns. `apart` names new columns that are new, whatever they resemble."""
    old_names, new_names = {column.name for column in old}, {column.name for column in new}
    gone = [(at, column) for at, column in enumerate(old) if column.name not in new_names]
    added = [(at, column) for at, column in enumerate(new) if column.name not in old_names]
    pairs = _pairs(gone, [one for one in added if one[1].name not in apart])
    renamed = {before.name: after.name for before, after in pairs}
    types = {column.name: column.type for column in new}
    retyped = tuple(
        (name, column.type, types[name])
        for column in old
        if (name := renamed.get(column.name, column.name)) in types and types[name] != column.type
    )
    return Drift(
        added=tuple(column.name for _, column in added if column.name not in renamed.values()),
        gone=tuple(column.name for _, column in gone if column.name not in renamed),
        renamed=tuple(renamed.items()),
        retyped=retyped,
        kept=len(old) - len(gone) + len(renamed),
    )


def carry_names(old: Sequence[Column], new: Sequence[Column], renamed: Sequence[tuple[str, str]]) -> tuple[Column, ...]:
    """The new columns with the earlier names they still answer to, and what people wrote about them."""
    before = {column.name: column for column in old}
    former = {after: before_name for before_name, after in renamed}
    present = {column.name for column in new}
    carried = []
    for column in new:
        past = before.get(former.get(column.name, column.name))
        if past is None:
            carried.append(column)
            continue
        names = (*past.aliases, *((past.name,) if past.name != column.name else ()), *column.aliases)
        carried.append(
            msgspec.structs.replace(
                column,
                aliases=tuple(dict.fromkeys(name for name in names if name not in present)),
                title=column.title or past.title,
                description=column.description or past.description,
                unit=column.unit or past.unit,
            )
        )
    return tuple(carried)


def translated(names: Sequence[str], renamed: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    """Column names as the new version calls them."""
    new_name = dict(renamed)
    return tuple(new_name.get(name, name) for name in names)


def _pairs(gone: Sequence[tuple[int, Column]], added: Sequence[tuple[int, Column]]) -> list[tuple[Column, Column]]:
    scored = sorted(
        ((_likeness(before, after), before, after) for before in gone for after in added), key=lambda one: -one[0]
    )
    taken: set[str] = set()
    pairs = []
    for score, (_, before), (_, after) in scored:
        if score > 0 and not {f"old {before.name}", f"new {after.name}"} & taken:
            taken |= {f"old {before.name}", f"new {after.name}"}
            pairs.append((before, after))
    return pairs


def _likeness(before: tuple[int, Column], after: tuple[int, Column]) -> float:
    """0: not the same column. Otherwise higher is likelier."""
    (old_at, old), (new_at, new) = before, after
    if new.name in old.aliases:
        return 3.0
    old_name, new_name = _folded(old.name), _folded(new.name)
    if _DIGITS.findall(old_name) != _DIGITS.findall(new_name):
        return 0.0  # 109年人口 and 110年人口 are two facts
    alike = SequenceMatcher(None, old_name, new_name).ratio()
    in_place = old_at == new_at
    if not _compatible(old, new):
        return alike if in_place and alike >= ALMOST_SAME else 0.0
    if alike >= ALIKE:
        return 1.0 + alike + 0.1 * in_place
    return _common_values(old, new) if in_place and _common_values(old, new) >= SAME_VALUES else 0.0


def _compatible(old: Column, new: Column) -> bool:
    return old.type == new.type or (old.type in _NUMERIC and new.type in _NUMERIC)


def _common_values(old: Column, new: Column) -> float:
    """Share of values the two have in common, from what is known of them: ranges of numbers, examples of texts."""
    if old.type in _NUMERIC and old.minimum and new.minimum:
        low, high = max(float(old.minimum), float(new.minimum)), min(float(old.maximum), float(new.maximum))
        whole = max(float(old.maximum), float(new.maximum)) - min(float(old.minimum), float(new.minimum))
        return max(0.0, high - low) / whole if whole else float(low == high)
    examples = set(old.examples) & set(new.examples)
    fewest = min(len(set(old.examples)), len(set(new.examples)))
    return len(examples) / fewest if fewest else 0.0


def _folded(name: str) -> str:
    return unicodedata.normalize("NFKC", name).casefold().strip()
