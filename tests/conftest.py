"""Settings of the whole suite."""

from __future__ import annotations

import pytest
from hypothesis import settings
from tests.thorough import examples

# A busy machine is slow now and then; what must be fast is measured in bench/, not here.
settings.register_profile("house", deadline=None, max_examples=examples(50, 100))
settings.load_profile("house")

LONG = (
    "channel/web/test_accessibility.py",
    "demo/test_nation.py",
    "faults/test_live_kill.py",
    "faults/test_publish_kill.py",
    "kernel/exchange/delivery/test_kills.py",
    "service/supplies/pages/test_live_map.py",
    "story/test_casualty_day.py",
    "story/test_consent_tour.py",
    "story/test_stock_replay.py",
    "story/test_tour.py",
    "test_hostile_words.py",
    "test_node.py",
    "test_personal_openapi.py",
    "test_publishing.py",
)
"""Files of half a minute or more. Begun last, one process would still be at work while the others wait for it."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The long files first; among them and the rest, the random order stays."""
    items.sort(key=lambda item: not item.path.as_posix().endswith(LONG))
