"""A further gateway of a member: whose keys count, how many there are, and which are refused."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec
import pytest
from tests.kernel.exchange.directory.nation import Clock, server
from tests.kernel.exchange.directory.stage import a_centre, an_agency, joined

from banyan.errors import Invalid
from banyan.kernel.exchange.directory import document, upkeep
from banyan.kernel.exchange.directory.centre import Centre
from banyan.kernel.exchange.directory.membership import Agency
from banyan.kernel.exchange.directory.upkeep import Upkeep
from banyan.limits_road import DIRECTORY_KEY_DAYS, DIRECTORY_KEYS


class Office:
    """A centre, a member, and its further machines."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.clock = folder, Clock()
        self.centre: Centre = a_centre(folder / "centre", self.clock)
        self.first: Agency = an_agency(folder / "gw", "NHI", self.clock)
        joined(self.centre, self.first)

    def machine(self, code: str, **more: object) -> Agency:
        return an_agency(self.folder / code, "NHI", self.clock, server=code, **more)

    def admit(self, agency: Agency, *, by: Agency | None) -> None:
        request = by.vouch(agency.request()) if by else agency.request()
        with self.centre.turn():
            agency.accept(self.centre.admit(self.centre.submit(request.encode())))

    @property
    def keys(self) -> list[str]:
        (member,) = self.centre.authority.snapshot.members
        return [document.key_name(self.first.file.owner, one.public) for one in member.keys]


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path)


def test_who_shares_the_members_key_need_not_be_vouched_for(office: Office) -> None:
    """As of a device at both machines."""
    (office.folder / "gw2/keys").mkdir(parents=True, mode=0o700)
    shutil.copy2(office.folder / "gw/keys/sign.pem", office.folder / "gw2/keys/sign.pem")
    office.admit(office.machine("gw2"), by=None)
    assert len(office.keys) == 1
    assert len(office.centre.keeper.standing.servers()) == 2


def test_a_key_by_itself_counts_only_with_the_second_that_the_directory_has(office: Office) -> None:
    (office.folder / "gw2/keys").mkdir(parents=True, mode=0o700)
    shutil.copy2(office.folder / "gw/keys/sign.pem", office.folder / "gw2/keys/sign.pem")
    with pytest.raises(Invalid, match=r"^key: "):
        office.admit(office.machine("gw2", has_second=True), by=None)


def test_a_member_has_so_many_keys_and_none_is_pushed_out(office: Office) -> None:
    before = office.keys
    for number in range(2, DIRECTORY_KEYS + 1):
        office.admit(office.machine(f"gw{number}"), by=office.first)
    with pytest.raises(Invalid, match=r"^key: NHI has 8 keys in force already"):
        office.admit(office.machine("gw9"), by=office.first)
    assert office.keys[0] == before[0]
    office.clock.at += 60
    with office.centre.turn():
        office.centre.renew(office.first.ask_key().encode())
    assert len(office.keys) == DIRECTORY_KEYS
    assert before[0] not in office.keys, "of all keys the one that was replaced makes room"


def test_each_gateway_hears_that_its_own_key_ends(office: Office) -> None:
    """The member's other key goes on, so nothing was said, and one day no call of this gateway counted."""
    second = office.machine("gw2")
    office.admit(second, by=office.first)
    office.clock.at += (DIRECTORY_KEY_DAYS - 20) * 86_400
    with office.centre.turn():
        office.first.accept(office.centre.renew(office.first.ask_key().encode()))
        office.first.use_new_key()
    (member,) = office.centre.authority.snapshot.members
    (said,) = upkeep.own_key_ends(second, [member], office.clock())
    assert "gateway gw2 signs by" in said
    assert upkeep.own_key_ends(office.first, [member], office.clock()) == []
    alerts = Upkeep(second, office.centre.keeper, renew=no_renewal, reload=lambda path: None).alerts(office.clock())
    assert said in alerts


async def no_renewal(body: bytes) -> bytes:
    raise AssertionError("nobody asks")


def test_a_key_that_was_revoked_comes_back_by_no_machine(office: Office) -> None:
    second = office.machine("gw2")
    office.admit(second, by=office.first)
    with office.centre.turn():
        office.centre.authority.revoke("key", office.keys[1])
    second.keeper().take_revocations(office.centre.keeper.revocations)
    third = office.machine("gw3")
    with pytest.raises(Invalid, match=r"^key: "):
        second.vouch(third.request())
    shutil.copy2(office.folder / "gw2/keys/sign.pem", office.folder / "gw3/keys/sign.pem")
    (office.folder / "gw3/request.json").unlink()
    with pytest.raises(Invalid, match=r"^key: The signing key was revoked"):
        office.admit(third, by=office.first)


def test_a_gateway_that_was_revoked_has_its_code_no_more(office: Office) -> None:
    second = office.machine("gw2")
    office.admit(second, by=office.first)
    with office.centre.turn():
        office.centre.authority.revoke("gateway", "TW/GOV/NHI/gw2")
        members = office.centre.authority.snapshot.members
        left = msgspec.structs.replace(members[0], gateways=members[0].gateways[:1])
        office.centre.authority.change(lambda one: msgspec.structs.replace(one, members=(left,)))
    again = an_agency(office.folder / "again", "NHI", office.clock, server="gw2")
    with pytest.raises(Invalid, match=r"^server: gw2 was revoked"):
        office.admit(again, by=office.first)
    assert office.centre.keeper.standing.way(server("NHI")) is not None, "the first one goes on"


def test_a_request_that_was_answered_is_answered_once(office: Office) -> None:
    """Also when the gateway has left since: officers approved it then, not now."""
    second = office.machine("gw2")
    request = office.first.vouch(second.request())
    office.admit(second, by=office.first)
    with office.centre.turn():
        (member,) = office.centre.authority.snapshot.members
        left = msgspec.structs.replace(member, gateways=member.gateways[:1])
        office.centre.authority.change(lambda one: msgspec.structs.replace(one, members=(left,)))
    with pytest.raises(Invalid, match=r"^request: It was answered already"), office.centre.turn():
        office.centre.admit(office.centre.submit(request.encode()))
