"""Sending a reply: tried again while its token lives, and no longer."""

from __future__ import annotations

import asyncio

import pytest

from banyan.channel.line.sending import Tried, outcome_of, send
from banyan.kernel.events.clock import EpochS
from banyan.limits import LINE_REPLY_TRIES, LINE_TOKEN_S
from banyan.wire.line import TextMessage


def sent(tries: list[Tried], *, start: float = 0.0) -> tuple[str, int, list[float]]:
    """The outcome, the posts and the waits; time passes only in waits."""
    now, waits, posts = [start], list[float](), list[bytes]()

    async def post(body: bytes) -> Tried:
        posts.append(body)
        return tries[len(posts) - 1]

    async def pause(wait_s: float) -> None:
        waits.append(wait_s)
        now[0] += wait_s

    message = TextMessage("好")
    outcome = asyncio.run(send("token", [message], post, clock=lambda: EpochS(now[0]), pause=pause))
    assert len(set(posts)) == 1
    return outcome, len(posts), waits


@pytest.mark.parametrize(
    ("statuses", "posts", "outcome"),
    [
        ([200], 1, "sent"),
        ([429, 500, 200], 3, "sent"),
        ([0, 200], 2, "sent"),
        ([400], 1, "refused"),
        ([401], 1, "unauthorised"),
        ([403], 1, "unauthorised"),
        ([302], 1, "refused"),
        ([429] * 9, LINE_REPLY_TRIES, "limited"),
        ([503] * 9, LINE_REPLY_TRIES, "failed"),
        ([0] * 9, LINE_REPLY_TRIES, "unreachable"),
    ],
)
def test_what_may_pass_is_tried_again_with_growing_waits(statuses: list[int], posts: int, outcome: str) -> None:
    assert sent([Tried(status) for status in statuses]) == (outcome, posts, [0.5, 1.0, 2.0][: posts - 1])


def test_a_wait_that_line_asks_for_is_kept_and_a_dead_token_is_not_tried() -> None:
    assert sent([Tried(429, 7.0), Tried(200)]) == ("sent", 2, [7.0])
    assert sent([Tried(429, LINE_TOKEN_S + 1), Tried(200)]) == ("limited", 1, [])
    assert sent([Tried(429, 30.0), Tried(429, 30.0), Tried(200)]) == ("limited", 2, [30.0])


def test_every_status_has_an_outcome() -> None:
    assert {outcome_of(status) for status in range(600)} == {
        "sent", "refused", "unauthorised", "limited", "failed", "unreachable"
    }  # fmt: skip
