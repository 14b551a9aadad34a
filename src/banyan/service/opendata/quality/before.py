"""The loud look before publication: people's numbers and formulas in a table that is about to be public."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from banyan.service.opendata.model import Check, Column, Finding
from banyan.service.opendata.quality import content, scan
from banyan.service.opendata.quality.explain import finding_of

_TIME_S = 15.0


def look_before_publishing(parquet: Path, columns: Sequence[Column]) -> tuple[Finding, ...]:
    """Findings `quality-national-id`, `quality-resident-id`, `quality-mobile`, `quality-formula`; empty when clean.

    Blocking: call it in a thread. Evidence is masked. Sentences: `check.CODE.title` and `.mend` of our messages.
    """
    seen = scan.suspects(parquet, columns, time_s=_TIME_S)
    loud: list[Check] = [check for check in content.cells(seen) if check.code in content.LOUD]
    return tuple(finding_of(check) for check in loud)
