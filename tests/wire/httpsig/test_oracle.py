"""Another implementation of RFC 9421 (PyPI http-message-signatures) reads what we sign, and we read what it signs."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from http_message_signatures import HTTPMessageSigner, HTTPMessageVerifier, HTTPSignatureKeyResolver, InvalidSignature
from http_message_signatures.algorithms import ECDSA_P256_SHA256, ED25519
from tests.wire.httpsig import road

from banyan.wire.httpsig.message import Message, Request, Response
from banyan.wire.httpsig.peer import RESPONSE, TAG, sign_request, sign_response, verify_request, verify_response
from banyan.wire.httpsig.presented import Parameters

KEYS = [(road.P256, ECDSA_P256_SHA256), (road.ED25519, ED25519)]
Key = ec.EllipticCurvePrivateKey | Ed25519PrivateKey


class Theirs:
    """A message as that library asks for it."""

    def __init__(self, message: Message, request: Request | None = None) -> None:
        self.headers = {name: ", ".join(lines) for name, lines in message.fields.items()}
        if isinstance(message, Response):
            self.status_code = message.status
            self.request = Theirs(request) if request else None
        else:
            self.method = message.method
            self.url = f"https://{message.authority}{message.target}"

    def into(self, message: Any) -> Any:
        return msgspec.structs.replace(message, fields={name.lower(): [line] for name, line in self.headers.items()})


class Resolver(HTTPSignatureKeyResolver):
    def __init__(self, key: Key) -> None:
        self.key = key

    def resolve_private_key(self, key_id: str) -> Key:
        return self.key

    def resolve_public_key(self, key_id: str) -> Any:
        return self.key.public_key()


@pytest.fixture
def stamp() -> Parameters:
    """That library asks the machine's clock, so this is the one place where ours is it too."""
    now = int(time.time())
    return Parameters(created=now, expires=now + 300, nonce="b3k2pp5k7z-50gnwp")


@pytest.mark.parametrize(("key", "algorithm"), KEYS)
def test_it_reads_what_we_sign(key: Key, algorithm: Any, stamp: Parameters) -> None:
    verifier = HTTPMessageVerifier(signature_algorithm=algorithm, key_resolver=Resolver(key))
    request = sign_request(road.REQUEST, stamp, road.signer(key))
    (found,) = verifier.verify(Theirs(request), expect_tag=TAG, body=road.BODY)
    assert found.nonce == stamp.nonce
    assert found.covered_components['"x-road-userid"'] == "officer"
    answer = sign_response(road.RESPONSE, request, stamp, first=road.signer(key))
    (found,) = verifier.verify(Theirs(answer, request), expect_tag=TAG, body=road.BODY)
    assert found.covered_components['"signature";req;key="gw"'] == request.fields["signature"][0].removeprefix("gw=")
    for tampered in (
        Theirs(road.changed(request, x_road_userid=["other"])),
        Theirs(msgspec.structs.replace(request, target=request.target + "x")),
        Theirs(msgspec.structs.replace(answer, status=201), request),
        Theirs(answer, sign_request(road.REQUEST, msgspec.structs.replace(stamp, nonce="x" * 20), road.signer(key))),
    ):
        with pytest.raises(InvalidSignature):
            verifier.verify(tampered, expect_tag=TAG)


@pytest.mark.parametrize(("key", "algorithm"), KEYS)
def test_we_read_what_it_signs(key: Key, algorithm: Any, stamp: Parameters) -> None:
    signer = HTTPMessageSigner(signature_algorithm=algorithm, key_resolver=Resolver(key))
    assert stamp.created is not None
    assert stamp.expires is not None
    said = {
        "key_id": "NHI/2026",
        "label": "gw",
        "tag": TAG,
        "created": datetime.fromtimestamp(stamp.created, UTC),
        "expires": datetime.fromtimestamp(stamp.expires, UTC),
        "nonce": stamp.nonce,
    }
    names = ["@query", "@path", "@authority", "@method"]
    names += [name for name in road.REQUEST.fields if name not in {"host", "user-agent"}]
    theirs = Theirs(road.REQUEST)
    signer.sign(theirs, covered_component_ids=names, use_existing_digest=True, **said)
    request = theirs.into(road.REQUEST)
    known = road.knows(road.verifier(key))
    assert verify_request(request, known, stamp.created).nonce == stamp.nonce

    answer = Theirs(road.RESPONSE, request)
    names = [*(one.text for one in RESPONSE), '"content-type"', '"x-road-id"']
    signer.sign(answer, covered_component_ids=names, use_existing_digest=True, **said)
    verify_response(answer.into(road.RESPONSE), request, known, stamp.created)
