"""One small portal for the pages' tests; those that change the stock open their own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.service.supplies.make import AT
from tests.service.supplies.pages.stage import A_DAY, Stage, stage


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with stage(tmp_path_factory.mktemp("stage"), A_DAY, at=AT + 90) as opened:
        yield opened
