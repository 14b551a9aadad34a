"""Certificates renew themselves, enter the directory before they are shown, and what ends is said in a sentence."""

from __future__ import annotations

import secrets
import shutil
import ssl
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from tests.kernel.exchange.directory.nation import Clock, in_loop, server
from tests.kernel.exchange.directory.stage import a_centre, an_agency, joined

from banyan.errors import Conflict, Invalid, Unavailable
from banyan.kernel.exchange.directory import ca, counter, enrolment, keyfiles, upkeep
from banyan.kernel.exchange.directory.centre import Centre
from banyan.kernel.exchange.directory.document import RevokedKind
from banyan.kernel.exchange.directory.keeper import Keeper, Refused
from banyan.kernel.exchange.directory.membership import Agency, made, no_devices, read_welcome
from banyan.kernel.exchange.directory.tending import tend
from banyan.kernel.exchange.directory.upkeep import Upkeep, held

DAY = 86_400


class Office:
    """A centre, one agency, and the wire between them, which a test may cut."""

    def __init__(self, folder: Path, **agency: object) -> None:
        self.clock = Clock()
        self.centre: Centre = a_centre(folder / "centre", self.clock)
        self.agency: Agency = an_agency(folder / "a", "NHI", self.clock, **agency)
        self.keeper: Keeper = joined(self.centre, self.agency)
        self.reloaded: list[Path] = []
        self.is_cut = False
        self.asked = 0
        self.upkeep = Upkeep(self.agency, self.keeper, renew=self.renew, reload=self.reloaded.append)

    async def renew(self, body: bytes) -> bytes:
        self.asked += 1
        if self.is_cut:
            raise Unavailable("The centre does not answer.")
        told = counter.answer(self.centre, "POST", "/directory/renewals", body)
        assert told.status == 200, told.body
        return told.body

    def listen(self) -> None:
        tend(self.centre, self.keeper)


@in_loop
async def test_a_year_passes_and_there_is_always_a_certificate_that_counts(tmp_path: Path) -> None:
    """Every fourth day gossip and upkeep: the directory knows what is shown, before it is shown."""
    office = Office(tmp_path)
    shown = set()
    for _ in range(92):
        office.clock.at += 4 * DAY
        office.listen()
        await office.upkeep.step(office.clock())
        current = held(office.agency.tls)
        shown.add(current.sha256)
        assert office.keeper.standing.server_of(current.sha256) == server("NHI")
        assert current.until - office.clock() > 25 * DAY
        assert office.upkeep.alerts(office.clock()) == []
    assert len(shown) == len(office.reloaded) + 1
    assert 4 <= office.asked <= 7
    assert (office.agency.tls.stat().st_mode & 0o777) == 0o600


@in_loop
async def test_the_next_certificate_is_not_shown_before_peers_could_hear(tmp_path: Path) -> None:
    office = Office(tmp_path)
    before = held(office.agency.tls)
    office.clock.at += 61 * DAY
    office.listen()
    await office.upkeep.step(office.clock())
    assert office.agency.next_tls.exists()
    await office.upkeep.step(office.clock())
    assert held(office.agency.tls) == before, "this gateway has not heard of it yet"
    office.listen()
    await office.upkeep.step(office.clock())
    assert held(office.agency.tls) == before, "others may not have"
    office.clock.at += 601
    await office.upkeep.step(office.clock())
    assert held(office.agency.tls) != before
    assert office.asked == 1
    assert office.keeper.standing.server_of(before.sha256) == server("NHI"), "the old one counts until it ends"


@in_loop
async def test_a_centre_that_is_away_costs_alerts_and_is_asked_the_same_again(tmp_path: Path) -> None:
    office = Office(tmp_path)
    office.clock.at += 70 * DAY
    office.listen()
    office.is_cut = True
    await office.upkeep.step(office.clock())
    first = office.agency.ask_certificate()
    alerts = office.upkeep.alerts(office.clock())
    assert any("ends on" in one and "in 20 days" in one for one in alerts)
    assert any("does not answer" in one for one in alerts)
    await office.upkeep.step(office.clock())
    assert office.agency.ask_certificate() == first
    office.is_cut = False
    await office.upkeep.step(office.clock())
    office.listen()
    assert office.upkeep.failed == ""
    office.clock.at += 700
    office.listen()
    await office.upkeep.step(office.clock())
    assert office.upkeep.alerts(office.clock()) == []


