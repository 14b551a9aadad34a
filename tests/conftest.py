"""Settings of the whole suite."""

from __future__ import annotations

import gc
from collections.abc import Generator
from typing import Any

import pytest
from hypothesis import settings
from tests.access import shown
from tests.access.axe import AXE
from tests.portal import has_chromium
from tests.thorough import examples

from banyan.kernel.exchange.server import calm_collector

# A busy machine is slow now and then; what must be fast is measured in bench/, not here.
settings.register_profile("house", deadline=None, max_examples=examples(50, 100))
settings.load_profile("house")

shown.mark()

LONG = (
    "channel/web/test_accessibility.py",
    "demo/test_nation.py",
    "faults/test_live_kill.py",
    "faults/test_publish_kill.py",
    "kernel/exchange/delivery/test_kills.py",
    "kernel/ledger/test_strangers.py",
    "service/credentials/test_browser.py",
    "service/exchange/test_browser.py",
    "service/fence/test_browser.py",
    "service/opendata/find/test_titles.py",
    "service/opendata/ingest/test_real_files.py",
    "service/opendata/test_publish.py",
    "service/powers/test_browser.py",
    "service/rationing/counter/test_browser.py",
    "service/supplies/pages/test_live_map.py",
    "service/supplies/test_feeding.py",
    "service/test_over_postgresql.py",
    "service/travel/test_browser.py",
    "story/test_casualty_day.py",
    "story/test_consent_tour.py",
    "story/test_road_tour.py",
    "story/test_stock_replay.py",
    "story/test_tour.py",
    "test_counter_browser.py",
    "test_hidden_datasets.py",
    "test_hostile_words.py",
    "test_node.py",
    "test_other_peoples_affairs.py",
    "test_personal_openapi.py",
    "test_publishing.py",
)
"""Files of 15 s or more. Begun last, one process would still be at work while the others wait for it."""


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, Any, Any]:
    """Half a million objects of what is collected stay to the end; the collector of cycles took a second of each
    process to walk them meanwhile."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        calm_collector()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """A worker is done: what it showed to axe."""
    shown.seen.update(getattr(node, "workeroutput", {}).get("shown", ()))


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """A run of the whole suite fails when a template of the house was shown to axe by no test."""
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["shown"] = sorted(shown.seen)
    elif exitstatus == pytest.ExitCode.OK and _is_whole(session.config) and shown.missing():
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    if _is_whole(config) and (left := shown.missing()):
        terminalreporter.section("templates that no test showed to axe (docs/decisions/0138)")
        terminalreporter.write_line("\n".join(left))


def _is_whole(config: pytest.Config) -> bool:
    is_named = config.args_source != pytest.Config.ArgsSource.TESTPATHS or config.option.keyword
    return not is_named and config.option.markexpr in ("", "not slow") and AXE.exists() and has_chromium()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The long files first; among them and the rest, the random order stays."""
    items.sort(key=lambda item: not item.path.as_posix().endswith(LONG))
