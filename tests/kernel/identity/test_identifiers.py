"""Identifiers against published numbers and, when Node is here, against another implementation."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from banyan.kernel.identity.identifiers import (
    is_business_number,
    is_card_number,
    masked,
    normalized_person_number,
    person_number_kind,
)

GOOD = {
    "A123456789": "national", "F131104093": "national", "A800000014": "resident", "A900000007": "resident",
    "AC01234567": "resident-old", "FA12345689": "resident-old",
}  # fmt: skip


@pytest.mark.parametrize(("number", "kind"), GOOD.items())
def test_numbers_the_government_gives_as_examples(number: str, kind: str) -> None:
    assert person_number_kind(number) == kind


@pytest.mark.parametrize(
    "number", ["A123456788", "A323456789", "a123456789", "A12345678", "Ａ123456789", "1123456789", ""]
)
def test_numbers_nobody_has(number: str) -> None:
    assert person_number_kind(number) is None


@given(st.sampled_from(sorted(GOOD)), st.integers(2, 9), st.integers(1, 9))
def test_one_wrong_digit_is_always_found(number: str, place: int, more: int) -> None:
    wrong = number[:place] + str((int(number[place]) + more) % 10) + number[place + 1 :]
    weights = (8, 7, 6, 5, 4, 3, 2, 1, 1)
    slips = weights[place - 1] * more % 10 == 0  # an even weight cannot see a change by 5
    assert (person_number_kind(wrong) is None) != slips


@pytest.mark.parametrize("number", ["04595252", "10458570", "04595257", "10458575", "10458574", "22099131"])
def test_business_numbers_of_the_2023_rule(number: str) -> None:
    assert is_business_number(number)


@pytest.mark.parametrize("number", ["10458571", "1045857", "104585700", "abcdefgh", ""])
def test_business_numbers_that_are_none(number: str) -> None:
    assert not is_business_number(number)


def test_cards_and_what_pages_show() -> None:
    assert is_card_number("000012345678")
    assert not is_card_number("12345678901")
    assert normalized_person_number(" a123 456789 ") == "A123456789"
    assert masked("A123456789") == "A12****789"
    assert masked("12345") == "*****"
