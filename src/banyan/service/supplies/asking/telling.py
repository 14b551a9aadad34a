"""How stock is told in a dialogue: a card of an outlet, its status in words, its times, its age. Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final, Literal
from urllib.parse import quote

from banyan.kernel.catalogue.dialogue import Card, Choice, Language, Tone
from banyan.kernel.catalogue.messages import load_messages
from banyan.kernel.events.clock import EpochS
from banyan.limits import CARD_LINES
from banyan.limits_supplies import SUPPLIES_NOTICE_SHOWN
from banyan.service.supplies.board import Board
from banyan.service.supplies.confidence import confidence
from banyan.service.supplies.hours import TAIPEI, is_open, slot_at
from banyan.service.supplies.model import Status, Window

MESSAGES = load_messages("banyan.service.supplies.asking")
MAP_PATH: Final = "/supplies"
TONES: Final[dict[Status, Tone]] = {"in_stock": "good", "few": "warn", "reserved": "warn", "sold_out": "bad"}
"""Of the others nothing is known: no colour."""


class Teller:
    """A board as of a moment, in a language."""

    def __init__(self, board: Board, now: EpochS, lang: Language) -> None:
        self.board, self.now, self.lang = board, now, lang
        self._slot = slot_at(now)

    def say(self, key: str, **values: object) -> str:
        return MESSAGES.text(key, self.lang, **values)

    def title(self, item: int) -> str:
        return self.board.items[item].title[self.lang]

    def unit(self, item: int) -> str:
        return self.board.items[item].unit[self.lang]

    def card(self, row: int, item: int, *, metres: float | None = None, others: tuple[int, ...] = ()) -> Card:
        """An outlet with what it has of the item, and of the `others` in a line each."""
        place = self.board.places[row]
        status = self.board.status(row, item)
        lines = [self.say("ask.distance", distance=distance(metres))] if metres is not None else []
        lines += [self.as_of(row, item)]
        lines += [self.say("ask.other", item=self.title(one), status=self.status(row, one)) for one in others]
        if (split := self._split(row, item)) is not None:
            lines.append(split)
        lines += [self._opening(row), *self.windows(row)]
        if place.address:
            lines.append(place.address)
        lines += self._remarks(row)
        return Card(
            title=place.name,
            status=self.status(row, item),
            tone=TONES.get(status, "unknown"),
            lines=tuple(lines[:CARD_LINES]),
            actions=self._actions(row),
        )

    def status(self, row: int, item: int) -> str:
        """What the outlet has of the item, in words."""
        board = self.board
        available, count = int(board.available(item)[row]), int(board.count(item)[row])
        key = f"status.{board.status(row, item)}"
        return self.say(key, available=f"{available:,}", count=f"{count:,}", unit=self.unit(item))

    def as_of(self, row: int, item: int) -> str:
        """When the number was true, how long ago that is, and whether to call before going."""
        at = self.board.row_as_of(item, row)
        if at <= 0:
            return self.say("ask.never")
        opened = is_open(int(self.board.slots()[row]), self._slot)
        age_s, place = self.now - at, self.board.places[row]
        sure = confidence(age_s, self.board.status(row, item), place.located, is_open=opened)
        is_old = sure == "low" and place.located != "differ"
        return self.say("ask.as_of_old" if is_old else "ask.as_of", time=self.clock(at), age=self.age(age_s))

    def newest(self, item: int) -> str:
        """When anything of the item was last looked at: a sentence after a sum; empty when it never was."""
        at = self.board.as_of[item]
        return self.say("ask.newest", time=self.clock(at), age=self.age(self.now - at)) if at else ""

    def clock(self, at: EpochS) -> str:
        """Taiwan's time; with the date when it is not today."""
        moment, today = (datetime.fromtimestamp(one, UTC).astimezone(TAIPEI) for one in (at, self.now))
        return moment.strftime("%H:%M" if moment.date() == today.date() else "%Y-%m-%d %H:%M")

    def age(self, age_s: float) -> str:
        minutes = int(age_s // 60)
        if minutes < 1:
            return self.say("age.now")
        if minutes < 60:
            return self.say("age.minutes", count=minutes)
        if minutes < 48 * 60:
            return self.say("age.hours", count=minutes // 60)
        return self.say("age.days", count=minutes // 1_440)

    def windows(self, row: int) -> list[str]:
        """When number plates are handed out and when it is sold, as announced."""
        notice = self.board.notices[row]
        said = []
        if notice is not None and notice.plate is not None:
            said.append(self._window("plate", notice.plate))
        if notice is not None and notice.sale is not None:
            said.append(self._window("sale", notice.sale))
        return said

    def _window(self, kind: Literal["plate", "sale"], window: Window) -> str:
        return self.say(f"ask.{kind}", start=hour(window.start), end=hour(window.end))

    def _split(self, row: int, item: int) -> str | None:
        reserved, available = int(self.board.reserved(item)[row]), int(self.board.available(item)[row])
        if reserved <= 0 or available < 0:
            return None
        return self.say("ask.split", available=f"{available:,}", reserved=f"{reserved:,}")

    def _opening(self, row: int) -> str:
        opened = is_open(int(self.board.slots()[row]), self._slot)
        return self.say("ask.hours_unknown" if opened is None else "ask.is_open" if opened else "ask.is_closed")

    def _remarks(self, row: int) -> list[str]:
        place, notice = self.board.places[row], self.board.notices[row]
        said = [self.say("ask.apart", metres=f"{place.apart_m:,}")] if place.located == "differ" else []
        if notice is not None and notice.text:
            said.append(self.say("ask.notice", text=shortened(notice.text, SUPPLIES_NOTICE_SHOWN)))
        return said

    def _actions(self, row: int) -> tuple[Choice, ...]:
        place = self.board.places[row]
        actions = []
        if place.lon is not None and place.lat is not None:
            actions.append(Choice(self.say("ask.route"), point=(place.lon, place.lat)))
        if place.phone:
            actions.append(Choice(self.say("ask.call"), tel=place.phone))
        actions.append(Choice(self.say("ask.detail"), path=f"{MAP_PATH}/outlet/{quote(place.code)}"))
        return tuple(actions)


def hour(minute: int) -> str:
    """A minute of the day as 08:30."""
    return f"{minute // 60:02d}:{minute % 60:02d}"


def distance(metres: float) -> str:
    return f"{metres:,.0f} m" if metres < 1000 else f"{metres / 1000:,.1f} km"


def shortened(text: str, most: int) -> str:
    """At most `most` characters, ending in … when some were cut."""
    return text if len(text) <= most else text[: most - 1] + "…"
