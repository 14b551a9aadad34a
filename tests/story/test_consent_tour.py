"""Show 1 of issue 4 in headless Chromium: who, why and proof, from a passkey to a receipt checked offline."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.access.axe import AXE, wrong
from tests.portal import browser
from tests.story.consent_walk import walk
from tests.story.nation import live_nation

pytestmark = pytest.mark.browser


def test_the_tour_of_who_why_and_proof(tmp_path: Path) -> None:
    seen: list[str] = []
    folder = tmp_path / "receipts"
    folder.mkdir()

    def take(name: str, page: Any) -> None:
        seen.append(name)
        assert page.locator("h1").count() == 1, name
        if "consent" in name and AXE.exists():
            assert wrong(page, name) == []

    with live_nation(tmp_path / "data") as nation, browser() as chromium:
        walk(chromium, nation, take, folder)
    assert len(seen) == len(set(seen)) == 14
