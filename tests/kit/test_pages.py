"""The portal's own pages pass the kit that is asked of everybody else's, fresh and old."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.service.supplies.make import AT
from tests.service.supplies.pages.stage import A_DAY, Stage, stage

from banyan.kit.check import check
from banyan.kit.fetching import taker
from banyan.kit.report import as_text

PAGES = (
    "/supplies?least=0",
    "/supplies?area=10015&least=0",
    "/en/supplies?area=10015&least=0",
    "/supplies?item=mask-child&area=10015010&least=0",
    "/supplies?lat=23.9769&lon=121.6044&radius=2000&least=0",
    "/supplies/outlet/{code}",
    "/supplies/widget?area=10015010",
)


@pytest.fixture(scope="module", params=[90, 7_200], ids=["fresh", "old"])
def day(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Stage, float]]:
    with stage(tmp_path_factory.mktemp("stage"), A_DAY, at=AT + request.param) as opened:
        yield opened, AT + request.param


@pytest.mark.parametrize("path", PAGES)
def test_a_page_of_ours_conforms(day: tuple[Stage, float], path: str) -> None:
    opened, now = day
    report = check(opened.url + path, opened.url, take=taker(lambda: now), clock=lambda: now, sample=50)
    failed = [rule.id for rule in report.rules if rule.result == "fail"]
    assert failed == [], list(as_text(report, "en"))
    assert report.kind == "html"
    assert report.claims
