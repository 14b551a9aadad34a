"""What stands on top of every page of the portal: the grave alerts in force, in a line each."""

from __future__ import annotations

from typing import Final

import msgspec

from banyan.kernel.catalogue.operation import Text
from banyan.kernel.events.clock import EpochS
from banyan.kernel.storage import Drawer
from banyan.service.alerts import keeping, life, texts
from banyan.service.alerts.model import Alert
from banyan.service.alerts.shelf import MESSAGES

GRAVE: Final = ("Extreme", "Severe")
LINES: Final = 3
"""More would push the page away; the board has all."""


class Line(msgspec.Struct, frozen=True):
    """`degree` is the severity in words; shown until `until`."""

    degree: Text
    headline: Text
    instruction: Text
    path: str
    until: EpochS


async def lines(db: Drawer, now: EpochS) -> tuple[Line, ...]:
    """Of alerts that are Actual, out, not cancelled and not over: the gravest first, then the newest."""
    found = await db.sql.read(lambda tx: keeping.out(tx, now))
    real = [one for one in found if _is_grave(one, now)]
    real.sort(key=lambda one: (GRAVE.index(one.chain[-1].content.severity), -one.chain[-1].sent))
    return tuple(_line(one) for one in real[:LINES])


def _is_grave(alert: Alert, now: EpochS) -> bool:
    content = alert.chain[-1].content
    is_alive = life.state_of(alert, now) in ("in_force", "released")
    return content.status == "Actual" and content.severity in GRAVE and is_alive


def _line(alert: Alert) -> Line:
    version = alert.chain[-1]
    content = version.content
    key = f"alerts.severity_{content.severity.lower()}"
    degree = {lang: MESSAGES.text(key, lang) for lang in ("zh-Hant", "en")}
    headline: dict[str, str] = {lang: texts.headline(version, lang) for lang in content.words}
    instruction: dict[str, str] = {lang: words.instruction for lang, words in content.words.items()}
    return Line(degree, headline, instruction, f"/alerts/{alert.id}", content.expires)
