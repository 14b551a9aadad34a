"""How values are said on a page, by language: numbers, bytes, dates, ages. Pure; the page's moment comes in.

Times are stored in UTC and shown in Taipei time (UTC+8, no summer time), which is what the reader's clock says.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from banyan.kernel.catalogue import Messages

TAIPEI = timezone(timedelta(hours=8), "Asia/Taipei")
_STEPS = (("minute", 60), ("hour", 3_600), ("day", 86_400), ("month", 2_629_800), ("year", 31_557_600))


def say_number(value: float | int | None) -> str:
    """Thousands separated; at most 4 decimals; a dash for nothing."""
    if value is None:
        return "–"
    if isinstance(value, int) or value == int(value):
        return f"{int(value):,}"
    return f"{value:,.4f}".rstrip("0")


def say_bytes(size: int) -> str:
    """A size as people say it: 512 B, 1.4 MB (decimal units, as browsers show them)."""
    if size < 1000:
        return f"{size} B"
    amount = float(size)
    for unit in ("kB", "MB", "GB"):
        amount /= 1000
        if amount < 1000 or unit == "GB":
            break
    return f"{amount:.1f} {unit}" if amount < 10 else f"{amount:.0f} {unit}"


def say_time(at_s: float, *, with_clock: bool = True) -> str:
    """A moment in Taipei time, year first."""
    moment = datetime.fromtimestamp(at_s, TAIPEI)
    return moment.strftime("%Y-%m-%d %H:%M" if with_clock else "%Y-%m-%d")


def say_stamp(stamp: str) -> str:
    """The same of an RFC 3339 text, as answers hold moments."""
    return say_time(datetime.fromisoformat(stamp).timestamp()) if stamp else ""


def iso_time(at_s: float) -> str:
    """RFC 3339, for machines and the `datetime` attribute."""
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def say_age(messages: Messages, lang: str, age_s: float) -> str:
    """How long ago, rounded down: 剛剛, 5 分鐘前, 3 天前."""
    if age_s < 60:
        return messages.text("age.now", lang)
    unit, seconds = next(step for step in reversed(_STEPS) if age_s >= step[1])
    count = int(age_s // seconds)
    return messages.text(f"age.{unit}_one" if count == 1 else f"age.{unit}", lang, count=count)
