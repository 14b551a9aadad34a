"""`./banyan trace`: counts from deliveries of positions, on a machine without a node; and the generated day of a ship.

Counts and places come first, as on a node; numbers are written once officers of two agencies let them (trace_names.py).
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from typing import Any, Final

import numpy as np

from banyan.craft.tracing.masts import Dock, at_dock, ways_of
from banyan.craft.tracing.model import HOUR_S
from banyan.craft.tracing.places import Place, hot_spots, rounded
from banyan.craft.tracing.tracing import (
    Desk,
    contacts,
    in_memory,
    joined,
    merged,
    question,
    scan_hour,
)
from banyan.errors import Invalid
from banyan.limits_tracing import TRACE_LEAST
from banyan.trace_counting import add_delivery_arguments, counted, preset_of
from banyan.trace_errors import add_trace_errors_parser
from banyan.trace_names import add_trace_names_parser
from banyan.trace_notice import add_trace_notice_parser

NATION: Final = (23_000_000, 3_000)
"""Phones and guests."""
SHIP: Final = (200_000, 3_000)


def add_trace_parser(verbs: Any) -> None:
    """`./banyan trace count FILES… --cases FILE` and `./banyan trace simulate [--phones N | --nation]`."""
    parser = verbs.add_parser("trace", help="count who was near cases, from deliveries of phone positions")
    kinds = parser.add_subparsers(dest="kind", required=True, metavar="WHAT")
    count = kinds.add_parser("count", help="counts from files of positions (number, at, lon, lat)")
    add_delivery_arguments(count)
    count.set_defaults(run=_count)
    ship = kinds.add_parser("simulate", aliases=["demo"], help="a cruise ship's day ashore, generated and traced")
    ship.add_argument("--nation", action="store_true", help="23 million phones")
    ship.add_argument("--phones", type=int, default=0, metavar="N", help="so many phones")
    ship.add_argument("--busy", type=float, default=0.0, metavar="SHARE", help="of them work where the guests go")
    ship.add_argument("--preset", default="telegraph", help="a rule of the field")
    ship.set_defaults(run=_simulate)
    add_trace_names_parser(kinds)
    add_trace_notice_parser(kinds)
    add_trace_errors_parser(kinds)


def _count(options: argparse.Namespace) -> int:
    found = counted(options.files, options.cases, preset_of(options.preset))
    _tell(len(found.contacts), found.cases, found.positions, found.spots)
    if found.faults:
        _say(f"{found.faults} rows were left out: they cannot be read.")
    _say(f"question: {found.question}")
    return 0


def _simulate(options: argparse.Namespace) -> int:
    from banyan.demo.tracing import ASHORE_H, DOCK, guests_in, hour_of_nation, nation

    phones, guests = NATION if options.nation else SHIP
    phones = options.phones or phones
    if not 10_000 <= phones <= NATION[0] * 1.5:
        raise Invalid(f"{phones} phones cannot be.", remedy="Name 10,000 to 34,500,000.")
    if not 0 <= options.busy <= 0.9:
        raise Invalid(f"A share of {options.busy} cannot be.", remedy="Name 0 to 0.9.")
    rule = preset_of(options.preset).rule
    clock = _Clock()
    who = nation(phones, guests, busy=options.busy)
    first, last = ASHORE_H
    _say(f"A day ashore: {guests:,} guests among {phones:,} phones, a fix each ten minutes, {first}:00 to {last}:00.")
    landed = hour_of_nation(who, first)
    clock.generated()
    dock = Dock(*DOCK, 800.0, first * HOUR_S, (first + 1) * HOUR_S)
    own = at_dock(dock, in_memory({first: landed}), np.arange(phones) < guests)
    ways = ways_of(own, lambda hour: (guests_in(who, hour),), range(first, last), size=phones)
    asked = question(ways, rule, phones=phones, own=own)
    _say(f"{rounded(len(own)) or 0:,} foreign phones were at the dock; {len(ways):,} of their fixes are the cases'.")
    desk, parts = Desk(asked), []
    clock.traced()
    for hour in range(first, last):
        pings = landed if hour == first else hour_of_nation(who, hour)
        clock.generated()
        parts.append(scan_hour(asked, hour, (pings,), desk, keep=True))
        took = clock.traced()
        _progress(f"{hour:02}:00  {len(pings):,} positions traced in {took:.2f} s of CPU")
    found = contacts(merged(parts, phones), rule)
    hits = joined(parts)
    is_contact = np.zeros(phones, bool)
    is_contact[found] = True
    looked = sum(part.pings for part in parts)
    spots = hot_spots(hits.take(is_contact[hits.phone]), rule.bucket_s)
    clock.traced()
    _tell(len(found), len(own), looked, spots)
    rate = looked / max(clock.tracing, 1e-9) / 1e6
    _say(f"CPU: traced in {clock.tracing:.1f} s ({rate:,.0f} M positions/s), generated in {clock.generating:.1f} s.")
    _say(f"Memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MB at most.")
    return 0


class _Clock:
    """Processor seconds, by what they were for."""

    def __init__(self) -> None:
        self.tracing = self.generating = 0.0
        self._last = time.process_time()

    def _lap(self) -> float:
        last, self._last = self._last, time.process_time()
        return self._last - last

    def generated(self) -> None:
        self.generating += self._lap()

    def traced(self) -> float:
        lap = self._lap()
        self.tracing += lap
        return lap


def _progress(line: str) -> None:
    sys.stderr.write(line + "\n")


def _tell(found: int, cases: int, looked: int, spots: tuple[Place, ...]) -> None:
    told = rounded(found)
    count = f"{told:,}" if told is not None else f"fewer than {TRACE_LEAST}"
    _say(f"{looked:,} positions, {cases:,} phones of cases: {count} contacts, {len(spots)} hot spots.")
    for one in spots[:5]:
        _say(f"  {one.lat:.4f}, {one.lon:.4f}: {one.phones:,} phones, {one.minutes:,} contact minutes")


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
