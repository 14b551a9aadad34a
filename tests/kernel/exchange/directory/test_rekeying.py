"""A signing key changes under a gateway that runs: it signs by the new one, and no call fails on the way."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import pytest
from tests.kernel.exchange.directory.nation import data, in_loop
from tests.kernel.exchange.directory.test_travel import Land, a_land

from banyan.errors import Invalid
from banyan.kernel.exchange.directory import keyfiles
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


def rotate(land: Land) -> str:
    """As `agency rotate-key` does, in another process; the new key's name."""
    agency, centre = land.agencies["NHI"], land.centre
    with centre.turn():
        welcome = centre.renew(agency.ask_key().encode())
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
