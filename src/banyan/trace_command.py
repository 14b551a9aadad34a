"""`./banyan trace`: counts from deliveries of positions, on a machine without a node; and the generated day of a ship.

It tells counts and places only. Names and numbers leave through the service alone: an order, a question, and a release
by a second agency (docs/decisions/0126).
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any, Final

import numpy as np

from banyan.craft.tracing.importing import read_delivery
from banyan.craft.tracing.masts import Dock, at_dock, ways_of
from banyan.craft.tracing.model import Fixes, Pings, hours_of
from banyan.craft.tracing.places import Place, hot_spots, rounded
from banyan.craft.tracing.tracing import contacts, hours_asked, in_memory, joined, merged, question, trace
from banyan.errors import Invalid
from banyan.limits_tracing import TRACE_LEAST
from banyan.service.tracing.presets import presets

NATION: Final = (23_000_000, 3_000)
"""Phones and guests."""
SHIP: Final = (200_000, 3_000)


def add_trace_parser(verbs: Any) -> None:
    """`./banyan trace count FILES… --cases FILE` and `./banyan trace demo [--nation]`."""
    parser = verbs.add_parser("trace", help="count who was near cases, from deliveries of phone positions")
    kinds = parser.add_subparsers(dest="kind", required=True, metavar="WHAT")
    count = kinds.add_parser("count", help="counts from files of positions (number, at, lon, lat)")
    count.add_argument("files", nargs="+", type=Path, metavar="FILE", help="CSV, NDJSON or Parquet")
    count.add_argument("--cases", type=Path, required=True, metavar="FILE", help="the cases' numbers, one a line")
    count.add_argument("--preset", default="jmir", help=f"a rule of the field: {', '.join(presets())}")
    count.set_defaults(run=_count)
    demo = kinds.add_parser("demo", help="a cruise ship's day ashore, generated and traced")
    demo.add_argument("--nation", action="store_true", help="23 million phones; takes minutes and 8 GB")
    demo.add_argument("--phones", type=int, default=0, metavar="N", help="so many phones")
    demo.set_defaults(run=_demo)


def _count(options: argparse.Namespace) -> int:
    preset = presets().get(options.preset)
    if preset is None:
        raise Invalid(f"No rule '{options.preset}'.", remedy=f"The rules are: {', '.join(presets())}.")
    try:
        told = options.cases.read_text("ascii").split()
        cases = [int(one.removeprefix("+")) for one in told]
    except (OSError, ValueError):
        raise Invalid(f"{options.cases} cannot be read.", remedy="Write the cases' numbers, one a line.") from None
    given, numbers, faults = _together(options.files)
    own = np.flatnonzero(np.isin(numbers, cases)).astype(np.uint32)
    asked = question(given.take(np.flatnonzero(np.isin(given.phone, own))), preset.rule, phones=len(numbers), own=own)
    parts = trace(asked, in_memory(hours_of(given)), hours_asked(asked), keep=True)
    found = contacts(merged(parts, len(numbers)), preset.rule)
    hits = joined(parts)
    _tell(len(found), len(own), len(given), hot_spots(hits.take(np.isin(hits.phone, found)), preset.bucket_s))
    if faults:
        _say(f"{faults} rows were left out: they cannot be read.")
    return 0


def _together(files: list[Path]) -> tuple[Fixes, Any, int]:
    """Several deliveries as one. Raises Invalid naming a file that is not there."""
    missing = [str(path) for path in files if not path.is_file()]
    if missing:
        raise Invalid(f"{missing[0]} is no file.", remedy="Name files of positions.")
    read = [read_delivery(path) for path in files]
    numbers = np.unique(np.concatenate([one.numbers for one in read]))
    parts = []
    for one in read:
        slots = np.searchsorted(numbers, one.numbers)[one.pings.phone].astype(np.uint32)
        parts.append(Fixes(slots, one.pings.at, one.pings.lon, one.pings.lat))
    columns = [np.concatenate([getattr(one, name) for one in parts]) for name in Fixes.__struct_fields__]
    return Fixes(*columns), numbers, sum(len(one.faults) for one in read)


def _demo(options: argparse.Namespace) -> int:
    from banyan.demo.tracing import ASHORE_H, DOCK, hour_of_nation, nation

    phones, guests = NATION if options.nation else SHIP
    phones = options.phones or phones
    if not 10_000 <= phones <= NATION[0] * 1.5:
        raise Invalid(f"{phones} phones cannot be.", remedy="Name 10,000 to 34,500,000.")
    rule = presets()["telegraph"].rule
    began = time.perf_counter()
    who = nation(phones, guests)
    first, last = ASHORE_H
    _say(f"A day ashore: {guests:,} guests among {phones:,} phones, a fix each ten minutes, {first}:00 to {last}:00.")
    landed = hour_of_nation(who, first)
    dock = Dock(*DOCK, 800.0, first * 3_600, (first + 1) * 3_600)
    own = at_dock(dock, in_memory({first: landed}), np.arange(phones) < guests)
    ways = _ways(who, own, first, last)
    del landed
    _say(f"{rounded(len(own)) or 0:,} foreign phones were at the dock; {len(ways):,} of their fixes are the cases'.")
    asked = question(ways, rule, phones=phones, own=own)
    parts, scanned = [], 0.0
    for hour in range(first, last):
        pings: dict[int, Pings] = {hour: hour_of_nation(who, hour)}
        start = time.perf_counter()
        parts += trace(asked, in_memory(pings), [hour], keep=True)
        scanned += time.perf_counter() - start
    found = contacts(merged(parts, phones), rule)
    hits = joined(parts)
    is_contact = np.zeros(phones, bool)
    is_contact[found] = True
    looked = sum(part.pings for part in parts)
    _tell(len(found), len(own), looked, hot_spots(hits.take(is_contact[hits.phone]), rule.bucket_s))
    total = time.perf_counter() - began
    rate = looked / max(scanned, 1e-9) / 1e6
    _say(f"Traced in {scanned:.1f} s ({rate:,.0f} M positions/s); generated in {total - scanned:.0f} s.")
    return 0


def _ways(who: Any, own: Any, first: int, last: int) -> Fixes:
    """Where the guests were, from the same hours that are traced."""
    from banyan.demo.tracing import hour_of_nation

    parts = []
    for hour in range(first, last):
        pings = hour_of_nation(who, hour)
        parts.append(ways_of(own, in_memory({hour: pings}), [hour], size=len(who)))
    columns = [np.concatenate([getattr(one, name) for one in parts]) for name in Fixes.__struct_fields__]
    return Fixes(*columns)


def _tell(found: int, cases: int, looked: int, spots: tuple[Place, ...]) -> None:
    told = rounded(found)
    count = f"{told:,}" if told is not None else f"fewer than {TRACE_LEAST}"
    _say(f"{looked:,} positions, {cases:,} phones of cases: {count} contacts, {len(spots)} hot spots.")
    for one in spots[:5]:
        _say(f"  {one.lat:.4f}, {one.lon:.4f}: {one.phones:,} phones, {one.minutes:,} contact minutes")


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
