"""The LINE desk: takes webhook events, talks, sends the replies. One task a conversation, so that turns keep order."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import msgspec

from banyan.channel.line import seen
from banyan.channel.line.dialogues import Dialogues
from banyan.channel.line.messages import MESSAGES, Look, messages_of
from banyan.channel.line.sending import Line, Pause, Post, send
from banyan.channel.talk import Call, State, Talk, Turn
from banyan.errors import Problem, Unavailable
from banyan.kernel.catalogue.dialogue import Language, Reply, Utterance
from banyan.kernel.events.clock import Clock, EpochS
from banyan.kernel.exchange.gate import Log
from banyan.kernel.storage import Drawer, Lent
from banyan.limits import LINE_AT_ONCE, LINE_STOP_S, LINE_WAIT_S, LINE_WAITING, UTTERANCE_CHARACTERS
from banyan.wire.line import Event, Message, Said

_HELLO: Final = ("follow", "join")
_SPOKEN: Final = ("message", "postback", *_HELLO)


class Asked(msgspec.Struct, frozen=True):
    """What an event is answered with: the gate bound to its caller, where our pages are, and the time it came."""

    call: Call
    base_url: str
    now: EpochS


class Heard(msgspec.Struct, frozen=True):
    """What a person said to us alone: words, or `data` of what was pressed. `user` is LINE's id of the person, vouched
    for by LINE's signature over the webhook."""

    user: str
    text: str
    data: str
    lang: Language


Hear = Callable[[Heard], Awaitable[Sequence[Message] | None]]
"""Composition's ear for who is known here by their chat; None: it is for the dialogue that everybody has."""
_ears: Final = Lent[Hear]("nobody is known here by their chat")


def lend_ear(db: Drawer, hear: Hear) -> None:
    """Give the channel of this drawer an ear; without one everything is for the dialogue."""
    _ears.lend(db, hear)


class Tools(msgspec.Struct, frozen=True):
    """What a desk works with. `post` sends to LINE; `pause` waits between tries."""

    talk: Talk
    dialogues: Dialogues
    post: Post
    clock: Clock
    log: Log
    pause: Pause = asyncio.sleep
    line: Line | None = None


