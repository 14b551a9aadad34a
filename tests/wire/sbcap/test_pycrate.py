"""Our elements of SBc-AP against pycrate's S1AP, whose Write-Replace Warning Request has the same ones (TS 36.413
s9.2.1.44-53, TS 29.168 s4.3.4), both ways and spoilt; our pages of the GSM alphabet against its own.

pycrate 0.8.1 has no SBc-AP and no CBSP. Its packing of UCS-2 pages raises for every text, so of UCS-2 only the data
coding scheme, the language in front and the content as an element are compared.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from tests.make import missing

from banyan.wire import cellbroadcast as cb
from banyan.wire import sbcap
from banyan.wire.cbsp.cells import plmn_octets
from banyan.wire.cellbroadcast import gsm7
from banyan.wire.sbcap import Eutran, Procedure, TrackingArea, codec
from banyan.wire.sbcap.aper import Writer

ROOT = Path(__file__).parents[3]
PYTHON = ROOT / ".venv-peers/bin/python"
PEER = Path(__file__).with_name("peers") / "pycrate_ies.py"
pytestmark = pytest.mark.peers
NAMES = {
    "message_id": codec._MESSAGE_ID, "serial": codec._SERIAL, "period": codec._PERIOD, "dcs": codec._DCS,
    "requested": codec._REQUESTED, "warning_type": codec._WARNING_TYPE, "content": codec._CONTENT,
    "area": codec._WARNING_AREA,
}  # fmt: skip
TEXTS = (
    "Typhoon: stay inside.",
    "a" * 93,
    "b" * 94,
    "€{[~]}\\|^" * 40,
    "x" * 1_394,
    "Æøå ΓΔ ñ¿" * 30,
    "@" * 8 + "a",
    "1234567",
)
MESSAGES = 40


class Pycrate:
    """The peer; `ask` gives what it says, or None where it refuses."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def ask(self, do: str, **case: Any) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"do": do, **case}) + "\n")
        self._process.stdin.flush()
        said = json.loads(self._process.stdout.readline())
        return said.get("is")


@pytest.fixture(scope="module")
def pycrate() -> Iterator[Pycrate]:
    found = PYTHON.exists() and any(PYTHON.parents[1].glob("lib/python*/site-packages/pycrate_asn1dir"))
    if not found:
        missing("no .venv-peers with pycrate")
    pipe = subprocess.PIPE
    with subprocess.Popen([str(PYTHON), str(PEER)], stdin=pipe, stdout=pipe, text=True) as process:
        yield Pycrate(process)
        process.communicate()


def a_message(random: Random) -> sbcap.Sbcap:
    """Any request: with cells or tracking areas, pages in either alphabet."""
    text = random.choice(("Flood", "淹水警戒，請往高處。" * random.randrange(1, 12), "x" * random.randrange(1, 500)))
    encoded = cb.encode(text, random.choice(("", "en", "zh")))
    plmn = random.choice(("466-92", "466-01", "310-410"))
    count = random.choice((0, 1, 2, 70, 300))
    is_cells = random.random() < 0.5
    return sbcap.Sbcap(
        procedure=Procedure.WRITE_REPLACE, message_id=random.randrange(65_536), serial=random.randrange(65_536),
        period_s=random.randrange(4_096), requested=random.randrange(65_536), warning_type=random.randrange(65_536),
        dcs=encoded.dcs, pages=encoded.pages,
        cells=tuple(Eutran(plmn, random.randrange(1 << 28)) for _ in range(count)) if is_cells else (),
        warning_areas=() if is_cells else tuple(TrackingArea(plmn, random.randrange(65_536)) for _ in range(count)),
    )  # fmt: skip


def values_of(message: sbcap.Sbcap) -> dict[str, Any]:
    """As the peer is told them."""
    assert message.warning_type is not None
    found: dict[str, Any] = {
        "message_id": message.message_id, "serial": message.serial, "period": message.period_s, "dcs": message.dcs,
        "requested": message.requested, "warning_type": message.warning_type.to_bytes(2, "big").hex(),
        "content": codec.pages_octets(message.pages).hex(),
    }  # fmt: skip
    if message.cells:
        found["area"] = ["cells", [[plmn_octets(one.plmn).hex(), one.cell] for one in message.cells]]
    elif message.warning_areas:
        found["area"] = ["areas", [[plmn_octets(one.plmn).hex(), one.code] for one in message.warning_areas]]
    return found


def a_pdu(elements: dict[int, bytes]) -> bytes:
    """A Write-Replace Warning Request of somebody's elements."""
    body, pdu = Writer(), Writer()
    body.bits(0, 2)
    body.number(len(elements), 0, 65_535)
    for number, value in elements.items():
        body.number(number, 0, 65_535)
        body.bits(0, 2)
        body.open_type(value)
    pdu.bits(0, 3)
    pdu.number(Procedure.WRITE_REPLACE, 0, 255)
    pdu.bits(0, 2)
    pdu.open_type(body.done())
    return pdu.done()


def test_what_we_write_is_bit_for_bit_what_pycrate_writes_and_reads_back(pycrate: Pycrate) -> None:
    random = Random(29_168)
    compared = 0
    for _ in range(MESSAGES):
        message = a_message(random)
        ours = dict(codec._elements(message))
        for name, value in values_of(message).items():
            octets = ours[NAMES[name]].hex()
            assert pycrate.ask("write", name=name, value=value) == octets, (name, value)
            assert pycrate.ask("read", name=name, octets=octets) == value, (name, octets)
            compared += 1
    assert compared > 7 * MESSAGES


