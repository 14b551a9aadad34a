"""Texts go in as few parts as they can, no part breaks a character, and they come back whole."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from banyan.limits_alerts import SMS_PARTS
from banyan.wire.smpp.alphabet import from_gsm7, gsm7_units
from banyan.wire.smpp.fields import Malformed
from banyan.wire.smpp.text import DATA_CODING, Coding, parts_of, shape_of, split_header, text_of

GSM = "".join(chr(one) for one in range(0x2200) if gsm7_units(chr(one)) is not None)


def back(coding: Coding, parts: list[bytes]) -> str:
    texts = [split_header(part)[1] for part in parts] if len(parts) > 1 else parts
    return "".join(text_of(part, DATA_CODING[coding]) for part in texts)


@given(st.text(GSM, min_size=1, max_size=700), st.integers(0, 1 << 20), st.booleans())
def test_gsm_texts_come_back(text: str, reference: int, is_wide: bool) -> None:
    coding, parts = parts_of(text, reference=reference, is_wide=is_wide)
    assert coding == Coding.GSM7
    assert back(coding, parts) == text


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=400), st.booleans())
def test_any_text_comes_back_with_its_parts_numbered(text: str, is_wide: bool) -> None:
    shape = shape_of(text, is_wide=is_wide)
    coding, parts = parts_of(text, reference=77, is_wide=is_wide)
    assert back(coding, parts) == text
    assert (coding, len(parts)) == (shape.coding, shape.parts)
    assert shape.left >= 0
    if len(parts) > 1:
        heads = [split_header(part)[0] for part in parts]
        assert [(head.reference, head.total, head.number) for head in heads if head] == [
            (77, len(parts), number) for number in range(1, len(parts) + 1)
        ]


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=400))
def test_no_part_is_longer_than_the_radio_has_room_for(text: str) -> None:
    coding, parts = parts_of(text, reference=1)
    for part in parts:
        head = part[0] + 1 if len(parts) > 1 else 0
        bits = (len(part) - head) * (7 if coding == Coding.GSM7 else 8)
        assert -(-bits // 8) <= 140 - head
        if coding == Coding.UCS_2:
            part[head:].decode("utf-16-be")  # strict: half a character would raise


@pytest.mark.parametrize(
    ("text", "is_wide", "expected"),
    [
        ("a" * 160, True, (Coding.GSM7, 160, 1, 0)),
        ("a" * 161, True, (Coding.GSM7, 161, 2, 143)),
        ("a" * 161, False, (Coding.GSM7, 161, 2, 145)),
        ("€" * 80, True, (Coding.GSM7, 160, 1, 0)),
        ("榕" * 70, True, (Coding.UCS_2, 70, 1, 0)),
        ("榕" * 74, False, (Coding.UCS_2, 74, 2, 60)),
        ("𠮷" * 35, True, (Coding.UCS_2, 70, 1, 0)),
        ("榕" * 69 + "𠮷", False, (Coding.UCS_2, 71, 2, 63)),
    ],
)
def test_the_budget_of_one_part(text: str, is_wide: bool, expected: tuple[Coding, int, int, int]) -> None:
    shape = shape_of(text, is_wide=is_wide)
    assert (shape.coding, shape.units, shape.parts, shape.left) == expected


def test_74_characters_of_chinese_are_the_bytes_of_the_field_notes() -> None:
    _, parts = parts_of("榕" * 74, reference=5, is_wide=False)
    assert [len(part) for part in parts] == [140, 20]


def test_a_text_without_end_is_refused() -> None:
    parts_of("榕" * 66 * SMS_PARTS, reference=1)
    with pytest.raises(Malformed):
        parts_of("榕" * (66 * SMS_PARTS + 1), reference=1)


def test_latin_1_where_an_smsc_has_no_gsm_alphabet() -> None:
    assert parts_of("déjà", reference=1, codings=(Coding.LATIN_1, Coding.UCS_2)) == (
        Coding.LATIN_1,
        ["déjà".encode("latin-1")],
    )
    assert shape_of("ŵ", codings=(Coding.LATIN_1, Coding.UCS_2)).coding == Coding.UCS_2


@given(st.binary(max_size=160))
def test_strangers_octets_are_text_in_every_coding(octets: bytes) -> None:
    for coding in (0, 1, 3, 8, 200):
        assert isinstance(text_of(octets, coding), str)
    try:
        part, _ = split_header(octets)
    except Malformed:
        return
    assume(part is not None)
    assert part is not None
    assert 1 <= part.number <= part.total


def test_an_escape_before_nothing_shows_nothing() -> None:
    assert from_gsm7(b"a\x1b") == "a"
    assert from_gsm7(b"\x1b\x61") == "a"
    assert from_gsm7(b"\x1be\x80") == "€�"
