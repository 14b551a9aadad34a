"""The line of a room: fair within a window, in order between them, never more let in than the pace, nobody moved."""

from __future__ import annotations

import random
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from banyan.service.rationing.waiting import seeds, tokens
from banyan.service.rationing.waiting.places import (
    LATER_S,
    LOOK_S,
    OPENING_S,
    SPREAD,
    Line,
    Progress,
    look_again_s,
    lot_of,
    window_at,
    window_end,
)
from banyan.service.rationing.waiting.tokens import Token

SEEDS = seeds.chain(sha256(b"secret").digest(), 400)
KEY = bytes(32)
TOKENS = st.builds(
    Token,
    st.binary(min_size=4, max_size=4), st.sampled_from(["wait", "pass"]), st.integers(0, 2**16 - 1),
    st.binary(min_size=8, max_size=8), st.integers(0, 2**16 - 1), st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1),
)  # fmt: skip


def who(name: object) -> bytes:
    return sha256(str(name).encode()).digest()[:8]


def a_line(pace: float = 10.0, at: float = -600.0) -> Line:
    return Line(SEEDS, pace, Progress(at=at))


@given(TOKENS)
def test_a_token_reads_back_and_no_bit_of_it_can_be_changed(token: Token) -> None:
    text = tokens.signed(token, KEY)
    assert len(text) == tokens.TOKEN_CHARACTERS
    assert tokens.read(text, KEY) == token
    assert tokens.read(text, KEY[1:] + b"\1") is None
    at = token.issued % (len(text) - 1)  # the last character has bits that base64 ignores
    other = text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :]
    assert tokens.read(other, KEY) is None


@pytest.mark.parametrize("text", ["", "x" * 55, "é" * 55, "A" * 54, "A" * 56, "=" * 55, "\n" * 55, "%00" * 18 + "x"])
def test_what_is_no_token_is_none(text: str) -> None:
    assert tokens.read(text, KEY) is None


def test_every_seed_leads_to_the_anchor_and_no_other_does() -> None:
    end = seeds.anchor(SEEDS)
    assert all(seeds.follows(SEEDS[window], window, end) for window in (0, 1, 7, 399))
    assert not seeds.follows(SEEDS[7], 6, end)
    assert not seeds.follows(bytes(32), 7, end)
    assert sha256(SEEDS[1]).digest() == SEEDS[0]


@given(st.floats(-1e4, 1e5))
def test_windows_follow_each_other_without_a_gap(at: float) -> None:
    window = window_at(at)
    assert at < window_end(window)
    if window:
        assert window_end(window - 1) <= at
    assert window_at(OPENING_S) == window_at(OPENING_S - 0.1) + 1
    assert window_end(window_at(OPENING_S)) == OPENING_S + LATER_S


def test_who_came_first_before_the_opening_is_no_earlier() -> None:
    """2,000 people, one after another: rank correlation of coming and place within three standard errors of none."""
    line = a_line()
    people = [(line.join(who(one)), who(one), one % 65_536) for one in range(2_000)]
    line.advance(0.0)
    ahead = [line.place(*one).ahead for one in people]
    order = sorted(range(2_000), key=ahead.__getitem__)
    rank = [0] * 2_000
    for place, one in enumerate(order):
        rank[one] = place
    mean = 999.5
    covariance = sum((one - mean) * (rank[one] - mean) for one in range(2_000))
    assert abs(covariance / sum((one - mean) ** 2 for one in range(2_000))) < 3 / 2_000**0.5
    assert sorted(ahead)[1_000] == pytest.approx(1_000, abs=70)  # uniform over the window


def test_windows_come_one_after_another_and_places_never_move() -> None:
    line = a_line()
    first = [(line.join(who(one)), who(one), 7) for one in range(300)]
    line.advance(1.0)
    second = [(line.join(who(one)), who(one), 7) for one in range(300, 500)]
    assert {one[0] for one in first} == {0}
    assert {one[0] for one in second} == {1}
    line.advance(60.0)
    released = line.progress.released
    before = {one: line.place(*one).ahead + released for one in first}
    assert max(line.place(*one).ahead for one in first) <= min(line.place(*one).ahead for one in second)
    for at in range(61, 75):
        line.join(who(at))
        line.advance(at)
        for one in first:
            place = line.place(*one)
            assert place.ahead == 0 or place.ahead + int(line.progress.released) == int(
                before[one] - released + int(released)
            )


