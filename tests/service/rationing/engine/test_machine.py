"""The engine on the journal against the oracle, in any order, with restarts and snapshots between."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from tests.service.rationing.engine.machine import START, Machine
from tests.service.rationing.engine.world import Shop


class JournalMachine(Machine):
    def open_shop(self) -> Any:
        self.folder = Path(tempfile.mkdtemp(prefix="banyan-rations-"))
        return Shop(self.folder, START, every=7)

    def teardown(self) -> None:
        super().teardown()
        shutil.rmtree(self.folder)


TestJournal = JournalMachine.TestCase
TestJournal.settings = settings(
    max_examples=50, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)
