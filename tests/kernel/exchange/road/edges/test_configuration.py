"""The directory as the field's tools read it: archive, signed directory, and the files that it points to."""

from __future__ import annotations

import asyncio
import hashlib
import re
from datetime import datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.kernel.exchange.road.edges.world import (
    ABROAD,
    BORDER,
    CARE,
    GW_NIA,
    NOW,
    PlainDirectory,
    asked_for,
    changed,
    field_of,
    text_of,
)

from banyan.errors import Invalid, NotFound
from banyan.kernel.events.clock import EpochS
from banyan.kernel.exchange.road.edges.configuration import LIFE_S, Configuration, ConfSigner
from banyan.kernel.exchange.road.model import Page
from banyan.wire.xroad import sharedparams, signedconf, verification
from banyan.wire.xroad.faults import Fault
from banyan.wire.xroad.identifiers import ClientId
from banyan.wire.xroad.members import Listed

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
SIGNER = ConfSigner(b"certificate", signedconf.ED25519, KEY.sign)


class Stage:
    def __init__(self) -> None:
        self.directory, self.now = PlainDirectory(), NOW
        self.pages = Configuration(self.directory, "TW", SIGNER, clock=lambda: self.now, address="gw1.nhi.example")


def got(page: Page, target: bytes) -> tuple[bytes, str]:
    answer = asyncio.run(page(asked_for(target)))
    assert answer.status == 200
    return text_of(answer), field_of(answer, b"content-type")


def test_the_archive_has_every_instance() -> None:
    stage = Stage()
    body, kind = got(stage.pages.verification, b"/verificationconf")
    assert kind == "application/zip"
    conf = verification.parse(body)
    assert conf.instance == "TW"
    assert sorted(conf.shared_params) == ["EE", "TW"]
    ours = sharedparams.parse(conf.shared_params["TW"])
    server = next(one for one in ours.servers if one.id == GW_NIA)
    assert (server.address, server.clients, server.certificates) == (
        "gw1.nia.example",
        (BORDER,),
        (hashlib.sha256(b"c").digest(),),
    )
    assert Listed(CARE, "健保署", "Care") in ours.listed
    theirs = sharedparams.parse(conf.shared_params["EE"])
    assert {one.id for one in theirs.listed} == {ABROAD, ABROAD.owner}


def test_the_signed_directory_leads_to_the_files_and_its_signature_holds() -> None:
    stage = Stage()
    body, kind = got(stage.pages.internal, b"/internalconf?version=5")
    conf = signedconf.parse(body, kind)
    KEY.public_key().verify(conf.signature, conf.signed)
    assert conf.algorithm == signedconf.ED25519
    assert conf.certificate_hash == hashlib.sha512(b"certificate").digest()
    assert 0 < conf.directory.expires.timestamp() - NOW <= LIFE_S
    assert [one.instance for one in conf.directory.files] == ["TW", "EE"]
    for file in conf.directory.files:
        content, kind = got(stage.pages.file, file.location.encode())
        assert kind == "text/xml"
        assert hashlib.sha512(content).digest() == file.digest
        assert sharedparams.parse(content).instance == file.instance


def test_the_collectors_steps_find_the_gateways() -> None:
    """As X-Road-Metrics does it: search the directory by its expression, fetch that path, walk the gateways."""
    stage = Stage()
    text = got(stage.pages.internal, b"/internalconf")[0].decode("utf-8")
    found = re.search(r"Content-location: (/V\d+/\d+/shared-params.xml)", text)
    assert found
    params = sharedparams.parse(got(stage.pages.file, found[1].encode())[0])
    assert ["/".join((*one.id.parts, one.address)) for one in params.servers] == [
        "TW/GOV/nhi/gw1/gw1.nhi.example",
        "TW/GOV/nia/gw1/gw1.nia.example",
    ]


def test_the_same_version_is_the_same_bytes_and_a_new_one_replaces_the_old_path() -> None:
    stage = Stage()
    first = got(stage.pages.internal, b"/internalconf")
    assert got(stage.pages.internal, b"/internalconf") == first
    changed(stage.directory, Listed(ClientId("TW", "GOV", "cdc"), "CDC"))
    assert got(stage.pages.internal, b"/internalconf") != first
    assert b"cdc" in got(stage.pages.file, b"/V5/8/shared-params.xml")[0]
    with pytest.raises(NotFound):
        got(stage.pages.file, b"/V5/7/shared-params.xml")


def test_it_is_signed_anew_before_it_expires() -> None:
    stage = Stage()
    seen: list[datetime] = []
    for _ in range(3):
        conf = signedconf.parse(*got(stage.pages.internal, b"/internalconf"))
        assert conf.directory.expires.timestamp() > stage.now + LIFE_S - 60 - 1
        seen.append(conf.directory.expires)
        stage.now = EpochS(stage.now + LIFE_S)
    assert len(set(seen)) == 3


def test_an_expired_directory_is_shown_to_nobody() -> None:
    stage = Stage()
    got(stage.pages.verification, b"/verificationconf")
    stage.directory.state = "expired"
    for page, target in ((stage.pages.verification, b"/verificationconf"), (stage.pages.internal, b"/internalconf")):
        with pytest.raises(Fault) as refused:
            got(page, target)
        assert refused.value.type_in("documented") == "Server.ClientProxy.OutdatedGlobalConf"


def test_other_versions_of_the_format_and_other_paths_are_not_there() -> None:
    stage = Stage()
    for page, target in (
        (stage.pages.internal, b"/internalconf?version=2"),
        (stage.pages.file, b"/V5/7/private-params.xml"),
        (stage.pages.file, b"/V5/7/2/shared-params.xml"),
    ):
        with pytest.raises(NotFound):
            got(page, target)
    with pytest.raises(Invalid):
        asyncio.run(stage.pages.internal(asked_for(b"/internalconf", verb="PUT")))
