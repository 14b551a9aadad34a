"""One turn of a dialogue: exact command, form, question tool, or an honest "I don't know" with a way to a person.

Deterministic: the same words and state give the same answer. Order: what must not be answered by a machine, steering
words, the form being filled, the name of an operation, then every question tool; the best reply over ANSWER_SCORE wins.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal, Protocol

import msgspec

from banyan.channel.talk.guards import Command, command, guard
from banyan.channel.talk.slots import Form, Slot
from banyan.channel.talk.state import State
from banyan.errors import Problem
from banyan.kernel.catalogue.dialogue import Choice, Grid, Language, Reply, Utterance
from banyan.kernel.catalogue.messages import load_messages
from banyan.kernel.catalogue.operation import Operation
from banyan.kernel.exchange.explain import document
from banyan.kernel.storage import fold
from banyan.limits import ANSWER_SCORE, CHAT_FIELDS, FORM_ANSWER_CHARACTERS, MISSES_BEFORE_HUMAN

MESSAGES = load_messages("banyan.channel.talk")
Status = Literal["answered", "asking", "unknown", "guarded", "human", "welcome", "cancelled", "done", "failed"]
_POINT = re.compile(r"^\s*(-?\d{1,3}(?:\.\d+)?)\s*[,，\s]\s*(-?\d{1,3}(?:\.\d+)?)\s*$")


class Call(Protocol):
    """The gate, bound to this caller."""

    async def __call__(self, operation: str, request: msgspec.Struct, *, purpose: str = "") -> Any: ...


class Turn(msgspec.Struct, frozen=True):
    """What is said back, how the turn ended, and what to remember."""

    replies: tuple[Reply, ...]
    status: Status
    state: State


class Talk:
    """The dialogue over the operations that the chat channel offers. `contact` is how to reach a person."""

    def __init__(self, operations: Sequence[Operation], *, contact: str = "") -> None:
        self._contact = contact
        offered = [operation for operation in operations if "chat" in operation.channels]
        self._tools = [one for one in offered if one.request is Utterance and one.answer is Reply]
        forms = {one.id: Form(one) for one in offered if one not in self._tools}
        self._forms = {name: form for name, form in forms.items() if form.is_for_people}
        self._names = {
            fold(name): one.id
            for one in offered
            if one.id in self._forms
            for name in (one.title["zh-Hant"], one.title["en"], *one.keys)
        }

    def welcome(self, lang: Language) -> Turn:
        """The first thing said."""
        offers = [Choice(form.operation.title[lang], say=form.operation.title[lang]) for form in self._forms.values()]
        examples = [_pressed(f"example_{number}", lang) for number in (1, 2)]
        reply = Reply(_text("welcome", lang), 1.0, choices=(*examples, *offers))
        return Turn((reply,), "welcome", State(lang=lang))

    async def turn(self, said: Utterance, state: State, call: Call) -> Turn:
        """Answer what was said."""
        lang = said.lang
        state = msgspec.structs.replace(state, lang=lang, place=said.place or state.place)
        kept = guard(said.text)
        if kept:
            return Turn((self._plain(kept, lang),), "guarded", State(lang=lang))
        word = command(said.text)
        if word in ("cancel", "human", "help", "english", "chinese"):
            return self._steered(word, state)
        if state.operation in self._forms:
            return await self._filled(said.text, word, state, call)
        if state.question:
            return await self._placed(said, state, call)
        named = self._names.get(fold(said.text))
        if named is not None:
            return self._begin(self._forms[named], state)
        return await self._asked(said, state, call)

    # Steering

    def _steered(self, word: Command, state: State) -> Turn:
        lang = state.lang
        if word == "human":
            return Turn((self._human(lang),), "human", State(lang=lang))
        if word == "cancel":
            return Turn((Reply(_text("cancelled", lang), 1.0),), "cancelled", State(lang=lang))
        if word == "help":
            return self.welcome(lang)
        chosen: Language = "en" if word == "english" else "zh-Hant"
        return Turn((Reply(_text("language", chosen), 1.0),), "welcome", State(lang=chosen))

    def _plain(self, kind: str, lang: Language) -> Reply:
        return Reply(_text(kind, lang), 1.0, choices=(_pressed("choice_human", lang, say="say_human"),))

    def _human(self, lang: Language) -> Reply:
        text = _text("human", lang, contact=self._contact) if self._contact else _text("human_none", lang)
        asks = [form.operation for form in self._forms.values() if form.operation.purpose == "public-intake"]
        return Reply(text, 1.0, choices=tuple(Choice(one.title[lang], say=one.title[lang]) for one in asks))

    # Questions

    async def _asked(self, said: Utterance, state: State, call: Call) -> Turn:
        best = Reply("", 0.0)
        for tool in self._tools:
            reply = await call(tool.id, msgspec.structs.replace(said, place=state.place))
            assert isinstance(reply, Reply), f"{tool.id} answers Reply"
            best = max(best, reply, key=lambda one: (one.score, bool(one.text)))  # even a "no" may say why
        if best.score < ANSWER_SCORE:
            return self._unknown(best, state)
        if best.asks == "place":
            waiting = msgspec.structs.replace(state, question=said.text, misses=0)
            return Turn((best,), "asking", waiting)
        return Turn((best,), "answered", msgspec.structs.replace(state, question="", misses=0))

    async def _placed(self, said: Utterance, state: State, call: Call) -> Turn:
        """The place a question lacked: a position, or a name that is put before the question."""
        question, free = state.question, msgspec.structs.replace(state, question="")
        point = _point(said.text)
        if point is not None or said.place is not None:
            placed = msgspec.structs.replace(free, place=point or said.place)
            return await self._asked(msgspec.structs.replace(said, text=question), placed, call)
        turn = await self._asked(msgspec.structs.replace(said, text=f"{said.text} {question}"), free, call)
        if turn.status == "answered":
            return turn
        alone = await self._asked(said, free, call)  # perhaps it was another question
        if alone.status == "answered":
            return alone
        text = Reply(_text("place_unknown", state.lang), 1.0, choices=(_pressed("choice_cancel", state.lang),))
        return Turn((text,), "asking", state)

    def _unknown(self, nearest: Reply, state: State) -> Turn:
        lang, misses = state.lang, state.misses + 1
        text = nearest.text or _text("unknown", lang)
        choices = [
            _pressed("choice_human", lang, say="say_human"),
            Choice(_text("choice_browse", lang), path="/dataset"),
        ]
        replies = [Reply(f"{text} {_text('unknown_next', lang)}", 0.0, choices=tuple(choices))]
        if misses >= MISSES_BEFORE_HUMAN:
            replies.append(self._human(lang))
        return Turn(tuple(replies), "unknown", msgspec.structs.replace(state, misses=misses, question=""))

    # Forms

    def _begin(self, form: Form, state: State) -> Turn:
        operation, lang = form.operation, state.lang
        started = msgspec.structs.replace(state, operation=operation.id, filled={}, asking="", question="")
        title, summary = operation.title[lang], operation.summary[lang]
        return self._next(form, started, intro=Reply(_text("form_start", lang, title=title, summary=summary), 1.0))

    def _next(self, form: Form, state: State, *, intro: Reply | None = None) -> Turn:
        """Ask for the next field, or for the word to send."""
        lang, slot = state.lang, form.next(state.filled, state.lang)
        if slot is not None:
            reply, asking = _question(slot, lang), slot.name
        else:
            summary = "；".join(
                f"{one.title}：{state.filled[one.name]}" for one in form.slots(lang) if state.filled[one.name]
            )
            choices = (_pressed("choice_send", lang), _pressed("choice_cancel", lang))
            reply, asking = Reply(_text("form_confirm", lang, summary=summary), 1.0, choices=choices), ""
        replies = (reply,) if intro is None else (intro, reply)
        return Turn(replies, "asking", msgspec.structs.replace(state, asking=asking))

    async def _filled(self, text: str, word: Command, state: State, call: Call) -> Turn:
        """Take what was said into the field being asked for."""
        form, lang = self._forms[state.operation], state.lang
        slot = next((one for one in form.slots(lang) if one.name == state.asking), None)
        if word == "back" and state.filled:
            filled = dict(list(state.filled.items())[:-1])
            return self._next(form, msgspec.structs.replace(state, filled=filled))
        if slot is None:
            return await self._send(form, state, call) if word == "yes" else self._next(form, state)
        value = "" if word == "skip" and not slot.required else text.strip()[:FORM_ANSWER_CHARACTERS]
        filled = {**state.filled, slot.name: value}
        wrong = form.refused(filled, slot.name, lang) if value else ""
        if wrong:
            said = Reply(_text("form_wrong", lang, field=slot.title, fix=wrong), 1.0)
            return Turn((said, _question(slot, lang)), "asking", state)
        moved = msgspec.structs.replace(state, filled=filled)
        if form.next(filled, lang) is None and form.operation.effect == "read":
            return await self._send(form, moved, call)  # a look-up changes nothing: no need to ask again
        return self._next(form, moved)

    async def _send(self, form: Form, state: State, call: Call) -> Turn:
        lang, title = state.lang, form.operation.title[state.lang]
        done = State(lang=lang, place=state.place)
        try:
            answer = await call(form.operation.id, form.request(state.filled))
        except Problem as problem:
            said = document(problem, lang)
            fixes = " ".join(f"{error.field}: {error.fix}" for error in said.errors)
            why = " ".join(part for part in (said.detail or said.title, fixes, said.remedy) if part)
            return Turn((Reply(_text("failed", lang, why=why), 1.0),), "failed", done)
        if isinstance(answer, Reply):
            return Turn((answer,), "answered", done)
        return Turn((Reply(_text("form_done", lang, title=title), 1.0, grid=_shown(answer)),), "done", done)


def _question(slot: Slot, lang: Language) -> Reply:
    key = "form_ask" if slot.required else "form_ask_optional"
    choices = [Choice(label, say=value) for label, value in slot.options]
    if not slot.required:
        choices.append(_pressed("choice_skip", lang))
    choices.append(_pressed("choice_cancel", lang))
    return Reply(_text(key, lang, field=slot.title, help=slot.help).strip(), 1.0, choices=tuple(choices))


def _shown(answer: object) -> Grid | None:
    """Plain fields of an answer, as a table of two columns."""
    values = msgspec.to_builtins(answer)
    if not isinstance(values, Mapping):
        return None
    plain = [
        (str(key), str(value)) for key, value in values.items() if isinstance(value, str | int | float) and value != ""
    ]
    return Grid(("", ""), tuple(plain[:CHAT_FIELDS]), len(plain)) if plain else None


def _point(text: str) -> tuple[float, float] | None:
    """A position typed as `lat, lon` (as maps show it) or `lon, lat`; Taiwan tells which is which."""
    found = _POINT.match(text)
    if found is None:
        return None
    first, second = float(found[1]), float(found[2])
    lon, lat = (first, second) if abs(first) > 90 or abs(first) > abs(second) else (second, first)
    return (lon, lat) if abs(lon) <= 180 and abs(lat) <= 90 else None


def _pressed(key: str, lang: Language, *, say: str = "") -> Choice:
    label = _text(key, lang)
    return Choice(label, say=_text(say, lang) if say else label)


def _text(key: str, lang: Language, **values: object) -> str:
    return MESSAGES.text(f"talk.{key}", lang, **values)
