"""What is remembered of a LINE conversation: bounded, for an hour, under no readable name."""

from __future__ import annotations

import pytest
from tests.make import NOW, SECRET

from banyan.channel.line import dialogues
from banyan.channel.line.dialogues import Dialogues
from banyan.channel.talk import State
from banyan.kernel.events.clock import EpochS
from banyan.limits import TALK_TIME_S
from banyan.wire.line import Source

USER = Source("user", "U" + "1" * 32)


def test_a_key_tells_nothing_and_differs_by_node_person_and_group() -> None:
    one, other = Dialogues(SECRET), Dialogues(b"another secret of thirty-two bytes or so")
    in_group = Source("group", USER.user_id, "C1")
    keys = {one.key(USER), other.key(USER), one.key(in_group), one.key(Source("user", "U2"))}
    assert len(keys) == 4
    assert one.key(USER) == one.key(USER)
    assert not any(USER.user_id in key for key in keys)
    assert one.key(Source("room", "ab", "", "c")) != one.key(Source("room", "b", "", "ca"))


def test_a_state_lapses_after_an_hour_and_is_dropped_with_the_next_turn() -> None:
    kept = Dialogues(SECRET)
    kept.keep("a", State(question="口罩"), NOW)
    assert kept.read("a", NOW).question == "口罩"
    late = EpochS(NOW + TALK_TIME_S)
    assert kept.read("a", late) == State()
    kept.keep("b", State(), late)
    assert len(kept) == 1
    kept.forget("b")
    kept.forget("never")
    assert len(kept) == 0


def test_those_used_last_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dialogues, "LINE_DIALOGUES", 3)
    kept = Dialogues(SECRET)
    for number, key in enumerate("abcab"):
        kept.keep(key, State(question=key), EpochS(NOW + number))
    kept.keep("d", State(), EpochS(NOW + 9))
    assert len(kept) == 3
    assert kept.read("c", NOW) == State()
    assert kept.read("a", NOW).question == "a"
