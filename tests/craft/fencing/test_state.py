"""Slots, silence, outages, events: what is told, and what is not any person's doing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from banyan.craft.cells import cell_table, fixes
from banyan.craft.fencing import EVENTS, HOME, NO_PHONE, Rule
from banyan.craft.fencing.outages import ALL
from banyan.craft.fencing.state import State

SITES = 20
TABLE = cell_table(
    [f"466-92-1-{cell}" for cell in range(3 * SITES)],
    np.repeat(121.5 + np.arange(SITES) * 0.02, 3),
    np.full(3 * SITES, 25.0),
)
START = 1_800_000_000
RULE = Rule(training_s=3_000)


def a_state(phones: int, *, watched_for: int = HOME, rule: Rule = RULE) -> State:
    state = State(TABLE, rule)
    for phone in range(phones):
        state.enrol(phone, watched_for, START)
    return state


def step(state: State, number: int, served: dict[int, int]) -> list[Any]:
    """One slot: each phone's cell; what is told."""
    now = START + 600 * number + 30
    state.feed(fixes(list(served), [now] * len(served), list(served.values())), now)
    found = []
    while state.first_slot <= now // 600:
        found += state.close()
    return found


def kinds(told: list[Any]) -> list[tuple[str, int]]:
    return [(one.kind, one.site if one.phone == NO_PHONE else one.phone) for one in told]


def test_a_phone_without_a_fix_is_silent_once_and_heard_again() -> None:
    state = a_state(1)
    told = [kinds(step(state, slot, {0: 0} if slot not in (4, 5, 6) else {})) for slot in range(9)]
    assert [(slot, one) for slot, each in enumerate(told) for one in each] == [(4, ("silent", 0)), (7, ("heard", 0))]


def test_a_phone_that_never_reports_is_silent_too() -> None:
    state = a_state(2)
    told = [kinds(step(state, slot, {0: 0})) for slot in range(4)]
    assert told == [[], [("silent", 1)], [], []]


