"""docs/quality.md holds what tools/quality_table.py prints."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from tests.make import shared_data

ROOT = Path(__file__).parents[1]


@pytest.mark.slow
@pytest.mark.peers
@pytest.mark.skipif(not (ROOT / ".venv-peers").exists(), reason="needs .venv-peers")
def test_the_table_in_the_docs_is_what_the_tool_prints() -> None:
    shared = shared_data("opendata").parent
    command = [sys.executable, ROOT / "tools" / "quality_table.py", "--shared", shared]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    page = (ROOT / "docs" / "quality.md").read_text(encoding="utf-8")
    assert [line for line in printed.splitlines() if line not in page] == []
