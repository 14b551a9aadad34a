"""Identifiers, serial numbers and the air interface of cell broadcasts (TS 23.041 s9.4.1, TS 44.012)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from banyan.wire import cellbroadcast as cb
from banyan.wire.cellbroadcast import air, identifiers, serial


@pytest.mark.parametrize(
    ("kind", "words", "first", "second"),
    [
        (cb.Class.PRESIDENTIAL, ("Extreme", "Immediate", "Observed"), 4370, 4383),
        (cb.Class.EMERGENCY, ("Extreme", "Immediate", "Observed"), 4371, 4384),
        (cb.Class.EMERGENCY, ("Severe", "Expected", "Likely"), 4378, 4391),
        (cb.Class.TEST, ("Minor", "Future", "Possible"), 4380, 4393),
        (cb.Class.NOTICE, ("Minor", "Future", "Possible"), 911, 919),
        (cb.Class.EXERCISE, ("", "", ""), 4381, 4394),
        (cb.Class.OPERATOR, ("", "", ""), 4382, 4395),
    ],
)
def test_classes_of_taiwan(kind: cb.Class, words: tuple[str, str, str], first: int, second: int) -> None:
    severity, urgency, certainty = words
    for identifier, is_second in ((first, False), (second, True)):
        chosen = cb.choose(kind, severity=severity, urgency=urgency, certainty=certainty, second_language=is_second)
        assert chosen == identifier
        assert cb.classify(identifier) is kind
        assert cb.is_second_language(identifier) is is_second


def test_an_emergency_must_be_one() -> None:
    with pytest.raises(cb.Malformed, match="severity Moderate"):
        cb.choose(cb.Class.EMERGENCY, severity="Moderate", urgency="Immediate", certainty="Observed")
    assert cb.fitting(severity="Moderate", urgency="Immediate", certainty="Observed") is cb.Class.NOTICE
    assert cb.fitting(severity="Severe", urgency="Immediate", certainty="Likely") is cb.Class.EMERGENCY
    with pytest.raises(cb.Malformed):
        cb.choose(cb.Class.OTHER)


def test_every_emergency_identifier_has_its_words() -> None:
    assert {cb.classify(one) for one in range(4371, 4380)} == {cb.Class.EMERGENCY}
    assert {cb.classify(one) for one in range(4384, 4393)} == {cb.Class.EMERGENCY}
    assert cb.classify(0x1100) is cb.Class.PRESIDENTIAL
    assert cb.classify(0x1103) is cb.Class.TEST
    assert cb.classify(50) is cb.Class.OTHER
    assert {cb.Class.TEST, cb.Class.EXERCISE, cb.Class.OPERATOR} == cb.HARMLESS


def test_warning_type_of_an_earthquake() -> None:
    both = identifiers.Popup.ALERT | identifiers.Popup.DISPLAY
    assert identifiers.warning_type(0x1100, both) == 0x0180
    assert identifiers.warning_type(0x1101, both) == 0x0380
    with pytest.raises(cb.Malformed):
        identifiers.warning_type(4370, both)


@given(st.integers(0, 0xFFFF))
def test_serial_numbers_come_back(value: int) -> None:
    assert serial.pack(serial.unpack(value)) == value


def test_serial_of_a_measured_page() -> None:
    assert serial.unpack(0x4011) == cb.Serial(cb.Scope.PLMN, 1, 1)
    for wrong in (cb.Serial(cb.Scope.PLMN, 1024), cb.Serial(cb.Scope.PLMN, 0, 16)):
        with pytest.raises(cb.Malformed):
            serial.pack(wrong)


@given(st.text("震災abc", min_size=1, max_size=200), st.integers(0, 0xFFFF), st.integers(0, 0xFFFF))
def test_pages_come_back_from_the_air(text: str, number: int, identifier: int) -> None:
    encoded = cb.encode(text)
    reader = air.Reader()
    heard = [
        page
        for sent, page_in in zip(air.encode(number, identifier, encoded.dcs, encoded.pages), encoded.pages, strict=True)
        for block in air.blocks(sent, page_in.used)
        if (page := reader.feed(block))
    ]
    assert [(one.number, one.total) for one in heard] == [(n + 1, len(heard)) for n in range(len(heard))]
    assert {(one.serial, one.message_id, one.dcs) for one in heard} == {(number, identifier, encoded.dcs)}
    whole = [cb.Page(one.octets.ljust(82, b"\r"), page.used) for one, page in zip(heard, encoded.pages, strict=True)]
    assert cb.decode(encoded.dcs, whole).text == text


@given(st.lists(st.binary(min_size=0, max_size=24), max_size=20))
def test_whatever_is_heard_does_no_harm(blocks: list[bytes]) -> None:
    reader = air.Reader()
    for block in blocks:
        reader.feed(block)


def test_a_page_that_lost_a_block_is_not_shown() -> None:
    encoded = cb.encode("震" * 41)
    blocks = air.blocks(air.encode(1, 4370, encoded.dcs, encoded.pages)[0])
    reader = air.Reader()
    assert [reader.feed(one) for one in (blocks[0], blocks[2], blocks[3])] == [None, None, None]
    assert [reader.feed(one) is not None for one in blocks] == [False, False, False, True]
