"""What a report means and how to mend it, in both languages; most points first."""

from __future__ import annotations

from typing import Literal

import msgspec

from banyan.kernel.catalogue.messages import LANGUAGES, load_messages
from banyan.service.opendata.model import Check, Finding, Quality
from banyan.service.opendata.quality.content import LOUD

MESSAGES = load_messages("banyan.service.opendata.quality")
Kind = Literal["content", "indicator", "mqa"]


class Advice(msgspec.Struct, frozen=True):
    """One thing to mend: what is wrong, how to mend it, where it shows. `points` are MQA points to win.

    `weight` is `loud` for what must be looked at before publication, `fault`, `unknown` (not yet looked at), `notice`.
    """

    kind: Kind
    code: str
    title: dict[str, str]
    mend: dict[str, str]
    points: float
    count: int
    evidence: tuple[str, ...]
    weight: Literal["loud", "fault", "unknown", "notice"]


def both(key: str) -> dict[str, str]:
    """A sentence in both languages."""
    return {lang: MESSAGES.text(key, lang) for lang in LANGUAGES}


def explain(quality: Quality) -> tuple[Advice, ...]:
    """Everything that is missing or wrong: loud first, then by points to win, then by cells."""
    found = [_advice("content", check) for check in quality.content if check.count]
    found += [_advice("indicator", check) for check in quality.indicators if check.passed is not True]
    found += [_advice("mqa", check) for check in quality.mqa if check.passed is not True]
    order = {"loud": 0, "fault": 1, "unknown": 2, "notice": 3}
    return tuple(sorted(found, key=lambda one: (order[one.weight], -one.points, -one.count, one.code)))


def lines(quality: Quality, lang: str) -> list[str]:
    """`explain` as sentences for a terminal or a letter: `[+30] 關鍵字：… 改善：…`."""
    return [
        f"[{'+' + format(one.points, 'g') if one.points else '!' if one.weight == 'loud' else '-'}] "
        f"{one.title[lang]}{f' ({one.count})' if one.count else ''} → {one.mend[lang]}"
        for one in explain(quality)
    ]


def finding_of(check: Check) -> Finding:
    """A content check as a finding, for a publisher to see before publication."""
    return Finding("problem", f"quality-{check.code}", count=check.count, examples=check.evidence)


def _advice(kind: Kind, check: Check) -> Advice:
    weight: Literal["loud", "fault", "unknown", "notice"] = "fault"
    if check.code in LOUD and kind == "content":
        weight = "loud"
    elif check.passed is None:
        weight = "notice" if kind == "content" else "unknown"
    return Advice(
        kind,
        check.code,
        both(f"check.{check.code}.title"),
        both(f"check.{check.code}.mend"),
        round(check.of - check.points, 2) if kind == "mqa" else 0,
        check.count,
        check.evidence,
        weight,
    )
