"""Which outlets to compare: some of each case, so that a rule is not passed for want of an example."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Final

from banyan.kit.reference import Reference

CASES: Final = (
    "in_stock",
    "few",
    "partly_reserved",
    "reserved",
    "sold_out",
    "not_listed",
    "unknown",
    "differ",
    "zero_led",
    "lettered",
)
"""Statuses; stock of which a part is promised; two geocodings that differ; codes that begin with 0 or hold a letter."""


def cases_of(reference: Reference, code: str) -> set[str]:
    """The cases that an outlet is an example of."""
    found = {truth.status for truth in reference.rows[code].values()}
    if any(truth.reserved and truth.available for truth in reference.rows[code].values()):
        found.add("partly_reserved")
    if reference.spots[code].located == "differ":
        found.add("differ")
    if code.startswith("0"):
        found.add("zero_led")
    if not code.isdecimal():
        found.add("lettered")
    return found & set(CASES)


def sampled(reference: Reference, codes: Iterable[str], most: int) -> Mapping[str, tuple[str, ...]]:
    """By case, outlets among `codes` to compare: at most `most` in all, the same ones for the same board."""
    by_case: dict[str, list[str]] = {case: [] for case in CASES}
    for code in sorted((code for code in set(codes) if code in reference.rows), key=_shuffled):
        for case in cases_of(reference, code):
            by_case[case].append(code)
    chosen: dict[str, list[str]] = {case: [] for case in CASES}
    taken: set[str] = set()
    for turn in range(most):
        for case in CASES:
            if turn < len(by_case[case]) and (len(taken) < most or by_case[case][turn] in taken):
                chosen[case].append(by_case[case][turn])
                taken.add(by_case[case][turn])
        if len(taken) >= most:
            break
    return {case: tuple(codes) for case, codes in chosen.items()}


def _shuffled(code: str) -> bytes:
    """An order that has nothing to do with the code, so that a sample is of the whole country."""
    return sha256(code.encode()).digest()
