"""`POST /api/chat` and the page `/chat`. No session: what the dialogue remembers is signed and goes with the form."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import msgspec

from banyan.channel.talk import States, Talk, Turn, link_of
from banyan.kernel.catalogue import FaceAnswer, FaceRequest, Operation, Service, View
from banyan.kernel.catalogue.dialogue import Language, Reply, Utterance
from banyan.kernel.exchange.binder import Binder
from banyan.limits import TALK_STATE_BYTES, UTTERANCE_CHARACTERS

PACKAGE = "banyan.channel.chat"
_BODY_BYTES = TALK_STATE_BYTES + 4 * UTTERANCE_CHARACTERS + 1_024


class Say(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is posted: the words, the state of the last answer, the language and, when shared, the position."""

    text: Annotated[str, msgspec.Meta(max_length=UTTERANCE_CHARACTERS)] = ""
    state: Annotated[str, msgspec.Meta(max_length=TALK_STATE_BYTES)] = ""
    lang: Language | None = None
    place: tuple[float, float] | None = None


class Said(msgspec.Struct, frozen=True):
    """What comes back. `status` is how the turn ended; send `state` with the next words."""

    replies: tuple[Reply, ...]
    status: str
    state: str
    lang: Language


def build_chat(operations: Sequence[Operation], *, secret: bytes, contact: str = "") -> Service:
    """The chat's routes over the node's operations. `contact` is how to reach a person."""
    talk, states, binder = Talk(operations, contact=contact), States(secret), Binder(Say)
    service = Service("chat", title={"zh-Hant": "問答", "en": "Ask"}, package=PACKAGE)

    async def answered(request: FaceRequest, said: Say) -> tuple[Turn, Said]:
        state = states.read(said.state, request.now)
        lang: Language = said.lang or (state.lang if said.state else _spoken(request, said.text))
        if said.text.strip():
            words = Utterance(text=said.text.strip(), lang=lang, place=said.place)
            turn = await talk.turn(words, state, request.call)
        else:
            turn = talk.welcome(lang)
        kept = states.write(turn.state, request.now)
        return turn, Said(turn.replies, turn.status, kept, turn.state.lang)

    @service.face("POST", path="/api/chat", rate="query", channel="chat")
    async def chat(request: FaceRequest) -> FaceAnswer:
        body = await request.body(_BODY_BYTES)
        said = binder.from_json(body or b"{}", {})
        assert isinstance(said, Say), "the binder makes its own type"
        _, answer = await answered(request, said)
        return FaceAnswer(msgspec.json.encode(answer))

    @service.page(
        "GET", "POST", path="/chat", title={"zh-Hant": "問答", "en": "Ask"}, menu=6, rate="query", channel="chat"
    )
    async def page(request: FaceRequest) -> View:
        """One turn a page: the form holds the state, so it works without script and without a session."""
        fields = (await request.form()).fields if request.method == "POST" else []  # words never stand in an address
        known = [(name, value) for name, value in fields if name in ("text", "state", "place")]
        said = binder.from_pairs(known, {})
        assert isinstance(said, Say), "the binder makes its own type"
        turn, answer = await answered(request, msgspec.structs.replace(said, lang=_language(request)))
        values = {
            "said": said.text,
            "replies": turn.replies,
            "state": answer.state,
            "turn_status": turn.status,
            "link_of": link_of,
            "scripts": ("chat.js",),
        }
        return View("chat/chat.html", values, title=service.title[_language(request)])

    return service


def _spoken(request: FaceRequest, text: str) -> Language:
    """The language asked for; when the program that asks names none, the one the words are written in."""
    letters = [character for character in text if character.isalpha()]
    if not request.header("accept-language") and letters and all(letter.isascii() for letter in letters):
        return "en"
    return _language(request)


def _language(request: FaceRequest) -> Language:
    return "en" if request.lang == "en" else "zh-Hant"
