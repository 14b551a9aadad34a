"""A signing key changes under a gateway that runs: it signs by the new one, and no call fails on the way."""

from __future__ import annotations

import re
import shutil
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from tests.kernel.exchange.directory.nation import Clock, data, in_loop
from tests.kernel.exchange.directory.stage import a_centre, an_agency, joined
from tests.kernel.exchange.directory.test_travel import Land, a_land

from banyan.errors import Invalid
from banyan.kernel.exchange.directory import document, keyfiles, upkeep
from banyan.kernel.exchange.directory.membership import Agency
from banyan.kernel.exchange.directory.rekeying import take_up_keys
from banyan.limits_road import DIRECTORY_AHEAD_S, DIRECTORY_SETTLE_S, ROAD_FORM_AFTER

OWNER = data("NHI").owner


async def taken(land: Land) -> list[str]:
    desk = land.road.keepers["NHI"].gateway.desk
    return await take_up_keys(desk, [land.agencies["NHI"]], land.keepers["NHI"].standing, land.clock())


async def calls(land: Land) -> set[str]:
    """As many as make the straight way take them; by which keys they were signed."""
    log = land.road.keepers["NIA"].log.kept
    log.clear()
    for _ in range(ROAD_FORM_AFTER + 4):
        assert (await land.call()).status == 200
    return {one for kept in log if kept.request is not None for one in named_in(kept.request.fields)}


def named_in(fields: Iterable[tuple[bytes, bytes]]) -> list[str]:
    values = b"".join(value for name, value in fields if name.lower() == b"signature-input")
    return re.findall(r'keyid="([^"]+)"', values.decode())


class Device:
    """A `LoadKey`: keys in memory by their address, and how often each was opened."""

    def __init__(self) -> None:
        self.keys: dict[str, ec.EllipticCurvePrivateKey] = {}
        self.opened: Counter[str] = Counter()

    def load(self, address: str) -> ec.EllipticCurvePrivateKey:
        self.opened[address] += 1
        return self.keys.setdefault(address, ec.generate_private_key(ec.SECP256R1()))


def rotate(land: Land, address: str = "", agency: Agency | None = None) -> str:
    """As `agency rotate-key` does, in another process; the new key's name."""
    agency, centre = agency or land.agencies["NHI"], land.centre
    with centre.turn():
        welcome = centre.renew(agency.ask_key(address).encode())
    agency.accept_certificate(welcome)
    agency.use_new_key()
    return agency.signers()[0].keyid


def past(land: Land, seconds: float) -> None:
    land.clock.at += seconds
    land.road.clock.now = land.clock.at


@in_loop
async def test_a_running_gateway_signs_by_the_new_key_when_peers_have_heard(tmp_path: Path) -> None:
    async with a_land(tmp_path) as land:
        old = land.agencies["NHI"].signers()[0].keyid
        assert await calls(land) == {old}
        assert await taken(land) == []
        new = rotate(land)
        assert new != old
        assert await taken(land) == [], "its directory does not have it yet"
        await land.rounds()
        assert await taken(land) == [], "a peer may not have heard yet"
        assert await calls(land) == {old}
        past(land, DIRECTORY_AHEAD_S + DIRECTORY_SETTLE_S)
        assert await taken(land) == [new]
        assert await calls(land) == {new}
        assert await taken(land) == []


@in_loop
async def test_a_new_key_in_a_device_is_taken_up_as_one_in_a_file(tmp_path: Path) -> None:
    device = Device()

    def opened(land: Land) -> Agency:
        return Agency(land.agencies["NHI"].folder, clock=land.clock, load_key=device.load)

    async with a_land(tmp_path) as land:
        land.agencies["NHI"] = opened(land)
        for address in ("pkcs11:one", "pkcs11:two"):
            new = rotate(land, address, opened(land))
            await land.rounds()
            device.opened.clear()
            assert await taken(land) == [], "a peer may not have heard yet"
            past(land, DIRECTORY_AHEAD_S + DIRECTORY_SETTLE_S)
            assert await taken(land) == [new]
            assert await calls(land) == {new}
            assert await taken(land) == []
            assert device.opened == {address: 1}, "each opening takes a session of the device"
        assert not list((land.agencies["NHI"].folder / "keys").iterdir()), "the key that was in a file is removed"
        edited = land.agencies["NHI"].folder / "agency.json"
        edited.write_text(edited.read_text().replace("pkcs11:two", "pkcs11:other").replace('"gw"', '"gw9"'))
        past(land, DIRECTORY_AHEAD_S + DIRECTORY_SETTLE_S)
        assert await taken(land) == [], "no officer put it in force"
        assert land.agencies["NHI"].file.server == "gw", "who it is stays as at the start"


def test_a_key_in_a_device_is_not_replaced_by_itself_nor_by_one_in_a_file(tmp_path: Path) -> None:
    device, clock = Device(), Clock()
    agency = an_agency(tmp_path, "NHI", clock, load_key=device.load, sign_key="pkcs11:one")
    for address in ("", "pkcs11:one"):
        with pytest.raises(Invalid, match="make a new one there"):
            agency.ask_key(address)
    asked = agency.ask_key("pkcs11:two")
    assert agency.ask_key().wanted.key == asked.wanted.key, "the one that was asked for"
    assert agency.signers()[0].keyid.endswith(document.fingerprint(keyfiles.public_der(device.keys["pkcs11:one"])))


def test_a_second_gateway_that_shares_the_device_needs_no_request(tmp_path: Path) -> None:
    device, clock = Device(), Clock()
    centre = a_centre(tmp_path / "centre", clock)
    first = an_agency(tmp_path / "a", "NHI", clock, load_key=device.load, sign_key="pkcs11:one")
    joined(centre, first)
    second = Agency(shutil.copytree(tmp_path / "a", tmp_path / "b"), clock=clock, load_key=device.load)
    second.ask_key("pkcs11:two")
    assert not second.is_asked_key_known()
    with centre.turn():
        centre.renew(first.ask_key("pkcs11:two").encode())
    second.keeper().take(centre.keeper.offer(second.keeper().held.facts.size))
    assert second.is_asked_key_known()
    (member,) = centre.authority.snapshot.members
    (said,) = upkeep.own_key_ends(second, [member], clock())
    assert "gateway gw signs by ends" in said
    second.use_new_key()
    assert second.file.sign_key == "pkcs11:two"
    assert upkeep.own_key_ends(second, [member], clock()) == []


@in_loop
async def test_the_new_key_is_taken_up_at_once_where_the_old_one_counts_no_more(tmp_path: Path) -> None:
    async with a_land(tmp_path) as land:
        old = land.agencies["NHI"].signers()[0].keyid
        new = rotate(land)
        with land.centre.turn():
            land.centre.authority.revoke("key", old)
        await land.rounds()
        assert (await land.call()).status == 500
        assert await taken(land) == [new]
        assert await calls(land) == {new}


@in_loop
async def test_a_key_that_no_officer_put_in_force_is_not_taken_up(tmp_path: Path) -> None:
    async with a_land(tmp_path) as land:
        path = land.agencies["NHI"].folder / "keys" / "sign.pem"
        path.unlink()
        keyfiles.save_key(path, keyfiles.new_signing_key("p256"))
        past(land, DIRECTORY_AHEAD_S + DIRECTORY_SETTLE_S)
        assert await taken(land) == []
        path.write_bytes(b"broken")
        with pytest.raises(Invalid, match="no private key"):
            await taken(land)
