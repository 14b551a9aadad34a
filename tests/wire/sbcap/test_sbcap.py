"""SBc-AP by hand: round trips, and Wireshark's own dissector reads every message (TS 29.168)."""

from __future__ import annotations

import json
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.make import missing

from banyan.wire import cellbroadcast as cb
from banyan.wire import sbcap
from banyan.wire.sbcap import Counted, Eutran, Outcome, Procedure, TrackingArea

PLMN = st.sampled_from(["466-92", "466-01", "310-410"])
AREAS = st.lists(st.builds(TrackingArea, PLMN, st.integers(0, 0xFFFF)), max_size=5).map(tuple)
CELLS = st.lists(st.builds(Eutran, PLMN, st.integers(0, (1 << 28) - 1)), max_size=5).map(tuple)
COUNTED = st.lists(
    st.builds(Counted, st.builds(Eutran, PLMN, st.integers(0, (1 << 28) - 1)), st.integers(0, 0xFFFF)), max_size=4
).map(tuple)
PAGES = st.lists(st.builds(cb.Page, st.binary(min_size=82, max_size=82), st.integers(0, 82)), max_size=15).map(tuple)
WORD = st.integers(0, 0xFFFF)
AIMED = CELLS.map(lambda cells: {"cells": cells}) | AREAS.map(lambda areas: {"warning_areas": areas})
MESSAGES = st.builds(
    lambda aimed, **fields: sbcap.Sbcap(**aimed, **fields),
    AIMED,
    procedure=st.sampled_from([one for one in Procedure if one is not Procedure.ERROR]),
    outcome=st.sampled_from(Outcome),
    message_id=WORD,
    serial=WORD,
    areas=AREAS,
    period_s=st.none() | st.integers(0, 4095),
    requested=st.none() | WORD,
    warning_type=st.none() | WORD,
    dcs=st.none() | st.integers(0, 255),
    pages=PAGES,
    is_concurrent=st.booleans(),
    wants_indication=st.booleans(),
    cause=st.none() | st.integers(0, 255),
    unknown_areas=AREAS,
    scheduled=CELLS,
    cancelled=COUNTED,
)


@given(MESSAGES)
def test_messages_come_back(message: sbcap.Sbcap) -> None:
    assert sbcap.decode(sbcap.encode(message)) == message


@given(st.binary(max_size=200))
def test_whatever_comes_is_read_or_refused(octets: bytes) -> None:
    with suppress(cb.Malformed):
        sbcap.decode(octets)


@given(MESSAGES, st.data())
def test_a_flipped_octet_is_read_or_refused(message: sbcap.Sbcap, data: st.DataObject) -> None:
    octets = bytearray(sbcap.encode(message))
    octets[data.draw(st.integers(0, len(octets) - 1))] = data.draw(st.integers(0, 255))
    with suppress(cb.Malformed):
        sbcap.decode(bytes(octets))


def test_too_many_cells_for_one_message_are_refused() -> None:
    many = tuple(Eutran("466-92", number) for number in range(3_000))
    with pytest.raises(cb.Malformed, match="fewer cells"):
        sbcap.encode(sbcap.Sbcap(procedure=Procedure.STOP, message_id=1, serial=1, cells=many))


def test_cells_and_warning_areas_together_are_refused() -> None:
    """Only one of them has a place in the message; the areas were left out without a word."""
    cells, areas = (Eutran("466-92", 1),), (TrackingArea("466-92", 7),)
    for outcome in Outcome:
        both = sbcap.Sbcap(
            procedure=Procedure.WRITE_REPLACE, outcome=outcome, message_id=1, serial=1, cells=cells, warning_areas=areas
        )
        with pytest.raises(cb.Malformed, match="cells or tracking areas"):
            sbcap.encode(both)


def _write(**more: object) -> sbcap.Sbcap:
    encoded = cb.encode("花蓮縣近海發生有感地震，請就近避難並注意餘震。" * 3, "zh")
    fields = {
        "procedure": Procedure.WRITE_REPLACE,
        "message_id": 4371,
        "serial": 0x4011,
        "areas": (TrackingArea("466-92", 10101), TrackingArea("466-92", 10102)),
        "cells": (Eutran("466-92", 0x1234501), Eutran("466-92", 0x1234502)),
        "period_s": 30,
        "requested": 100,
        "dcs": encoded.dcs,
        "pages": encoded.pages,
        "is_concurrent": True,
        "wants_indication": True,
    }
    return sbcap.Sbcap(**{**fields, **more})  # type: ignore[arg-type]


