"""Opting out on both engines: the word, its effect and its entry in one commit, and a model of who stopped what."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from hashlib import sha256
from itertools import count
from typing import TypeVar

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.kernel.policy.test_judging import FLAG, LOAN, NOW

from banyan.kernel.events.clock import EpochS
from banyan.kernel.ledger.entries import commitment_of, read_entry
from banyan.kernel.policy import optouts, records
from banyan.kernel.policy.bases import register
from banyan.kernel.storage.migrations import load_steps, migrate
from banyan.kernel.storage.store import SchemaStore, Tx

T = TypeVar("T")
Write = Callable[[Callable[[Tx], T]], T]
STUDY = msgspec.structs.replace(
    FLAG, id="study", operations=("nhi.study",), purposes=("157",), needs="", is_secondary=True, sunset=EpochS(0)
)
WIDE = msgspec.structs.replace(STUDY, id="wide", operations=("tax.*",), purposes=("157", "172"))
KINDS = ("*", "157", "172", "nhi.study", "tax.*")
_numbers = count()


@pytest.fixture
def write(open_store: Callable[[], SchemaStore]) -> Write[T]:
    store = open_store()
    for part in ("banyan.kernel.ledger", "banyan.kernel.policy"):
        migrate(store, part, load_steps(part), at=0.0)
    return lambda job: asyncio.run(store.write(job))


def random(size: int) -> bytes:
    return sha256(b"%d" % next(_numbers)).digest()[:size]


def pending(tx: Tx) -> list[dict[str, object]]:
    from banyan.kernel.ledger.log import SQL

    return [read_entry(bytes(row[1])) for row in tx.rows(SQL["pending_after"], first=0, limit=1_000)]  # type: ignore[arg-type]


def test_kinds_are_what_the_registers_secondary_bases_name() -> None:
    known = optouts.kinds(register([FLAG, LOAN, STUDY, WIDE]))
    assert [(one.key, one.sort) for one in known] == [
        ("*", "all"),
        ("157", "purpose"),
        ("172", "purpose"),
        ("nhi.study", "data"),
        ("tax.*", "data"),
    ]
    assert [basis.id for basis in known[1].bases] == ["study", "wide"]
    assert [one.key for one in optouts.kinds(register([FLAG, LOAN]))] == ["*"]


def test_a_word_its_effect_and_its_entry(write: Write) -> None:  # type: ignore[type-arg]
    def say(kind: str, *, is_out: bool, at: float = NOW) -> optouts.Word | None:
        return write(lambda tx: optouts.say(tx, "s", kind, is_out=is_out, now=EpochS(at), random=random))

    assert say("157", is_out=False) is None, "coming back from where one never left says nothing"
    first = say("157", is_out=True)
    assert first is not None
    assert say("157", is_out=True, at=NOW + 9) == first, "the same word twice is one"
    assert write(lambda tx: records.has_opted_out(tx, "s", "nhi.study", "157"))
    assert not write(lambda tx: records.has_opted_out(tx, "s", "nhi.study", "012"))
    assert not write(lambda tx: records.has_opted_out(tx, "t", "nhi.study", "157"))
    back = say("157", is_out=False, at=NOW + 10)
    assert back is not None
    assert not write(lambda tx: records.has_opted_out(tx, "s", "nhi.study", "157"))
    assert write(lambda tx: optouts.words_of(tx, "s")) == [back]
    entries = write(pending)
    assert [one["commitment"] for one in entries] == [
        commitment_of(one.salt, one.record).hex() for one in (first, back)
    ]
    assert {tuple(sorted(one)) for one in entries} == {("commitment", "kind", "v")}, "neither who nor what"


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from("stu"), st.sampled_from(KINDS), st.booleans()), max_size=12))
def test_who_stopped_what_is_as_the_last_words_say(write: Write, said: list[tuple[str, str, bool]]) -> None:  # type: ignore[type-arg]
    run = str(next(_numbers))  # subjects of this example only
    last: dict[tuple[str, str], bool] = {}
    before = len(write(pending))
    changes = 0
    for person, kind, is_out in said:
        changes += last.get((person, kind), False) != is_out
        last[person, kind] = is_out
        subject = run + person
        write(lambda tx, s=subject, k=kind, o=is_out: optouts.say(tx, s, k, is_out=o, now=NOW, random=random))
    assert len(write(pending)) - before == changes
    for person in "stu":
        out = {kind for kind in KINDS if last.get((person, kind))}
        for operation, whole, purpose in (("nhi.study", "nhi.*", "157"), ("tax.income", "tax.*", "172")):
            stopped = bool(out & {"*", operation, whole, purpose})
            assert (
                write(lambda tx, p=person, o=operation, u=purpose: records.has_opted_out(tx, run + p, o, u)) == stopped
            )