def test_what_ends_is_said_in_a_sentence_each(tmp_path: Path) -> None:
    office = Office(tmp_path)
    snapshot, now = office.keeper.standing.snapshot, office.clock()
    assert snapshot is not None
    assert upkeep.endings(snapshot, snapshot.members, now) == []
    late = upkeep.endings(snapshot, snapshot.members, type(now)(now + 3 * 365 * DAY))
    assert len(late) == 2
    assert "signing key of TW/GOV/NHI ended on" in late[0]
    assert "rotate-key" in late[0]
    ten_years = upkeep.endings(snapshot, snapshot.members, type(now)(now + 3_640 * DAY))
    assert any("TW road CA" in one for one in ten_years)
    for days, words in ((2, "28 more days"), (31, "has expired")):
        said = upkeep.silence(office.keeper.standing, type(now)(now + days * DAY))
        assert words in said[0]


def test_a_new_key_counts_at_once_and_the_old_for_a_week(tmp_path: Path) -> None:
    office = Office(tmp_path, has_second=True)
    old, _ = office.agency.signers()
    with office.centre.turn():
        office.agency.accept(office.centre.renew(office.agency.ask_key().encode()))
    office.agency.use_new_key()
    new, second = office.agency.signers()
    assert second is not None
    assert new.keyid != old.keyid
    office.clock.at += 60
    office.listen()
    standing = office.keeper.standing
    assert standing.keys(new.keyid) is not None
    assert standing.keys(old.keyid) is not None
    office.clock.at += 7 * DAY
    assert standing.keys(old.keyid) is None
    assert standing.keys(new.keyid) is not None


def test_renewals_are_for_members_whose_key_counts(tmp_path: Path) -> None:
    office = Office(tmp_path)
    stranger = an_agency(tmp_path / "s", "NIA", office.clock)
    twin = made(tmp_path / "t", office.agency.file, clock=office.clock, load_key=no_devices)
    with office.centre.turn():
        for request in (stranger.ask_certificate(), twin.ask_certificate(), twin.ask_key(), stranger.request()):
            with pytest.raises(Invalid):
                office.centre.renew(request.encode())
        asked = office.agency.ask_key()
        lie = msgspec.structs.replace(asked, wanted=msgspec.structs.replace(asked.wanted, member="NIA"))
        with pytest.raises(Invalid, match="changed after"):
            office.centre.renew(lie.encode())
        unproven = msgspec.structs.replace(asked, proofs=asked.proofs[:1])
        with pytest.raises(Invalid, match="signs the request"):
            office.centre.renew(unproven.encode())
        office.centre.authority.revoke("member", "TW/GOV/NHI")
        with pytest.raises(Invalid, match="revoked"):
            office.centre.renew(office.agency.ask_certificate().encode())


@pytest.mark.parametrize("days", [31, -1])
def test_old_requests_and_those_from_the_future_are_made_anew(tmp_path: Path, days: int) -> None:
    office = Office(tmp_path)
    data = an_agency(tmp_path / "b", "NIA", office.clock).request().encode()
    with pytest.raises(Invalid, match="anew"):
        enrolment.read(data, now=office.clock.at + days * DAY)


def test_a_folder_restored_from_a_backup_signs_nothing_twice(tmp_path: Path) -> None:
    """The centre's folder goes back a week; its gateway's own copy brings it on before the authority speaks."""
    office = Office(tmp_path)
    shutil.copytree(tmp_path / "centre", tmp_path / "backup")
    for code in ("NIA", "CDC"):
        joined(office.centre, an_agency(tmp_path / code, code, office.clock))
    office.listen()
    before = office.keeper.held
    shutil.rmtree(tmp_path / "centre")
    shutil.copytree(tmp_path / "backup", tmp_path / "centre")
    restored = a_centre(tmp_path / "centre", office.clock)
    assert restored.keeper.held.facts.size < before.facts.size
    office.clock.at += 700
    tend(restored, office.keeper)
    joined(restored, an_agency(tmp_path / "NPA", "NPA", office.clock))
    assert tend(restored, office.keeper)
    assert [one.code for one in office.keeper.standing.snapshot.members] == ["NHI", "NIA", "CDC", "NPA"]  # type: ignore[union-attr]
    assert office.keeper.evidence == ()


