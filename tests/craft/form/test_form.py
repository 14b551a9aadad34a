"""A request type becomes questions; answers become the request, or every field to mend in the person's language."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

import msgspec
import pytest

from banyan.craft.form import fields_of, read_form
from banyan.errors import Invalid

LABEL = {"zh-Hant": "資料集", "en": "Dataset"}


class Asked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    dataset: Annotated[str, msgspec.Meta(min_length=2, max_length=5, extra={"label": LABEL})]
    limit: Annotated[int, msgspec.Meta(ge=1, le=100)] = 10
    lon: float | None = None
    sort: Literal["", "name"] = ""
    tags: tuple[str, ...] = ()
    filters: dict[str, str] = {}
    exact: bool = False
    day: date | None = None
    title: str | msgspec.UnsetType = msgspec.UNSET


FIELDS = fields_of(Asked, lambda key: {"zh-Hant": "筆數", "en": "Rows"} if key == "field.limit.label" else None)


def test_kinds_labels_and_defaults_come_from_the_type() -> None:
    assert [field.kind for field in FIELDS] == [
        *("text", "integer", "number", "choice", "list", "json", "yes_no", "date", "text"),
    ]
    assert FIELDS[0].label == LABEL
    assert FIELDS[0].required
    assert FIELDS[1].label["en"] == "Rows"
    assert (FIELDS[1].default, FIELDS[1].minimum, FIELDS[1].maximum) == ("10", 1, 100)
    assert FIELDS[8].default == ""


def test_answers_become_the_request() -> None:
    answers = [("dataset", " abc "), ("limit", "5"), ("lon", "121.5"), ("tags", "a\n b \n"), ("exact", "true")]
    answers += [("filters", '{"a": "b"}'), ("day", "2026-11-23"), ("csrf_token", "x")]
    assert read_form(Asked, FIELDS, answers, lang="en") == Asked(
        dataset="abc", limit=5, lon=121.5, tags=("a", "b"), filters={"a": "b"}, exact=True, day=date(2026, 11, 23)
    )


def test_every_wrong_field_is_named_with_its_fix() -> None:
    answers = [("dataset", "abcdef"), ("limit", "x"), ("sort", "none"), ("filters", "{"), ("day", "昨天")]
    with pytest.raises(Invalid) as refused:
        read_form(Asked, FIELDS, answers, lang="zh-Hant")
    fixes = {error.field: error.fix for error in refused.value.fields}
    assert list(fixes) == ["dataset", "limit", "sort", "filters", "day"]
    assert fixes["dataset"] == "「資料集」最多 5 個字"
    assert fixes["limit"] == "「筆數」要填整數，例如 10"


def test_endless_brackets_are_not_json() -> None:
    with pytest.raises(Invalid) as refused:
        read_form(Asked, FIELDS, [("dataset", "abc"), ("filters", "[" * 5_000)], lang="en")
    assert [error.field for error in refused.value.fields] == ["filters"]


@pytest.mark.parametrize(("value", "fix"), [("0", "Rows must be 1 or more"), ("101", "Rows must be 100 or less")])
def test_bounds_are_said(value: str, fix: str) -> None:
    with pytest.raises(Invalid) as refused:
        read_form(Asked, FIELDS, [("dataset", "abc"), ("limit", value)], lang="en")
    assert refused.value.fields[0].fix == fix


def test_a_missing_answer_is_asked_for() -> None:
    with pytest.raises(Invalid, match="Enter Dataset"):
        read_form(Asked, FIELDS, [("dataset", "  ")], lang="en")
