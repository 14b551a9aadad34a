"""Which questions supplies answers, beside a catalogue that has the mask file, through the dialogue everybody uses."""

from __future__ import annotations

import asyncio
import tomllib
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from tests.channel.talk.conftest import ASKER, FILES, publish
from tests.make import Node, a_node, frozen_clock, shared_data
from tests.service.supplies.make import AT, EVENTS, a_tick

import banyan.service.opendata.parts
import banyan.service.supplies.asking.operation  # noqa: F401 - registers it
from banyan.channel.talk import State, Talk
from banyan.kernel.catalogue.dialogue import Language, Reply, Utterance
from banyan.kernel.exchange.gate import Bound
from banyan.service.opendata.service import SERVICE as OPENDATA
from banyan.service.supplies.keeping import kept_of
from banyan.service.supplies.model import Place, PlacesChanged
from banyan.service.supplies.service import SERVICE

HERE = (121.604, 23.977)


BANQIAO = (
    PlacesChanged(AT, (Place("5931010005", "板橋示範藥局", county="新北市", town="板橋區", town_code="65000010"),)),
    a_tick([("5931010005", 66, 0)], at=AT + 30),
)


class Phrase(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    text: str
    take: bool
    lang: Language = "zh-Hant"
    near: bool = False
    asks: bool = False
    held: bool = False
    says: str = ""


PHRASES = msgspec.convert(
    tomllib.loads(Path(__file__).with_name("phrases.toml").read_text(encoding="utf-8"))["phrase"], list[Phrase]
)


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[Phrase, tuple[str, Reply]]:
    """Every phrase said once: how the turn ended and what was said."""
    files = [(shared_data(path), name, title) for path, name, title in FILES]

    async def run(folder: Path) -> dict[Phrase, tuple[str, Reply]]:
        async with a_node(folder, [OPENDATA, SERVICE], clock=frozen_clock(AT + 180)) as node:
            for path, name, title in files:
                await publish(node, path, name, title)
            for event in (*EVENTS, *BANQIAO):
                await kept_of(node.drawers["supplies"]).commit(event)
            return {phrase: await said(node, phrase) for phrase in PHRASES}

    return asyncio.run(run(tmp_path_factory.mktemp("routing")))


async def said(node: Node, phrase: Phrase) -> tuple[str, Reply]:
    talk = Talk(list(node.catalogue.operations.values()))
    words = Utterance(text=phrase.text, lang=phrase.lang, place=HERE if phrase.near else None)
    turn = await talk.turn(words, State(lang=phrase.lang), Bound(node.gate, ASKER, None))
    return turn.status, turn.replies[0]


def test_the_table_is_large_and_half_of_it_is_not_ours() -> None:
    assert len(PHRASES) >= 80
    assert 0.4 < sum(phrase.take for phrase in PHRASES) / len(PHRASES) < 0.6
    assert len(set(PHRASES)) == len(PHRASES)


def fault(phrase: Phrase, status: str, reply: Reply) -> str:
    """What is wrong with an answer; empty when nothing is."""
    taken = any(source.path == "/supplies" for source in reply.sources)
    words = " ".join((reply.text, *(f"{card.status} {' '.join(card.lines)}" for card in reply.cards)))
    if taken != phrase.take:
        return f"{phrase.text}: {'taken' if taken else 'not taken'}: {words[:90]}"
    if taken and status != ("asking" if phrase.asks else "answered"):
        return f"{phrase.text}: {status}"
    if taken and not reply.sources[0].as_of:
        return f"{phrase.text}: no as-of"
    return "" if phrase.says in words else f"{phrase.text}: does not say {phrase.says}: {words[:120]}"


@pytest.mark.parametrize("choose", [lambda one: one.take, lambda one: not one.take], ids=["ours", "not ours"])
def test_stock_questions_come_here_and_others_do_not(
    answers: dict[Phrase, tuple[str, Reply]], choose: Callable[[Phrase], bool]
) -> None:
    faults = [found for phrase, answer in answers.items() if choose(phrase) and (found := fault(phrase, *answer))]
    assert faults == [], "\n".join(faults)