def test_a_folder_that_went_another_way_is_told_from_its_gateway(tmp_path: Path) -> None:
    office = Office(tmp_path)
    shutil.copytree(tmp_path / "centre", tmp_path / "backup")
    joined(office.centre, an_agency(tmp_path / "NIA", "NIA", office.clock))
    office.listen()
    other = a_centre(tmp_path / "backup", office.clock)
    joined(other, an_agency(tmp_path / "CDC", "CDC", office.clock))
    joined(other, an_agency(tmp_path / "NPA", "NPA", office.clock))
    with pytest.raises(Refused):
        tend(other, office.keeper)


def test_two_processes_on_one_folder_see_what_the_other_did(tmp_path: Path) -> None:
    office = Office(tmp_path)
    second = a_centre(tmp_path / "centre", office.clock)
    with second.turn():
        second.authority.revoke("key", "TW/GOV/X#1")
        second.rotate()
    with office.centre.turn():
        assert office.centre.keeper.held == second.keeper.held
    joined(office.centre, an_agency(tmp_path / "NIA", "NIA", office.clock))
    with second.turn():
        assert len(second.authority.snapshot.members) == 2


def test_old_private_keys_that_a_crash_left_are_removed_at_the_next_act(tmp_path: Path) -> None:
    """The log named the new keys, and the process ended before the old ones were gone."""
    office = Office(tmp_path)
    beside = a_centre(tmp_path / "centre", office.clock)
    old = {path: path.read_bytes() for path in (tmp_path / "centre/keys/1").glob("*.key")}
    assert len(old) == 2
    with office.centre.turn():
        office.centre.rotate()
    _put_back(old)
    with beside.turn():
        assert not any(path.exists() for path in old)
    _put_back(old)
    a_centre(tmp_path / "centre", office.clock)
    assert not any(path.exists() for path in old)
    assert len(list((tmp_path / "centre/keys/2").glob("*.key"))) == 2


def _put_back(files: dict[Path, bytes]) -> None:
    for path, content in files.items():
        path.write_bytes(content)


@pytest.mark.parametrize("code", ["nhi", "Nhi"])
def test_no_agency_comes_under_the_name_of_another_but_for_its_case(tmp_path: Path, code: str) -> None:
    """People read them as one, and both message logs would be `tw.gov.nhi.gw/road` to witnesses."""
    office = Office(tmp_path)
    with pytest.raises(Invalid, match="but for its case"):
        joined(office.centre, an_agency(tmp_path / "other", code, office.clock))
    assert len(office.centre.authority.snapshot.members) == 1


