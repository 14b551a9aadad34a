"""The examples of RFC 9421 (appendix B, section 2) and the post-quantum vectors of c2sp.org/httpsig-pq."""

from __future__ import annotations

import base64
import hmac
import json
from typing import Any

import msgspec
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import mldsa, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from tests.make import shared_data

from banyan.wire.httpsig.components import component_of, value_of
from banyan.wire.httpsig.digest import check_digest, digest_field, digests_of
from banyan.wire.httpsig.errors import Malformed, Refused, Uncovered
from banyan.wire.httpsig.keys import Verifier, signer_of, verifier_of
from banyan.wire.httpsig.message import Message, Request, Response, fields_of
from banyan.wire.httpsig.presented import member_of, presented, signature_base
from banyan.wire.structured import parse_item


def appendix() -> dict[str, Any]:
    return json.loads(shared_data("exchange/rfc9421_appendix_b.json").read_text(encoding="utf-8"))  # type: ignore[no-any-return]


def message_of(text: str) -> Message:
    """A message as the RFC prints it."""
    head = text.partition("\n\n")[0].split("\n")
    lines = [tuple(part.encode("latin-1") for part in line.split(":", 1)) for line in head[1:]]
    fields = fields_of(lines)  # type: ignore[arg-type]
    if head[0].startswith("HTTP/"):
        return Response(int(head[0].split(" ")[1]), fields)
    method, target, _ = head[0].split(" ")
    return Request(method, fields["host"][0], target, fields)


def with_fields(message: Message, **fields: str) -> Message:
    return msgspec.structs.replace(
        message, fields={**message.fields, **{name.replace("_", "-"): [value] for name, value in fields.items()}}
    )


class RsaPss(msgspec.Struct, frozen=True):
    """RFC 9421 section 3.3.1: not used on the road, but the base it signs is the same."""

    keyid: str
    key: rsa.RSAPublicKey
    alg: str = "rsa-pss-sha512"

    def verify(self, base: bytes, signature: bytes) -> bool:
        try:
            self.key.verify(signature, base, padding.PSS(padding.MGF1(SHA512()), 64), SHA512())
        except InvalidSignature:
            return False
        return True


class Hmac(msgspec.Struct, frozen=True):
    keyid: str
    key: bytes
    alg: str = "hmac-sha256"

    def verify(self, base: bytes, signature: bytes) -> bool:
        return hmac.compare_digest(hmac.digest(self.key, base, "sha256"), signature)


def key_of(keyid: str) -> Verifier:
    known = appendix()["keys"][keyid]
    if "base64" in known:
        return Hmac(keyid, base64.b64decode(known["base64"]))
    key = load_pem_public_key(known["pem"].encode())
    return RsaPss(keyid, key) if isinstance(key, rsa.RSAPublicKey) else verifier_of(keyid, key)  # type: ignore[arg-type]


@pytest.mark.parametrize("place", range(6))
def test_the_signatures_of_appendix_b2_hold_and_their_bases_are_ours(place: int) -> None:
    known = appendix()
    case = known["cases"][place]
    message = message_of(known["messages"][case["message"]])
    if case["message"] == "test-response":  # the archived draft prints the digest of another body (SOURCES.md)
        digest = "sha-512=:mEWXIS7MaLRuGgxOBdODa3xqM1XdEvxoYhvlCFJ41QJgJc4GTsPp29l5oGX69wWdXymyU0rjJuahq4l5aGgfLQ==:"
        message = with_fields(message, content_digest=digest)
    message = with_fields(message, signature_input=case["signature_input"], signature=case["signature"])
    found = presented(message.fields)[case["label"]]
    base = signature_base(found.told.covered, found.told.text, message)
    assert base.decode() == case["signature_base"]
    assert f"{case['label']}={found.told.text}" == case["signature_input"]
    assert found.parameters.keyid == case["keyid"]
    key = key_of(case["keyid"])
    assert key.alg == case["alg"]
    assert key.verify(base, found.signature)
    for bit in (0, 7, 8 * len(base) - 1, 4 * len(base)):
        assert not key.verify(flipped(base, bit), found.signature)
    for bit in (0, 8 * len(found.signature) - 1, 4 * len(found.signature)):
        assert not key.verify(base, flipped(found.signature, bit))
    assert not key.verify(base, found.signature[:-1])
    assert not key.verify(base, found.signature + b"\0")


