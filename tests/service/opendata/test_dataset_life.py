"""Any life of datasets keeps what must hold: served versions can be read, numbers are continuous, names are unique."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import duckdb
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, multiple, rule
from tests.service.opendata.workshop import Workshop, workshop

from banyan.errors import Problem
from banyan.service.opendata import datasets, registry, usage
from banyan.service.opendata.datasets import DatasetQuery, DeleteDataset, SaveDataset
from banyan.service.opendata.usage import UsageQuery

NAMES = st.sampled_from(["aa", "bb", "cc"])
T = TypeVar("T")


class Life(RuleBasedStateMachine):
    """The model: per dataset id its name, whether it is shown, and the value served with its version number."""

    ids = Bundle("ids")

    @initialize()
    def open(self) -> None:
        self.runner = asyncio.Runner()
        self.folder = Path(tempfile.mkdtemp())
        self.names: dict[str, str] = {}
        self.shown: dict[str, bool] = {}
        self.served: dict[str, tuple[int, int]] = {}
        self.total: dict[str, int] = {}
        self.door = workshop(self.folder)
        self.shop: Workshop = self.run(self.door.__aenter__())

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    def teardown(self) -> None:
        if hasattr(self, "door"):
            self.run(self.door.__aexit__(None, None, None))
            self.runner.close()
            shutil.rmtree(self.folder)

    def refused_or(self, call: Callable[[], Awaitable[T]]) -> T | None:
        async def attempt() -> T | None:
            try:
                return await call()
            except Problem:
                return None

        return self.run(attempt())

    @rule(target=ids, name=NAMES)
    def create(self, name: str) -> Any:
        ask = SaveDataset(name=name, title=f"資料 {name}", create=True)
        made = self.refused_or(lambda: datasets._save_dataset(self.shop.ctx(), ask))
        taken = name in self.names.values()
        if made is None:
            assert taken or self._is_former(name)
            return multiple()
        assert not taken
        self.names[made.id], self.shown[made.id] = name, True
        return made.id

    @rule(id=ids, name=NAMES)
    def rename(self, id: str, name: str) -> None:
        saved = self.refused_or(lambda: datasets._save_dataset(self.shop.ctx(), SaveDataset(id=id, name=name)))
        others = {self.names[one] for one in self.names if one != id}
        assert (saved is None) == (name in others)
        if saved is not None:
            self.names[id] = name

    @rule(id=ids, value=st.integers(0, 3))
    def publish(self, id: str, value: int) -> None:
        content = f"code,value\n1,{value}\n2,{value}\n"
        published = self.run(self.shop.publish(content, "table.csv", name=self.names[id]))
        number, before = self.served.get(id, (0, -1))
        table = published.tables[0]
        assert published.dataset_id == id
        assert table.version == (number if value == before and self.shown[id] else number + 1)
        self.served[id], self.shown[id] = (table.version, value), True

    @rule(id=ids)
    def delete(self, id: str) -> None:
        self.run(datasets._delete_dataset(self.shop.ctx(), DeleteDataset(id)))
        self.shown[id] = False

    @rule(id=ids)
    def restore(self, id: str) -> None:
        self.run(datasets._save_dataset(self.shop.ctx(), SaveDataset(id=id, state="active")))
        self.shown[id] = True

    @rule(id=consumes(ids))
    def purge(self, id: str) -> None:
        self.run(datasets._delete_dataset(self.shop.ctx(), DeleteDataset(id, purge=True)))
        for known in (self.names, self.shown, self.served, self.total):
            known.pop(id, None)

    @rule(id=ids)
    def look(self, id: str) -> None:
        found = self.refused_or(lambda: datasets.dataset(self.shop.citizen, DatasetQuery(id)))
        assert (found is not None) == self.shown[id]
        self.total[id] = self.total.get(id, 0) + (found is not None)

    @rule()
    def reopen(self) -> None:
        self.run(self.door.__aexit__(None, None, None))
        self.door = workshop(self.folder)
        self.shop = self.run(self.door.__aenter__())

    @invariant()
    def what_must_hold(self) -> None:
        if hasattr(self, "shop"):
            self.run(self._check())

    def _is_former(self, name: str) -> bool:
        found = self.run(self.shop.db.sql.read(_dataset_by(name)))
        return found is not None and found.name != name

    async def _check(self) -> None:
        db = self.shop.db
        assert len(set(self.names.values())) == len(self.names)
        kept: set[str] = set()
        for id, name in self.names.items():
            found = await db.sql.read(_dataset_by(name))
            assert found is not None
            assert (found.id, found.state == "active") == (id, self.shown[id])
            for resource in found.resources:
                versions = await db.sql.read(lambda tx, key=resource.id: registry.versions_of(tx, key, limit=100))
                assert [version.number for version in versions] == list(range(len(versions), 0, -1))
                assert (resource.version, _value(db.lake.path(versions[0].parquet))) == self.served[id]
                kept |= {version.parquet for version in versions}
            counted = await usage.usage(self.shop.ctx(), UsageQuery(id))
            assert counted.total.calls == self.total.get(id, 0)
        assert set(db.lake.keys()) == kept
        assert {hit.id for hit in db.index.search("")} == {id for id in self.names if self.shown[id]}
        assert self.shop.leftovers() == []


def _dataset_by(name: str) -> Any:
    return lambda tx: registry.dataset_by(tx, name)


def _value(parquet: Path) -> int:
    with duckdb.connect() as connection:
        rows = connection.execute("SELECT DISTINCT value FROM read_parquet(?)", [str(parquet)]).fetchall()
    ((value,),) = rows
    return int(value)


def _machine(examples: int) -> None:
    from hypothesis.stateful import run_state_machine_as_test

    quietly = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]
    chosen = settings(max_examples=examples, stateful_step_count=12, deadline=None, suppress_health_check=quietly)
    run_state_machine_as_test(Life, settings=chosen)


def test_the_life_of_datasets() -> None:
    _machine(6)


@pytest.mark.slow
def test_many_lives_of_datasets() -> None:
    _machine(100)
