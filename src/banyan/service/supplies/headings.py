"""Which column says what, guessed from the headings that registers are known to use (`headings.toml`)."""

from __future__ import annotations

import tomllib
import unicodedata
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib.resources import files

import msgspec

from banyan.service.supplies.sources import Role

_MARKS = str.maketrans("", "", "_-()（）:：. \u3000\ufeff")


class RoleFields(msgspec.Struct, frozen=True):
    """`reads`: fields a role takes; `needs`: one of these it must have beside the code (none: its items)."""

    reads: tuple[str, ...]
    needs: tuple[str, ...]


class Headings(msgspec.Struct, frozen=True):
    """The file: headings of each field, what each role reads, headings of items and of their reserves."""

    field: dict[str, tuple[str, ...]]
    role: dict[Role, RoleFields]
    stock: dict[str, tuple[str, ...]]
    reserved: dict[str, tuple[str, ...]]


@lru_cache(maxsize=1)
def headings() -> Headings:
    text = files("banyan.service.supplies").joinpath("headings.toml").read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(text), Headings)


def guessed_columns(role: Role, present: Sequence[str]) -> dict[str, str]:
    """Field -> column for each field of the role whose heading is present."""
    known = headings()
    found = {field: named(known.field[field], present) for field in known.role[role].reads}
    return {field: column for field, column in found.items() if column}


def guessed_items(role: Role, items: Sequence[str], present: Sequence[str]) -> dict[str, str]:
    """Item id -> column for those of `items` whose heading is present. A column serves the first item that asks."""
    if role not in ("stock", "notices"):
        return {}
    known: Mapping[str, tuple[str, ...]] = headings().stock if role == "stock" else headings().reserved
    found: dict[str, str] = {}
    for item in items:
        column = named(known.get(item, ()), [name for name in present if name not in found.values()])
        if column:
            found[item] = column
    return found


def named(wanted: Sequence[str], present: Sequence[str]) -> str:
    """The first of the wanted headings that is present, as the register writes it; empty when none is."""
    written = {folded(name): name for name in reversed(present)}
    return next((written[folded(name)] for name in wanted if folded(name) in written), "")


def folded(heading: str) -> str:
    """A heading for comparing: NFKC, no case, no spaces, no joining marks."""
    return unicodedata.normalize("NFKC", heading).casefold().translate(_MARKS)
