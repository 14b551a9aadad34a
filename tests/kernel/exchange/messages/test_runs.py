"""The index holds what a plain list would, whatever is joined and divided behind it; how much it reads and writes."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.thorough import examples

from banyan.kernel.exchange.messages import idruns, stretches
from banyan.kernel.exchange.messages.frame import Frame, Kept
from banyan.kernel.exchange.messages.index import Index, Line, Seen, Sought, Written
from banyan.kernel.exchange.messages.opening import PACKAGE
from banyan.kernel.storage.migrations import load_steps, migrate
from banyan.kernel.storage.sqlite import SqliteStore
from banyan.kernel.storage.store import Row, SchemaStore, SqlValue, Statement, Store, Tx

T = TypeVar("T")
CLIENTS = ("A/B/C/d", "A/B/C", "甲/乙")
SERVICES = ("D/E/F/g", "D/E/F/g/h")


class Oracle:
    """The index as lists."""

    def __init__(self) -> None:
        self.frames: list[Written] = []
        self.lines: list[tuple[int, Line]] = []
        """With the day each is due."""

    @property
    def after(self) -> int:
        return self.frames[-1].frame.first + len(self.frames[-1].frame.entries) if self.frames else 0

    def add(self, frames: Sequence[Written]) -> None:
        self.frames += frames
        for one in frames:
            for seen in one.seen:
                line = Line(one.frame.first + seen.place, one.seq, *(getattr(seen, name) for name in NAMES))
                self.lines.append((one.frame.day, line))

    def find(self, sought: Sought) -> list[Line]:
        lines = [line for _, line in self.lines]
        if sought.xid or sought.message_id:
            under = [one for one in lines if sought.xid in ("", one.xid) and sought.message_id in ("", one.message_id)]
            return under[: sought.most]
        within = [
            one
            for one in lines
            if sought.since <= one.at < sought.until
            and sought.client in ("", one.client)
            and (sought.client or sought.service in ("", one.service))
        ]
        return sorted(within, key=lambda one: (one.at, one.idx), reverse=True)[: sought.most]

    def forget(self, day: int) -> int:
        self.lines = [one for one in self.lines if one[0] > day]
        kept = [one.seq for one in self.frames if one.frame.day > day]
        return (kept[0] if kept else self.frames[-1].seq) - 1 if self.frames else 0


NAMES = ("xid", "message_id", "role", "client", "service", "at", "status")
times = st.sampled_from([0.0, 1.0, 2.5, 3.0, 7.0, 9.5])
exchanges = st.tuples(
    st.integers(0, 9), st.integers(0, 4), st.sampled_from(CLIENTS), st.sampled_from(SERVICES), times, st.booleans()
)
publications = st.lists(st.tuples(st.integers(1, 9), st.lists(exchanges, max_size=5)), min_size=1, max_size=4)
steps = st.lists(st.one_of(publications, publications, st.integers(0, 9)), min_size=1, max_size=40)
Step = Sequence[tuple[int, Sequence[tuple[int, int, str, str, float, bool]]]] | int
every_kind = (
    *(Sought(xid=f"x{number}") for number in range(10)),
    *(Sought(message_id=f"m{number}", most=most) for number in range(5) for most in (1, 3, 100)),
    *(Sought(client=name, most=most) for name in CLIENTS for most in (1, 4, 100)),
    *(Sought(service=name, since=1.0, until=7.0) for name in SERVICES),
    *(Sought(since=since, until=until) for since in (0.0, 2.5) for until in (2.5, 8.0)),
    *(Sought(most=most) for most in (1, 2, 5, 1_000)),
    Sought(xid="m1"),
    Sought(client=SERVICES[1]),
    Sought(service="D/E/F"),
)


def frames_of(publication: Step, oracle: Oracle) -> list[Written]:
    """A publication's frames after those that are there; an exchange without a place in it is a public entry."""
    assert not isinstance(publication, int)
    frames: list[Written] = []
    first = oracle.after
    for day, made in publication:
        seq = (frames or oracle.frames)[-1].seq + 1 if frames or oracle.frames else 1
        seen = tuple(
            Seen(place, f"x{xid}", f"m{message}", "client", client, service, at, 200 + place)
            for place, (xid, message, client, service, at, is_exchange) in enumerate(made)
            if is_exchange
        )
        until = max((one[4] for one in made), default=5.0)
        frames.append(Written(seq, Frame(1, first, until, day, (b"{}",) * max(1, len(made)), b"s"), seen))
        first += max(1, len(made))
    return frames


