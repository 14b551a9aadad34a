"""The seven indicators and the medals, pure."""

from __future__ import annotations

import msgspec
import pytest
from tests.service.opendata.export import seeds

from banyan.kernel.events.clock import EpochS
from banyan.service.opendata.export.entry import Entry
from banyan.service.opendata.model import Check, DataRequest
from banyan.service.opendata.quality import indicators
from banyan.service.opendata.quality.indicators import Seen

GOOD = Seen(ok=True, direct=True, status=200, encoding_fits=True)
SEEN = {seeds.TABLE.id: GOOD, seeds.LINK.id: GOOD}
LINK = msgspec.structs.replace(seeds.LINK, format="CSV", encoding="UTF-8")
DATASET = msgspec.structs.replace(seeds.DATASET, resources=(seeds.TABLE, LINK), frequency="每日")
ENTRY = Entry(DATASET, seeds.AGENCY, (seeds.THEME,), {seeds.TABLE.id: seeds.VERSION})


def judged(
    entry: Entry = ENTRY, seen: dict[str, Seen] | None = None, *, later: float = 0, asked: tuple[DataRequest, ...] = ()
) -> dict[str, Check]:
    found = indicators.judge(entry, seen=SEEN if seen is None else seen, requests=asked, now=EpochS(seeds.AT + later))
    assert tuple(check.code for check in found) == indicators.CODES
    return {check.code: check for check in found}


def dataset(**values: object) -> Entry:
    return msgspec.structs.replace(ENTRY, dataset=msgspec.structs.replace(DATASET, **values))


def test_all_is_well() -> None:
    assert [check.passed for check in judged().values()] == [True] * 6 + [None]


@pytest.mark.parametrize(
    ("code", "look"),
    [
        ("links", Seen(ok=False, direct=False, status=404)),
        ("direct", Seen(ok=True, direct=False, status=200)),
        ("encoding", Seen(ok=True, direct=True, status=200, encoding_fits=False)),
    ],
)
def test_one_bad_link_spoils_the_dataset(code: str, look: Seen) -> None:
    check = judged(seen=SEEN | {LINK.id: look})[code]
    assert (check.passed, check.count, check.evidence) == (False, 1, ("說明文件",))


def test_a_link_not_yet_looked_at_is_unknown() -> None:
    found = judged(seen={seeds.TABLE.id: GOOD})
    assert (found["links"].passed, found["direct"].passed) == (None, None)


def test_a_pdf_is_not_structured() -> None:
    assert judged(dataset(resources=(seeds.TABLE, seeds.LINK)))["structured"].passed is False


def test_a_dataset_without_resources_passes_nothing() -> None:
    found = judged(msgspec.structs.replace(dataset(resources=()), versions={}))
    assert found["links"].passed is False
    assert found["structured"].passed is False


@pytest.mark.parametrize(
    ("text", "passed", "lacking"),
    [
        ("", True, ()),
        ("醫事機構代碼、醫事機構名稱(全名)、成人口罩剩餘數", True, ()),
        ("「醫事機構代碼」、「緯度」", True, ()),
        ("醫事機構代碼、地址", False, ("地址",)),
    ],
)
def test_stated_fields_are_in_the_file(text: str, passed: bool, lacking: tuple[str, ...]) -> None:
    check = judged(dataset(national={"fieldDescription": text}))["fields"]
    assert (check.passed, check.evidence) == (passed, lacking)


@pytest.mark.parametrize(
    ("frequency", "days", "passed"),
    [("每日", 1.4, True), ("每日", 1.6, False), ("每月", 45, True), ("每月", 46, False), ("不定期", 4000, True),
     ("", 0, None), ("每月、年", 0, None)],
)  # fmt: skip
def test_freshness_is_the_interval_and_half(frequency: str, days: float, passed: bool | None) -> None:
    assert judged(dataset(frequency=frequency), later=days * 86_400)["fresh"].passed is passed


def test_questions_are_answered_within_a_week() -> None:
    quick = DataRequest("1", seeds.AT, "a", "b", "answered", dataset="mask", changed=EpochS(seeds.AT + 86_400))
    slow = msgspec.structs.replace(quick, changed=EpochS(seeds.AT + 8 * 86_400))
    open_ = msgspec.structs.replace(quick, status="received")
    assert judged(asked=(quick,))["answers"].passed is True
    assert judged(asked=(quick, slow))["answers"].passed is False
    assert judged(asked=(open_,))["answers"].passed is False


@pytest.mark.parametrize(
    ("results", "clean", "medal"),
    [
        ("TTTTTTT", True, "platinum"),
        ("TTTTTT?", True, "platinum"),
        ("TTTTTT?", False, "gold"),
        ("TTTTTTF", True, "gold"),
        ("TTTTT?T", True, "silver"),
        ("TTTFFFF", True, "silver"),
        ("TTFTTTT", True, "bronze"),
        ("TFTTTTT", True, ""),
        ("?TTTTTT", True, ""),
    ],
)
def test_medals_by_our_thresholds(results: str, clean: bool, medal: str) -> None:
    values = {"T": True, "F": False, "?": None}
    checks = [Check(code, values[mark]) for code, mark in zip(indicators.CODES, results, strict=True)]
    assert indicators.medal(checks, [Check("x", clean), Check("notice", None)]) == medal
