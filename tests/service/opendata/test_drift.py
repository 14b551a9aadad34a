"""Which columns changed their name, and which are other columns."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from banyan.service.opendata.drift import carry_names, drift
from banyan.service.opendata.model import Column, ColumnType


def a_column(name: str, type: ColumnType = "text", **facts: object) -> Column:
    return Column(name=name, type=type, **facts)  # type: ignore[arg-type]


def test_the_renamed_mask_column() -> None:
    old = [a_column("代碼"), a_column("成人口罩總剩餘數", "integer"), a_column("兒童口罩剩餘數", "integer")]
    new = [a_column("代碼"), a_column("成人口罩剩餘數", "integer"), a_column("兒童口罩剩餘數", "integer")]
    found = drift(old, new)
    assert found.renamed == (("成人口罩總剩餘數", "成人口罩剩餘數"),)
    assert (found.added, found.gone, found.retyped, found.kept) == ((), (), (), 3)
    carried = carry_names(old, new, found.renamed)
    assert carried[1].aliases == ("成人口罩總剩餘數",)


def test_every_earlier_name_is_kept() -> None:
    first, second, third = (
        [a_column("庫存總數", "integer")],
        [a_column("庫存數", "integer")],
        [a_column("庫存", "integer")],
    )
    named = carry_names(first, second, drift(first, second).renamed)
    named = carry_names(named, third, drift(named, third).renamed)
    assert named[0].aliases == ("庫存總數", "庫存數")


def test_a_name_that_comes_back_is_the_same_column() -> None:
    first, second = [a_column("庫存總數", "integer")], [a_column("庫存數", "integer")]
    named = carry_names(first, second, drift(first, second).renamed)
    again = drift(named, first)
    assert again.renamed == (("庫存數", "庫存總數"),)
    assert carry_names(named, first, again.renamed)[0].aliases == ("庫存數",)


def test_other_years_are_other_facts() -> None:
    found = drift([a_column("109年人口", "integer")], [a_column("110年人口", "integer")])
    assert found.renamed == ()
    assert (found.gone, found.added) == (("109年人口",), ("110年人口",))


def test_values_in_the_same_place_speak_for_a_rename() -> None:
    old = [a_column("county", examples=("臺北市", "新北市", "花蓮縣"))]
    new = [a_column("縣市", examples=("臺北市", "花蓮縣", "臺東縣"))]
    assert drift(old, new).renamed == (("county", "縣市"),)
    assert drift(old, [a_column("縣市", examples=("甲", "乙"))]).renamed == ()


def test_a_person_may_say_it_is_new() -> None:
    old, new = [a_column("剩餘數", "integer")], [a_column("剩餘量", "integer")]
    assert drift(old, new).renamed == (("剩餘數", "剩餘量"),)
    assert drift(old, new, apart=("剩餘量",)).renamed == ()


def test_a_changed_type_is_named() -> None:
    found = drift([a_column("電話", "integer")], [a_column("電話", "text")])
    assert found.retyped == (("電話", "integer", "text"),)


NAMES = st.lists(st.text("甲乙丙丁戊abc123", min_size=1, max_size=6), unique=True, max_size=6)


@given(NAMES, NAMES)
def test_every_column_is_accounted_for_once(old_names: list[str], new_names: list[str]) -> None:
    old, new = [a_column(name) for name in old_names], [a_column(name) for name in new_names]
    found = drift(old, new)
    kept = set(old_names) & set(new_names)
    assert sorted([*kept, *found.gone, *(before for before, _ in found.renamed)]) == sorted(old_names)
    assert sorted([*kept, *found.added, *(after for _, after in found.renamed)]) == sorted(new_names)
    assert found.kept == len(kept) + len(found.renamed)
    present = set(new_names)
    for column in carry_names(old, new, found.renamed):
        assert not set(column.aliases) & present


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1)])
def test_order_alone_is_no_drift(order: tuple[int, ...]) -> None:
    columns = [a_column("a"), a_column("b", "integer"), a_column("c", "date")]
    assert drift(columns, [columns[at] for at in order]).is_empty