async def compared(store: Store, fan: int, story: Sequence[Step]) -> None:
    index, oracle = Index(store, fan=fan), Oracle()
    for step in story:
        if isinstance(step, int):
            until = await index.forget(step)
            assert until == oracle.forget(step)
            await index.drop_frames(until)
            oracle.frames = [one for one in oracle.frames if one.seq > until]
        else:
            frames = frames_of(step, oracle)
            await index.add(frames)
            oracle.add(frames)
    assert await index.end() == ((oracle.frames[-1].seq, oracle.after) if oracle.frames else (0, 0))
    for sought in every_kind:
        assert await index.find(sought) == oracle.find(sought), sought
    for one in oracle.frames:
        last = one.frame.first + len(one.frame.entries) - 1
        assert await index.frame_with(last) == (one.seq, one.frame.first)
    if oracle.frames:
        assert await index.frame_with(oracle.frames[0].frame.first - 1) is None
    assert await index.frame_with(oracle.after) is None
    for since in (0.0, 3.0, 9.5, 10.0):
        assert await index.frame_since(since) == next(
            (one.seq for one in oracle.frames if one.frame.until >= since), None
        )


@settings(max_examples=examples(60, 600), deadline=None)
@given(fan=st.sampled_from([2, 4]), small=st.booleans(), story=steps)
def test_it_finds_what_a_list_would(
    tmp_path_factory: pytest.TempPathFactory, fan: int, small: bool, story: Sequence[Step]
) -> None:
    store = SqliteStore(tmp_path_factory.mktemp("index") / "records.db")
    migrate(store, PACKAGE, load_steps(PACKAGE), at=0.0)
    with pytest.MonkeyPatch.context() as patch:
        if small:
            patch.setattr(stretches, "MESSAGES_STRETCH", 6)
            patch.setattr(idruns, "MESSAGES_IDS", 4)
        try:
            asyncio.run(compared(store, fan, story))
        finally:
            store.shut()


def test_on_either_engine(open_store: Callable[[], SchemaStore], monkeypatch: pytest.MonkeyPatch) -> None:
    """One long story: so many under one id that no bit divides them, and what was forgotten amid what was not."""
    monkeypatch.setattr(stretches, "MESSAGES_STRETCH", 6)
    monkeypatch.setattr(idruns, "MESSAGES_IDS", 4)
    dice = random.Random(8)

    def an_exchange() -> tuple[int, int, str, str, float, bool]:
        names = dice.choice(CLIENTS), dice.choice(SERVICES)
        return dice.randrange(10), min(4, dice.randrange(50)), *names, dice.choice([0.0, 2.5, 7.0]), dice.random() < 0.9

    story: list[Step] = [
        dice.randrange(4)
        if number % 50 == 49
        else [(dice.randrange(1, 9), [an_exchange() for _ in range(dice.randrange(6))])]
        for number in range(200)
    ]
    opened = open_store()
    migrate(opened, PACKAGE, load_steps(PACKAGE), at=0.0)
    asyncio.run(compared(opened, 2, story))


class Counting:
    """A store that counts: each statement with each set of its values, and the rows that come back."""

    def __init__(self, store: SqliteStore) -> None:
        self._store = store
        self.statements = self.rows_read = 0

    async def read(self, job: Callable[[Tx], T]) -> T:
        return await self._store.read(lambda tx: job(CountingTx(tx, self)))

    read_long = read

    async def write(self, job: Callable[[Tx], T]) -> T:
        return await self._store.write(lambda tx: job(CountingTx(tx, self)))


class CountingTx:
    def __init__(self, tx: Tx, counts: Counting) -> None:
        self._tx, self._counts = tx, counts

    def rows(self, statement: Statement, **values: SqlValue) -> list[Row]:
        found = self._tx.rows(statement, **values)
        self._counts.statements += 1
        self._counts.rows_read += len(found)
        return found

    def row(self, statement: Statement, **values: SqlValue) -> Row | None:
        return next(iter(self.rows(statement, **values)), None)

    def run(self, statement: Statement, **values: SqlValue) -> int:
        self._counts.statements += 1
        return self._tx.run(statement, **values)

    def run_many(self, statement: Statement, values: Sequence[dict[str, SqlValue]]) -> int:
        self._counts.statements += len(values)
        return self._tx.run_many(statement, values)


@pytest.fixture
def counting(tmp_path: Path) -> Counting:
    store = SqliteStore(tmp_path / "records.db")
    migrate(store, PACKAGE, load_steps(PACKAGE), at=0.0)
    return Counting(store)


