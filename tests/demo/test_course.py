"""The course of a day: like February 2020 in its figures, the same for the same seed, and never in jumps."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise

import numpy as np
import pytest

from banyan.demo.course import ADULT, CHILD, RAPID, SANDBAGS, TAIPEI, Counts, Ration, is_listed, left
from banyan.demo.outlets import APART, OUTLETS, RAPID_TESTS, SEED, has_rapid_tests, outlets, stations
from banyan.demo.supplies import _course, _stations_course
from banyan.service.supplies.hours import slots_of
from banyan.service.supplies.notes import read_note

FRIDAY = datetime(2026, 11, 27, tzinfo=TAIPEI).timestamp()
SUNDAY = FRIDAY + 2 * 86_400


def stock(hour: float, ration: Ration = ADULT, *, day: float = FRIDAY) -> Counts:
    course = _stations_course() if ration is SANDBAGS else _course()
    return left(SEED, ration, course, day + hour * 3_600)


def listed(hour: float, *, day: float = FRIDAY) -> np.ndarray:
    return is_listed(SEED, _course(), day + hour * 3_600)


def test_two_in_five_stand_at_zero_in_the_afternoon_and_most_have_some_in_the_morning() -> None:
    def zero(hour: float) -> float:
        return float((stock(hour)[listed(hour)] == 0).mean())

    assert 0.15 < zero(10) < 0.25
    assert 0.33 < zero(15) < 0.45
    assert zero(20) > zero(15)


def test_some_nine_outlets_a_second_change_at_the_peak_and_none_by_night() -> None:
    def changed_a_second(hour: float) -> float:
        after = hour + 30 / 3_600
        adult, child = stock(hour) != stock(after), stock(hour, CHILD) != stock(after, CHILD)
        return float((adult | child).sum()) / 30

    assert 6 < max(changed_a_second(hour) for hour in (9, 9.5, 10, 10.5)) < 15
    assert changed_a_second(20) > 0.3
    assert changed_a_second(2) == 0


def test_stock_rises_by_delivery_and_by_correction_only() -> None:
    early, late = stock(7), stock(11)
    assert (late > early).mean() > 0.3
    evening, night = stock(18.2), stock(23)
    assert (night <= evening).all()
    rises = sum(int((stock(hour + 0.1) > stock(hour)).sum()) for hour in np.arange(14.6, 17.9, 0.1))
    assert 10 < rises < 300, "a few corrections in the afternoon"


def test_outlets_leave_by_night_and_return_never_many_at_once() -> None:
    shares = [float(listed(hour).mean()) for hour in np.arange(0, 24, 0.25)]
    assert max(shares) > 0.99
    assert 0.82 < shares[8] < 0.9, "two in the morning"
    assert max(abs(after - before) for before, after in pairwise(shares)) < 0.03


@pytest.mark.parametrize("ration", [ADULT, CHILD, RAPID, SANDBAGS], ids=lambda ration: ration.name)
def test_midnight_takes_little_away(ration: Ration) -> None:
    before, after = stock(24 - 1 / 3_600, ration), stock(1 / 3_600, ration, day=FRIDAY + 86_400)
    assert (before != after).mean() < 0.35
    assert (after > before).mean() < 0.2, "else the feed would hold the list back"
    assert after.sum() > 0.6 * before.sum()


def test_closed_outlets_sell_nothing() -> None:
    closed = np.array([one.slots[6] == "Y" and one.slots[13] == "Y" for one in outlets(SEED)])
    morning, evening = stock(9, day=SUNDAY), stock(17, day=SUNDAY)
    assert (evening[closed] >= morning[closed]).all()
    assert (evening[~closed] < morning[~closed]).any()


def test_a_day_is_the_same_for_the_same_seed_and_differs_from_the_next() -> None:
    assert (stock(11) == stock(11)).all()
    assert (stock(11) != stock(11, day=FRIDAY + 86_400)).any()
    other = left("another", ADULT, _course(), FRIDAY + 11 * 3_600)
    assert (other != stock(11)).any()


def test_outlets_are_what_their_registers_can_say() -> None:
    known = outlets(SEED)
    assert len(known) == OUTLETS == len({one.code for one in known})
    assert all(len(one.code) == 10 for one in known)
    assert any(one.code.startswith("0") for one in known), "leading zeros"
    assert any(one.code.endswith("A") for one in known), "letters"
    assert all(slots_of(one.slots) >= 0 for one in known)
    apart = sum(abs(one.lon - one.other[0]) > 0.01 for one in known)
    assert apart == APART
    assert len(has_rapid_tests(SEED)) == RAPID_TESTS
    assert len({one.code for one in stations(SEED)}) == 120


def test_what_pharmacists_write_can_be_read() -> None:
    written = [one for one in outlets(SEED) if one.plate and "號碼" in one.note]
    read = [read_note(one.note).plate for one in written]
    right = sum(found is not None and found.window.start == one.plate for found, one in zip(read, written, strict=True))
    assert len(written) > 1_000
    assert right > 0.95 * len(written)