class Outside:
    """A CA that is not the centre's, and an agency that has its certificate from there."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.clock = folder, Clock()
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.root = ca.make_root("GCA", self.key, now=self.clock(), random=secrets.token_bytes)
        self.file = folder / "acme.pem"
        (folder / "centre").mkdir()
        (folder / "centre/gca.pem").write_bytes(ca.pem(self.root.certificate))
        self.centre = a_centre(folder / "centre", self.clock, roots=("gca.pem",))

    def issue(self) -> bytes:
        """A new key and certificate in the agency's file; the certificate's SHA-256."""
        key = ec.generate_private_key(ec.SECP256R1())
        made = ca.issue(self.root, key.public_key(), server("NHI"), ["h"], now=self.clock(), random=secrets.token_bytes)
        self.file.unlink(missing_ok=True)
        keyfiles.save_key(self.file, key)
        self.file.write_bytes(self.file.read_bytes() + ca.pem(made))
        return ca.pinned(made).sha256

    def agency(self) -> Agency:
        return an_agency(self.folder / "a", "NHI", self.clock, certificate=str(self.file))


@in_loop
async def test_a_certificate_of_an_outside_ca_is_shown_and_its_next_one_too(tmp_path: Path) -> None:
    outside = Outside(tmp_path)
    first = outside.issue()
    agency = outside.agency()
    keeper = joined(outside.centre, agency)
    assert held(agency.tls).sha256 == first
    assert keeper.standing.server_of(first) == server("NHI")
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(agency.tls)

    async def renew(body: bytes) -> bytes:
        told = counter.answer(outside.centre, "POST", "/directory/renewals", body)
        assert told.status == 200, told.body
        return told.body

    shown: list[Path] = []
    upkeep = Upkeep(agency, keeper, renew=renew, reload=shown.append)
    outside.clock.at += 60 * DAY
    await upkeep.step(outside.clock())
    assert not agency.next_tls.exists(), "the centre's CA is not asked, however near the end is"
    second = outside.issue()
    await upkeep.step(outside.clock())
    tend(outside.centre, keeper)
    outside.clock.at += DAY
    await upkeep.step(outside.clock())
    assert (held(agency.tls).sha256, shown) == (second, [agency.tls])
    assert keeper.standing.server_of(second) == server("NHI")
    outside.file.chmod(0o644)
    await upkeep.step(outside.clock())
    assert "Others can read this key" in upkeep.alerts(outside.clock())[-1]


def test_an_outside_certificate_is_of_a_ca_that_the_centre_names_and_of_who_asks(tmp_path: Path) -> None:
    outside = Outside(tmp_path)
    outside.issue()
    agency = outside.agency()
    request = agency.request()
    stranger = an_agency(tmp_path / "b", "NIA", outside.clock)
    wanted = msgspec.structs.replace(stranger.request().wanted, csr=b"", certificate=request.wanted.certificate)
    first, _ = stranger.signers()
    taken = enrolment.make(wanted, {wanted.key: first})
    with pytest.raises(Invalid, match="certificate too"):
        enrolment.read(taken.encode(), now=outside.clock())
    without = a_centre(tmp_path / "other", outside.clock)
    with without.turn(), pytest.raises(Invalid, match="name the one that did"):
        without.admit(without.submit(request.encode()))


def test_another_directory_is_not_pinned_over_the_first(tmp_path: Path) -> None:
    office = Office(tmp_path)
    other = a_centre(tmp_path / "other", office.clock)
    with pytest.raises(Conflict):
        office.agency.pin(other.anchor)
    with pytest.raises(Invalid):
        read_welcome(b"{}")


@pytest.mark.parametrize("kind", ["member", "key"])
def test_a_revoked_member_joins_again_by_new_keys(tmp_path: Path, kind: RevokedKind) -> None:
    office = Office(tmp_path)
    name = office.agency.signers()[0].keyid
    with office.centre.turn():
        office.centre.authority.revoke(kind, name if kind == "key" else "TW/GOV/NHI")
    office.clock.at += 5
    again = an_agency(tmp_path / "again", "NHI", office.clock)
    joined(office.centre, again)
    office.listen()
    standing = office.keeper.standing
    assert standing.is_known(again.file.owner)
    assert standing.keys(again.signers()[0].keyid) is not None
    assert standing.keys(office.agency.signers()[0].keyid) is None
    with pytest.raises(Invalid, match="member already"):
        joined(office.centre, an_agency(tmp_path / "third", "NHI", office.clock))


@in_loop
async def test_a_key_that_the_agency_ended_is_taken_up_by_its_gateway(tmp_path: Path) -> None:
    office = Office(tmp_path, has_second=True)
    name = office.agency.signers()[0].keyid
    office.agency.end_key()
    (office.agency.folder / "ended" / "rubbish.note").write_bytes(b"x")
    await office.upkeep.step(office.clock())
    assert office.keeper.standing.keys(name) is None
    assert [path.name for path in (office.agency.folder / "ended").iterdir()] == ["rubbish.note"]
    assert "rubbish.note" in office.upkeep.alerts(office.clock())[-1]
