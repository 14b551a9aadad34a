"""The dialogue over real files: our evaluation set with its accuracy, forms, places, and what is never answered."""

from __future__ import annotations

import csv
import gzip
import tomllib
from pathlib import Path
from typing import Literal

import msgspec
import pytest
from tests.channel.talk.conftest import Desk
from tests.make import NOW, SECRET, shared_data

from banyan.channel.talk import States
from banyan.channel.talk.guards import guard
from banyan.kernel.catalogue.dialogue import Language
from banyan.kernel.events.clock import EpochS
from banyan.limits import TALK_TIME_S


class Phrase(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    text: str
    want: str
    set: Literal["seen", "held"]
    lang: Language = "zh-Hant"
    data: str = ""
    says: str = ""


PHRASES = msgspec.convert(
    tomllib.loads(Path(__file__).with_name("phrases.toml").read_text(encoding="utf-8"))["phrase"], list[Phrase]
)
REFUSED = ("unknown", "guarded", "human")


def fault(desk: Desk, phrase: Phrase) -> str:
    """What is wrong with the answer to a phrase; empty when nothing is."""
    turn = desk.say(phrase.text, lang=phrase.lang)
    text = " ".join(reply.text for reply in turn.replies)
    if turn.status != phrase.want:
        return f"{phrase.text}: {turn.status} instead of {phrase.want}: {text[:80]}"
    if phrase.says not in text:
        return f"{phrase.text}: does not say {phrase.says}: {text[:80]}"
    sources = [source.path for reply in turn.replies for source in reply.sources]
    if phrase.data and f"/dataset/{phrase.data}" not in sources:
        return f"{phrase.text}: from {sources} instead of {phrase.data}"
    if turn.status == "answered" and not all(source.as_of for reply in turn.replies for source in reply.sources):
        return f"{phrase.text}: no as-of"
    if turn.status == "answered" and not sources:
        return f"{phrase.text}: no source"
    return ""


def test_the_evaluation_set_is_large_and_holds_what_must_be_refused() -> None:
    assert len(PHRASES) >= 60
    assert sum(phrase.want in REFUSED for phrase in PHRASES) >= 15
    assert len({phrase.text for phrase in PHRASES}) == len(PHRASES)


@pytest.mark.parametrize(("name", "least"), [("seen", 1.0), ("held", 0.95)])
def test_accuracy_on_real_phrasings(desk: Desk, name: str, least: float) -> None:
    chosen = [phrase for phrase in PHRASES if phrase.set == name]
    faults = [found for phrase in chosen if (found := fault(desk, phrase))]
    accuracy = 1 - len(faults) / len(chosen)
    assert accuracy >= least, f"{accuracy:.3f} of {len(chosen)}:\n" + "\n".join(faults)


def test_nothing_that_must_be_refused_is_answered(desk: Desk) -> None:
    wrong = [
        phrase.text
        for phrase in PHRASES
        if phrase.want in REFUSED and desk.say(phrase.text, lang=phrase.lang).status == "answered"
    ]
    assert wrong == []


def test_the_count_is_the_files_own(desk: Desk) -> None:
    with gzip.open(shared_data("supplies/outlets.csv.gz"), "rt", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if "藥局" in row["name"] and row["county"] == "花蓮縣"]
    reply = desk.say("花蓮縣有哪些藥局？").replies[0]
    assert reply.grid is not None
    assert reply.grid.total == len(rows)
    assert {row[0] for row in reply.grid.rows} <= {row["name"] for row in rows}


def test_the_nearest_asks_for_a_place_and_remembers_the_question(desk: Desk) -> None:
    asked = desk.say("最近的藥局")
    assert asked.status == "asking"
    for said in ("花蓮縣花蓮市", "23.98, 121.61", "121.61,23.98"):
        turn = desk.say(said, asked.state)
        assert turn.status == "answered", said
        assert "花蓮縣花蓮市" in turn.replies[0].grid.rows[0][1]  # type: ignore[union-attr]
    shared = desk.say("好", asked.state, place=(121.61, 23.98))
    assert shared.status == "answered"
    again = desk.say("最近的藥局", shared.state)
    assert again.status == "answered", "the place is remembered"
    lost = desk.say("月球", asked.state)
    assert (lost.status, "不認得" in lost.replies[0].text) == ("asking", True)
    other = desk.say("花蓮縣有哪些衛生所", asked.state)
    assert other.status == "answered"
    assert desk.say("取消", asked.state).state.question == ""


def test_a_form_asks_for_one_field_at_a_time_and_sends_only_when_told(desk: Desk) -> None:
    turn = desk.say("申請資料")
    assert "想要的資料" in turn.replies[-1].text
    short = desk.say("水", turn.state)
    assert "長度至少 2" in short.replies[0].text
    turn = desk.say("河川水位即時資料", short.state)
    assert "用途" in turn.replies[-1].text
    turn = desk.say("上一題", turn.state)
    assert "想要的資料" in turn.replies[-1].text
    turn = desk.say("河川水位即時資料", turn.state)
    turn = desk.say("社區防汛預警", turn.state)
    assert "可以說「跳過」" in turn.replies[-1].text
    turn = desk.say("跳過", turn.state)
    assert "要送出嗎" in turn.replies[-1].text
    assert "社區防汛預警" in turn.replies[-1].text
    unsure = desk.say("嗯", turn.state)
    assert unsure.status == "asking"
    done = desk.say("送出", turn.state)
    assert done.status == "done", done.replies[0].text
    assert done.state.operation == ""
    from banyan.kernel.identity.caller import ANONYMOUS
    from banyan.service.opendata.requests import RequestsQuery

    kept = desk.run(desk.node.gate.call("opendata.requests", RequestsQuery(), caller=ANONYMOUS))
    assert kept.requests[0].title == "河川水位即時資料"


def test_a_form_in_english_is_cancelled_at_any_time(desk: Desk) -> None:
    turn = desk.say("data request", lang="en")
    assert "What data you need" in turn.replies[-1].text
    gone = desk.say("cancel", turn.state, lang="en")
    assert (gone.status, gone.state.operation) == ("cancelled", "")


def test_danger_inside_a_form_comes_first(desk: Desk) -> None:
    turn = desk.say("申請資料")
    assert desk.say("救命 有人溺水", turn.state).status == "guarded"


def test_after_two_misses_a_person_is_offered(desk: Desk) -> None:
    first = desk.say("捷運末班車")
    assert len(first.replies) == 1
    second = desk.say("垃圾車時間", first.state)
    assert "1999" in second.replies[-1].text
    found = desk.say("花蓮縣藥局", second.state)
    assert found.state.misses == 0


@pytest.mark.parametrize("code", ["592202A296", "0145080011", "5922A02296", "01450800110"])
def test_an_institutions_code_is_no_personal_number(code: str) -> None:
    assert guard(f"{code} 是誰") == ""


@pytest.mark.parametrize("number", ["A123456789", "a223456781", "請查A123456789好嗎", "AB12345678", "F812345678"])
def test_a_personal_number_is_seen_and_never_asked_of_a_tool(number: str) -> None:
    assert guard(number) == "number"


def test_a_state_is_signed_and_lapses(desk: Desk) -> None:
    states = States(SECRET)
    state = desk.say("申請資料").state
    token = states.write(state, NOW)
    assert states.read(token, NOW).operation == state.operation
    assert states.read(token, EpochS(NOW + TALK_TIME_S + 1)).operation == ""
    assert states.read(token[:-2] + "AA", NOW).operation == ""
    assert States(b"another secret of thirty-two bytes or so").read(token, NOW).operation == ""
