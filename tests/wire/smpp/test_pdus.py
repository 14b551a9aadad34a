"""PDUs round trip exactly; what strangers send is read or refused, never more and never slower than its bounds."""

from __future__ import annotations

from contextlib import suppress

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from banyan.limits_alerts import SMPP_PDU_BYTES
from banyan.wire.smpp.codes import BINDS, RESPONSE, Command, Status
from banyan.wire.smpp.fields import Malformed, Tlvs, tlvs_of
from banyan.wire.smpp.pdu import (
    Address,
    Bind,
    BindResp,
    Cancel,
    Data,
    Empty,
    Pdu,
    Queried,
    Query,
    Repeated,
    Short,
    Taken,
    Unknown,
    answer_to,
    decode,
    encode,
    nack,
)
from banyan.wire.smpp.stream import Frames

OCTET = st.integers(0, 255)
TLVS = st.lists(st.tuples(st.integers(0, 0xFFFF), st.binary(max_size=40)), max_size=4).map(tuple)


def text(most: int) -> st.SearchStrategy[str]:
    return st.text(st.characters(min_codepoint=1, max_codepoint=255), max_size=most - 1)


def address(most: int = 21) -> st.SearchStrategy[Address]:
    return st.builds(Address, text(most), OCTET, OCTET)


SHORT = st.builds(
    Short,
    source=address(),
    destination=address(),
    text=st.binary(max_size=254),
    service_type=text(6),
    esm_class=OCTET,
    protocol_id=OCTET,
    priority=OCTET,
    schedule=text(17),
    validity=text(17),
    registered_delivery=OCTET,
    replace_if_present=OCTET,
    data_coding=OCTET,
    default_message=OCTET,
    tlvs=TLVS,
)
DATA = st.builds(
    Data,
    source=address(65),
    destination=address(65),
    service_type=text(6),
    esm_class=OCTET,
    registered_delivery=OCTET,
    data_coding=OCTET,
    tlvs=TLVS,
)
BODIES = st.one_of(
    st.tuples(st.sampled_from([Command.SUBMIT_SM, Command.DELIVER_SM]), SHORT),
    st.tuples(st.just(Command.DATA_SM), DATA),
    st.tuples(st.sampled_from(sorted(BINDS)), st.builds(Bind, text(16), text(9), text(13), OCTET, address(41))),
    st.tuples(st.sampled_from(sorted(BINDS)).map(lambda one: one | RESPONSE), st.builds(BindResp, text(16), TLVS)),
    st.tuples(
        st.sampled_from([Command.SUBMIT_SM_RESP, Command.DELIVER_SM_RESP, Command.DATA_SM_RESP]),
        st.builds(Taken, text(65), TLVS),
    ),
    st.tuples(st.just(Command.QUERY_SM), st.builds(Query, text(65), address())),
    st.tuples(st.just(Command.QUERY_SM_RESP), st.builds(Queried, text(65), text(17), OCTET, OCTET)),
    st.tuples(st.just(Command.CANCEL_SM), st.builds(Cancel, text(65), address(), address(), text(6))),
    st.tuples(st.sampled_from([Command.UNBIND, Command.ENQUIRE_LINK, Command.GENERIC_NACK]), st.just(Empty())),
    st.tuples(st.just(0x0000_0111), st.builds(Unknown, st.binary(max_size=60))),
)
PDUS = st.builds(lambda both, sequence: Pdu(int(both[0]), sequence, both[1]), BODIES, st.integers(0, 0x7FFF_FFFF))


@given(PDUS)
def test_what_is_written_is_read_back(pdu: Pdu) -> None:
    assert decode(encode(pdu)) == pdu


@given(st.lists(PDUS, max_size=5), st.data())
def test_a_stream_is_cut_alike_however_it_arrives(pdus: list[Pdu], data: st.DataObject) -> None:
    octets = b"".join(map(encode, pdus))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(octets)), max_size=6)))
    frames, found = Frames(), []
    for start, end in zip([0, *cuts], [*cuts, len(octets)], strict=True):
        found += frames.feed(octets[start:end])
    assert [decode(one) for one in found] == pdus


