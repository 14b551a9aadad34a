"""Taiwan's seven indicators of open-data quality, and the medals.

Source of the indicators: 政府資料品質提升機制運作指引 (數位發展部, 2023-01). A dataset passes when all resources do.
The medals' exact thresholds are not in public text: those here are OURS, and every page and file says so:
bronze 1-2, silver 1-3, gold 1-6, platinum gold + 7 + no content problem. Unknown earns nothing; for indicator 7,
which the ministry judges by hand, nothing to answer is no fault.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import msgspec

from banyan.kernel.events.clock import EpochS
from banyan.service.opendata.export.entry import Entry
from banyan.service.opendata.model import Check, DataRequest, Resource, Version
from banyan.wire import national

Medal = Literal["", "bronze", "silver", "gold", "platinum"]
CODES = ("links", "direct", "structured", "encoding", "fields", "fresh", "answers")
STRUCTURED = frozenset(
    ("CSV", "JSON", "XML", "GEOJSON", "XLSX", "XLS", "KML", "KMZ", "SHP", "TSV", "NDJSON", "PARQUET", "ODS", "GML")
)
"""The ministry's nine, and five that are as structured."""
GRACE = 1.5
"""An update may be late by half its interval: a month has no fixed length and a day may be a holiday."""
ANSWER_WITHIN_S = 7 * 86_400
_BRACKETS = re.compile(r"[(（][^()（）]*[)）]|[「」『』\"“”\s]")


class Seen(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a look at an address found. `direct`: a file came, without login or web page. `encoding_fits`: its first
    bytes are in the encoding the description states (None: cannot be told)."""

    ok: bool
    direct: bool
    status: int = 0
    at: EpochS = EpochS(0)
    error: str = ""
    encoding_fits: bool | None = None


def judge(entry: Entry, *, seen: Mapping[str, Seen], requests: Iterable[DataRequest], now: EpochS) -> tuple[Check, ...]:
    """The seven checks in their order. `seen` is by resource id."""
    active = [resource for resource in entry.dataset.resources if resource.state == "active"]
    looks = [(resource, seen.get(resource.id)) for resource in active]
    return (
        _all("links", [(resource, look.ok if look else None) for resource, look in looks]),
        _all("direct", [(resource, look.direct if look else None) for resource, look in looks]),
        _all("structured", [(resource, _is_structured(entry, resource)) for resource in active]),
        _all("encoding", [(resource, _encoding_fits(entry, resource, look)) for resource, look in looks]),
        _fields(entry, active),
        _fresh(entry, now),
        _answers(requests),
    )


def medal(indicators: Sequence[Check], content: Sequence[Check]) -> Medal:
    """The medal by our thresholds."""
    passed = [check.passed is True for check in indicators]
    if all(passed[:6]):
        clean = all(check.passed is not False for check in content)
        return "platinum" if clean and indicators[6].passed is not False else "gold"
    if all(passed[:3]):
        return "silver"
    return "bronze" if all(passed[:2]) else ""


def _all(code: str, results: Sequence[tuple[Resource, bool | None]]) -> Check:
    bad = [resource for resource, passed in results if passed is False]
    unknown = [resource for resource, passed in results if passed is None]
    shown = tuple(resource.name or resource.url or resource.id for resource in (bad or unknown)[:5])
    passed = False if bad or not results else None if unknown else True
    return Check(code, passed, count=len(bad), evidence=shown, values={"resources": str(len(results))})


def _is_structured(entry: Entry, resource: Resource) -> bool:
    return resource.id in entry.versions or resource.format.upper() in STRUCTURED


def _encoding_fits(entry: Entry, resource: Resource, look: Seen | None) -> bool | None:
    version = entry.versions.get(resource.id)
    if version is not None:
        stated = _codec(resource.encoding)
        return stated in ("", "utf-8", _codec(version.source.encoding))
    return look.encoding_fits if look else None


def _codec(name: str) -> str:
    folded = name.strip().lower().replace("_", "-").replace("big-5", "big5").replace("utf8", "utf-8")
    return {"cp950": "big5", "big5hkscs": "big5", "utf-8-sig": "utf-8"}.get(folded, folded)


def stated_fields(text: str) -> list[str]:
    """Field names of 主要欄位說明: split at 、 (and other list marks), meanings in brackets and quotes removed."""
    names = (_BRACKETS.sub("", part) for part in re.split(r"[、,，;；\n]", text.replace("\\r\\n", "\n")))
    return [name for name in names if name]


def _fields(entry: Entry, active: Sequence[Resource]) -> Check:
    stated = stated_fields(entry.dataset.national.get("fieldDescription", ""))
    tables = entry.tables()
    if not tables:
        return Check("fields", None, values={"stated": str(len(stated)), "resources": str(len(active))})
    there = {_BRACKETS.sub("", name) for _, version in tables for name in _names(version)}
    lacking = tuple(name for name in stated if name not in there)
    values = {"stated": str(len(stated)), "resources": str(len(active))}
    return Check("fields", not lacking, count=len(lacking), evidence=lacking[:5], values=values)


def _names(version: Version) -> Iterable[str]:
    for column in version.columns:
        yield from (column.name, column.title, column.header, *column.aliases)


def _fresh(entry: Entry, now: EpochS) -> Check:
    """The update interval is kept. Words without an interval (不定期) promise nothing and cannot be broken."""
    frequency = national.parse(entry.dataset.frequency)
    if frequency is None:
        return Check("fresh", None, values={"frequency": entry.dataset.frequency or "-", "age": "-"})
    updated = max(
        [one.last_modified for one in entry.dataset.resources]
        + [version.at for version in entry.versions.values()]
        + [EpochS(one.live.last_good) for one in entry.dataset.resources if one.live],
        default=EpochS(0),
    )
    age_s = now - updated
    values = {"frequency": frequency.standard, "age": _age(age_s)}
    promised = frequency.interval_s
    return Check("fresh", not promised or age_s <= promised * GRACE, values=values)


def _age(seconds: float) -> str:
    """`3 d 4 h`, `5 h`, `12 min`."""
    days, rest = divmod(int(max(0, seconds)), 86_400)
    hours, minutes = rest // 3600, rest % 3600 // 60
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h" if hours else f"{minutes} min"


def _answers(requests: Iterable[DataRequest]) -> Check:
    """Share of the public's requests about this dataset that were answered within a week."""
    asked = list(requests)
    late = [one for one in asked if one.status in ("received", "checking") or one.changed - one.at > ANSWER_WITHIN_S]
    values = {"asked": str(len(asked)), "days": str(ANSWER_WITHIN_S // 86_400)}
    return Check("answers", not late if asked else None, count=len(late), values=values)
