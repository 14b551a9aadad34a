"""Migrations: numbered plain SQL files of a service, each applied once, in order, in one transaction.

`service/NAME/migrations/0001_start.sql`, `0002_add_licence.sql`, ... The table `migration` remembers what was applied
with its hash. A changed file, a gap, or a database newer than the code is refused with what to do.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from functools import partial
from importlib.resources import files
from typing import Final, cast

import msgspec

from banyan.errors import Problem
from banyan.kernel.storage.statements import load_statements, refuse_one_engine_words
from banyan.kernel.storage.store import SchemaStore, SchemaTx

SQL: Final = load_statements("banyan.kernel.storage", "migrations.sql")
_FILE: Final = re.compile(r"(\d{4})_[a-z0-9_]+\.sql")


class Step(msgspec.Struct, frozen=True):
    """One migration file."""

    n: int
    name: str
    text: str
    sha256: str


def load_steps(package: str) -> list[Step]:
    """The steps of `package/migrations`, numbered 1, 2, 3 ... without a gap; none when there is no such folder."""
    folder = files(package).joinpath("migrations")
    if not folder.is_dir():
        return []
    named = sorted((entry.name, entry.read_text(encoding="utf-8")) for entry in folder.iterdir() if entry.is_file())
    return make_steps([(name, text) for name, text in named if name.endswith(".sql")], where=package)


def make_steps(named: Sequence[tuple[str, str]], *, where: str) -> list[Step]:
    """Steps from (file name, SQL) pairs in the order of their names."""
    steps: list[Step] = []
    for name, text in named:
        match = _FILE.fullmatch(name)
        assert match, f"{where}: migration {name} is not named like 0001_start.sql"
        assert int(match.group(1)) == len(steps) + 1, f"{where}: expected migration {len(steps) + 1:04}, found {name}"
        refuse_one_engine_words(text, where=f"{where}: {name}")
        steps.append(Step(len(steps) + 1, name, text, hashlib.sha256(text.encode()).hexdigest()))
    return steps


def migrate(store: SchemaStore, service: str, steps: Sequence[Step], *, at: float) -> int:
    """Apply what is missing; return how many were applied. `at` is now, in epoch seconds."""
    store.migrate(lambda tx: tx.run(SQL["create_table"]))
    applied = 0
    for step in steps:
        applied += store.migrate(partial(_apply, service=service, step=step, at=at))
    store.migrate(lambda tx: _refuse_newer(tx, service, len(steps)))
    return applied


def _apply(tx: SchemaTx, *, service: str, step: Step, at: float) -> int:
    done = dict(_applied(tx, service))
    if step.n in done:
        if done[step.n] != step.sha256:
            raise _refused(
                f"Migration {step.name} of {service} was changed after it was applied here.",
                "Restore the file as it was and put the change in a new migration with the next number.",
            )
        return 0
    if len(done) != step.n - 1:
        missing = sorted(set(range(1, step.n)) - done.keys())
        raise _refused(
            f"The records of {service} lack migration {missing[:1] or step.n}, though later ones were applied.",
            "Restore the data folder from a backup; this database was changed by hand.",
        )
    tx.script(step.text)
    tx.run(SQL["remember"], service=service, n=step.n, sha256=step.sha256, at=at)
    return 1


def _refuse_newer(tx: SchemaTx, service: str, known: int) -> None:
    newest = max((n for n, _ in _applied(tx, service)), default=0)
    if newest > known:
        raise _refused(
            f"The records of {service} are at migration {newest}; this program knows {known}.",
            "Start the newer version of Banyan that wrote this data folder, or restore a backup taken before it.",
        )


def _applied(tx: SchemaTx, service: str) -> list[tuple[int, str]]:
    return cast("list[tuple[int, str]]", tx.rows(SQL["applied"], service=service))


def _refused(title: str, remedy: str) -> Problem:
    return Problem(title, remedy=remedy, kind="migration-refused")
