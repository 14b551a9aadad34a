"""CBSP: octets of TS 48.049 by hand, round trips of all messages, and streams cut anyhow."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from banyan.limits_alerts import CBSP_FRAME_BYTES
from banyan.wire import cbsp
from banyan.wire import cellbroadcast as cb
from banyan.wire.cbsp import Cell, Discriminator, Kind
from banyan.wire.cbsp.codec import MANDATORY
from banyan.wire.cbsp.values import period_code, period_seconds

TAIPEI = Cell("466-92", 10101, 5)


def test_octets_of_a_kill() -> None:
    message = cbsp.Cbsp(
        kind=Kind.KILL, message_id=4371, old_serial=0x4011, cells=cbsp.CellList(Discriminator.CGI, (TAIPEI,))
    )
    assert cbsp.encode(message).hex() == "040000110e11130240110400080064f62927750005"
    assert cbsp.decode(cbsp.encode(message)) == message


def test_octets_of_a_write() -> None:
    encoded = cb.encode("地震")
    message = cbsp.Cbsp(
        kind=Kind.WRITE_REPLACE,
        message_id=4370,
        new_serial=0x4010,
        cells=cbsp.ALL,
        channel=cbsp.Channel.BASIC,
        category=cbsp.Category.HIGH,
        period=2,
        requested=0,
        dcs=encoded.dcs,
        pages=encoded.pages,
    )
    body = "0e1112034010040001061200050006000207000013010c480104" + encoded.pages[0].octets.hex()
    assert cbsp.encode(message).hex() == "01" + f"{len(body) // 2:06x}" + body


@pytest.mark.parametrize(("plmn", "octets"), [("466-92", "64f629"), ("001-01", "00f110"), ("310-410", "130014")])
def test_networks_have_two_or_three_digits(plmn: str, octets: str) -> None:
    frame = cbsp.encode(cbsp.Cbsp(kind=Kind.RESET, cells=cbsp.CellList(Discriminator.LAI, (Cell(plmn, 1),))))
    assert octets in frame.hex()
    found = cbsp.decode(frame).cells
    assert found is not None
    assert found.cells == (Cell(plmn, 1),)


def _cell(by: Discriminator) -> st.SearchStrategy[Cell]:
    plmn = (
        st.sampled_from(["466-92", "466-01", "310-410"])
        if by in (Discriminator.CGI, Discriminator.LAI)
        else st.just("")
    )
    area = st.just(-1) if by in (Discriminator.CI, Discriminator.ALL) else st.integers(0, 0xFFFF)
    cell = st.integers(0, 0xFFFF) if by <= Discriminator.CI else st.just(-1)
    return st.builds(Cell, plmn, area, cell)


def _listed(kind: type, item: type, *rest: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    def one(by: Discriminator) -> st.SearchStrategy[object]:
        cells = _cell(by) if item is Cell else st.builds(item, _cell(by), *rest)
        most = 0 if by is Discriminator.ALL else 5
        return st.builds(kind, st.just(by), st.lists(cells, max_size=most).map(tuple))

    return st.sampled_from(Discriminator).flatmap(one)


CELLS = _listed(cbsp.CellList, Cell)
COMPLETED = _listed(cbsp.CompletedList, cbsp.Completed, st.integers(0, 0xFFFF), st.sampled_from(cbsp.Counted))
LOADS = _listed(cbsp.LoadList, cbsp.Load, st.integers(0, 100), st.integers(0, 100))
FAILURES = st.lists(
    st.sampled_from(Discriminator).flatmap(
        lambda by: st.builds(cbsp.Failed, st.just(by), _cell(by), st.integers(0, 255))
    ),
    min_size=1,
    max_size=5,
).map(tuple)
WORD = st.integers(0, 0xFFFF)
OCTET = st.integers(0, 255)
PAGES = st.lists(st.builds(cb.Page, st.binary(min_size=82, max_size=82), st.integers(0, 82)), min_size=1, max_size=15)
SECONDS = st.integers(0, 186).map(lambda code: period_seconds(code) or 0)
MESSAGES = st.builds(
    cbsp.Cbsp,
    kind=st.sampled_from(Kind),
    message_id=WORD,
    new_serial=WORD,
    old_serial=WORD,
    cells=CELLS,
    channel=st.sampled_from(cbsp.Channel),
    category=st.sampled_from(cbsp.Category),
    period=WORD,
    requested=WORD,
    completed=COMPLETED,
    failures=FAILURES,
    loads=LOADS,
    cause=OCTET,
    dcs=OCTET,
    pages=PAGES.map(tuple),
    recovery=st.sampled_from(cbsp.Recovery),
    is_emergency=st.booleans(),
    warning_type=WORD,
    warning_security=st.binary(min_size=50, max_size=50),
    warning_s=SECONDS,
    broadcast_type=st.sampled_from(cbsp.BroadcastType),
    schedule=OCTET,
    slots=OCTET,
    keep_alive_s=SECONDS,
)


@given(MESSAGES)
def test_messages_come_back(message: cbsp.Cbsp) -> None:
    assert cbsp.decode(cbsp.encode(message)) == message


@given(st.sampled_from(Kind), st.binary(max_size=300))
def test_whatever_comes_is_read_or_refused(kind: Kind, body: bytes) -> None:
    frame = bytes([kind]) + len(body).to_bytes(3, "big") + body
    with suppress(cbsp.Wrong):
        assert cbsp.decode(frame).kind is kind


@given(MESSAGES, st.data())
def test_a_flipped_octet_is_read_or_refused(message: cbsp.Cbsp, data: st.DataObject) -> None:
    frame = bytearray(cbsp.encode(message))
    frame[data.draw(st.integers(0, len(frame) - 1))] = data.draw(OCTET)
    with suppress(cbsp.Wrong):
        cbsp.decode(bytes(frame))


@pytest.mark.parametrize("kind", [kind for kind in Kind if MANDATORY[kind]])
def test_a_message_without_its_elements_is_refused(kind: Kind) -> None:
    with pytest.raises(cbsp.Wrong, match="lacks") as caught:
        cbsp.decode(bytes([kind, 0, 0, 0]))
    assert caught.value.cause is cbsp.Cause.MISSING_ELEMENT


@pytest.mark.parametrize(
    ("frame", "cause"),
    [
        ("99000000", cbsp.Cause.UNRECOGNISED_MESSAGE),
        ("16000002ff00", cbsp.Cause.PARAMETER_NOT_RECOGNISED),
        ("16000004180a180a", cbsp.Cause.PARAMETER_VALUE_INVALID),  # twice
        ("1600000218ff", cbsp.Cause.PARAMETER_VALUE_INVALID),  # a reserved period
        ("10000004040008ff", cbsp.Cause.PARAMETER_VALUE_INVALID),  # ends within the list
        ("1000000404000103", cbsp.Cause.PARAMETER_VALUE_INVALID),  # a discriminator that is none
    ],
)
def test_what_is_wrong_is_named(frame: str, cause: cbsp.Cause) -> None:
    with pytest.raises(cbsp.Wrong) as caught:
        cbsp.decode(bytes.fromhex(frame))
    assert caught.value.cause is cause


@given(st.lists(MESSAGES, max_size=4), st.lists(st.integers(1, 400), min_size=1))
def test_a_stream_may_be_cut_anyhow(messages: list[cbsp.Cbsp], cuts: list[int]) -> None:
    stream = b"".join(map(cbsp.encode, messages))
    frames, found, turn = cbsp.Frames(), [], 0
    while stream:
        size = cuts[turn % len(cuts)]
        found += frames.feed(stream[:size])
        stream, turn = stream[size:], turn + 1
    assert [cbsp.decode(one) for one in found] == messages
    assert frames.is_empty


def test_a_stream_that_announces_too_much_ends() -> None:
    frames = cbsp.Frames()
    with pytest.raises(cb.Malformed, match=str(CBSP_FRAME_BYTES)):
        frames.feed(b"\x01\xff\xff\xff")


def test_lists_are_short() -> None:
    one_network = [f"466-92-{area}-{cell}" for area in range(100) for cell in range(100)]
    assert cbsp.cell_list(one_network[:9000]).by is Discriminator.CGI
    assert cbsp.cell_list(one_network).by is Discriminator.LAC_CI
    with pytest.raises(cb.Malformed, match="10001 cells"):
        cbsp.cell_list([*one_network, "466-01-1-1"])
    with pytest.raises(cb.Malformed, match="16 bits"):
        cbsp.cell_list(["466-92-1-70000"])


def test_periods_are_never_shorter_than_asked() -> None:
    for seconds in range(3601):
        found = period_seconds(period_code(seconds))
        assert found is not None
        assert seconds <= found <= 3600
    assert [period_code(one) for one in (0, 10, 30, 120, 600, 3600)] == [0, 10, 20, 38, 86, 186]
