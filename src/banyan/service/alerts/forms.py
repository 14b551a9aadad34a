"""The author's form read into a content: places by name, a drawn polygon, a circle, times of Taiwan's clock."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from banyan.errors import FieldError, Invalid
from banyan.kernel.events.clock import EpochS
from banyan.service.alerts import places
from banyan.service.alerts.kinds import EventKind, kinds
from banyan.service.alerts.model import CHANNELS, LANGUAGES, Area, Content, Language, Point
from banyan.service.alerts.shelf import MESSAGES
from banyan.service.alerts.texts import TAIPEI

CHOICES: Final = {
    "status": ("Actual", "Exercise", "Test", "Draft"),
    "severity": ("Extreme", "Severe", "Moderate", "Minor", "Unknown"),
    "urgency": ("Immediate", "Expected", "Future", "Past", "Unknown"),
    "certainty": ("Observed", "Likely", "Possible", "Unlikely", "Unknown"),
    "level": ("national", "emergency", "notice", "monthly"),
}
TEXTS: Final = ("headline", "description", "instruction")
NAMED: Final = 4
"""How many places a headline names: more is no headline, and no phone's page."""
_BETWEEN: Final[dict[Language, str]] = {"zh-Hant": "、", "en": "; "}
_SPLIT: Final = re.compile(r"[,，、;；\n\r]+")
_NUMBERS: Final = re.compile(r"-?\d{1,3}(?:\.\d{1,10})?")


def begun(kind: EventKind, areas: str, now: EpochS) -> dict[str, Any]:
    """What the form holds at first: the kind's template."""
    end = datetime.fromtimestamp(now + kind.hours * 3_600, TAIPEI)
    given: dict[str, Any] = {name: getattr(kind, name) for name in ("severity", "urgency", "certainty", "level")}
    given |= {"event": kind.id, "status": "Test" if kind.level == "monthly" else "Actual", "areas": areas}
    given |= {"onset": _box(now), "expires": _box(end.timestamp()), "channels": list(CHANNELS), "contact": "1999"}
    found = [area for name in _SPLIT.split(areas) if (area := places.named(name.strip())) is not None]
    for lang in LANGUAGES:
        words = kind.filled(lang, _spoken(found, lang), end.strftime("%m/%d %H:%M"))
        given |= {f"{name}_{lang}": getattr(words, name) for name in TEXTS}
    return given


def filled(content: Content) -> dict[str, Any]:
    """The form as it was when the content was made."""
    given: dict[str, Any] = {name: getattr(content, name) for name in (*CHOICES, "event", "contact")}
    given |= {"onset": _box(content.onset), "expires": _box(content.expires), "channels": list(content.channels)}
    given["areas"] = "、".join(one.name["zh-Hant"] for one in content.areas if one.code)
    drawn = next((one for one in content.areas if one.polygon), None)
    given["polygon"] = " ".join(f"{lat:g},{lon:g}" for lon, lat in drawn.polygon) if drawn else ""
    round_ = next((one for one in content.areas if one.centre), None)
    if round_ is not None and round_.centre is not None:
        given |= {"circle": f"{round_.centre[1]:g},{round_.centre[0]:g}", "radius": f"{round_.radius_km:g}"}
    for lang, words in content.words.items():
        given |= {f"{name}_{lang}": getattr(words, name) for name in TEXTS}
    return given


def content_of(given: Mapping[str, Any], lang: str) -> Content:
    """Raises Invalid naming every box that does not stand, in the reader's language."""
    wrong: list[FieldError] = []
    areas = _areas(given, wrong, lang)
    moments = {name: _moment(str(given.get(name, "")), name, wrong, lang) for name in ("onset", "expires")}
    for name, allowed in CHOICES.items():
        if given.get(name) not in allowed:
            wrong.append(FieldError(name, _said("choose", lang)))
    if not str(given.get("headline_zh-Hant", "")).strip():
        wrong.append(FieldError("headline_zh-Hant", _said("missing_headline", lang)))
    chosen = tuple(one for one in CHANNELS if one in (given.get("channels") or ()))
    if not chosen:
        wrong.append(FieldError("channels", _said("choose_channel", lang)))
    if wrong:
        raise Invalid("the form", fields=wrong)
    raw = {name: given[name] for name in CHOICES} | {name: given.get(name, "") for name in ("event", "contact")}
    raw |= {"onset": moments["onset"], "expires": moments["expires"], "channels": chosen, "words": _words(given, areas)}
    try:
        return msgspec.convert({**raw, "areas": msgspec.to_builtins(areas)}, Content)
    except msgspec.ValidationError as error:
        raise Invalid("the form", fields=(FieldError("headline_zh-Hant", f"{_said('unfit', lang)} {error}"),)) from None


