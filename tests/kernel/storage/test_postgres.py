"""What only PostgreSQL can go through: several writing nodes, a dropped connection, a wrong collation."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import psycopg
import pytest
from tests.postgres import postgres_server

from banyan.errors import Problem, Unavailable
from banyan.kernel.storage.full import storage_full
from banyan.kernel.storage.postgres import PostgresStore, refuse_other_order, translated
from banyan.kernel.storage.statements import parse_statements
from banyan.kernel.storage.store import Tx

SQL = parse_statements(
    """
-- name: make
-- A table.
create table if not exists a (n {id}, code text not null)

-- name: add
-- A row.
insert into a (code) values (:code)

-- name: all
-- Every code.
select code from a order by code

-- name: update
-- Lock one row.
update a set code = code where code = :code
""",
    where="test_postgres",
)


@pytest.fixture
def two_nodes(postgres: str, request: pytest.FixtureRequest) -> Iterator[tuple[PostgresStore, PostgresStore]]:
    schema = f"two_{abs(hash(request.node.name))}"[:40]
    nodes = PostgresStore(postgres, schema=schema), PostgresStore(postgres, schema=schema)
    nodes[0].migrate(lambda tx: tx.run(SQL["make"]))
    yield nodes
    for node in nodes:
        asyncio.run(node.close())


def codes(store: PostgresStore) -> list[object]:
    return [code for (code,) in asyncio.run(store.read(lambda tx: tx.rows(SQL["all"])))]


def test_a_dropped_connection_is_made_again(two_nodes: tuple[PostgresStore, PostgresStore], postgres: str) -> None:
    store, _ = two_nodes
    asyncio.run(store.write(lambda tx: tx.run(SQL["add"], code="before")))
    assert codes(store) == ["before"]
    with psycopg.connect(postgres, autocommit=True) as operator:
        operator.execute("select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid()")
    asyncio.run(store.write(lambda tx: tx.run(SQL["add"], code="after")))
    for _ in range(20):  # every reading thread had its own connection
        assert codes(store) == ["after", "before"]


def test_a_connection_lost_within_a_job_is_told_and_the_next_write_works(
    two_nodes: tuple[PostgresStore, PostgresStore], postgres: str
) -> None:
    store, _ = two_nodes

    def lose(tx: Tx) -> None:
        tx.run(SQL["add"], code="lost")
        with psycopg.connect(postgres, autocommit=True) as operator:
            operator.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity where state = 'idle in transaction'"
            )
        tx.run(SQL["add"], code="lost too")

    with pytest.raises(Unavailable) as caught:
        asyncio.run(store.write(lose))
    assert caught.value.kind == "storage-unreachable"
    asyncio.run(store.write(lambda tx: tx.run(SQL["add"], code="next")))
    assert codes(store) == ["next"]


def test_a_deadlock_between_nodes_is_told_to_one_of_them(two_nodes: tuple[PostgresStore, PostgresStore]) -> None:
    one, two = two_nodes
    asyncio.run(one.write(lambda tx: tx.run_many(SQL["add"], [{"code": "x"}, {"code": "y"}])))
    both_hold = threading.Barrier(2)

    def crossing(first: str, second: str) -> object:
        def job(tx: Tx) -> None:
            tx.run(SQL["update"], code=first)
            both_hold.wait(10)
            tx.run(SQL["update"], code=second)

        return job

    async def cross() -> list[object]:
        return await asyncio.gather(
            one.write(crossing("x", "y")), two.write(crossing("y", "x")), return_exceptions=True
        )

    outcomes = asyncio.run(cross())
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["NoneType", "Unavailable"]


def test_a_notice_reaches_the_other_node(two_nodes: tuple[PostgresStore, PostgresStore]) -> None:
    one, two = two_nodes
    is_heard = threading.Event()
    stop = two.listen(lambda topic: is_heard.set() if topic == "news" else None)
    asyncio.run(one.write(lambda tx: tx.signal("news")))
    assert is_heard.wait(10)
    stop()


def test_listening_survives_a_dropped_connection(two_nodes: tuple[PostgresStore, PostgresStore], postgres: str) -> None:
    one, _ = two_nodes
    is_woken = threading.Event()
    one.listen(lambda topic: is_woken.set() if topic == "" else None)
    with psycopg.connect(postgres, autocommit=True) as operator:
        operator.execute("select pg_terminate_backend(pid) from pg_stat_activity where query like 'listen%'")
    assert is_woken.wait(10), "after connecting again, listeners are told to look"


def test_a_database_that_sorts_by_language_is_refused() -> None:
    # The wheel is built without ICU and images have no locales, so the order such a database gives stands here.
    with pytest.raises(Problem, match="code-point order") as caught:
        refuse_other_order(["_", "a", "b", "B", "é", "台", "臺", "𠮷"])
    assert "createdb" in caught.value.remedy


def test_a_server_that_is_not_there_is_unavailable() -> None:
    with pytest.raises(Unavailable) as caught:
        PostgresStore("postgresql://banyan@/postgres?host=/nonexistent", schema="x")
    assert caught.value.kind == "storage-unreachable"


def test_a_full_disk_is_told_alike() -> None:
    told = translated(psycopg.errors.DiskFull())
    assert isinstance(told, Problem)
    assert (told.status, told.kind) == (507, storage_full().kind)


def test_a_server_that_trades_durability_for_speed_is_overruled() -> None:
    with postgres_server(synchronous_commit="off") as address:
        store = PostgresStore(address, schema="durable")
        shown = parse_statements(
            "-- name: show\n-- The setting.\nselect current_setting('synchronous_commit')", where="x"
        )
        assert asyncio.run(store.write(lambda tx: tx.row(shown["show"]))) == ("on",)
        store.shut()
