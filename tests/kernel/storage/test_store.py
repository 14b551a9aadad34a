"""The contract of a Store, the same class over SQLite and PostgreSQL."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress

import pytest

from banyan.errors import Conflict, Invalid, Limit, Unavailable
from banyan.kernel.storage.batches import Batched
from banyan.kernel.storage.statements import parse_statements
from banyan.kernel.storage.store import SchemaStore, Tx
from banyan.limits import WRITE_QUEUE_JOBS

OpenStore = Callable[..., SchemaStore]
SQL = parse_statements(
    """
-- name: make
-- Tables of every token.
create table stock (
  n {id},
  code text not null unique,
  left_over {int} not null check (left_over >= 0),
  price {real},
  photo {bytes},
  at {real} not null default 0
)

-- name: add
-- One row.
insert into stock (code, left_over, price, photo) values (:code, :left, :price, :photo) returning n

-- name: all
-- Every row in the order of codes.
select code, left_over, price, photo from stock order by code

-- name: count
-- How many.
select count(*) from stock

-- name: take
-- Conditional decrement: nothing comes back when there is too little.
update stock set left_over = left_over - :q where code = :code and left_over >= :q returning left_over

-- name: newer
-- Keep the newer of two observations.
insert into stock (code, left_over, at) values (:code, :left, :at)
on conflict (code) do update set left_over = excluded.left_over, at = excluded.at where excluded.at > stock.at
returning left_over

-- name: page
-- Keyset paging by two columns.
select left_over, code from stock where (left_over, code) > (:left, :code) order by left_over, code limit :limit

-- name: ranked
-- A window in a common table expression.
with ranked as (select code, row_number() over (order by left_over desc, code) as place from stock)
select code, place from ranked where place <= :places order by place

-- name: like
-- A literal per cent sign and a colon in a literal.
select code, ':code' from stock where lower(code) like '%a:b%' and code like :pattern

-- name: sums
-- Numbers that PostgreSQL gives as numeric, and a truth value.
select sum(left_over), avg(left_over), count(*) > 1, max(price) from stock

