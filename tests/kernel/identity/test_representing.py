"""Who may act for whom: the grounds, the terms, and the second at which it ends."""

from __future__ import annotations

from datetime import UTC, date, datetime
from hashlib import sha256
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.make import NOW

from banyan.kernel.events.clock import EpochS
from banyan.kernel.identity import representing
from banyan.kernel.identity.representing import DAY_S, Representation, Unfit, eighteenth, granted

BORN = date(2015, 5, 4)


def a_mandate(
    representative: str = "parent", represented: str = "child", at: float = NOW, **changes: Any
) -> Representation:
    known = Representation(
        id=sha256(representative.encode()).hexdigest()[:16],
        relation="guardian",
        ground="court",
        document="112-1",
        representative=representative,
        represented=represented,
        by="officer",
        agency="TW/GOV/DISTRICT",
        at=EpochS(at),
        start=EpochS(at),
        until=EpochS(at + 30 * DAY_S),
    )
    return msgspec.structs.replace(known, **changes)


A_CHILD: dict[str, Any] = {"relation": "child", "ground": "household"}


@pytest.mark.parametrize(
    ("changes", "born", "field"),
    [
        ({}, None, ""),
        (A_CHILD, BORN, ""),
        ({"relation": "child", "ground": "both-parents", "other_parent": "father"}, BORN, ""),
        ({"relation": "child", "ground": "both-parents"}, BORN, "other_parent"),
        ({"relation": "child", "ground": "both-parents", "other_parent": "parent"}, BORN, "other_parent"),
        ({**A_CHILD, "other_parent": "father"}, BORN, "other_parent"),
        ({"relation": "child", "ground": "court"}, BORN, "ground"),
        ({"ground": "household"}, None, "ground"),
        ({"relation": "company", "ground": "company-register"}, None, ""),
        ({"relation": "company", "ground": "court"}, None, "ground"),
        ({"represented": "parent"}, None, "represented"),
        (A_CHILD, None, "born"),
        (A_CHILD, date(2008, 11, 23), "born"),  # 18 this very day
        (A_CHILD, date(2027, 1, 1), "born"),
        ({}, BORN, "born"),  # a birthday of a ward is not needed, so it is not taken
        ({"until": NOW}, None, "until"),
        ({"until": NOW + 2_000 * DAY_S}, None, "until"),
        ({"start": NOW + 60 * DAY_S}, None, "until"),
    ],
)
def test_grounds_and_terms(changes: dict[str, Any], born: date | None, field: str) -> None:
    verdict = granted(a_mandate(**changes), born)
    assert (verdict.field if isinstance(verdict, Unfit) else "") == field


def test_a_childs_ends_at_18_in_taipei_whatever_was_asked() -> None:
    asked = a_mandate(**A_CHILD, until=EpochS(NOW + 18 * 365 * DAY_S))
    verdict = granted(asked, BORN)
    assert isinstance(verdict, Representation)
    assert verdict.until == eighteenth(BORN) == datetime(2033, 5, 3, 16, tzinfo=UTC).timestamp()
    assert verdict.is_in_force(verdict.until - 1)
    assert not verdict.is_in_force(verdict.until)
    assert eighteenth(date(2008, 2, 29)) == eighteenth(date(2008, 3, 1))


def test_it_ends_when_withdrawn_and_stays_as_it_ended() -> None:
    mandate = a_mandate()
    assert mandate.is_in_force(NOW)
    over = representing.ended(mandate, "officer-2", EpochS(NOW + 1))
    assert not over.is_in_force(NOW + 1)
    assert representing.ended(over, "other", EpochS(NOW + 9)) == over
    assert not a_mandate(start=EpochS(NOW + 1)).is_in_force(NOW)


@given(born=st.dates(date(1990, 1, 1), date(2026, 11, 23)), days=st.integers(1, 8_000))
def test_no_child_is_represented_at_18(born: date, days: int) -> None:
    verdict = granted(a_mandate(**A_CHILD, until=EpochS(NOW + days * DAY_S)), born)
    if isinstance(verdict, Representation):
        assert NOW < verdict.until <= eighteenth(born)
