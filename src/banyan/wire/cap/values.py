"""CAP's texts as values and back: times, points, circles, references, quoted lists. Source: CAP 1.2 s3.2, s3.3.2."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Final

import msgspec

from banyan.errors import Invalid
from banyan.wire.cap.model import Alert, CapTime

TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[-+]\d\d:\d\d", re.ASCII)
_NUMBER: Final = r"[-+]?(?:\d{1,9}(?:\.\d{0,20})?|\.\d{1,20})"
_POINT: Final = re.compile(rf"({_NUMBER}),({_NUMBER})", re.ASCII)
_PLAIN: Final = r"-?\d{1,3}(?:\.\d{1,20})?"
_PLAIN_POINTS: Final = re.compile(rf"{_PLAIN},{_PLAIN}(?: {_PLAIN},{_PLAIN})*", re.ASCII)
"""Points as nearly everybody writes them: one look at the whole text instead of one a point."""
_CIRCLE: Final = re.compile(rf"({_NUMBER}),({_NUMBER}) +({_NUMBER})", re.ASCII)
_WORD: Final = re.compile(r'"([^"]*)"|(\S+)')

Point = tuple[float, float]
"""(latitude, longitude) in degrees of WGS 84: CAP's order, not GeoJSON's."""


class Reference(msgspec.Struct, frozen=True, order=True):
    """The name of a message: `sender,identifier,sent`."""

    sender: str
    identifier: str
    sent: str

    def __str__(self) -> str:
        return f"{self.sender},{self.identifier},{self.sent}"


def cap_time(moment: datetime) -> CapTime:
    """The text of an aware time, whole seconds; UTC is `-00:00`. A naive time is a programmer's error."""
    offset = moment.utcoffset()
    assert offset is not None, "an alert's time needs its offset"
    seconds = round(offset.total_seconds())
    sign = "+" if seconds > 0 else "-"
    hours, minutes = divmod(abs(seconds) // 60, 60)
    return f"{moment.replace(tzinfo=None, microsecond=0).isoformat()}{sign}{hours:02d}:{minutes:02d}"


def moment_of(text: CapTime) -> datetime:
    """The aware time of the text. Raises Invalid when it is none; the offset of `-00:00` is UTC."""
    if TIME.fullmatch(text) is None:
        raise Invalid.at("time", "write it as 2026-11-27T09:30:00+08:00, with a numeric offset")
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise Invalid.at("time", f"there is no such time ({error})") from error


def epoch_s(text: CapTime) -> int:
    """Seconds since 1970 of the text. Raises Invalid."""
    return int(moment_of(text).astimezone(UTC).timestamp())


def points_of(polygon: str) -> tuple[Point, ...]:
    """The points of `lat,lon lat,lon ...`. Raises Invalid at the first that is none; the rules are rules.py's."""
    if _PLAIN_POINTS.fullmatch(polygon) is not None:
        numbers = [*map(float, polygon.replace(",", " ").split(" "))]
        return tuple(zip(numbers[::2], numbers[1::2], strict=True))
    found = []
    for word in polygon.split():
        match = _POINT.fullmatch(word)
        if match is None:
            raise Invalid.at("polygon", f"write each point as latitude,longitude: {word[:40]!r} is none")
        found.append((float(match[1]), float(match[2])))
    return tuple(found)


def polygon_of(points: Iterable[Point]) -> str:
    """`lat,lon ...` of the points, closed when they are not, at most six decimals (0.1 m)."""
    ring = list(points)
    if ring and ring[0] != ring[-1]:
        ring.append(ring[0])
    return " ".join(f"{_degrees(lat)},{_degrees(lon)}" for lat, lon in ring)


def circle_of(text: str) -> tuple[Point, float]:
    """Centre and radius (kilometres) of `lat,lon radius`. Raises Invalid."""
    match = _CIRCLE.fullmatch(" ".join(text.split()))
    if match is None:
        raise Invalid.at("circle", "write it as latitude,longitude radius-in-km")
    return (float(match[1]), float(match[2])), float(match[3])


def circle_text(centre: Point, radius_km: float) -> str:
    return f"{_degrees(centre[0])},{_degrees(centre[1])} {_degrees(radius_km)}"


def references_of(text: str) -> tuple[Reference, ...]:
    """The messages that `references` names. Raises Invalid at the first that is no triple."""
    found = []
    for word in text.split():
        parts = word.split(",")
        if len(parts) != 3 or not all(parts):
            raise Invalid.at("references", f"name each message as sender,identifier,sent: {word[:80]!r} is none")
        found.append(Reference(*parts))
    return tuple(found)


def references_text(references: Iterable[Reference]) -> str:
    return " ".join(str(reference) for reference in references)


def name_of(alert: Alert) -> Reference:
    """The alert's own name, by which later messages refer to it."""
    return Reference(alert.sender, alert.identifier, alert.sent)


def words_of(text: str) -> tuple[str, ...]:
    """The items of `addresses` or `incidents`: separated by spaces, in double quotes where one holds spaces."""
    return tuple(quoted or plain for quoted, plain in _WORD.findall(text))


def words_text(words: Sequence[str]) -> str:
    return " ".join(f'"{word}"' if re.search(r"\s", word) else word for word in words)


def _degrees(value: float) -> str:
    text = f"{value:.6f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
