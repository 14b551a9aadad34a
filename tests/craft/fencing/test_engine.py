"""The engine on its journal: what was answered is there after any end, alarms come once, numbers go on."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path

import numpy as np
import pytest

from banyan.craft.cells import cell_table, fixes
from banyan.craft.fencing import HOME, Rule
from banyan.craft.fencing.engine import Engine
from banyan.errors import Conflict, Invalid, Limit
from banyan.kernel.events.clock import EpochS
from banyan.kernel.storage.journal import Journal
from banyan.limits_fence import FENCE_PAST_S

TABLE = cell_table(
    [f"466-92-1-{cell}" for cell in range(30)], np.repeat(121.5 + np.arange(10) * 0.02, 3), np.full(30, 25.0)
)
START = 1_800_000_000
RULE = Rule(training_s=3_000)


def ran(test: Callable[..., Coroutine[None, None, None]]) -> Callable[..., None]:
    """A test that awaits."""

    @functools.wraps(test)
    def run(*given: object, **named: object) -> None:
        asyncio.run(test(*given, **named))

    return run


class World:
    """A journal that is opened and shut, and a clock."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.now = folder, float(START)
        self.journal: Journal | None = None

    def open(self, rule: Rule = RULE) -> Engine:
        self.shut()
        self.journal = Journal(self.folder)
        return Engine(self.journal, TABLE, lambda: EpochS(self.now), rule=rule)

    def shut(self) -> None:
        if self.journal is not None:
            self.journal.close()
            self.journal = None

    async def walk(self, engine: Engine, slots: range, cells: dict[int, int]) -> None:
        """Slot by slot, each told to be complete."""
        for slot in slots:
            self.now = START + 600 * slot + 60
            at = int(self.now) - 20
            batch = fixes(list(cells), [at] * len(cells), list(cells.values()))
            await engine.feed(batch, complete_until=START + 600 * (slot + 1))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path / "journal")
    yield made
    made.shut()


async def a_leaver(world: World) -> Engine:
    engine = world.open()
    for phone in (0, 1):
        await engine.enrol(phone)
    await world.walk(engine, range(8), {0: 0, 1: 3})
    await world.walk(engine, range(8, 16), {0: 0, 1: 27})
    return engine


@ran
async def test_alarms_wait_for_who_acts_on_them_over_restarts(world: World) -> None:
    engine = await a_leaver(world)
    told = engine.alarms()
    assert [(one.number, one.kind, one.phone) for one in told] == [(1, "suspect", 1), (2, "away", 1)]
    before = engine.state_hash()
    again = world.open()
    assert (again.alarms(), again.state_hash()) == (told, before)
    await again.told(1)
    assert [one.number for one in world.open().alarms()] == [2]


@ran
async def test_listeners_hear_each_slot_once_it_is_durable(world: World) -> None:
    engine = world.open()
    heard: list[str] = []
    stop = engine.listen(lambda alarms: heard.extend(one.kind for one in alarms))
    await engine.enrol(0)
    await world.walk(engine, range(8), {0: 0})
    await world.walk(engine, range(8, 16), {0: 27})
    stop()
    await world.walk(engine, range(16, 26), {})
    assert heard == ["suspect", "away"]


@ran
async def test_the_clock_alone_closes_slots_after_their_grace(world: World) -> None:
    engine = world.open()
    world.now = START + RULE.grace_s
    await engine.enrol(0, at=START)
    await engine.feed(fixes([0], [START + 5], [0]))
    world.now = START + 600 + RULE.grace_s - 1
    assert await engine.tick() == 0
    world.now += 1
    assert await engine.tick() == 1
    assert engine.state_of(0).last_at == START + 5
    world.now += 1_200
    assert await engine.tick() == 2
    assert [one.kind for one in engine.alarms()] == ["silent"]


@ran
async def test_a_slot_that_is_complete_is_judged_at_once_and_more_of_it_is_late(world: World) -> None:
    engine = world.open()
    await engine.enrol(0)
    await engine.feed(fixes([0], [START + 5], [0]), complete_until=START + 600)
    fed = await engine.feed(fixes([0, 0], [START + 7, START + 7], [0, 0]))
    assert (fed.late, fed.taken) == (2, 0)
    assert engine.counts().late == 2


@ran
async def test_a_batch_sent_twice_counts_once(world: World) -> None:
    engine = world.open()
    await engine.enrol(0)
    batch = fixes([0], [START + 5], [0])
    first, second = await engine.feed(batch), await engine.feed(batch)
    assert (first.taken, first.again, second.taken, second.again) == (1, 0, 0, 1)


