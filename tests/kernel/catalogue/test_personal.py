"""Personal fields are found in any answer, and only granted ones get out."""

from __future__ import annotations

from typing import Annotated

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from banyan.kernel.catalogue.personal import UNSET, UnsetType, minimised, personal, personal_fields


class Stay(msgspec.Struct, frozen=True):
    country: Annotated[str, personal("C034")] | UnsetType = UNSET
    days: Annotated[int, msgspec.Meta(ge=0)] = 0


class Answer(msgspec.Struct, frozen=True):
    rule: str
    flag: Annotated[bool, personal("C034")] | UnsetType = UNSET
    name: Annotated[str, personal("C001")] | UnsetType = UNSET
    stays: tuple[Stay, ...] = ()
    last: Stay | None = None


class Careless(msgspec.Struct, frozen=True):
    name: Annotated[str, personal("C001")]


FULL = Answer("14 天", True, "王小明", (Stay("JP", 3), Stay("IT", 5)), Stay("IT", 5))
KNOWN = {"flag": "C034", "name": "C001", "stays.country": "C034", "last.country": "C034"}


def test_fields_are_found_at_any_depth() -> None:
    assert personal_fields(Answer) == KNOWN
    assert personal_fields(tuple[Answer, ...]) == KNOWN
    assert personal_fields(str) == {}
    with pytest.raises(AssertionError, match=r"Careless\.name"):
        personal_fields(Careless)


def test_what_is_not_granted_is_left_out_and_not_blanked() -> None:
    shown = minimised(FULL, frozenset({"flag", "stays.country"}), KNOWN)
    assert msgspec.json.decode(msgspec.json.encode(shown)) == {
        "rule": "14 天", "flag": True, "stays": [{"country": "JP", "days": 3}, {"country": "IT", "days": 5}],
        "last": {"days": 5},
    }  # fmt: skip
    assert FULL.name == "王小明"


@given(st.sets(st.sampled_from(sorted(KNOWN))))
def test_nothing_ungranted_ever_gets_out(granted: set[str]) -> None:
    said = msgspec.json.encode(minimised([FULL], frozenset(granted), KNOWN)).decode()
    assert ("王小明" in said) == ("name" in granted)
    assert ('"flag"' in said) == ("flag" in granted)
    assert ("JP" in said) == ("stays.country" in granted)
    assert ("IT" in said) == bool(granted & {"stays.country", "last.country"})
