"""Several operators and one answer: who is not done is waited for, who refused is told of and holds nobody up."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest

from banyan.errors import Denied, Problem, Unavailable
from banyan.service.alerts.afar import Afar, Heard, Operator
from banyan.service.alerts.outlets import Packet, Told
from banyan.service.areasms.asking import Heard as Said


class Message:
    """What of a packet is looked at."""

    alert, number = "a-1", 2


def heard(*said: Said | Problem) -> Told:
    """What the operators' answers come to."""
    asked: list[str] = []

    def operator(answer: Said | Problem) -> Operator:
        async def ask(document: str) -> Heard:
            asked.append(document)
            if isinstance(answer, Problem):
                raise answer
            return answer

        async def stop(sender: str, identifier: str) -> Heard:
            raise AssertionError("nobody stops it")

        return Operator(ask, stop)

    async def document(alert: str, number: int) -> str:
        return f"{alert}.{number}"

    afar = Afar({f"op{at}": operator(one) for at, one in enumerate(said)}, document)
    told = asyncio.run(afar.send(cast(Packet, Message())))
    assert asked == ["a-1.2"] * len(said)
    return told


DOWN = Unavailable("The peer has not answered in time.")
NO = Denied("It is not signed by a key that is pinned here.")


def test_sums_of_all() -> None:
    assert heard(Said("sent", 40, 40), Said("sent", 20, 20)) == Told("sent", 60, 60)
    assert heard(Said("sent", 40, 40), Said("partly", 10, 20, "numbers_failed")) == Told(
        "partly", 50, 60, "numbers_failed"
    )
    assert heard(Said("sent", 0, 0, "no_numbers")) == Told("sent", 0, 0, "no_numbers")
    assert heard(Said("failed", 0, 20, "numbers_failed")).state == "failed"


def test_one_that_is_not_done_or_not_there_is_asked_again() -> None:
    assert heard(Said("sent", 40, 40), Said("waiting", 10, 90)) == Told("waiting", 50, 130)
    told = heard(Said("sent", 40, 40), DOWN)
    assert (told.state, told.reached, told.total) == ("waiting", 40, 40)
    assert told.note == "op1: The peer has not answered in time."


def test_one_that_refuses_is_told_of_and_holds_nobody_up() -> None:
    told = heard(Said("sent", 40, 40), NO)
    assert (told.state, told.reached) == ("partly", 40)
    assert "op1: It is not signed" in told.note


def test_none_at_all_is_a_failure_that_is_tried_again() -> None:
    with pytest.raises(Unavailable, match="op0: The peer"):
        heard(DOWN, NO)


def test_what_was_stopped_is_not_sent() -> None:
    assert heard(Said("stopped", 10, 40, "stopped")) == Told("partly", 10, 40, "stopped")