WORDS = {
    '"sbc-ap.Message_Identifier": "4371"',
    '"sbc-ap.Serial_Number": "40:11"',
    '"sbc-ap.Repetition_Period": "30"',
    '"sbc-ap.Number_of_Broadcasts_Requested": "100"',
    '"sbc-ap.cell_ID": "12:34:50:20"',
    '"sbc-ap.tAC": "10102"',
    "花蓮縣近海發生有感地震",
}
CELL = Eutran("466-92", 0x1234501)
SEEN = [
    (_write(), "Write-Replace-Warning-Request", WORDS),
    (
        _write(cells=(), warning_areas=(TrackingArea("466-92", 7),)),
        "Write-Replace-Warning-Request",
        {'"sbc-ap.tAC": "7"'},
    ),
    (
        sbcap.Sbcap(
            procedure=Procedure.WRITE_REPLACE,
            message_id=0x1100,
            serial=1,
            warning_type=0x0180,
            period_s=0,
            requested=1,
        ),
        "Write-Replace-Warning-Request",
        {"4352"},
    ),
    (
        sbcap.Sbcap(
            procedure=Procedure.WRITE_REPLACE,
            outcome=Outcome.SUCCESSFUL,
            message_id=4371,
            serial=0x4011,
            cause=4,
            unknown_areas=(TrackingArea("466-92", 10102),),
        ),
        "Write-Replace-Warning-Response",
        {'"sbc-ap.Cause": "4"', '"sbc-ap.tAC": "10102"'},
    ),
    (
        sbcap.Sbcap(procedure=Procedure.STOP, message_id=4371, serial=0x4011, areas=(TrackingArea("466-92", 10101),)),
        "Stop-Warning-Request",
        {"4371"},
    ),
    (
        sbcap.Sbcap(procedure=Procedure.STOP, outcome=Outcome.SUCCESSFUL, message_id=4371, serial=0x4011, cause=0),
        "Stop-Warning-Response",
        {'"sbc-ap.Cause": "0"'},
    ),
    (
        sbcap.Sbcap(
            procedure=Procedure.WRITE_REPLACE_INDICATION, message_id=4371, serial=0x4011, scheduled=(CELL, CELL)
        ),
        "Write-Replace-Warning-Indication",
        {"12:34:50:10"},
    ),
    (
        sbcap.Sbcap(
            procedure=Procedure.STOP_INDICATION, message_id=4371, serial=0x4011, cancelled=(Counted(CELL, 77),)
        ),
        "Stop-Warning-Indication",
        {"77", "12:34:50:10"},
    ),
]


@pytest.fixture(scope="module")
def dissected(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What tshark reads in our octets, as they would come in SCTP chunks, message by message."""
    if shutil.which("tshark") is None:
        missing("Debian package missing: tshark")
    folder: Path = tmp_path_factory.mktemp("sbcap")
    lines = []
    for message, _, _ in SEEN:
        octets = sbcap.encode(message)
        lines += [f"{at:06x} {octets[at : at + 16].hex(' ')}" for at in range(0, len(octets), 16)]
        lines.append(f"{len(octets):06x}")
    (folder / "messages.txt").write_text("\n".join(lines) + "\n")
    ports = f"{sbcap.PORT},{sbcap.PORT},{sbcap.PAYLOAD_PROTOCOL}"
    for command in (
        ["text2pcap", "-q", "-S", ports, "messages.txt", "messages.pcap"],
        ["tshark", "-r", "messages.pcap", "-T", "json", "-O", "sbcap"],
    ):
        done = subprocess.run(command, cwd=folder, capture_output=True, timeout=60, check=True)
    return [json.dumps(one["_source"]["layers"], ensure_ascii=False) for one in json.loads(done.stdout)]


@pytest.mark.parametrize("number", range(len(SEEN)))
def test_wireshark_reads_it(dissected: list[str], number: int) -> None:
    message, name, words = SEEN[number]
    assert sbcap.decode(sbcap.encode(message)) == message
    seen = dissected[number]
    assert len(dissected) == len(SEEN)
    assert name.replace("-", "_").lower() in seen.replace("-", "_").lower()
    assert "malformed" not in seen.lower()
    for word in words:
        assert word in seen, seen
