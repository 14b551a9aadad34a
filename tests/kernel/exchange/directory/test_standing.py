"""Look-ups in the directory in force: `road.model.Directory` over real documents, revocations and clocks."""

from __future__ import annotations

from hashlib import sha256

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from tests.kernel.exchange.directory.nation import (
    INSTANCE,
    START,
    Clock,
    a_certificate,
    a_key,
    a_member,
    a_p256_key,
    data,
    member,
    server,
)

from banyan.kernel.events.clock import EpochS
from banyan.kernel.exchange.directory import document
from banyan.kernel.exchange.directory.document import (
    Address,
    BadDocument,
    Gateway,
    Key,
    Name,
    Revoked,
    Served,
    Snapshot,
    Subsystem,
    key_name,
)
from banyan.kernel.exchange.directory.keyfiles import public_der
from banyan.kernel.exchange.directory.standing import Index, Standing
from banyan.kernel.exchange.road.model import Directory
from banyan.wire.httpsig.keys import signer_of

NOW = int(START)


def standing(*members: document.Member, revoked: tuple[Revoked, ...] = (), clock: Clock | None = None) -> Standing:
    made = Standing(clock or Clock())
    snapshot = Snapshot(INSTANCE, 7, NOW, members)
    made.swap(Index(snapshot), {(one.kind, one.subject): one for one in revoked}, NOW)
    return made


def test_it_is_the_roads_directory_and_empty_before_the_first_snapshot() -> None:
    empty: Directory = Standing(Clock())
    assert (empty.version, empty.freshness(START), list(empty.routes(data("A"))), list(empty.listed())) == (
        "0", "expired", [], [],
    )  # fmt: skip
    assert (empty.is_known(member("A")), empty.keys("A"), empty.signer("A"), empty.server_of(b"")) == (
        False, None, None, None,
    )  # fmt: skip
    assert not empty.serves(server("A"), member("A"))


def test_routes_come_by_address_best_first_with_every_certificate() -> None:
    one = a_member("A")
    gateways = (
        Gateway("gw", (Address("a.example", 1), Address("b.example", 2)), (a_certificate("A"), a_certificate("A", 1))),
        Gateway("gw2", (Address("c.example", 3),), (a_certificate("A", 2),)),
    )
    found = standing(msgspec.structs.replace(one, gateways=gateways)).routes(data("A"))
    assert [(route.host, route.port) for route in found] == [("a.example", 1), ("b.example", 2), ("c.example", 3)]
    assert found[0].certificates == (a_certificate("A").sha256, a_certificate("A", 1).sha256)


def test_a_hosted_subsystem_is_reached_at_its_host_which_may_speak_for_it() -> None:
    host = a_member("HOST")
    gateway = msgspec.structs.replace(host.gateways[0], hosted=(Served("GOV", "SMALL", "data"),))
    small = msgspec.structs.replace(a_member("SMALL"), gateways=())
    found = standing(msgspec.structs.replace(host, gateways=(gateway,)), small)
    assert [route.server for route in found.routes(data("SMALL"))] == [server("HOST")]
    assert found.serves(server("HOST"), member("SMALL"))
    assert not found.serves(server("HOST"), member("OTHER"))


def test_keys_count_within_their_time_and_both_of_a_pair() -> None:
    clock = Clock()
    pq = MLDSA65PrivateKey.from_seed_bytes(bytes(32))
    key = Key(public_der(a_p256_key("A")), NOW, NOW + 100, public_der(pq))
    found = standing(msgspec.structs.replace(a_member("A"), keys=(key,)), clock=clock)
    name = key_name(member("A"), key.public)
    keys = found.keys(name)
    assert keys is not None
    assert keys.second is not None
    assert keys.first.verify(b"x", signer_of(name, a_p256_key("A")).sign(b"x"))
    assert keys.second.verify(b"x", pq.sign(b"x"))
    assert found.keys(name) is keys, "built once"
    assert found.signer(name) == member("A")
    for at, counts in ((NOW - 1, False), (NOW, True), (NOW + 99, True), (NOW + 100, False)):
        clock.at = at
        assert (found.keys(name) is not None) == counts


