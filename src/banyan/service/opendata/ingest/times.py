"""The time the source itself says its data is from, and clocks that name no zone."""

from __future__ import annotations

import re
from collections.abc import Sequence

from banyan.service.opendata.ingest import hints
from banyan.service.opendata.ingest.stage import Stage
from banyan.service.opendata.ingest.write import Planned
from banyan.service.opendata.model import Finding

TAIWAN_OFFSET = "+08:00"
ZONES = r"[A-Z]{3,4}|[+-]\d{2}:?\d{2}"


def source_time(stage: Stage, planned: Sequence[Planned]) -> tuple[str, list[Finding]]:
    """ISO 8601 of the newest value of a column that says when the data is from; and the findings about clocks."""
    findings = [_clock(stage, one, planned) for one in planned if one.column.type == "datetime" and not _zoned(one)]
    for one in planned:
        if one.column.type not in {"datetime", "date"} or not hints.AS_OF.search(hints.folded(one.column.name)):
            continue
        oldest, newest = (one.fit.low, one.fit.high) if one.fit.high else _range(stage, one)
        if newest is None:
            continue
        moment = str(newest).replace(" ", "T") if one.column.type == "datetime" else f"{newest}T00:00:00"
        as_of = moment + ("Z" if _zoned(one) else TAIWAN_OFFSET)
        values = {"time": as_of, "oldest": str(oldest)}
        return as_of, [
            *findings,
            Finding("guess", "as-of", column=one.column.name, values=values, override="--as-of TIME"),
        ]
    return "", findings


def _zoned(one: Planned) -> bool:
    return one.fit.pattern == "as_zoned_datetime"


def _range(stage: Stage, one: Planned) -> tuple[object, ...]:
    return stage.row(f"select min({one.value})::varchar, max({one.value})::varchar from stage s")


def _clock(stage: Stage, one: Planned, planned: Sequence[Planned]) -> Finding:
    """A clock without zone: a column beside it may name one, else it is Taiwan's."""
    name = one.column.name
    zone = TAIWAN_OFFSET
    for other in planned:
        if other.column.type == "text" and re.search(r"tz|zone|時區", other.column.name, re.I):
            named = stage.run(f"select distinct {other.value} from stage s where {other.value} is not null limit 6")
            if named and all(re.fullmatch(ZONES, str(row[0])) for row in named):
                zone = other.column.name
    return Finding("guess", "zone-missing", column=name, values={"zone": zone}, override=f"--type {name}=text")