def _words(given: Mapping[str, Any], areas: Sequence[Area]) -> dict[str, dict[str, str]]:
    """English only when its headline is said. A template's headline that still names no place names the areas."""
    made: dict[str, dict[str, str]] = {}
    kind = kinds().get(str(given.get("event", "")))
    for lang in LANGUAGES:
        words = {name: str(given.get(f"{name}_{lang}", "")).strip() for name in TEXTS}
        if kind is not None and words["headline"] == kind.filled(lang, "", "").headline:
            words["headline"] = kind.filled(lang, _spoken(areas, lang), "").headline
        if words["headline"]:
            made[lang] = words
    return made


def _areas(given: Mapping[str, Any], wrong: list[FieldError], lang: str) -> tuple[Area, ...]:
    found: list[Area] = []
    for name in _SPLIT.split(str(given.get("areas", ""))):
        if not name.strip():
            continue
        area = places.named(name.strip())
        if area is None:
            wrong.append(FieldError("areas", _said("no_place", lang, name=name.strip()[:40])))
        else:
            found.append(area)
    drawn = str(given.get("polygon", "")).strip()
    if drawn:
        ring = _points(drawn)
        if len(ring) < 3:
            wrong.append(FieldError("polygon", _said("no_polygon", lang)))
        else:
            found.append(Area(_both("drawn_area"), polygon=places.closed(ring)))
    centre = _points(str(given.get("circle", "")))
    if str(given.get("circle", "")).strip():
        radius = str(given.get("radius", "")).strip()
        if len(centre) != 1 or not _NUMBERS.fullmatch(radius) or not 0 < float(radius) <= 500:
            wrong.append(FieldError("circle", _said("no_circle", lang)))
        else:
            found.append(Area(_both("round_area", km=radius), centre=centre[0], radius_km=float(radius)))
    if not found and not wrong:
        wrong.append(FieldError("areas", _said("missing_area", lang)))
    return tuple(found)


def _points(text: str) -> tuple[Point, ...]:
    """`lat,lon lat,lon`, as CAP writes them and maps copy them."""
    numbers = [float(one) for one in _NUMBERS.findall(text[:8_000])]
    pairs = zip(numbers[::2], numbers[1::2], strict=False)
    return tuple((lon, lat) for lat, lon in pairs if -90 <= lat <= 90 and -180 <= lon <= 180)


def _moment(text: str, field: str, wrong: list[FieldError], lang: str) -> float:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        wrong.append(FieldError(field, _said("moment", lang)))
        return 0.0
    return (found if found.tzinfo is not None else found.replace(tzinfo=TAIPEI)).timestamp()


def _box(at: float) -> str:
    return datetime.fromtimestamp(at, TAIPEI).strftime("%Y-%m-%dT%H:%M")


def _spoken(areas: Sequence[Area], lang: Language) -> str:
    """The areas that have a name; whoever hears of a drawn one is in it."""
    names = [one.name[lang] for one in areas if one.code]
    said = _BETWEEN[lang].join(names[:NAMED])
    return said if len(names) <= NAMED else _said("more_places", lang, places=said, count=len(names) - NAMED)


def _said(key: str, lang: str, **values: object) -> str:
    return MESSAGES.text(f"alerts.form.{key}", lang, **values)


def _both(key: str, **values: object) -> dict[str, str]:
    return {lang: _said(key, lang, **values) for lang in LANGUAGES}