@given(st.binary(max_size=200), st.sampled_from(sorted(Command)))
def test_any_octets_are_read_or_malformed(body: bytes, command: int) -> None:
    octets = (16 + len(body)).to_bytes(4, "big") + command.to_bytes(4, "big") + bytes(8) + body
    with suppress(Malformed):
        pdu = decode(octets)
        assert decode(encode(pdu)) == pdu


@given(st.binary(max_size=400))
def test_a_hostile_stream_is_cut_by_its_lengths_or_refused(octets: bytes) -> None:
    frames, whole = Frames(), 0
    with suppress(Malformed):
        for at in range(0, len(octets), 7):
            found = frames.feed(octets[at : at + 7])
            assert all(len(one) == int.from_bytes(one[:4], "big") for one in found)
            whole += sum(map(len, found))
    assert whole <= len(octets)


@pytest.mark.parametrize("length", [0, 15, SMPP_PDU_BYTES + 1, 0xFFFF_FFFF])
def test_a_length_that_cannot_be_ends_the_stream_at_its_head(length: int) -> None:
    with pytest.raises(Malformed) as caught:
        Frames().feed(length.to_bytes(4, "big"))
    assert caught.value.is_framing


@given(SHORT, st.text("0123456789", max_size=20), st.binary(max_size=254), TLVS)
def test_a_repeated_submit_is_the_same_octets(short: Short, digits: str, text: bytes, tlvs: Tlvs) -> None:
    to = msgspec.structs.replace(short.destination, digits=digits)
    whole = msgspec.structs.replace(short, destination=to, text=text, tlvs=tlvs)
    assert Repeated(short).octets(9, digits, text, tlvs_of(tlvs)) == encode(Pdu(Command.SUBMIT_SM, 9, whole))


def test_an_error_may_come_without_a_body() -> None:
    octets = bytes.fromhex("00000010 80000004 00000058 00000007")
    assert decode(octets) == Pdu(Command.SUBMIT_SM_RESP, 7, Taken(), Status.RTHROTTLED)


def test_an_answer_has_its_requests_number_and_a_nack_none_of_a_reserved() -> None:
    assert answer_to(Pdu(Command.ENQUIRE_LINK, 9)) == Pdu(Command.ENQUIRE_LINK_RESP, 9)
    assert nack(0xFFFF_FFFF, Status.RINVCMDLEN).sequence == 0


@pytest.mark.parametrize(
    ("short", "field"),
    [
        (Short(text=bytes(255)), "short_message"),
        (Short(destination=Address("0" * 21)), "destination_addr"),
        (Short(source=Address("榕")), "source_addr"),
        (Short(service_type="a\0b"), "service_type"),
        (Short(esm_class=256), "esm_class"),
    ],
)
def test_what_does_not_fit_is_refused_by_its_field_and_not_shown(short: Short, field: str) -> None:
    with pytest.raises(Malformed) as caught:
        encode(Pdu(Command.SUBMIT_SM, 1, short))
    assert str(caught.value).startswith(field)
    assert "000000" not in str(caught.value)


@pytest.mark.parametrize(
    "body",
    [
        Short(destination=Address("886912345678", 1, 1), text=b"secret"),
        Data(destination=Address("886912345678", 1, 1), tlvs=((0x0424, b"secret"),)),
        Unknown(b"\0\1\1886912345678\0\6secret"),
    ],
)
def test_no_number_or_text_stands_in_a_representation(body: Short | Data | Unknown) -> None:
    shown = repr(Pdu(Command.SUBMIT_SM, 1, body))
    assert "886912345678" not in shown
    assert "secret" not in shown


def test_the_example_of_the_specification_is_read() -> None:
    """SMPP 3.4 s3.2.3: a bind_transmitter of 47 octets."""
    octets = bytes.fromhex(
        "0000002F 00000002 00000000 00000001 53 4D 50 50 33 54 45 53 54 00 73 65 63 72 65 74 30 38 00"
        "53 55 42 4D 49 54 31 00 34 01 01 00".replace(" ", "")
    )
    bind = Bind("SMPP3TEST", "secret08", "SUBMIT1", 0x34, Address("", 1, 1))
    assert decode(octets) == Pdu(Command.BIND_TRANSMITTER, 1, bind)
    assert encode(Pdu(Command.BIND_TRANSMITTER, 1, bind)) == octets
