"""A dialogue's replies as LINE messages: text, a carousel of cards, quick replies. Pure; every bound of LINE holds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta, timezone
from typing import Final

import msgspec

from banyan.channel.talk import link_of
from banyan.kernel.catalogue.dialogue import Card, Choice, Grid, Language, Reply, Source, Tone
from banyan.kernel.catalogue.messages import load_messages
from banyan.limits import LINE_LINE_UNITS
from banyan.wire import line

MESSAGES: Final = load_messages("banyan.channel.line")
COLOURS: Final[dict[Tone, str]] = {"good": "#14523D", "warn": "#7A4F00", "bad": "#A8201A", "unknown": "#4A4F4C"}
"""On white, each 7:1 or more (WCAG 2.2 AAA); the status says the same in words."""
PLAIN: Final = "#33373A"
_TAIPEI: Final = timezone(timedelta(hours=8))


class Look(msgspec.Struct, frozen=True):
    """How replies are rendered: where our pages are, the language, and whether a location is asked for."""

    base_url: str
    lang: Language
    offers_location: bool = True

    def say(self, key: str, **values: object) -> str:
        return MESSAGES.text(f"line.{key}", self.lang, **values)


def messages_of(replies: Sequence[Reply], look: Look) -> list[line.Message]:
    """One to five messages; empty when nothing is said. Quick replies stand on the last, as LINE shows only those."""
    messages: list[line.Message] = []
    for reply in replies:
        if said := "\n".join(_lines(reply, look)):
            messages.append(line.TextMessage(line.cut(said, line.TEXT_UNITS)))
        if reply.cards:
            messages.append(
                line.FlexMessage(line.cut(_alternative(reply), line.ALT_TEXT_UNITS), _carousel(reply, look))
            )
    messages = messages[: line.MESSAGES]
    if messages and (items := _quick(replies, look)):
        messages[-1] = msgspec.structs.replace(messages[-1], quick_reply=line.QuickReply(items))
    return messages


# Text


def _lines(reply: Reply, look: Look) -> Iterable[str]:
    if reply.text.strip():
        yield reply.text.strip()
    if reply.grid is not None:
        yield from _grid(reply.grid, look)
    for source in reply.sources:
        yield _source(source, look)


def _grid(grid: Grid, look: Look) -> Iterable[str]:
    """A table as lines: what each cell is called stands before it, for there are no columns on a small screen."""
    for row in grid.rows:
        if len(row) == 2 and not any(grid.columns):
            yield f"{row[0]}：{row[1]}"
            continue
        named = zip(grid.columns, row, strict=False)
        first, *others = [(column, cell) for column, cell in named if cell] or [("", "")]
        rest = look.say("and").join(f"{column} {cell}" if column else cell for column, cell in others)
        yield f"・{first[1]}" + (f"（{rest}）" if rest else "")
    if grid.total > len(grid.rows):
        yield look.say("rows", total=f"{grid.total:,}", shown=len(grid.rows))


def _source(source: Source, look: Look) -> str:
    parts = [look.say("source", title=source.title), source.publisher]
    if source.as_of:
        at = datetime.fromisoformat(source.as_of).astimezone(_TAIPEI)
        parts.append(look.say("as_of", as_of=at.strftime("%Y-%m-%d %H:%M")))
    said = look.say("and").join(part for part in parts if part)
    return f"{said}\n{look.base_url}{_path(source.path, look)}" if source.path else said


# Cards


def _alternative(reply: Reply) -> str:
    """What a notification and a screen reader say instead of the cards."""
    said = [reply.text.strip(), *(f"{card.title}：{card.status}" for card in reply.cards)]
    return " ".join(part for part in said if part)


def _carousel(reply: Reply, look: Look) -> line.FlexCarousel:
    bubbles = tuple(_bubble(card, look) for card in reply.cards[: line.BUBBLES])
    while len(bubbles) > 1 and len(msgspec.json.encode(line.FlexCarousel(bubbles))) > line.CAROUSEL_BYTES:
        bubbles = bubbles[:-1]
    return line.FlexCarousel(bubbles)


def _bubble(card: Card, look: Look) -> line.FlexBubble:
    texts = [line.FlexText(_line(card.title), weight="bold", wrap=True)]
    if card.status.strip():
        texts.append(line.FlexText(_line(card.status), weight="bold", size="lg", color=COLOURS[card.tone], wrap=True))
    for said in card.lines:
        if said.strip():
            texts.append(line.FlexText(_line(said), size="sm", color=PLAIN, wrap=True))
    buttons = tuple(line.FlexButton(action, height="sm") for one in card.actions if (action := _action(one, look)))
    footer = line.FlexBox("vertical", buttons, "none") if buttons else None
    return line.FlexBubble(line.FlexBox("vertical", tuple(texts), "sm"), footer)


def _line(text: str) -> str:
    return line.cut(text.strip() or "–", LINE_LINE_UNITS)


# Actions


def _action(choice: Choice, look: Look) -> line.MessageAction | line.UriAction | None:
    """What pressing does in LINE; None for what LINE cannot carry."""
    label = line.cut(choice.label.strip(), line.LABEL_UNITS)
    uri = link_of(choice) or (f"{look.base_url}{_path(choice.path, look)}" if choice.path else "")
    if not label:
        return None
    if uri:
        return line.UriAction(label, uri) if line.units(uri) <= line.URI_UNITS else None
    said = choice.say.strip()
    return line.MessageAction(label, line.cut(said, line.SAY_UNITS)) if said else None


def _quick(replies: Sequence[Reply], look: Look) -> tuple[line.QuickReplyItem, ...]:
    """The location first, then what the replies offer; a thing offered twice stands once."""
    actions: list[line.Action] = []
    if look.offers_location:
        actions.append(line.LocationAction(line.cut(look.say("here"), line.LABEL_UNITS)))
    for reply in replies:
        actions.extend(action for one in reply.choices if (action := _action(one, look)) is not None)
    return tuple(line.QuickReplyItem(action) for action in dict.fromkeys(actions))[: line.QUICK_REPLIES]


def _path(path: str, look: Look) -> str:
    """Our pages in English lie under /en."""
    return f"/en{path}" if look.lang == "en" else path
