"""A trace over files of positions, on a machine without a node: what `trace count` tells and `trace names` writes."""

from __future__ import annotations

import argparse
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from banyan.craft.tracing.importing import read_delivery
from banyan.craft.tracing.model import Fixes, Longs, Rule, Slots, hours_of
from banyan.craft.tracing.notice import Listed
from banyan.craft.tracing.places import Place, hot_spots
from banyan.craft.tracing.tracing import Hits, contacts, hours_asked, in_memory, joined, merged, question, trace
from banyan.errors import Invalid
from banyan.service.tracing.presets import Preset, presets

CHUNK = 1 << 20


class Found(msgspec.Struct, frozen=True, eq=False):
    """`contacts` are slots in `numbers`; `hits` their meetings, in the order of phone and time. `question` is what two
    agencies vouch for: the files, the cases and the rule by their SHA-256."""

    contacts: Slots
    numbers: Longs
    hits: Hits
    cases: int
    positions: int
    faults: int
    spots: tuple[Place, ...]
    question: str
    own: Longs
    """The cases' numbers that have positions here."""


def listed_of(found: Found) -> Listed:
    """Who is on the list, and the cases."""
    return Listed(np.sort(found.numbers[found.contacts]), found.own)


def add_delivery_arguments(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("files", nargs="+", type=Path, metavar="FILE", help="CSV, NDJSON or Parquet")
    verb.add_argument("--cases", type=Path, required=True, metavar="FILE", help="the cases' numbers, one a line")
    verb.add_argument("--preset", default="jmir", help=f"a rule of the field: {', '.join(presets())}")


def preset_of(name: str) -> Preset:
    found = presets().get(name)
    if found is None:
        raise Invalid(f"No rule '{name}'.", remedy=f"The rules are: {', '.join(presets())}.")
    return found


def counted(files: list[Path], cases_file: Path, preset: Preset) -> Found:
    """Raises Invalid naming a file that cannot be read."""
    cases = _cases(cases_file)
    asked_for = question_of(files, cases, preset.rule)
    given, numbers, faults = _together(files)
    own = np.flatnonzero(np.isin(numbers, cases)).astype(np.uint32)
    asked = question(given.take(np.flatnonzero(np.isin(given.phone, own))), preset.rule, phones=len(numbers), own=own)
    parts = trace(asked, in_memory(hours_of(given)), hours_asked(asked), keep=True)
    found = contacts(merged(parts, len(numbers)), preset.rule)
    hits = joined(parts)
    hits = hits.take(np.isin(hits.phone, found))
    spots = hot_spots(hits, preset.bucket_s)
    return Found(found, numbers, hits, len(own), len(given), faults, spots, asked_for, numbers[own])


def question_of(files: list[Path], cases: list[int], rule: Rule) -> str:
    """The same for files and cases in any order. Raises Invalid naming a file that is not there."""
    missing = [str(path) for path in files if not path.is_file()]
    if missing:
        raise Invalid(f"{missing[0]} is no file.", remedy="Name files of positions.")
    what = (sorted(_digest(path) for path in files), sorted(set(cases)), rule)
    return sha256(b"banyan trace\0" + msgspec.json.encode(what, order="sorted")).hexdigest()


def _digest(path: Path) -> str:
    whole = sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            whole.update(chunk)
    return whole.hexdigest()


def _cases(path: Path) -> list[int]:
    try:
        return [int(one.removeprefix("+")) for one in path.read_text("ascii").split()]
    except (OSError, ValueError):
        raise Invalid(f"{path} cannot be read.", remedy="Write the cases' numbers, one a line.") from None


def _together(files: list[Path]) -> tuple[Fixes, Any, int]:
    """Several deliveries as one."""
    read = [read_delivery(path) for path in files]
    numbers = np.unique(np.concatenate([one.numbers for one in read]))
    parts = []
    for one in read:
        slots = np.searchsorted(numbers, one.numbers)[one.pings.phone].astype(np.uint32)
        parts.append(Fixes(slots, one.pings.at, one.pings.lon, one.pings.lat))
    columns = [np.concatenate([getattr(one, name) for one in parts]) for name in Fixes.__struct_fields__]
    return Fixes(*columns), numbers, sum(len(one.faults) for one in read)