@given(st.integers(1, 400), st.floats(0.5, 100.0), st.lists(st.floats(0.1, 30.0), min_size=1, max_size=30))
def test_no_more_are_released_than_the_pace_allows_nor_than_wait(people: int, pace: float, steps: list[float]) -> None:
    line = a_line(pace)
    for one in range(people):
        line.join(who(one))
    at = 0.0
    for step in steps:
        at += step
        before = line.progress.released
        line.advance(at)
        assert before <= line.progress.released <= people
        assert line.progress.released - before <= min(step, LOOK_S[0]) * line.speed + 1e-6
        line.progress.passes = int(line.progress.released)  # everybody comes


def test_all_come_in_and_nobody_before_their_place_is_settled() -> None:
    line = a_line(pace=50.0)
    people = [(line.join(who(one)), who(one), one % 65_536) for one in range(500)]
    line.advance(-1.0)
    assert not any(line.may_enter(*one) for one in people)
    line.advance(0.5)
    late = (line.join(who("late")), who("late"), 0)
    for at in range(1, 40):
        line.advance(float(at))
        assert abs(sum(line.may_enter(*one) for one in people) - line.progress.released) < 45  # lots: 4 deviations
        line.progress.passes = sum(line.may_enter(*one) for one in people)
        assert not line.may_enter(*late)
    assert all(line.may_enter(*one) for one in people)
    line.advance(60.0)
    line.advance(61.0)
    assert line.may_enter(*late)


def test_an_empty_room_lets_in_at_once_at_its_pace() -> None:
    line = a_line(pace=5.0)
    assert not line.is_free()
    for at in range(1, 20):
        line.advance(float(at))
    assert sum(line.is_free() for _ in range(100)) == 10  # twice the pace after a quiet while
    line.advance(20.0)
    assert sum(line.is_free() for _ in range(100)) == 5
    line.join(who("one"))
    line.advance(25.0)
    assert not line.is_free()  # somebody waits: whoever comes now waits with them
    line.advance(61.0)
    line.advance(75.0)
    assert line.is_free()


def test_who_leaves_does_not_slow_the_others() -> None:
    """Half never come: twice as many places are released, and about the pace comes in. Pages look every 20 s."""
    line = a_line(pace=10.0)
    people = [(line.join(who(one)), who(one), one % 65_536) for one in range(20_000)]
    waiting = [one for at, one in enumerate(people) if at % 2]
    for at in range(1, 601):
        line.advance(float(at))
        inside = {one for one in waiting if one[2] % LOOK_S[0] == at % LOOK_S[0] and line.may_enter(*one)}
        line.progress.passes += len(inside)
        waiting = [one for one in waiting if one not in inside]
    assert line.progress.passes == pytest.approx(6_000, rel=0.15)


def test_a_node_that_stood_still_opens_no_flood() -> None:
    line = a_line(pace=10.0)
    for one in range(100_000):
        line.join(who(one))
    line.advance(1.0)
    line.advance(3_600.0)
    assert line.progress.released <= 10.0 * (1 + LOOK_S[0])


def test_one_address_has_few_lots_and_its_crowd_is_spread() -> None:
    rng = random.Random(7)
    same = [lot_of(SEEDS[0], who("one address"), rng.randrange(65_536)) / 2**64 for _ in range(1_000)]
    origin = lot_of(SEEDS[0], who("one address"), 0) / 2**64
    away = [(lot - origin) % 1.0 for lot in same]
    assert max(away) < 1 / SPREAD
    assert min(away) < 0.1 / SPREAD < 0.9 / SPREAD < max(away)


@given(st.floats(0, 1e5), st.integers(0, 65_535))
def test_a_page_looks_again_within_sane_bounds(wait_s: float, fine: int) -> None:
    assert LOOK_S[0] <= look_again_s(wait_s, fine) <= LOOK_S[1] * 1.25


def test_a_line_goes_on_from_what_was_kept() -> None:
    line = a_line()
    for one in range(50):
        line.join(who(one))
    line.advance(2.0)
    again = Line(SEEDS, line.pace, Progress(list(line.progress.counts), line.progress.released, 0, line.progress.at))
    token = (0, who("somebody"), 5)
    assert again.place(*token).ahead == line.place(*token).ahead
    assert again.issued == 50


def test_tokens_without_end_from_one_address_make_the_line_no_longer() -> None:
    line = a_line()
    for one in range(100):
        line.join(who(one))
    for _ in range(10_000):
        line.join(who("farmer"))
    assert line.issued <= 100 + 255
    line.advance(1.0)
    for _ in range(10_000):
        line.join(who("farmer"))
    assert line.issued <= 100 + 2 * 255
