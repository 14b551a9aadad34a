"""The engines against the oracle: any commands in any order, with restarts and snapshots between."""

from __future__ import annotations

import secrets
import shutil
import tempfile
from datetime import date
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test
from tests.service.rationing.engine.machine import START, Machine
from tests.service.rationing.engine.world import RecordedShop, Shop

from banyan.kernel.storage.postgres import PostgresStore
from banyan.kernel.storage.sqlite import SqliteStore
from banyan.service.rationing.engine.model import Buy, Buyer


def some(examples: int) -> settings:
    return settings(
        max_examples=examples, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
    )


class InAFolder(Machine):
    def teardown(self) -> None:
        super().teardown()
        shutil.rmtree(self.folder)


class JournalMachine(InAFolder):
    def open_shop(self) -> Any:
        self.folder = Path(tempfile.mkdtemp(prefix="banyan-rations-"))
        return Shop(self.folder, START, every=7)


class SqliteMachine(InAFolder):
    def open_shop(self) -> Any:
        self.folder = Path(tempfile.mkdtemp(prefix="banyan-rations-"))
        return RecordedShop(lambda: SqliteStore(self.folder / "records.db"), START)


def test_the_journal() -> None:
    run_state_machine_as_test(JournalMachine, settings=some(50))


def test_sqlite() -> None:
    run_state_machine_as_test(SqliteMachine, settings=some(10))


def test_postgresql(postgres: str) -> None:
    class PostgresMachine(Machine):
        def open_shop(self) -> Any:
            schema = f"rations_{secrets.token_hex(8)}"
            return RecordedShop(lambda: PostgresStore(postgres, schema=schema), START)

    run_state_machine_as_test(PostgresMachine, settings=some(6))


def test_a_permission_is_taken_by_nobody_else() -> None:
    """Once the records let it pass where the journal refused; any commands in any order found it."""
    child = Buyer(b"a-child-of-ten..", date(2010, 4, 10), parity=1)
    for kind in (JournalMachine, SqliteMachine):
        machine = kind()
        machine.shop.clock.at += 4 * 86_400
        command = Buy(
            key=machine.next_key(), buyer=child, item="mask-mail", qty=1, outlet="592202A296", channel="mail",
            collected_by=b"adult-odd-number",
        )  # fmt: skip
        answer = machine.do(command)
        machine.teardown()
        assert answer.code == "too_many_proxies"