def test_a_mast_whose_phones_all_fall_silent_is_an_outage_and_no_one_is_silent() -> None:
    state = a_state(12)
    served = {phone: 3 * (phone // 6) for phone in range(12)}
    for slot in range(8):
        assert step(state, slot, served) == []
    lit = {phone: cell for phone, cell in served.items() if phone >= 6}
    told = [kinds(step(state, slot, lit)) for slot in range(8, 11)]
    assert told == [[("outage", 0)], [], []]
    assert kinds(step(state, 11, served)) == [("restored", 0)]
    assert int(state.cols["silent"].sum()) == 0


def test_a_mast_that_goes_out_sends_its_phones_to_neighbours_and_nobody_is_suspected() -> None:
    state = a_state(12)
    served = {phone: 3 * (phone // 6) for phone in range(12)}
    for slot in range(8):
        step(state, slot, served)
    jumped = {phone: cell if phone >= 6 else 7 for phone, cell in served.items()}
    told = [kinds(step(state, slot, jumped)) for slot in range(8, 18)]
    assert [one for each in told for one in each] == [("outage", 0)]


def test_who_goes_far_while_her_mast_is_dark_is_still_suspected() -> None:
    state = a_state(12)
    served = {phone: 3 * (phone // 6) for phone in range(12)}
    for slot in range(8):
        step(state, slot, served)
    jumped = {phone: cell if phone >= 6 else 7 for phone, cell in served.items()} | {0: 3 * (SITES - 1)}
    told = [one for slot in range(8, 18) for one in kinds(step(state, slot, jumped))]
    assert told == [("outage", 0), ("suspect", 0), ("away", 0)]


def test_one_who_leaves_while_her_neighbours_stay_is_no_outage() -> None:
    state = a_state(6)
    for slot in range(8):
        step(state, slot, dict.fromkeys(range(6), 0))
    gone = dict.fromkeys(range(1, 6), 0) | {0: 30}
    told = [one for slot in range(8, 16) for one in kinds(step(state, slot, gone))]
    assert told == [("suspect", 0), ("away", 0)]


def test_silence_is_told_when_an_outage_lasts_too_long() -> None:
    state = a_state(6, rule=Rule(training_s=3_000, outage_s=1_800))
    for slot in range(8):
        step(state, slot, dict.fromkeys(range(6), 0))
    told = [kinds(step(state, slot, {})) for slot in range(8, 13)]
    assert told[0] == [("outage", ALL), ("outage", 0)]
    assert [("restored", ALL), ("restored", 0), *((("silent", phone)) for phone in range(6))] in told


def test_a_node_that_stood_still_is_no_mass_silence() -> None:
    state = a_state(8)
    served = {phone: 6 * phone for phone in range(8)}
    for slot in range(8):
        step(state, slot, served)
    assert [one for slot in range(8, 12) for one in kinds(step(state, slot, {}))] == [("outage", ALL)]
    assert kinds(step(state, 12, served)) == [("restored", ALL)]


def test_entering_an_event_is_told_once_in_its_window_to_those_watched_for_it() -> None:
    state = a_state(3, watched_for=EVENTS)
    state.cols["watched"][2] = HOME
    state.events[7] = START + 1_200, START + 3_000, frozenset({9, 10})
    told = [kinds(step(state, slot, {0: 9, 1: 9 if slot == 3 else 0, 2: 9})) for slot in range(6)]
    assert told == [[], [], [("entered", 0)], [("entered", 1)], [], []]


def test_late_early_and_strange_fixes_are_counted_and_change_nothing() -> None:
    state = a_state(2)
    step(state, 0, {0: 0, 1: 0})
    before, now = state.hash(), START + 700
    cells = len(TABLE)
    batch = fixes([0, 0, 9, 0, 0], [START + 10, now + 301, now, now, START - 1], [0, 0, 0, cells, 0])
    fed = state.feed(batch, now)
    assert (fed.taken, fed.again, fed.late, fed.ahead, fed.unknown) == (0, 0, 1, 1, 3)
    assert state.hash() == before


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_batches_in_any_order_cut_anyhow_and_repeated_give_the_same_state(data: st.DataObject) -> None:
    """Within a slot; the whole slot at once is the batch answer, its pieces are the stream."""
    one, other = a_state(4), a_state(4)
    cell = st.sampled_from([0, 1, 3, 30, 59])
    for slot in range(8):
        now = START + 600 * slot + 300
        rows = data.draw(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 299), cell), max_size=8))
        rows = [(phone, START + 600 * slot + off, served) for phone, off, served in rows]
        again = data.draw(st.permutations(rows + rows[:2]))
        cut = data.draw(st.integers(0, len(again)))
        for part in (again[:cut], again[cut:]):
            if part:
                other.feed(fixes(*zip(*part, strict=True)), now)
        if rows:
            one.feed(fixes(*zip(*rows, strict=True)), now)
        for state in (one, other):
            state.begin(now)
            while state.first_slot <= now // 600:
                state.close()
        assert one.hash() == other.hash()


def test_who_left_leaves_nothing_in_any_column() -> None:
    state = a_state(3)
    for slot in range(8):
        step(state, slot, {0: 0, 1: 3, 2: 6})
    for slot in range(8, 12):
        step(state, slot, {0: 0, 1: 50, 2: 6})
    assert {one.phone for one in state.alarms} == {1}
    assert state.leave(np.array([1, 77])) == 1
    assert all(not column[1].any() for column in state.cols.values())
    assert not state.open_at[:, 1].any()
    assert {(one.phone, one.cell, one.kind) for one in state.alarms} == {(NO_PHONE, -1, "wiped")}
    assert step(state, 12, {0: 0, 1: 50, 2: 6}) == []


@pytest.mark.parametrize("phones", [3, 1_500])
def test_a_snapshot_loads_to_the_same_hash(phones: int) -> None:
    state = a_state(phones)
    state.events[3] = START, START + 9_000, frozenset({1})
    for slot in range(4):
        step(state, slot, {phone: phone % 60 for phone in range(0, phones, 2)})
    state.feed(fixes([0], [START + 2_500], [0]), START + 2_500)
    again = State(TABLE, RULE)
    again.load(state.dump())
    assert again.hash() == state.hash()
    for one in (state, again):
        one.close()
    assert again.hash() == state.hash()