def flipped(data: bytes, bit: int) -> bytes:
    turned = bytearray(data)
    turned[bit // 8] ^= 1 << bit % 8
    return bytes(turned)


def test_the_digests_that_appendix_b2_signs_are_of_its_bodies() -> None:
    known = appendix()
    for place, name in ((1, "test-request"), (3, "test-response")):
        signed = known["cases"][place]["signature_base"].partition('"content-digest": ')[2].partition("\n")[0]
        body = known["messages"][name].partition("\n\n")[2].encode()
        assert digest_field(body, ["sha-512"]) == signed
        check_digest(body, digests_of({"content-digest": [signed]}))


def test_we_sign_b26_to_the_same_bytes() -> None:
    known = appendix()
    case = next(one for one in known["cases"] if one["alg"] == "ed25519")
    seed = known["keys"][case["keyid"]]["jwk"]["d"]
    signer = signer_of(case["keyid"], Ed25519PrivateKey.from_private_bytes(base64.urlsafe_b64decode(seed + "=")))
    assert member_of(case["label"], signer.sign(case["signature_base"].encode())) == case["signature"]


def test_the_proxys_signature_of_b3_holds() -> None:
    _, _, base, _, proxied = appendix()["other_examples"]["B.3 TLS-terminating proxies"]
    message = message_of(proxied)
    found = presented(message.fields)["ttrp"]
    assert signature_base(found.told.covered, found.told.text, message).decode() == base
    assert key_of("test-key-ecc-p256").verify(base.encode(), found.signature)


def test_the_transformations_of_b4_hold_where_the_rfc_says() -> None:
    first, base, *others = appendix()["other_examples"]["B.4 transformations"]
    held = []
    for text in (first, *others):
        message = message_of(text)
        found = presented(message.fields)["transform"]
        made = signature_base(found.told.covered, found.told.text, message)
        held.append(key_of("test-key-ed25519").verify(made, found.signature))
        assert (made.decode() == base) == held[-1]
    assert held == [True, True, True, True, False, False]  # another method and host; lines in another order


@pytest.mark.parametrize("place", range(3))
def test_post_quantum_vectors(place: int) -> None:
    vectors = json.loads(shared_data("exchange/httpsig_pq_vectors.json").read_text(encoding="utf-8"))["vectors"]
    vector = vectors[place]
    private = (mldsa.MLDSA44PrivateKey, mldsa.MLDSA65PrivateKey, mldsa.MLDSA87PrivateKey)[place]
    key = private.from_seed_bytes(bytes.fromhex(vector["private_key_seed_hex"]))
    base = base64.b64decode(vector["signature_base_base64"])
    fields = {"host": ["example.com"], "date": ["Mon, 06 Jul 2026 20:00:00 GMT"]}
    fields["signature-input"] = [vector["serialized_signature_input"].removeprefix("Signature-Input: ")]
    fields["signature"] = [f"sig1=:{vector['deterministic_signature_base64']}:"]
    message = Request("GET", "example.com", "/foo?param=Value&Pet=dog", fields)
    found = presented(fields)["sig1"]
    assert signature_base(found.told.covered, found.told.text, message) == base
    verifier = verifier_of("k", key.public_key())
    assert base64.b64encode(key.public_key().public_bytes_raw()).decode() == vector["public_key_base64"]
    assert verifier.alg == vector["algorithm"] == found.parameters.alg
    assert verifier.verify(base, found.signature)
    assert verifier.verify(base, signer_of("k", key).sign(base))
    assert not verifier.verify(flipped(base, 99), found.signature)
    assert not verifier.verify(base, flipped(found.signature, 9_999))
    assert not verifier.verify(base, found.signature[:-1])


FIELDS = fields_of(
    [
        (b"Host", b"www.example.com"),
        (b"X-OWS-Header", b"   Leading and trailing whitespace.   \t"),
        (b"Cache-Control", b"max-age=60"),
        (b"Cache-Control", b"   must-revalidate"),
        (b"Example-Dict", b" a=1,    b=2;x=1;y=2,   c=(a   b   c), d"),
        (b"Example-Header", b"value, with, lots"),
        (b"Example-Header", b"of, commas"),
        (b"X-Empty-Header", b""),
    ]
)
TARGET = "/path?param=value&foo=bar&baz=batman&qux=&var=this%20is%20a%20big%0Avalue&fa%C3%A7ade%22%3A%20=s+t%7E&foo=2"
ASKED = Request("POST", "WWW.example.com:443", TARGET, FIELDS)


@pytest.mark.parametrize(
    ("identifier", "value"),
    [
        ('"@method"', "POST"),
        ('"@authority"', "www.example.com"),
        ('"@scheme"', "https"),
        ('"@target-uri"', "https://www.example.com" + TARGET),
        ('"@request-target"', TARGET),
        ('"@path"', "/path"),
        ('"@query"', TARGET.removeprefix("/path")),
        ('"@query-param";name="baz"', "batman"),
        ('"@query-param";name="qux"', ""),
        ('"@query-param";name="var"', "this%20is%20a%20big%0Avalue"),
        ('"@query-param";name="fa%C3%A7ade%22%3A%20"', "s%20t%7E"),
        ('"x-ows-header"', "Leading and trailing whitespace."),
        ('"cache-control"', "max-age=60, must-revalidate"),
        ('"x-empty-header"', ""),
        ('"example-dict"', "a=1,    b=2;x=1;y=2,   c=(a   b   c), d"),
        ('"example-dict";sf', "a=1, b=2;x=1;y=2, c=(a b c), d"),
        ('"example-dict";key="a"', "1"),
        ('"example-dict";key="b"', "2;x=1;y=2"),
        ('"example-dict";key="c"', "(a b c)"),
        ('"example-dict";key="d"', "?1"),
        ('"example-header"', "value, with, lots, of, commas"),
        ('"example-header";bs', ":dmFsdWUsIHdpdGgsIGxvdHM=:, :b2YsIGNvbW1hcw==:"),
    ],
)
def test_values_of_section_2(identifier: str, value: str) -> None:
    one = component_of(parse_item(identifier))
    assert one.text == identifier
    kinds = {"example-dict": "dictionary"}
    assert value_of(one, ASKED, kinds=kinds) == value
    asked = component_of(parse_item(identifier + ";req"))
    assert value_of(asked, Response(200, {}), ASKED, kinds) == value
    with pytest.raises(Malformed):
        value_of(asked, ASKED, ASKED, kinds)
    with pytest.raises(Malformed):
        value_of(asked, Response(200, {}), None, kinds)


@pytest.mark.parametrize(
    "identifier",
    [
        '"X-Road-Id"',
        '""',
        '"@unknown"',
        '"@signature-params"',
        '"@method";sf',
        '"@method";key="a"',
        '"@query-param"',
        '"@path";name="a"',
        '"date";bs;sf',
        '"date";bs;key="a"',
        '"date";tr',
        '"date";key=a',
        '"date";req=1',
        '"date";name="a"',
        "date",
        ":YQ==:",
    ],
)
def test_components_that_are_none_are_refused(identifier: str) -> None:
    with pytest.raises(Malformed):
        component_of(parse_item(identifier))


@pytest.mark.parametrize(
    ("identifier", "refusal"),
    [
        ('"date"', Uncovered),
        ('"example-dict";key="z"', Uncovered),
        ('"example-header";key="a"', Uncovered),
        ('"x-ows-header";sf', Malformed),
        ('"x-ows-header";key="a"', Malformed),
        ('"@query-param";name="foo"', Uncovered),
        ('"@query-param";name="none"', Uncovered),
        ('"@status"', Malformed),
    ],
)
def test_values_that_are_not_there_are_refused(identifier: str, refusal: type[Refused]) -> None:
    with pytest.raises(refusal):
        value_of(component_of(parse_item(identifier)), ASKED)


def test_an_answer_has_a_status_and_nothing_of_a_request() -> None:
    assert value_of(component_of(parse_item('"@status"')), Response(200, {})) == "200"
    with pytest.raises(Malformed):
        value_of(component_of(parse_item('"@method"')), Response(200, {}))