def many(first: int, seq: int, count: int, *, day: int = 9) -> list[Written]:
    """Exchanges in one frame, each under its own ids."""
    seen = tuple(
        Seen(place, f"x{first + place}", f"m{first + place}", "client", "A/B/C", "D/E/F/g", first + place, 200)
        for place in range(count)
    )
    return [Written(seq, Frame(1, first, float(first + count), day, (b"{}",) * count, b"s"), seen)]


def test_a_publication_writes_as_few_rows_of_many_exchanges_as_of_one(counting: Counting) -> None:
    async def story() -> None:
        index = Index(counting)  # type: ignore[arg-type]
        told, first = [], 0
        for seq, count in enumerate((1, 100, 4_000, 1), 1):
            before = counting.statements
            await index.add(many(first, seq, count))
            told.append(counting.statements - before)
            first += count
        assert len(set(told)) == 1, told
        assert told[0] <= 8
        worst = 0
        for seq in range(5, 600):
            before = counting.statements
            await index.add(many(first, seq, 7))
            worst = max(worst, counting.statements - before)
            first += 7
        assert worst <= 60, "rows that are taken together are bounded at each"

    asyncio.run(story())


def test_what_a_look_up_reads_grows_like_a_logarithm(counting: Counting) -> None:
    async def story() -> None:
        index, reads, first = Index(counting, fan=4), [], 0  # type: ignore[arg-type]
        for publications in (60, 240, 960):
            while first < publications * 4:
                await index.add(many(first, first // 4 + 1, 4))
                first += 4
            most = 0
            for number in range(0, first, first // 40):
                before = counting.rows_read
                (line,) = await index.find(Sought(message_id=f"m{number}"))
                assert line.idx == number
                most = max(most, counting.rows_read - before)
            reads.append(most)
        assert reads[1] - reads[0] < 24, "a level of 4 has at most 3 rows of each of 3 sizes, and each is read twice"
        assert reads[2] - reads[1] < 24, reads
        assert len(set(reads)) > 1, "it does grow"

    asyncio.run(story())


def test_a_name_that_nobody_has_reads_no_exchanges(counting: Counting) -> None:
    async def story() -> None:
        index = Index(counting, fan=4)  # type: ignore[arg-type]
        for number in range(40):
            await index.add(many(number * 20, number + 1, 20))
        for sought in (Sought(client="A/B/X"), Sought(client="D/E/F/g"), Sought(service="D/E/F"), Sought(client="A/B")):
            before = counting.rows_read
            assert await index.find(sought) == []
            assert counting.rows_read == before, sought
        assert len(await index.find(Sought(client="A/B/C", service="D/E/F/g", most=900))) == 800

    asyncio.run(story())


def test_nothing_of_what_is_due_stays(counting: Counting) -> None:
    """Neither the exchanges nor, when all before is due, the hashes of their ids."""

    async def story() -> None:
        index = Index(counting)  # type: ignore[arg-type]
        for seq in range(1, 6):
            await index.add([*many(seq * 20 - 20, seq * 2 - 1, 10, day=seq), *many(seq * 20 - 10, seq * 2, 10, day=9)])
        await index.forget(5)
        assert [one.idx % 20 for one in await index.find(Sought(most=100))] == [*range(19, 9, -1)] * 5
        kept = await counting.read(lambda tx: tx.rows(stretches.SQL["stretches_from"], first=0))
        assert b"".join(bytes(row[9]) for row in kept).count(b"A/B/C") == 50  # type: ignore[arg-type]
        assert all(row[10] for row in kept)
        await index.forget(9)
        kept = await counting.read(lambda tx: tx.rows(stretches.SQL["stretches_from"], first=0))
        assert {row[9:] for row in kept} == {(b"", "")}
        ids = await counting.read(lambda tx: tx.rows(stretches.SQL["ids_of"], node=1, tier=1))
        assert {one for (one,) in ids} == {b""}
        assert await index.end() == (10, 100)

    asyncio.run(story())


def test_bodies_and_records_are_counted_by_their_days(counting: Counting) -> None:
    async def story() -> None:
        index = Index(counting)  # type: ignore[arg-type]
        (one,) = many(0, 1, 3, day=4)
        kept = (Kept(0, "request", 2, 1, b"x"), Kept(1, "answer", 4, 1, b"x"))
        await index.add(
            [Written(1, Frame(1, 0, 3.0, 4, one.frame.entries, b"s", kept), one.seen), *many(3, 2, 2, day=2)]
        )
        assert [await index.due(day) for day in (1, 2, 4)] == [(0, 0), (2, 1), (3, 1)]

    asyncio.run(story())