def test_what_pycrate_writes_is_read_by_us(pycrate: Pycrate) -> None:
    random = Random(36_413)
    for _ in range(MESSAGES):
        message = a_message(random)
        theirs = {
            NAMES[name]: bytes.fromhex(pycrate.ask("write", name=name, value=value))
            for name, value in values_of(message).items()
        }
        assert sbcap.decode(a_pdu(theirs)) == message


def test_the_ends_of_each_range_are_written_alike_and_nothing_beyond(pycrate: Pycrate) -> None:
    for name, low, high in (("message_id", 0, 65_535), ("serial", 0, 65_535), ("dcs", 0, 255), ("requested", 0, 65_535),
                            ("period", 0, 4_095)):  # fmt: skip
        field = {"period": "period_s"}.get(name, name)
        for value in (low, high):
            given = {"message_id": 1, "serial": 1, field: value}
            ours = dict(codec._elements(sbcap.Sbcap(procedure=Procedure.WRITE_REPLACE, **given)))  # type: ignore[arg-type]
            assert pycrate.ask("write", name=name, value=value) == ours[NAMES[name]].hex()
        if name in ("requested", "period"):  # of bit strings it writes the low bits
            assert pycrate.ask("write", name=name, value=high + 1) is None


def test_a_spoilt_element_is_refused_by_both_or_read_alike(pycrate: Pycrate) -> None:
    """Cut short, a bit turned over: neither reads what the other refuses as something else. Where one is stricter (we
    want whole pages of 82 octets, S1AP's area list has a third kind) the other's reading is not asked for."""
    random = Random(7)
    refused = read = 0
    head = {codec._MESSAGE_ID: b"\x11\x13", codec._SERIAL: b"\x40\x11"}
    for _ in range(MESSAGES):
        message = a_message(random)
        for name, octets in ((name, dict(codec._elements(message))[NAMES[name]]) for name in values_of(message)):
            cut = octets[: random.randrange(len(octets))]
            assert _ours(head | {NAMES[name]: cut}, name) is None, f"{name} cut to {cut.hex()}"
            assert pycrate.ask("read", name=name, octets=cut.hex()) is None
            turned = bytearray(octets)
            turned[random.randrange(len(turned))] ^= 1 << random.randrange(8)
            ours = _ours(head | {NAMES[name]: bytes(turned)}, name)
            if ours is None:
                refused += 1
                continue
            read += 1
            assert pycrate.ask("read", name=name, octets=bytes(turned).hex()) == ours, (name, turned.hex())
    assert refused > 0
    assert read > MESSAGES


def _ours(elements: dict[int, bytes], name: str) -> Any:
    """One element as the peer would tell it; None where we refuse."""
    try:
        message = sbcap.decode(a_pdu(elements))
    except cb.Malformed:
        return None
    shown = values_of(sbcap.Sbcap(**{"warning_type": 0, **_fields(message)}))
    return shown.get(name)


def _fields(message: sbcap.Sbcap) -> dict[str, Any]:
    found = {name: getattr(message, name) for name in message.__struct_fields__}
    return {name: value for name, value in found.items() if value is not None}


@pytest.mark.parametrize("text", TEXTS)
def test_pages_of_the_gsm_alphabet_are_read_by_pycrate_and_its_by_us(pycrate: Pycrate, text: str) -> None:
    ours = cb.encode(text)
    assert cb.coding(ours.dcs).alphabet is cb.Alphabet.GSM
    said = pycrate.ask("text", pages=[[page.octets.hex(), page.used] for page in ours.pages])
    assert said.rstrip("\r") == text, "seven spare bits hold a carriage return, as TS 23.038 s6.1.2.3.1 pads"
    theirs = pycrate.ask("pages", text=text)
    assert [used for _, used in theirs] == [page.used for page in ours.pages]
    pages = tuple(cb.Page(bytes.fromhex(page), used) for page, used in theirs)
    last = gsm7.septets(text[-93:]) or []
    spare = "@" if sum(map(len, last)) % 8 == 7 else ""  # its seven spare bits are zeros, which say @
    assert cb.decode(ours.dcs, pages).text in (text, text + spare)


@pytest.mark.parametrize(
    ("dcs", "meaning"),
    [(0x01, [0, [1]]), (0x0F, [0, [15]]), (0x10, [1, [0]]), (0x11, [1, [1]]), (0x48, [4, [2, 0]])],
)
def test_the_data_coding_schemes_that_we_write_mean_the_same_to_pycrate(
    pycrate: Pycrate, dcs: int, meaning: list[Any]
) -> None:
    assert pycrate.ask("dcs", value=dcs) == meaning
    assert cb.coding(dcs).alphabet is (cb.Alphabet.UCS2 if dcs in (0x11, 0x48) else cb.Alphabet.GSM)


def test_a_page_of_chinese_begins_with_its_language_as_pycrate_reads_it(pycrate: Pycrate) -> None:
    encoded = cb.encode("花蓮縣淹水警戒", "zh")
    page = encoded.pages[0]
    assert encoded.dcs == 0x11
    assert pycrate.ask("language", octets=page.octets[:2].hex()) == "zh"
    assert page.octets[2 : page.used].decode("utf-16-be") == "花蓮縣淹水警戒"
