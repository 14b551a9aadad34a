"""Receipts of several vendors say the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from banyan.wire.smpp.codes import ESM_RECEIPT, MessageState, Tag
from banyan.wire.smpp.fields import Malformed
from banyan.wire.smpp.pdu import Short
from banyan.wire.smpp.receipt import DeliveryReceipt, fields_of, ids_like, receipt_of, receipt_text
from banyan.wire.smpp.times import absolute, moment, relative

DELIVERED = MessageState.DELIVERED


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # SMPP 3.4 appendix B
        ("id:1234567890 sub:001 dlvrd:001 submit date:2611270102 done date:2611270103 stat:DELIVRD err:000 Text:hello",
         DeliveryReceipt("1234567890", DELIVERED, "000")),
        # seconds in the dates, lower case `text`, hexadecimal id
        ("id:7F3a9b sub:001 dlvrd:001 submit date:261127010203 done date:261127010304 stat:DELIVRD err:0 text:",
         DeliveryReceipt("7F3a9b", DELIVERED, "0")),
        # underscores, capitals, a UUID, no text
        ("ID:9b2f0c3e-1d0a-4b8c-8f0e-2a7d5c6b4e1f submit_date:2611270102 done_date:2611270103 STAT:UNDELIV ERR:11B",
         DeliveryReceipt("9b2f0c3e-1d0a-4b8c-8f0e-2a7d5c6b4e1f", MessageState.UNDELIVERABLE, "11B")),
        # spaces after the colon, words in full
        ("message_id: 42 status: DELIVERED error: 0", DeliveryReceipt("42", DELIVERED, "0")),
        # commas, an error first
        ("err:027,id:0000012,stat:EXPIRED,text:stat:DELIVRD", DeliveryReceipt("0000012", MessageState.EXPIRED, "027")),
        # equals signs
        ("id=77 stat=REJECTD err=004", DeliveryReceipt("77", MessageState.REJECTED, "004")),
    ],
)  # fmt: skip
def test_vendors_texts(text: str, expected: DeliveryReceipt) -> None:
    assert receipt_of(Short(text=text.encode(), esm_class=ESM_RECEIPT)) == expected


def test_the_message_cannot_write_its_own_receipt() -> None:
    text = "id:1 stat:UNDELIV err:001 text:id:2 stat:DELIVRD"
    assert fields_of(text) == {"id": "1", "stat": "UNDELIV", "err": "001"}


def test_parameters_go_before_the_text() -> None:
    tlvs = (
        (int(Tag.RECEIPTED_MESSAGE_ID), b"ab12\0"),
        (int(Tag.MESSAGE_STATE), bytes((5,))),
        (int(Tag.USER_MESSAGE_REFERENCE), b"\x01\x02"),
    )
    short = Short(text=b"id:other stat:DELIVRD", tlvs=tlvs)
    assert receipt_of(short) == DeliveryReceipt("ab12", MessageState.UNDELIVERABLE, "", 258)


def test_a_persons_message_is_no_receipt() -> None:
    assert receipt_of(Short(text=b"id:1 stat:DELIVRD")) is None
    assert receipt_of(Short(text=b"hello", esm_class=ESM_RECEIPT)) is None


@given(st.text(max_size=300))
def test_any_text_is_read_or_left(text: str) -> None:
    receipt_of(Short(text=text.encode()[:254], esm_class=ESM_RECEIPT))


@pytest.mark.parametrize(
    ("receipt", "answered"), [("255", "ff"), ("255", "FF"), ("ff", "255"), ("00017", "17"), ("255", "000000ff")]
)
def test_ids_in_two_number_bases_meet(receipt: str, answered: str) -> None:
    assert answered in ids_like(receipt)


@given(st.sampled_from(list(MessageState)))
def test_our_own_receipts_are_read(state: MessageState) -> None:
    text = receipt_text("12ab", state, submitted="2611270102", done="2611270103")
    found = receipt_of(Short(text=text, esm_class=ESM_RECEIPT))
    assert found is not None
    assert (found.message_id, found.state) == ("12ab", state)


@given(st.integers(1, 98 * 86_400))
def test_relative_times_come_back(seconds: int) -> None:
    assert moment(relative(seconds), 1000.0) == 1000.0 + seconds


@given(st.integers(946_684_800, 4_000_000_000))
def test_absolute_times_come_back(at: int) -> None:
    assert moment(absolute(at), 0.0) == at


@pytest.mark.parametrize("text", ["", "261301000000000+", "2611270102030004", "26112701020300R", "a" * 16])
def test_times_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(Malformed):
        moment(text, 0.0)


def test_quarter_hours_are_ahead_of_utc() -> None:
    assert moment("261127080000032+", 0.0) == moment("261127000000000+", 0.0)