@pytest.mark.parametrize(
    ("kind", "subject", "lost"),
    [
        ("member", "TW/GOV/A", {"known", "routes", "keys", "server", "serves", "listed"}),
        ("gateway", "TW/GOV/A/gw", {"routes", "server", "serves"}),
        ("certificate", a_certificate("A").sha256.hex(), {"routes", "server"}),
        ("key", key_name(member("A"), public_der(a_key("A"))), {"keys"}),
    ],
)
def test_each_revocation_ends_what_it_names_and_nothing_else(kind: str, subject: str, lost: set[str]) -> None:
    found = standing(a_member("A"), a_member("B"), revoked=(Revoked(kind, subject, NOW),))  # type: ignore[arg-type]

    def left(code: str) -> set[str]:
        answers = {
            "known": found.is_known(data(code)),
            "routes": bool(found.routes(data(code))),
            "keys": found.keys(key_name(member(code), public_der(a_key(code)))) is not None,
            "server": found.server_of(a_certificate(code).sha256) is not None,
            "serves": found.serves(server(code), member(code)),
            "listed": any(one.id == data(code) for one in found.listed()),
        }
        return {name for name, answer in answers.items() if answer}

    assert left("B") - left("A") == lost
    assert len(left("B")) == 6


def test_a_key_of_an_unknown_kind_costs_its_member_only() -> None:
    odd = rsa.generate_private_key(65_537, 2_048).public_key()
    der = odd.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    one = msgspec.structs.replace(a_member("A"), keys=(Key(der, 0, NOW + 9),))
    found = standing(one, a_member("B"))
    assert found.keys(key_name(member("A"), der)) is None
    assert found.keys(key_name(member("B"), public_der(a_key("B")))) is not None


def test_a_key_that_is_over_or_revoked_still_proves_what_it_signed() -> None:
    one = a_member("A")
    name = key_name(member("A"), one.keys[0].public)
    clock = Clock()
    for revoked in ((), (Revoked("key", name, NOW),), (Revoked("member", "TW/GOV/A", NOW),)):
        found = standing(one, revoked=revoked, clock=clock)
        clock.at = one.keys[0].until
        assert found.keys(name) is None
        past = found.past_keys(name)
        assert past is not None
        assert past.first.keyid == name
        assert found.past_keys("other") is None
        clock.at = START


def test_names_of_keys_say_whose_and_which() -> None:
    name = key_name(data("A"), b"der")
    assert name == f"TW/GOV/A#{sha256(b'der').hexdigest()[:32]}"


TWICE = (a_member("A"), msgspec.structs.replace(a_member("B"), keys=a_member("A").keys))
BAD = {
    "two of one member": (a_member("A"), a_member("A")),
    "two of one key": TWICE,
    "two of one subsystem": (msgspec.structs.replace(a_member("A"), subsystems=(Subsystem("x"), Subsystem("x"))),),
    "ends before it begins": (msgspec.structs.replace(a_member("A"), keys=(Key(b"k", 5, 5),)),),
    "hosts what is no subsystem": (
        msgspec.structs.replace(
            a_member("A"), gateways=(Gateway("g", (Address("h", 1),), hosted=(Served("GOV", "X", "y"),)),)
        ),
    ),
}


@pytest.mark.parametrize("why", BAD)
def test_documents_that_contradict_themselves_are_none(why: str) -> None:
    with pytest.raises(BadDocument, match=why):
        document.decode(document.encode(Snapshot(INSTANCE, 1, NOW, BAD[why])))


def test_a_document_is_read_as_it_was_written_and_in_no_other_spelling() -> None:
    snapshot = Snapshot(INSTANCE, 3, NOW, (a_member("A"), a_member("B")), roots=(b"der",))
    whole = document.encode(snapshot)
    assert document.decode(whole) == snapshot
    for other in (whole + b" ", whole.replace(b'"version":3', b'"version":3.0'), whole[:-1], b"[]", b""):
        with pytest.raises(BadDocument):
            document.decode(other)


def test_members_of_a_later_release_are_passed_over() -> None:
    whole = document.encode(Snapshot(INSTANCE, 3, NOW, ()))
    later = whole.replace(b'{"instance"', b'{"charter":{"a":[1]},"instance"')
    assert document.decode(later).version == 3


def test_names_are_shown_in_chinese_first() -> None:
    one = msgspec.structs.replace(a_member("A"), name=Name("甲署", "A"))
    assert [listed.name for listed in standing(one).listed()] == ["甲署", "甲署"]
    assert standing(one).freshness(EpochS(NOW + 3_600)) == "fresh"
    assert standing(one).freshness(EpochS(NOW + 3_601)) == "stale"
