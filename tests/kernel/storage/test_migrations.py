"""Migrations on both engines: applied once and in order, refused when history was changed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from banyan.errors import Problem
from banyan.kernel.storage.migrations import Step, load_steps, make_steps, migrate
from banyan.kernel.storage.statements import parse_statements
from banyan.kernel.storage.store import SchemaStore

OpenStore = Callable[..., SchemaStore]
FIRST = ("0001_start.sql", "create table a (n {id}, code text not null);\ncreate index a_code on a (code);\n")
SECOND = (
    "0002_price.sql",
    "alter table a add column price {real};\n-- Every row has one.\nupdate a set price = 1.5;\n",
)
SQL = parse_statements(
    """
-- name: add
-- A row.
insert into a (code) values (:code)

-- name: prices
-- Every price.
select code, price from a

-- name: history
-- What was applied.
select service, n, at from migration order by service, n
""",
    where="test_migrations",
)


def steps(*named: tuple[str, str]) -> list[Step]:
    return make_steps(named, where="test")


def test_each_step_is_applied_once_and_in_order(open_store: OpenStore) -> None:
    store = open_store()
    assert migrate(store, "a", steps(FIRST), at=1.0) == 1
    asyncio.run(store.write(lambda tx: tx.run(SQL["add"], code="x")))
    assert migrate(store, "a", steps(FIRST, SECOND), at=2.0) == 1
    assert migrate(store, "a", steps(FIRST, SECOND), at=3.0) == 0
    assert asyncio.run(store.read(lambda tx: tx.rows(SQL["prices"]))) == [("x", 1.5)]
    assert asyncio.run(store.read(lambda tx: tx.rows(SQL["history"]))) == [("a", 1, 1.0), ("a", 2, 2.0)]


def test_services_have_their_own_numbers(open_store: OpenStore) -> None:
    store = open_store()
    migrate(store, "a", steps(FIRST), at=1.0)
    migrate(store, "b", steps(("0001_start.sql", "create table b (n {int});")), at=1.0)
    rows = asyncio.run(store.read(lambda tx: tx.rows(SQL["history"])))
    assert [(service, n) for service, n, _ in rows] == [("a", 1), ("b", 1)]


def test_a_changed_step_is_refused(open_store: OpenStore) -> None:
    store = open_store()
    migrate(store, "a", steps(FIRST), at=1.0)
    with pytest.raises(Problem, match=r"0001_start\.sql of a was changed") as caught:
        migrate(store, "a", steps((FIRST[0], FIRST[1] + "-- harmless?\n")), at=2.0)
    assert caught.value.kind == "migration-refused"
    assert "next number" in caught.value.remedy


def test_a_database_newer_than_the_program_is_refused(open_store: OpenStore) -> None:
    store = open_store()
    migrate(store, "a", steps(FIRST, SECOND), at=1.0)
    with pytest.raises(Problem, match=r"at migration 2; this program knows 1") as caught:
        migrate(store, "a", steps(FIRST), at=2.0)
    assert "newer version" in caught.value.remedy


def test_a_hole_in_the_history_is_refused(open_store: OpenStore) -> None:
    store = open_store()
    migrate(store, "a", steps(FIRST, SECOND), at=1.0)
    store.migrate(lambda tx: tx.script("delete from migration where n = 1"))
    with pytest.raises(Problem, match="lack migration"):
        migrate(store, "a", steps(FIRST, SECOND), at=2.0)


def test_a_step_that_fails_leaves_nothing_and_can_be_mended(open_store: OpenStore) -> None:
    store = open_store()
    broken = ("0002_price.sql", "alter table a add column price {real}; insert into nowhere values (1);")
    with pytest.raises(Exception, match="nowhere"):
        migrate(store, "a", steps(FIRST, broken), at=1.0)
    assert migrate(store, "a", steps(FIRST, SECOND), at=2.0) == 1


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["0002_start.sql"], "expected migration 0001"),
        (["0001_a.sql", "0003_b.sql"], "expected migration 0002"),
        (["0001_a.sql", "0001_b.sql"], "expected migration 0002"),
        (["1_start.sql"], "not named like"),
        (["0001_Start.sql"], "not named like"),
    ],
)
def test_files_are_numbered_without_a_gap(names: list[str], message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        steps(*((name, "select 1") for name in names))


def test_a_step_in_one_engines_words_is_refused() -> None:
    with pytest.raises(AssertionError, match="common subset"):
        steps(("0001_start.sql", "create table a (b blob);"))


def test_two_nodes_that_start_together_migrate_once(open_store: OpenStore, engine: str) -> None:
    if engine == "sqlite":
        pytest.skip("one process a file: the drawer's lock, test_drawer")
    stores = [open_store(), open_store()]

    async def together() -> list[int]:
        return await asyncio.gather(
            *(asyncio.to_thread(migrate, store, "a", steps(FIRST, SECOND), at=1.0) for store in stores)
        )

    assert sum(asyncio.run(together())) == 2


def test_a_package_without_migrations_has_none() -> None:
    assert load_steps("banyan.wire") == []
    assert [step.n for step in load_steps("banyan.kernel.events")] == [1]


def test_every_shipped_migration_is_sound() -> None:
    source = Path(__file__).parents[3] / "src"
    for folder in source.glob("banyan/**/migrations"):
        assert load_steps(".".join(folder.parent.relative_to(source).parts)), folder
