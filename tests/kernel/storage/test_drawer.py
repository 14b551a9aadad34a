"""The drawer: everything of a service in one folder, opened once, closed whole."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest
from tests.make import frozen_clock

from banyan.errors import Problem, Unavailable
from banyan.kernel.events import feed
from banyan.kernel.events.feed import Event
from banyan.kernel.storage import Drawer, Lent, Tx, close_drawer, open_drawer

PACKAGE = "banyan.kernel.ledger"
"""Any package without migrations of its own."""


def opened(folder: Path, store: str = "sqlite") -> Drawer:
    return open_drawer(folder, service="sample", package=PACKAGE, clock=frozen_clock(), store=store)


def emit(tx: Tx) -> int:
    return feed.append(tx, Event(topic="sample.made", subject="x", data=b"{}"))  # type: ignore[arg-type]


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_all_engines_are_there_and_survive_closing(tmp_path: Path, engine: str, request: pytest.FixtureRequest) -> None:
    store = "sqlite" if engine == "sqlite" else request.getfixturevalue("postgres")

    async def use() -> None:
        drawer = opened(tmp_path / "sample", store)
        seq = await drawer.sql.write(emit)
        await drawer.journal("hot").append(b"event")
        assert drawer.journal("hot") is drawer.journal("hot")
        drawer.index.put("a", {"title": "臺北"})
        ref = drawer.blobs.put_bytes(b"bytes")
        half = drawer.work / "half.parquet"
        half.write_bytes(b"PAR1")
        await close_drawer(drawer)

        drawer = opened(tmp_path / "sample", store)
        assert [event.seq for event in await feed.read(drawer.sql, 0)][-1] == seq
        assert list(drawer.journal("hot").replay()) == [(1, b"event")]
        assert [hit.id for hit in drawer.index.search("台北")] == ["a"]
        assert drawer.blobs.has(ref.sha256)
        assert not half.exists()
        await close_drawer(drawer)

    asyncio.run(use())


def test_a_second_process_is_refused_with_what_to_do(tmp_path: Path) -> None:
    drawer = opened(tmp_path / "sample")
    code = (
        "import sys, pathlib, time\n"
        "from banyan.errors import Unavailable\n"
        "from banyan.kernel.storage import open_drawer\n"
        "try:\n"
        f"    open_drawer(pathlib.Path(sys.argv[1]), service='sample', package='{PACKAGE}', clock=time.time)\n"
        "except Unavailable as error:\n"
        "    print(error.kind, error.remedy)\n"
    )
    tried = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "sample"], check=True, capture_output=True, text=True, timeout=60
    )
    assert tried.stdout == "drawer-in-use Send the request to the running node with --url, or stop it first.\n"
    asyncio.run(close_drawer(drawer))
    asyncio.run(close_drawer(opened(tmp_path / "sample")))


def test_a_refused_migration_leaves_the_drawer_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "a_service_under_test"
    (package / "migrations").mkdir(parents=True)
    (package / "__init__.py").touch()
    step = package / "migrations/0001_start.sql"
    monkeypatch.syspath_prepend(tmp_path)

    def opened_with(sql: str) -> Drawer:
        step.write_text(sql)
        return open_drawer(tmp_path / "d", service="sample", package=package.name, clock=frozen_clock())

    asyncio.run(close_drawer(opened_with("create table a (n {id});")))
    with pytest.raises(Problem) as caught:
        opened_with("create table a (n {id}, code text);")
    assert caught.value.kind == "migration-refused"
    asyncio.run(close_drawer(opened_with("create table a (n {id});")))


def test_journal_names_are_plain(tmp_path: Path) -> None:
    drawer = opened(tmp_path / "sample")
    for name in ("../x", "", "A", "a/b"):
        with pytest.raises(AssertionError):
            drawer.journal(name)
    asyncio.run(close_drawer(drawer))


def test_what_is_lent_to_one_drawer_is_not_anothers(tmp_path: Path) -> None:
    shelves = Lent[str]("this node keeps no samples")

    async def use() -> None:
        first, second = opened(tmp_path / "first"), opened(tmp_path / "second")
        shelves.lend(first, "keys")
        assert shelves.of(first) == "keys"
        assert shelves.of_or_none(second) is None
        with pytest.raises(Unavailable, match="this node keeps no samples"):
            shelves.of(second)
        for drawer in (first, second):
            await close_drawer(drawer)

    asyncio.run(use())