@ran
async def test_a_clock_that_goes_back_changes_nothing_that_was_judged(world: World) -> None:
    engine = await a_leaver(world)
    before = engine.state_hash()
    world.now -= 3_600
    assert await engine.tick() == 0
    fed = await engine.feed(fixes([0], [int(world.now)], [0]))
    assert fed.late == 1
    assert engine.state_hash() == before


@ran
async def test_batches_cut_otherwise_and_a_restart_amid_end_in_the_same_hash(tmp_path: Path) -> None:
    hashes = []
    for parts in (1, 3):
        world = World(tmp_path / str(parts))
        engine = world.open()
        for phone in range(9):
            await engine.enrol(phone)
        dice = np.random.default_rng(4)
        for slot in range(10):
            world.now = START + 600 * slot + 60
            cells = dice.integers(0, 6, 9)
            for part in np.array_split(np.arange(9), parts):
                await engine.feed(fixes(part, np.full(len(part), int(world.now)), cells[part]))
            if parts > 1 and slot == 5:
                await engine.forget()
                engine = world.open()
            world.now = START + 600 * (slot + 1) + RULE.grace_s
            await engine.tick()
        hashes.append(engine.state_hash())
        world.shut()
    assert hashes[0] == hashes[1]


@ran
async def test_who_left_is_in_no_snapshot_and_replay_does_not_bring_her_back(world: World) -> None:
    engine = await a_leaver(world)
    assert await engine.leave([1]) == 1
    await engine.forget()
    assert engine.state_of(1).phase == "none"
    assert {one.kind for one in engine.alarms()} == {"wiped"}
    snapshots = sorted(world.folder.glob("*.snapshot"))
    assert len(snapshots) == 2
    again = world.open()
    assert (again.state_of(1).home, again.state_of(1).last_at) == ((), 0)
    assert again.state_of(0).home[0].cell == 0
    assert again.counts().watched == 1


@ran
async def test_days_past_can_be_fed_in_order_to_a_new_fence(world: World) -> None:
    engine = world.open()
    begin = START - 86_400
    await engine.enrol(0, at=begin)
    for slot in range(140):
        at = begin + 600 * slot
        fed = await engine.feed(fixes([0], [at + 60], [0 if slot < 130 else 27]), complete_until=at + 600)
        assert fed.taken == 1
    assert engine.state_of(0).fixes == 140
    assert [one.kind for one in engine.alarms()] == ["suspect", "away"]
    assert await engine.tick() > 0


@ran
async def test_a_past_without_end_is_not_walked_through(world: World) -> None:
    engine = world.open()
    await engine.enrol(0, at=0)
    assert await engine.tick() <= FENCE_PAST_S // 600


@ran
async def test_another_table_or_rule_is_refused_not_mixed(world: World) -> None:
    await a_leaver(world)
    with pytest.raises(Conflict, match="another rule"):
        world.open(Rule(training_s=3_000, h2=9))


@ran
async def test_states_tell_training_from_home_from_away(world: World) -> None:
    engine = world.open()
    await engine.enrol(0)
    assert engine.state_of(0).phase == "training"
    await world.walk(engine, range(8), {0: 4})
    state = engine.state_of(0)
    assert (state.phase, state.level, state.watched_for, state.fixes) == ("watched", 0, HOME, 8)
    assert state.home[0].cell == 4
    await world.walk(engine, range(8, 16), {0: 29})
    counts = engine.counts()
    assert (counts.watched, counts.away, counts.home, counts.training) == (1, 1, 0, 0)


@ran
@pytest.mark.parametrize(("phone", "watched_for"), [(-1, 1), (0, 0), (0, 4), (1 << 40, 1)])
async def test_what_cannot_be_enrolled_is_named(world: World, phone: int, watched_for: int) -> None:
    with pytest.raises(Invalid):
        await world.open().enrol(phone, watched_for=watched_for)


@ran
async def test_bounds_are_named(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = await a_leaver(world)
    monkeypatch.setattr("banyan.craft.fencing.engine.FIX_ROWS", 1)
    with pytest.raises(Limit, match="FIX_ROWS"):
        await engine.feed(fixes([0, 1], [START, START], [0, 0]))
    with pytest.raises(Invalid, match="complete_until"):
        await engine.feed(fixes([0], [int(world.now)], [0]), complete_until=int(world.now) + 86_400)
    monkeypatch.setattr("banyan.craft.fencing.engine.FENCE_ALARMS", 2)
    with pytest.raises(Limit, match="FENCE_ALARMS"):
        await engine.feed(fixes([0], [int(world.now)], [0]))
    monkeypatch.setattr("banyan.craft.fencing.engine.FENCE_EVENTS", 0)
    with pytest.raises(Limit, match="events"):
        await engine.open_event(1, np.array([1], np.int32), START, START + 1)
