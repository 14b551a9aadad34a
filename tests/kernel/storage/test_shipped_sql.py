"""Every statement the house ships is understood by both engines over the tables its migrations make.

SQLite compiles it (`explain`); PostgreSQL prepares it, which also finds parameters whose type it cannot tell.
"""

from __future__ import annotations

import re
from pathlib import Path

import apsw
import psycopg
import pytest

from banyan.kernel.storage.drawer import KERNEL_PACKAGES
from banyan.kernel.storage.migrations import SQL as MIGRATION_SQL
from banyan.kernel.storage.migrations import Step, load_steps
from banyan.kernel.storage.statements import (
    for_postgres,
    for_sqlite,
    load_statements,
    parse_statements,
    script_for_postgres,
)

SOURCE = Path(__file__).parents[3] / "src"
ONE_ENGINE = {"banyan/kernel/storage/textindex.sql"}


def packages_with_migrations() -> list[str]:
    found = [folder.parent.relative_to(SOURCE).parts for folder in sorted(SOURCE.glob("banyan/**/migrations"))]
    return [".".join(parts) for parts in found]


def steps_under(package: str) -> list[Step]:
    """The migrations of a drawer of `package`: the kernel's, then its own."""
    return [step for part in dict.fromkeys((*KERNEL_PACKAGES, package)) for step in load_steps(part)]


def files_of(package: str) -> list[Path]:
    """The statement files that stand on the tables of `package`: below it, but for a part with tables of its own."""
    folder = SOURCE / package.replace(".", "/")
    apart = [found.parent for found in folder.rglob("migrations") if found.parent != folder]
    below = sorted(path for path in folder.rglob("*.sql") if not any(path.is_relative_to(one) for one in apart))
    return [path for path in below if path.parent.name != "migrations" and is_portable(path)]


def is_portable(path: Path) -> bool:
    return path.relative_to(SOURCE).as_posix() not in ONE_ENGINE and is_loaded_as_statements(path)


def is_loaded_as_statements(path: Path) -> bool:
    """Files of the analytics engine (DuckDB) are read otherwise, or said not to be portable; they have own tests."""
    owner = " ".join(module.read_text() for module in path.parent.glob("*.py"))
    calls = re.findall(rf'load_statements\([^)]*"{path.name}"[^)]*\)', owner)
    return any("is_portable=False" not in call for call in calls)


@pytest.mark.parametrize("package", packages_with_migrations())
def test_sqlite_compiles_them(package: str) -> None:
    connection = apsw.Connection(":memory:")
    connection.execute(for_sqlite(MIGRATION_SQL["create_table"].text))
    for step in steps_under(package):
        connection.execute(for_sqlite(step.text))
    for path in files_of(package):
        for statement in parse_statements(path.read_text(), where=path.name).values():
            names = re.findall(r"(?<!:):([a-z][a-z0-9_]*)", statement.text)
            connection.execute(f"explain {for_sqlite(statement.text)}", dict.fromkeys(names)).fetchall()


@pytest.mark.parametrize("package", packages_with_migrations())
def test_postgres_prepares_them(package: str, postgres: str) -> None:
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f"create schema shipped_{package.rpartition('.')[2]}")
        connection.execute(f"set search_path to shipped_{package.rpartition('.')[2]}")
        connection.execute(script_for_postgres(MIGRATION_SQL["create_table"].text))
        for step in steps_under(package):
            connection.execute(script_for_postgres(step.text))
        for path in files_of(package):
            for statement in parse_statements(path.read_text(), where=path.name).values():
                prepare(connection, statement.text, where=f"{path.name}: {statement.name}")


def prepare(connection: psycopg.Connection, text: str, *, where: str) -> None:
    names: list[str] = []

    def numbered(match: re.Match[str]) -> str:
        if match.group(1) not in names:
            names.append(match.group(1))
        return f"${names.index(match.group(1)) + 1}"

    sql = re.sub(r"%\((\w+)\)s", numbered, for_postgres(text)).replace("%%", "%")
    result = connection.pgconn.prepare(b"", sql.encode())
    assert result.status == psycopg.pq.ExecStatus.COMMAND_OK, f"{where}: {result.error_message.decode()}"


def test_storages_own_statements_are_among_them() -> None:
    assert "banyan.kernel.events" in packages_with_migrations()
    assert {path.name for path in files_of("banyan.kernel.events")} == {"feed.sql", "outbox.sql", "timers.sql"}
    assert load_statements("banyan.kernel.storage", "migrations.sql")