class Desk:
    """Counts what happens, and never keeps who said what."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._db: Drawer | None = None
        self._busy: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._turns = asyncio.Semaphore(LINE_AT_ONCE)
        self.counts: Counter[str] = Counter()

    def open(self, db: Drawer) -> None:
        self._db = db

    async def close(self) -> None:
        """Finish what is under way, within LINE_STOP_S; what is cut off is delivered again and answered then."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=LINE_STOP_S)
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._tools.line is not None:
            self._tools.line.close()

    async def take(self, events: Sequence[Event], asked: Asked) -> None:
        """Answer the events that are new and ours, for at most LINE_WAIT_S; the rest goes on after it returns.

        Raises Unavailable when LINE_WAITING events wait already.
        """
        db = self._db
        assert db is not None, "the desk is open"
        if len(self._busy) + len(events) > LINE_WAITING:
            self.counts["turned_away"] += len(events)
            lang = "zh-Hant"
            raise Unavailable(MESSAGES.text("line.busy", lang), remedy=MESSAGES.text("line.busy_remedy", lang))
        known = await seen.known(db, [event.webhook_event_id for event in events])
        fresh: dict[str, list[Event]] = {}
        for event in events:
            if event.webhook_event_id in known or event.webhook_event_id in self._busy:
                self.counts["repeated"] += 1
            elif event.mode != "active":  # standby: another module answers
                self.counts["standby"] += 1
            else:
                self._busy.add(event.webhook_event_id)
                fresh.setdefault(self._tools.dialogues.key(event.source), []).append(event)
        tasks = [asyncio.create_task(self._conversation(db, key, heard, asked)) for key, heard in fresh.items()]
        self._tasks.update(tasks)
        for task in tasks:
            task.add_done_callback(self._tasks.discard)
        if tasks:
            await asyncio.wait(tasks, timeout=LINE_WAIT_S)

    async def _conversation(self, db: Drawer, key: str, events: Sequence[Event], asked: Asked) -> None:
        """Answer one conversation's events in their order; then record them, so that a crash before it asks again."""
        ids = [event.webhook_event_id for event in events]
        try:
            async with self._turns:
                for event in events:
                    await self._answered(key, event, asked)
            await seen.record(db, ids, asked.now)
        except Problem as problem:
            self._failed(problem.kind)
        except Exception as error:  # the worker loop records whatever it is, and goes on (STYLE rule 7)
            self._failed(type(error).__name__)
        finally:
            self._busy.difference_update(ids)

    def _failed(self, kind: str) -> None:
        self.counts["broken"] += 1
        self._tools.log("line.broken", {"kind": kind})

    async def _answered(self, key: str, event: Event, asked: Asked) -> None:
        if event.type == "unfollow":
            self._tools.dialogues.forget(key)
        if event.type not in _SPOKEN or not event.reply_token:
            self.counts["unspoken"] += 1
            return
        self.counts["events"] += 1
        state = self._tools.dialogues.read(key, asked.now)
        if await self._is_private(event, state):
            return
        try:
            turn = await self._turn(event, state, asked)
        except Problem as problem:
            self._tools.log("line.trouble", {"kind": problem.kind})
            turn = Turn((Reply(MESSAGES.text("line.trouble", state.lang), 0.0),), "failed", state)
        if event.source.type in ("group", "room") and turn.status not in ("answered", "asking", "guarded", "done"):
            return  # in a group a bot speaks only when it has something to say
        self._tools.dialogues.keep(key, turn.state, asked.now)
        messages = messages_of(turn.replies, Look(asked.base_url, turn.state.lang))
        if messages:
            await self._sent(event.reply_token, messages)

    async def _is_private(self, event: Event, state: State) -> bool:
        """Whether it was between one person and a service, which answered; then no dialogue hears of it."""
        hear = _ears.of_or_none(self._db) if self._db is not None else None
        heard = _heard(event, state.lang)
        if hear is None or heard is None:
            return False
        messages = await hear(heard)
        if messages is None:
            return False
        self.counts["private"] += 1
        if messages:
            await self._sent(event.reply_token, messages)
        return True

    async def _sent(self, token: str, messages: Sequence[Message]) -> None:
        tools = self._tools
        outcome = await send(token, messages, tools.post, clock=tools.clock, pause=tools.pause)
        self.counts[outcome] += 1
        if outcome != "sent":
            tools.log("line.reply", {"outcome": outcome})

    async def _turn(self, event: Event, state: State, asked: Asked) -> Turn:
        """What is said to an event."""
        talk = self._tools.talk
        if event.type in _HELLO:
            return talk.welcome(state.lang)
        if event.type == "postback":
            return await self._said((event.postback.data if event.postback else "").strip(), state, asked)
        said = event.message
        if said is not None and said.type == "text":
            return await self._said(said.text.strip(), state, asked)
        if said is not None and said.type == "location" and (place := _place(said)) is not None:
            return await self._placed(place, state, asked)
        return self._told("only_text", state)

    async def _said(self, text: str, state: State, asked: Asked) -> Turn:
        if not text:
            return self._told("only_text", state)
        if len(text) > UTTERANCE_CHARACTERS:
            return self._told("too_long", state, most=UTTERANCE_CHARACTERS)
        return await self._tools.talk.turn(Utterance(text=text, lang=spoken(text, state.lang)), state, asked.call)

    async def _placed(self, place: tuple[float, float], state: State, asked: Asked) -> Turn:
        """A shared location: for the question that waits for one, for the form being filled, else what is near."""
        position = f"{place[1]:.6f}, {place[0]:.6f}"
        is_wanted = bool(state.question or state.operation)
        text = position if is_wanted else MESSAGES.text("line.near", state.lang)
        return await self._tools.talk.turn(Utterance(text=text, lang=state.lang, place=place), state, asked.call)

    def _told(self, key: str, state: State, **values: object) -> Turn:
        reply = Reply(MESSAGES.text(f"line.{key}", state.lang, **values), 0.0)
        return Turn((reply,), "welcome", state)


def _heard(event: Event, known: Language) -> Heard | None:
    """Words or a press of a person who is alone with us; None for all else."""
    if event.source.type != "user" or not event.source.user_id:
        return None
    if event.type == "postback" and event.postback is not None:
        return Heard(event.source.user_id, "", event.postback.data[:UTTERANCE_CHARACTERS], known)
    said = event.message
    if event.type != "message" or said is None or said.type != "text" or len(said.text) > UTTERANCE_CHARACTERS:
        return None
    return Heard(event.source.user_id, said.text.strip(), "", spoken(said.text, known))


def spoken(text: str, known: Language) -> Language:
    """The language of the words; when they have no letters (a code), the one spoken so far."""
    letters = [character for character in text if character.isalpha()]
    if not letters:
        return known
    return "en" if all(letter.isascii() for letter in letters) else "zh-Hant"


def _place(said: Said) -> tuple[float, float] | None:
    """WGS84 longitude and latitude; None for what is no point on Earth."""
    lon, lat = said.longitude, said.latitude
    if lon is None or lat is None or not (-180 <= lon <= 180 and -90 <= lat <= 90):
        return None
    return lon, lat
