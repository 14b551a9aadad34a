"""What a dialogue and a service say to each other. A channel knows no service by name, only these shapes.

An operation of the `chat` channel whose request is `Utterance` and whose answer is `Reply` is a question tool: the
talk channel offers it every question and takes the best answer over a score, or says honestly that it does not know.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from banyan.limits import CARD_ACTIONS, CARD_LINES, CARDS, UTTERANCE_CHARACTERS

Language = Literal["zh-Hant", "en"]


class Utterance(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What somebody said, and where they are when they told (WGS84 longitude, latitude)."""

    text: Annotated[str, msgspec.Meta(min_length=1, max_length=UTTERANCE_CHARACTERS, title="問題 Question")]
    lang: Language = "zh-Hant"
    place: tuple[float, float] | None = None


class Source(msgspec.Struct, frozen=True):
    """Where an answer comes from: a page of ours, and the time the data is from (RFC 3339 UTC)."""

    title: str
    path: str
    as_of: str
    publisher: str = ""


class Choice(msgspec.Struct, frozen=True):
    """Something to press, of which one is filled: `say` is what is said by pressing it, `path` a page to open instead,
    `tel` a number to call, `point` (WGS84 longitude, latitude) a place to be led to."""

    label: str
    say: str = ""
    path: str = ""
    tel: str = ""
    point: tuple[float, float] | None = None


Tone = Literal["good", "warn", "bad", "unknown"]
"""How a status is meant; a channel may colour it. The status says it in words too: colour never stands alone."""


class Card(msgspec.Struct, frozen=True):
    """One thing an answer is about, with what can be done about it. `status` is its state in words; `lines` are whole
    sentences or short facts, the most useful first, so that a small screen may stop anywhere."""

    title: str
    status: str
    tone: Tone = "unknown"
    lines: Annotated[tuple[str, ...], msgspec.Meta(max_length=CARD_LINES)] = ()
    actions: Annotated[tuple[Choice, ...], msgspec.Meta(max_length=CARD_ACTIONS)] = ()


class Grid(msgspec.Struct, frozen=True):
    """A small table: the first rows of `total`."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    total: int


class Reply(msgspec.Struct, frozen=True):
    """An answer in the language asked. `score` 0..1 says how sure it is that this answers the question.

    `asks` names what the question lacks: the dialogue asks for it and says the question again with it. A service that
    knows its subject scores 1.0 when it understood every word; one that searches any table stays below it.
    """

    text: str
    score: float
    sources: tuple[Source, ...] = ()
    grid: Grid | None = None
    choices: tuple[Choice, ...] = ()
    asks: Literal["", "place"] = ""
    cards: Annotated[tuple[Card, ...], msgspec.Meta(max_length=CARDS)] = ()
