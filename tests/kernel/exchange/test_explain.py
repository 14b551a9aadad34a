"""Problems of the storage speak the caller's language; every kind that a request can meet has its sentences."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import banyan.kernel.storage as storage
from banyan.errors import Problem
from banyan.kernel.exchange.explain import MESSAGES, document

AT_START_OR_OURS = {
    "constraint",  # a programmer's error: the rule beside the statement should have refused first
    "drawer-in-use",
    "journal-damaged",
    "lake-key-taken",
    "migration-refused",
    "wrong-collation",
}


def kinds() -> set[str]:
    folder = Path(storage.__file__).parent
    return {kind for path in folder.glob("*.py") for kind in re.findall(r'kind="([a-z-]+)"', path.read_text())}


@pytest.mark.parametrize("kind", sorted(kinds() - AT_START_OR_OURS))
def test_a_storage_problem_is_said_in_both_languages(kind: str) -> None:
    problem = Problem("words of the engine", remedy="words of the engine", kind=kind, status=503)
    for lang in ("zh-Hant", "en"):
        said = document(problem, lang)
        assert "words of the engine" not in (said.title, said.detail, said.remedy)
        assert said.title == MESSAGES.text(f"storage.{kind}.title", lang)
        assert said.remedy == MESSAGES.text(f"storage.{kind}.remedy", lang)
