"""What a member changes of its own: at once or by officers, and nothing that is old, another's, or signed by nobody."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.kernel.exchange.directory.nation import Clock
from tests.kernel.exchange.directory.stage import a_centre, an_agency, joined

from banyan.errors import Invalid
from banyan.kernel.exchange.directory import counter, document, enrolment
from banyan.kernel.exchange.directory.centre import Centre
from banyan.kernel.exchange.directory.document import Address, Gateway, Member, Served, Subsystem
from banyan.kernel.exchange.directory.enrolment import Change, Host, Request, Wanted
from banyan.kernel.exchange.directory.membership import Agency
from banyan.wire.xroad.identifiers import ClientId


class Office:
    """A centre with two members, NHI and NIA."""

    def __init__(self, folder: Path) -> None:
        self.clock = Clock()
        self.centre: Centre = a_centre(folder / "centre", self.clock)
        self.nhi, self.nia = (an_agency(folder / code, code, self.clock) for code in ("NHI", "NIA"))
        for agency in (self.nhi, self.nia):
            joined(self.centre, agency)

    def ask(self, change: Change | None = None, *, of: Agency | None = None, **fields: Any) -> Request:
        self.clock.at += 1
        file = (of or self.nhi).file
        wanted = Wanted("change", "TW", "GOV", file.member, 0, change=change or Change(), **fields)
        return (of or self.nhi).ask_change(wanted)

    def post(self, page: str, request: Request) -> tuple[int, str]:
        told = counter.answer(self.centre, "POST", f"/directory/{page}", request.encode())
        return told.status, told.body.decode()

    def adopt(self, request: Request) -> None:
        with self.centre.turn():
            self.centre.adopt(self.centre.submit(request.encode()))

    def member(self, code: str = "NHI") -> Member:
        return next(one for one in self.centre.authority.snapshot.members if one.code == code)

    @property
    def gateway(self) -> Gateway:
        return self.member().gateways[0]


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path)


def test_a_notice_and_addresses_count_at_once(office: Office) -> None:
    notice = office.ask(Change(notice="換機房"), server="gw")
    assert office.post("renewals", notice)[0] == 200
    assert office.gateway.notice == "換機房"
    moved = office.ask(server="gw", addresses=(Address("b.example", 7), Address("c.example", 7)))
    assert office.post("renewals", moved)[0] == 200
    assert [one.host for one in office.gateway.addresses] == ["b.example", "c.example"]
    assert office.gateway.notice == "換機房", "what was not said stays"
    assert len(office.gateway.certificates) == 1
    office.post("renewals", office.ask(Change(notice=""), server="gw"))
    assert office.gateway.notice == ""


def test_an_older_change_takes_nothing_back(office: Office) -> None:
    """Sent again, or held back by somebody until a later one counted."""
    closed, held_back = office.ask(Change(notice="closed"), server="gw"), office.ask(Change(notice="held"), server="gw")
    office.post("renewals", closed)
    opened = office.ask(Change(notice=""), server="gw")
    office.post("renewals", opened)
    assert office.post("renewals", closed)[0] == 200, "answered as before"
    assert office.gateway.notice == ""
    status, said = office.post("renewals", held_back)
    assert (status, office.gateway.notice) == (422, "")
    assert "made_at" in said
    for path in (office.centre.folder / "issued").iterdir():
        path.unlink()  # a centre restored from an older backup: the directory itself says what is old
    assert office.post("renewals", closed)[0] == 422
    assert office.gateway.notice == ""


def test_changes_of_one_second_are_told_apart(office: Office) -> None:
    for notice in ("closed", ""):
        office.clock.at -= 1  # which `ask` puts on
        assert office.post("renewals", office.ask(Change(notice=notice), server="gw"))[0] == 200
    assert office.gateway.notice == ""


def test_officers_approve_what_others_see_and_only_once(office: Office) -> None:
    more = office.ask(subsystems=(Subsystem("cards"),))
    status, said = office.post("renewals", more)
    assert status == 422
    assert "Officers of the centre approve" in said
    fewer = office.ask(Change(dropped=("cards",)))
    assert office.post("requests", fewer)[0] == 422, "it has none yet"
    office.adopt(more)
    assert [one.code for one in office.member().subsystems] == ["data", "cards"]
    office.adopt(fewer)
    with pytest.raises(Invalid, match="made_at"):
        office.adopt(more)
    assert [one.code for one in office.member().subsystems] == ["data"]


def test_two_officers_are_needed_for_a_change_too(tmp_path: Path) -> None:
    office = Office(tmp_path)
    office.centre.file = msgspec.structs.replace(office.centre.file, needs=2)
    with pytest.raises(Invalid, match="2 more must approve"):
        office.adopt(office.ask(subsystems=(Subsystem("cards"),)))
    assert office.post("renewals", office.ask(Change(notice="x"), server="gw"))[0] == 200


def test_a_host_and_the_member_that_it_hosts_both_sign(office: Office) -> None:
    served = Served("GOV", "NIA", "data")
    alone = office.ask(Change(hosted=(served,)), server="gw")
    with pytest.raises(Invalid, match="TW/GOV/NIA"):
        office.adopt(alone)
    with pytest.raises(Invalid, match="vouches for this"):
        office.nhi.vouch(alone)
    office.adopt(office.nia.vouch(alone))
    assert office.gateway.hosted == (served,)
    routes = office.centre.keeper.standing.routes(ClientId("TW", "GOV", "NIA", "data"))
    assert {one.server.member for one in routes} == {"NIA", "NHI"}
    office.adopt(office.ask(Change(unhosted=(served,)), server="gw"))
    assert office.gateway.hosted == ()


DATA = Served("GOV", "NIA", "data")
LEFT = Change(left=(Host("GOV", "NHI", "gw"),))


def test_who_is_hosted_leaves_alone_and_at_once(office: Office) -> None:
    office.adopt(office.nia.vouch(office.ask(Change(hosted=(DATA,)), server="gw")))
    leave = office.ask(LEFT, of=office.nia)
    assert office.post("renewals", leave)[0] == 200
    assert office.gateway.hosted == ()
    routes = office.centre.keeper.standing.routes(ClientId("TW", "GOV", "NIA", "data"))
    assert {one.server.member for one in routes} == {"NIA"}
    assert not office.centre.keeper.standing.serves(office.nhi.file.gateway, office.nia.file.owner)
    status, said = office.post("renewals", office.ask(LEFT, of=office.nia))
    assert (status, "TW/GOV/NHI/gw hosts nothing of NIA" in said) == (422, True)


def test_nobody_leaves_a_host_for_another_and_no_older_word_ends_or_begins_it_again(office: Office) -> None:
    hosted, held = (office.nia.vouch(office.ask(Change(hosted=(DATA,)), server="gw")) for _ in range(2))
    office.clock.at += 1
    early = office.ask(LEFT, of=office.nia)
    office.adopt(hosted)
    forged = enrolment.make(early.wanted, office.nhi._signing())
    assert office.post("renewals", forged)[0] == 422
    assert office.gateway.hosted == (DATA,)
    assert office.post("renewals", early)[0] == 200, "made after the hosting was asked for"
    with pytest.raises(Invalid, match="made_at"):
        office.adopt(held)
    again = office.nia.vouch(office.ask(Change(hosted=(DATA,)), server="gw"))
    late = office.ask(LEFT, of=office.nia)
    office.adopt(again)
    office.adopt(office.ask(subsystems=(Subsystem("cards"),)))
    assert "made_at" in office.post("renewals", late)[1], "the host's newest change is newer"
    assert office.gateway.hosted == (DATA,)
    for path in (office.centre.folder / "issued").iterdir():
        path.unlink()  # as after a restored backup
    assert "made_at" in office.post("renewals", early)[1], "not even by a centre that forgot it"
    assert office.gateway.hosted == (DATA,)


def test_a_gateway_leaves_and_the_centres_own_stays(office: Office) -> None:
    office.adopt(office.ask(Change(is_gone=True), server="gw"))
    assert office.member().gateways == ()
    with office.centre.turn():
        home = ("GOV", "NIA", "gw")
        office.centre.authority.change(lambda snapshot: msgspec.structs.replace(snapshot, home=home))
    with pytest.raises(Invalid, match="server"):
        office.adopt(office.ask(Change(is_gone=True), of=office.nia, server="gw"))


def test_nobody_changes_another_member(office: Office) -> None:
    own = office.ask(Change(notice="x"), server="gw")
    theirs = msgspec.structs.replace(own.wanted, member="NIA")
    signers = office.nhi._signing()
    forged = enrolment.make(theirs, signers)
    assert office.post("renewals", forged)[0] == 422
    assert office.post("renewals", Request(theirs, own.proofs))[0] == 422
    assert office.member("NIA").gateways[0].notice == ""


def test_a_revoked_key_changes_nothing(office: Office) -> None:
    notice, more = office.ask(Change(notice="x"), server="gw"), office.ask(subsystems=(Subsystem("cards"),))
    assert office.post("requests", more)[0] == 202
    with office.centre.turn():
        name = document.key_name(office.nhi.file.owner, office.member().keys[0].public)
        office.centre.authority.revoke("key", name)
    assert office.post("renewals", notice)[0] == 422
    with pytest.raises(Invalid, match="not revoked"):
        office.centre.adopt(office.centre.request(more.name))
    assert (office.gateway.notice, len(office.member().subsystems)) == ("", 1)


Say = Callable[[Office], Request]


@pytest.mark.parametrize(
    ("say", "field"),
    [
        (lambda office: office.ask(Change(notice="x"), server="gw9"), "server"),
        (lambda office: office.ask(subsystems=(Subsystem("DATA"),)), "subsystem"),
        (lambda office: office.ask(Change(dropped=("nothing",))), "drop-subsystem"),
        (lambda office: office.ask(Change(hosted=(Served("GOV", "NIA", "no"),)), server="gw"), "host"),
        (lambda office: office.ask(Change(unhosted=(Served("GOV", "NIA", "data"),)), server="gw"), "drop-host"),
        (lambda office: office.ask(Change(notice="a\nb"), server="gw"), "notice"),
        (lambda office: office.ask(Change(notice="a" * 201), server="gw"), "request"),
        (lambda office: office.ask(Change(notice="a")), "request"),
        (lambda office: office.ask(), "request"),
        (lambda office: office.ask(server="gw"), "request"),
        (lambda office: office.ask(Change(dropped=("data",)), key=b"x"), "proofs"),
    ],
)
def test_what_cannot_be_is_refused_by_its_field(office: Office, say: Say, field: str) -> None:
    before = office.centre.authority.snapshot
    with pytest.raises(Invalid, match=f"^{field}: "):
        decided(office, say)
    assert office.centre.authority.snapshot == before


def decided(office: Office, say: Say) -> None:
    """As the verb asks, and the centre decides."""
    request = say(office)
    with office.centre.turn():
        page = office.centre.submit if office.centre.needs_officers(request) else office.centre.renew
        page(request.encode())
        office.centre.adopt(request)
