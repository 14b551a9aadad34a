"""Sheets as hospitals keep them, dates as people write them, and where a person is now: values in, values out."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from banyan.errors import Invalid, Limit
from banyan.limits_casualties import CASUALTY_ROWS
from banyan.service.casualties import rules
from banyan.service.casualties.rules import SHOWN, Stay, chain, current
from banyan.service.casualties.sheet import FIVE, read_sheet

TODAY = date(2026, 11, 26)
STAYS = st.builds(
    Stay,
    hospital=st.sampled_from("甲乙丙"),
    at=st.integers(0, 5).map(float),
    status=st.sampled_from(list(SHOWN)),
    towards=st.sampled_from(["", "甲", "乙"]),
)


@pytest.mark.parametrize(
    "written", ["1990-03-12", "1990/3/12", "19900312", "79/3/12", "079/03/12", "0790312", "790312", "民國79年3月12日"]
)
def test_a_birth_date_is_read_as_people_write_it(written: str) -> None:
    assert rules.born_on(written, TODAY) == "1990-03-12"


@pytest.mark.parametrize("written", ["1990-02-30", "12/3", "tomorrow", "2030-01-01", "1800-01-01", "9003121"])
def test_what_is_no_birth_date_is_refused(written: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - any reason
        rules.born_on(written, TODAY)


@pytest.mark.parametrize("mark", ["\t", ",", ";"])
def test_a_sheet_with_or_without_a_heading_is_the_same(mark: str) -> None:
    line = mark.join(["王曉明", "男", "79/3/12", "A123456789", "加護病房"])
    heading = mark.join(["姓名", "性別", "生日", "身分證字號", "狀況"])
    bare, headed = read_sheet(line, TODAY), read_sheet(f"\ufeff{heading}\r\n{line}\r\n", TODAY)
    assert bare.rows == headed.rows
    assert bare.rows[0].status == "icu"
    assert headed.faults == ()


def test_columns_stand_in_any_order_and_faults_name_line_and_column() -> None:
    text = "狀況,姓名,醫院,備註\n出院,陳美玉,馬偕,x\n飛走,王小明,馬偕,\n,,,\n治療中,,馬偕,"
    found = read_sheet(text, TODAY)
    assert [(one.name, one.status, one.hospital) for one in found.rows] == [("陳美玉", "discharged", "馬偕")]
    assert [(one.line, one.field) for one in found.faults] == [(3, "status"), (5, "name")]


def test_a_sheet_is_bounded() -> None:
    with pytest.raises(Limit):
        read_sheet("王\n" * (CASUALTY_ROWS + 1), TODAY)


@given(st.text(max_size=200))
def test_any_text_is_a_sheet_or_a_plain_refusal(text: str) -> None:
    try:
        found = read_sheet(text, TODAY)
    except (Invalid, Limit):
        return
    assert all(one.name for one in found.rows)


@given(st.lists(STAYS, min_size=1, max_size=6), st.randoms())
def test_where_a_person_is_does_not_hang_on_the_order_of_reports(stays: list[Stay], chance: object) -> None:
    told = {(one.hospital, one.at): one for one in stays}
    one, other = list(told.values()), list(reversed(told.values()))
    assert chain(one) == chain(other)
    assert current(one) == current(other)
    assert current(one) in one


def test_no_status_shows_death() -> None:
    assert "dead" not in SHOWN.values()
    assert [status for status, shown in SHOWN.items() if shown == SHOWN["dead"]] == ["icu", "dead"]


@given(st.text(min_size=1, max_size=20), st.text(max_size=20))
def test_any_question_is_one_probe(name: str, secret: str) -> None:
    assert len(rules.asked(b"k" * 32, name, secret, TODAY)) == 32


def test_a_question_meets_the_probe_of_its_person_only() -> None:
    key = b"k" * 32
    mine = rules.probes(key, "王曉明", "1990-03-12", "A123456789")
    assert rules.asked(key, "王晓明", "79/3/12", TODAY) in mine
    assert rules.asked(key, "王曉明", "6789", TODAY) in mine
    assert rules.asked(key, "王曉明", "", TODAY) not in rules.probes(key, "王曉明", "", "")
    assert rules.asked(b"j" * 32, "王曉明", "6789", TODAY) not in mine
    assert len(FIVE) == 5
