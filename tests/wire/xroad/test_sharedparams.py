"""shared-params.xml: as the field's own samples are built, read by the paths that its tools use, and back."""

from __future__ import annotations

import hashlib
from itertools import pairwise
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.make import shared_data

from banyan.errors import Invalid, Problem
from banyan.wire.xroad import sharedparams
from banyan.wire.xroad.identifiers import ClientId, ServerId
from banyan.wire.xroad.members import Listed
from banyan.wire.xroad.sharedparams import Authority, Server, SharedParams, Source

NHI = ClientId("TW", "GOV", "nhi")
CARE = ClientId("TW", "GOV", "nhi", "care")
NIA = ClientId("TW", "GOV", "nia")
BORDER = ClientId("TW", "GOV", "nia", "border/旅遊史")
LISTED = (
    Listed(NHI, "健保署"),
    Listed(CARE, "健保署", "Care"),
    Listed(NIA, "NIA & <Co>"),
    Listed(BORDER, "NIA & <Co>"),
)
SERVERS = (
    Server(ServerId("TW", "GOV", "nia", "gw2"), "gw2.example", (hashlib.sha256(b"2").digest(),), (BORDER,), "until 5"),
    Server(ServerId("TW", "GOV", "nhi", "gw1"), "gw1.example", (hashlib.sha256(b"1").digest(),), (CARE, NHI)),
)
PARAMS = SharedParams("TW", LISTED, SERVERS, (Authority("Banyan CA", b"ca"),), (Source("centre", b"cs"),))


def sample(version: int) -> bytes:
    return shared_data(f"exchange/xroad/globalconf/globalconf_good_v{version}/EE/shared-params.xml").read_bytes()


def orders(root: ElementTree.Element) -> dict[str, set[tuple[str, str]]]:
    """Which child element comes right after which, by the parent's name."""
    found: dict[str, set[tuple[str, str]]] = {}
    for parent in root.iter():
        found.setdefault(parent.tag, set()).update(pairwise(child.tag for child in parent))
    return found


def ranked(root: ElementTree.Element) -> dict[str, list[str]]:
    """The children of each kind of parent in the order of the schema, as this document shows it."""
    found: dict[str, list[str]] = {}
    for parent in root.iter():
        names = found.setdefault(parent.tag, [])
        at = 0
        for child in parent:
            if child.tag in names:
                at = names.index(child.tag) + 1
            else:
                names.insert(at, child.tag)
                at += 1
    return found


def test_ours_is_built_as_the_fields_own_sample_of_version_5() -> None:
    theirs = ranked(ElementTree.fromstring(sample(5)))
    ours = ElementTree.fromstring(sharedparams.encode(PARAMS))
    checked = 0
    for parent, pairs in orders(ours).items():
        for before, after in pairs:
            assert theirs[parent].index(before) <= theirs[parent].index(after), (parent, before, after)
            checked += 1
    assert checked > 20
    assert {one.tag for one in ours.iter()} <= set(theirs) | {name for names in theirs.values() for name in names}


@pytest.mark.parametrize("version", [2, 3, 4, 5])
def test_the_fields_own_samples_are_read(version: int) -> None:
    params = sharedparams.parse(sample(version))
    assert params.instance == "EE"
    assert Listed(ClientId("EE", "BUSINESS", "producer"), "Experimental producer") in params.listed
    server = next(one for one in params.servers if one.id.server == "producerServerCode")
    assert server.id == ServerId("EE", "BUSINESS", "producer", "producerServerCode")
    assert server.address == "127.0.0.1"
    assert ClientId("EE", "BUSINESS", "consumer") in server.clients
    if version == 5:
        assert [one.notice for one in params.servers if one.notice] == ["Test maintenance mode"]
        assert [len(one) for one in server.certificates] == [32]
        assert Listed(ClientId("EE", "BUSINESS", "foo", "foosubsystem"), "Org with no address", "FOO Subsystem") in (
            params.listed
        )


def test_ours_comes_back_and_is_the_same_bytes_in_any_order() -> None:
    body = sharedparams.encode(PARAMS)
    found = sharedparams.parse(body)
    assert set(found.listed) == set(LISTED)
    assert {(one.id, one.address, one.certificates, frozenset(one.clients), one.notice) for one in found.servers} == {
        (one.id, one.address, one.certificates, frozenset(one.clients), one.notice) for one in SERVERS
    }
    shuffled = SharedParams("TW", LISTED[::-1], SERVERS[::-1], PARAMS.authorities, PARAMS.sources)
    assert sharedparams.encode(shuffled) == body


def test_the_fields_collector_finds_each_gateway() -> None:
    """The look-ups of X-Road-Metrics' collector and of xrdinfo, by the same paths of ElementTree."""
    root = ElementTree.fromstring(sharedparams.encode(PARAMS))
    found = []
    for server in root.findall("./securityServer"):
        owner = root.find(f"./member[@id='{server.findtext('./owner')}']")
        assert owner is not None
        found.append(
            "/".join(
                (
                    root.findtext("./instanceIdentifier") or "",
                    owner.findtext("./memberClass/code") or "",
                    owner.findtext("./memberCode") or "",
                    server.findtext("./serverCode") or "",
                    server.findtext("./address") or "",
                )
            )
        )
    assert found == ["TW/GOV/nhi/gw1/gw1.example", "TW/GOV/nia/gw2/gw2.example"]
    subsystem = root.find("./member/subsystem")
    assert subsystem is not None
    assert root.findall(f'./securityServer[client="{subsystem.attrib["id"]}"]')


NAME = st.text(st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="￾￿"), min_size=1, max_size=8)


@given(st.lists(st.tuples(NAME, NAME, st.just("") | NAME), max_size=6))
def test_any_names_come_back(names: list[tuple[str, str, str]]) -> None:
    listed = [Listed(ClientId("I", kind, code, system), code) for kind, code, system in names]
    found = sharedparams.parse(sharedparams.encode(SharedParams("I", listed)))
    assert {one.id for one in found.listed} == {one for known in listed for one in (known.id, known.id.owner)}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<conf/>",
        b'<!DOCTYPE a [<!ENTITY b "c">]><a/>',
        b'<c:conf xmlns:c="http://x-road.eu/xsd/xroad.xsd"/>',
        b'<c:conf xmlns:c="http://x-road.eu/xsd/xroad.xsd"><instanceIdentifier>I</instanceIdentifier><member/></c:conf>',
        b'<c:conf xmlns:c="http://x-road.eu/xsd/xroad.xsd"><instanceIdentifier>I</instanceIdentifier>'
        b"<securityServer><owner>nobody</owner></securityServer></c:conf>",
    ],
)
def test_what_is_no_shared_params_is_refused(body: bytes) -> None:
    with pytest.raises(Problem) as refused:
        sharedparams.parse(body)
    assert isinstance(refused.value, Invalid)