-- name: lock
-- Claim one.
update stock set at = 1 where code in (select code from stock where at = 0 order by code limit 1 {skip_locked})
returning code
""",
    where="test_store",
)


@pytest.fixture
def made(open_store: OpenStore) -> SchemaStore:
    store = open_store()
    store.migrate(lambda tx: tx.run(SQL["make"]))
    return store


def add(code: str, left: int = 0) -> Callable[[Tx], object]:
    return lambda tx: tx.row(SQL["add"], code=code, left=left, price=None, photo=None)


def codes(store: SchemaStore) -> list[object]:
    return [row[0] for row in asyncio.run(store.read(lambda tx: tx.rows(SQL["all"])))]


class TestStatements:
    def test_values_come_back_as_they_went_in(self, made: SchemaStore) -> None:
        rows = [
            ("'; drop table stock; --", 2**62, 1e300, b"\x00\xff"),
            ("臺北𠮷🥟", 0, -0.1, b""),
            ("中 %s :x ?", 1, None, None),
        ]
        for code, left, price, photo in rows:
            values = {"code": code, "left": left, "price": price, "photo": photo}
            asyncio.run(made.write(lambda tx, values=values: tx.run(SQL["add"], **values)))
        assert asyncio.run(made.read(lambda tx: tx.rows(SQL["all"]))) == sorted(rows)

    def test_text_sorts_by_code_points(self, made: SchemaStore) -> None:
        given = ["a", "B", "_", "ä", "臺", "台", "𠮷", "Z", "é", "🥟", "1"]
        asyncio.run(made.write(lambda tx: tx.run_many(SQL["add"], [row(code) for code in given])))
        assert codes(made) == sorted(given)

    def test_conditional_decrement_refuses_by_an_empty_answer(self, made: SchemaStore) -> None:
        asyncio.run(made.write(add("mask", 3)))
        answers = [asyncio.run(made.write(lambda tx, q=q: tx.row(SQL["take"], code="mask", q=q))) for q in (2, 2, 1, 1)]
        assert answers == [(1,), None, (0,), None]

    def test_upsert_keeps_the_newer(self, made: SchemaStore) -> None:
        seen = [
            asyncio.run(made.write(lambda tx, left=left, at=at: tx.row(SQL["newer"], code="p", left=left, at=at)))
            for left, at in ((5, 10.0), (4, 9.0), (3, 11.0))
        ]
        assert seen == [(5,), None, (3,)]

    def test_a_write_tells_how_many_rows_it_wrote(self, made: SchemaStore) -> None:
        def job(tx: Tx) -> list[int]:
            assert tx.run_many(SQL["add"], [row("a"), row("b", 5)]) == 2
            each = [{"code": code, "left": 1, "at": at} for code, at in (("q", 2.0), ("q", 1.0), ("r", 1.0))]
            assert tx.run_many(SQL["newer"], each) == 2
            newer = [tx.run(SQL["newer"], code="p", left=1, at=at) for at in (10.0, 9.0, 11.0)]
            return [*newer, tx.run(SQL["take"], code="b", q=6), tx.run(SQL["take"], code="b", q=5), tx.run(SQL["lock"])]

        assert asyncio.run(made.write(job)) == [1, 0, 1, 0, 1, 1]

    def test_keyset_pages_meet_without_gap_or_overlap(self, made: SchemaStore) -> None:
        rows = [row(f"c{n:03}", left=n % 7) for n in range(100)]
        asyncio.run(made.write(lambda tx: tx.run_many(SQL["add"], rows)))
        pages: list[tuple[object, ...]] = []
        left, code = -1, ""
        while page := asyncio.run(
            made.read(lambda tx, left=left, code=code: tx.rows(SQL["page"], left=left, code=code, limit=9))
        ):
            pages += page
            left, code = page[-1]
        assert pages == sorted((row["left"], row["code"]) for row in rows)

    def test_window_function(self, made: SchemaStore) -> None:
        asyncio.run(made.write(lambda tx: tx.run_many(SQL["add"], [row("a", 1), row("b", 9), row("c", 9)])))
        assert asyncio.run(made.read(lambda tx: tx.rows(SQL["ranked"], places=2))) == [("b", 1), ("c", 2)]

    def test_per_cent_and_colon_in_literals(self, made: SchemaStore) -> None:
        asyncio.run(made.write(lambda tx: tx.run_many(SQL["add"], [row("xA:Bx"), row("ab")])))
        assert asyncio.run(made.read(lambda tx: tx.rows(SQL["like"], pattern="x%"))) == [("xA:Bx", ":code")]

    def test_numbers_are_python_numbers_on_both_engines(self, made: SchemaStore) -> None:
        asyncio.run(made.write(lambda tx: tx.run_many(SQL["add"], [row("a", 1), row("b", 4)])))
        found = asyncio.run(made.read(lambda tx: tx.row(SQL["sums"])))
        assert found == (5, 2.5, 1, None)
        assert [type(value) for value in found] == [int, float, int, type(None)]

    def test_a_truth_value_is_stored_as_a_number(self, made: SchemaStore) -> None:
        asyncio.run(made.write(lambda tx: tx.run(SQL["add"], code="t", left=True, price=None, photo=None)))
        assert asyncio.run(made.read(lambda tx: tx.rows(SQL["all"]))) == [("t", 1, None, None)]

    @pytest.mark.parametrize(
        "values",
        [
            {"code": "a\0b"},
            {"code": "\ud800"},
            {"left": "many"},
            {"left": 2**63},
            {"price": float("nan")},
            {"price": "cheap"},
        ],
        ids=str,
    )
    def test_a_value_that_does_not_fit_is_refused(self, made: SchemaStore, values: dict[str, object]) -> None:
        with pytest.raises(Invalid):
            asyncio.run(made.write(lambda tx: tx.run(SQL["add"], **(row("a") | values))))
        with pytest.raises(Invalid):
            asyncio.run(made.write(lambda tx: tx.run_many(SQL["add"], [row("b"), row("a") | values])))
        assert codes(made) == []

    def test_a_misspelt_name_in_double_quotes_is_an_error(self, made: SchemaStore) -> None:
        misspelt = parse_statements('-- name: x\n-- A typing error.\nselect "cod" from stock', where="here")["x"]
        with pytest.raises(Exception, match=r'(no such column|column "cod")'):
            asyncio.run(made.read(lambda tx: tx.rows(misspelt)))

    def test_generated_keys_are_never_used_again(self, made: SchemaStore) -> None:
        first = asyncio.run(made.write(add("a")))
        made.migrate(lambda tx: tx.script("delete from stock"))
        second = asyncio.run(made.write(add("a")))
        assert (first, second) == ((1,), (2,))

    def test_claim_with_skip_locked(self, made: SchemaStore) -> None:
        asyncio.run(made.write(lambda tx: tx.run_many(SQL["add"], [row("a"), row("b")])))
        taken = [asyncio.run(made.write(lambda tx: tx.rows(SQL["lock"]))) for _ in range(3)]
        assert taken == [[("a",)], [("b",)], []]

    def test_a_missing_value_is_an_error(self, made: SchemaStore) -> None:
        with pytest.raises(Exception, match="code"):
            asyncio.run(made.read(lambda tx: tx.rows(SQL["page"], left=1, limit=1)))


def row(code: str, left: int = 0) -> dict[str, object]:
    return {"code": code, "left": left, "price": None, "photo": None}


async def in_one_group(store: SchemaStore, jobs: list[Callable[[Tx], object]]) -> list[object]:
    """Hold the writer with a first job until the others wait, so that they form a group."""
    may_go = threading.Event()
    first = asyncio.create_task(store.write(lambda _tx: may_go.wait()))
    others = [asyncio.create_task(store.write(job)) for job in jobs]
    await asyncio.sleep(0)  # the tasks run up to their queueing
    may_go.set()
    await first
    return list(await asyncio.gather(*others, return_exceptions=True))


class TestWrites:
    def test_what_returned_is_there_after_opening_again(self, open_store: OpenStore, made: SchemaStore) -> None:
        asyncio.run(made.write(add("kept")))
        asyncio.run(made.close())
        assert codes(open_store()) == ["kept"]

    def test_one_failing_job_harms_no_other_of_its_group(self, made: SchemaStore) -> None:
        def half_done(tx: Tx) -> None:
            add("half")(tx)
            raise Limit("refused by the service")

        jobs = [add("a"), half_done, add("b"), add("a"), add("c"), half_done]
        outcomes = asyncio.run(in_one_group(made, jobs))
        assert [type(outcome) for outcome in outcomes] == [tuple, Limit, tuple, Conflict, tuple, Limit]
        assert codes(made) == ["a", "b", "c"]

    def test_every_job_of_a_group_may_fail(self, made: SchemaStore) -> None:
        asyncio.run(made.write(add("a")))
        outcomes = asyncio.run(in_one_group(made, [add("a"), add("a")]))
        assert [type(outcome) for outcome in outcomes] == [Conflict, Conflict]
        asyncio.run(made.write(add("b")))
        assert codes(made) == ["a", "b"]

    def test_jobs_run_in_the_order_they_came(self, made: SchemaStore) -> None:
        asyncio.run(in_one_group(made, [add(f"{n:03}") for n in range(200)]))
        found = asyncio.run(made.read(lambda tx: tx.rows(SQL["all"])))
        assert [code for code, *_ in found] == [f"{n:03}" for n in range(200)]
        assert asyncio.run(made.write(add("next"))) == (201,)

    def test_a_check_and_a_unique_rule_are_conflicts(self, made: SchemaStore) -> None:
        asyncio.run(made.write(add("a", 1)))
        for job in (add("a"), add("b", -1)):
            with pytest.raises(Conflict) as caught:
                asyncio.run(made.write(job))
            assert caught.value.kind == "constraint"

    def test_a_full_queue_refuses_at_once_and_loses_nothing(self, made: SchemaStore) -> None:
        async def overload() -> tuple[object, int]:
            started, may_go = threading.Event(), threading.Event()

            def hold(_tx: Tx) -> None:
                started.set()
                may_go.wait()

            holding = asyncio.create_task(made.write(hold))
            await asyncio.to_thread(started.wait)
            waiting = [asyncio.create_task(made.write(lambda _tx: 1)) for _ in range(WRITE_QUEUE_JOBS)]
            await asyncio.sleep(0)
            refused = (await asyncio.gather(made.write(add("too many")), return_exceptions=True))[0]
            may_go.set()
            await holding
            return refused, sum(await asyncio.gather(*waiting))

        refused, done = asyncio.run(overload())
        assert isinstance(refused, Limit)
        assert (refused.kind, refused.status, refused.retry_after_s) == ("write-queue-full", 429, 1)
        assert done == WRITE_QUEUE_JOBS
        assert codes(made) == []

    def test_a_caller_that_gave_up_stops_nobody(self, made: SchemaStore) -> None:
        async def give_up() -> None:
            task = asyncio.create_task(made.write(add("a")))
            await asyncio.sleep(0)
            task.cancel()
            await made.write(add("b"))

        asyncio.run(give_up())
        assert "b" in codes(made)

    def test_a_store_closes_in_the_very_turn_that_reads(self, made: SchemaStore) -> None:
        complaints: list[dict[str, object]] = []

        async def read_and_close() -> None:
            asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
            await made.read(lambda tx: tx.rows(SQL["all"]))
            closing = threading.Thread(target=made.shut)
            closing.start()
            closing.join()  # the loop stands still, so its turn has not ended
            await asyncio.sleep(0)

        asyncio.run(read_and_close())
        assert complaints == []

    def test_a_closed_store_says_so(self, made: SchemaStore) -> None:
        asyncio.run(made.close())
        with pytest.raises(Unavailable, match="closed"):
            asyncio.run(made.write(add("a")))

    def test_a_transaction_is_not_used_after_its_job(self, made: SchemaStore) -> None:
        kept: list[Tx] = []
        asyncio.run(made.write(kept.append))
        with pytest.raises(AssertionError, match="after its job"):
            kept[0].row(SQL["count"])

    def test_a_transaction_is_not_used_after_an_error(self, made: SchemaStore) -> None:
        def swallow(tx: Tx) -> None:
            add("a")(tx)
            try:
                add("a")(tx)
            except Conflict:
                tx.row(SQL["count"])

        with pytest.raises(AssertionError, match="failed"):
            asyncio.run(made.write(swallow))
        assert codes(made) == []

    def test_an_error_that_a_job_keeps_to_itself_fails_it_all_the_same(self, made: SchemaStore) -> None:
        def swallow(tx: Tx) -> str:
            add("a")(tx)
            with suppress(Conflict):
                add("a")(tx)
            return "fine"

        with pytest.raises(Conflict):
            asyncio.run(made.write(swallow))
        outcomes = asyncio.run(in_one_group(made, [add("b"), swallow, add("c")]))
        assert [type(outcome) for outcome in outcomes] == [tuple, Conflict, tuple]
        assert codes(made) == ["b", "c"]


def add_all(tx: Tx, given: Sequence[str]) -> list[tuple[str, int]]:
    """A batch: each with how many came together."""
    if "refused" in given:
        raise Limit("refused by the service")
    assert tx.run_many(SQL["add"], [row(code) for code in given]) == len(given)
    return [(code, len(given)) for code in given]


def add_none(_tx: Tx, given: Sequence[str]) -> list[None]:
    return [None] * len(given)


class TestBatches:
    def test_alike_and_beside_one_another_they_are_done_together_in_their_order(self, made: SchemaStore) -> None:
        jobs = [Batched(add_all, code) for code in ("b", "a")] + [add("x"), Batched(add_all, "c")]
        jobs += [Batched(add_none, "d"), Batched(add_all, "e"), Batched(add_all, "f")]
        outcomes = asyncio.run(in_one_group(made, jobs))
        assert outcomes == [("b", 2), ("a", 2), (3,), ("c", 1), None, ("e", 2), ("f", 2)]
        assert codes(made) == ["a", "b", "c", "e", "f", "x"]

    def test_one_that_fails_lets_the_others_through_alone(self, made: SchemaStore) -> None:
        jobs = [Batched(add_all, code) for code in ("a", "refused", "b", "a", "c")]
        outcomes = asyncio.run(in_one_group(made, jobs))
        assert outcomes[0] == ("a", 1)
        assert [type(outcome) for outcome in outcomes] == [tuple, Limit, tuple, Conflict, tuple]
        assert codes(made) == ["a", "b", "c"]

    def test_a_lone_one_is_a_batch_of_one(self, made: SchemaStore) -> None:
        assert asyncio.run(made.write_each(add_all, "a")) == ("a", 1)
        with pytest.raises(Limit):
            asyncio.run(made.write_each(add_all, "refused"))
        assert codes(made) == ["a"]


class TestReads:
    def test_a_task_reads_what_was_written_before_it_went_on(self, made: SchemaStore) -> None:
        """Also while others read all the time, whose turn of the loop may have begun before the commit."""

        async def run() -> None:
            is_over = False

            async def read_on() -> None:
                while not is_over:
                    await made.read(lambda tx: tx.row(SQL["count"]))
                    await asyncio.sleep(0)

            readers = [asyncio.create_task(read_on()) for _ in range(3)]
            for number in range(1, 40):
                await made.write(add(f"{number:03}"))
                assert await made.read(lambda tx: tx.row(SQL["count"])) == (number,)
            is_over = True
            await asyncio.gather(*readers)

        asyncio.run(run())

    def test_a_read_that_fails_harms_no_other_of_its_turn(self, made: SchemaStore) -> None:
        misspelt = parse_statements("-- name: x\n-- A typing error.\nselect cod from stock", where="here")["x"]

        async def run() -> list[object]:
            jobs = [SQL["count"], misspelt, SQL["count"]]
            reads = [made.read(lambda tx, job=job: tx.row(job)) for job in jobs]
            return list(await asyncio.gather(*reads, return_exceptions=True))

        first, failed, last = asyncio.run(run())
        assert first == last == (0,)
        assert isinstance(failed, Exception)

    def test_event_loops_do_not_read_in_one_anothers_turn(self, made: SchemaStore) -> None:
        """A loop that stands still within its turn keeps nothing from another that has written since."""

        async def elsewhere() -> object:
            await made.write(add("a"))
            return await made.read(lambda tx: tx.row(SQL["count"]))

        async def run() -> object:
            assert await made.read(lambda tx: tx.row(SQL["count"])) == (0,)
            found: list[object] = []
            thread = threading.Thread(target=lambda: found.append(asyncio.run(elsewhere())))
            thread.start()
            thread.join()
            return found[0]

        assert asyncio.run(run()) == (1,)

    def test_a_read_sees_one_moment(self, made: SchemaStore) -> None:
        async def read_while_writing() -> tuple[object, object]:
            loop = asyncio.get_running_loop()
            has_counted, has_written = threading.Event(), threading.Event()

            def count_twice(tx: Tx) -> tuple[object, object]:
                before = tx.row(SQL["count"])
                has_counted.set()
                assert has_written.wait(10)
                return before, tx.row(SQL["count"])

            reading = asyncio.create_task(made.read_long(count_twice))
            await loop.run_in_executor(None, has_counted.wait)
            await made.write(add("meanwhile"))
            has_written.set()
            return await reading

        assert asyncio.run(read_while_writing()) == ((0,), (0,))
        assert codes(made) == ["meanwhile"]

    def test_a_read_cannot_write(self, made: SchemaStore) -> None:
        for read in (made.read, made.read_long):
            with pytest.raises(Exception, match=r"(?i)read.?only"):
                asyncio.run(read(add("a")))
        assert codes(made) == []

    def test_a_read_that_raises_leaves_the_store_whole(self, made: SchemaStore) -> None:
        def fail(tx: Tx) -> None:
            tx.row(SQL["count"])
            raise Conflict("changed")

        with pytest.raises(Conflict):
            asyncio.run(made.read(fail))
        asyncio.run(made.write(add("a")))
        assert codes(made) == ["a"]

    def test_a_read_sees_every_write_that_returned(self, made: SchemaStore) -> None:
        async def write_and_count() -> list[object]:
            seen = []
            for n in range(20):
                await made.write(add(f"{n}"))
                seen.append(await made.read(lambda tx: tx.row(SQL["count"])))
            return seen

        assert asyncio.run(write_and_count()) == [(n + 1,) for n in range(20)]


class TestSignals:
    def test_only_a_commit_is_heard(self, made: SchemaStore) -> None:
        heard: list[str] = []
        has_heard_last = threading.Event()

        def hear(topic: str) -> None:
            heard.append(topic)
            if topic == "last":
                has_heard_last.set()

        def fail(tx: Tx) -> None:
            tx.signal("never")
            raise Conflict("undone")

        stop = made.listen(hear)
        outcomes = asyncio.run(in_one_group(made, [lambda tx: tx.signal("one"), fail, lambda tx: tx.signal("last")]))
        assert has_heard_last.wait(10)
        stop()
        asyncio.run(made.write(lambda tx: tx.signal("after")))
        assert isinstance(outcomes[1], Conflict)
        assert heard == ["one", "last"]
