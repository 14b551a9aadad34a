"""The road's profile: what holds, and every way of tampering that must not."""

from __future__ import annotations

import re

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.wire.httpsig.road import (
    BODY,
    ED25519,
    KNOWN,
    ML_DSA,
    ML_DSA_65,
    NOW,
    OTHER,
    P256,
    REQUEST,
    RESPONSE,
    STAMP,
    a_request,
    an_answer,
    changed,
    knows,
    signer,
    verifier,
)

from banyan import limits
from banyan.wire.httpsig.components import Component, component, value_of
from banyan.wire.httpsig.covered import covered
from banyan.wire.httpsig.digest import check_digest, digest_field
from banyan.wire.httpsig.errors import DigestMismatch, Forged, Malformed, Refused, Uncovered, UnknownKey, Untimely
from banyan.wire.httpsig.keys import PrivateKey, signer_of
from banyan.wire.httpsig.message import Request, Response
from banyan.wire.httpsig.p256 import _der, _plain
from banyan.wire.httpsig.peer import TAG, sign_request, sign_response, verify_request, verify_response
from banyan.wire.httpsig.presented import Parameters, member_of, presented, signature_base


@pytest.mark.parametrize("key", [P256, ED25519, ML_DSA, ML_DSA_65])
def test_a_call_and_its_answer_hold(key: PrivateKey) -> None:
    request = a_request(key=key)
    known = knows(verifier(key))
    accepted = verify_request(request, known, NOW + 10.5)
    assert (accepted.keyid, accepted.created, accepted.nonce) == ("NHI/2026", NOW, STAMP.nonce)
    check_digest(BODY, accepted.digests)
    with pytest.raises(DigestMismatch):
        check_digest(BODY[:-1], accepted.digests)
    answer = sign_response(RESPONSE, request, Parameters(created=NOW, expires=NOW + 60), first=signer(key))
    check_digest(BODY, verify_response(answer, request, known, NOW).digests)


def test_the_signature_input_is_what_the_field_note_says() -> None:
    request = a_request()
    assert request.fields["signature-input"] == [
        'gw=("@method" "@authority" "@path" "@query" "content-digest" "x-road-client" "x-road-service" "x-road-id" '
        '"x-road-request-id" "x-directory-version" "content-type" "x-road-userid" "x-banyan-purpose")'
        f';created={NOW};expires={NOW + 60};keyid="NHI/2026";alg="ecdsa-p256-sha256";nonce="{STAMP.nonce}";tag="{TAG}"'
    ]
    assert an_answer(request).fields["signature-input"] == [
        'gw=("@status" "content-digest" "x-road-request-hash" "signature";req;key="gw" "@method";req "@path";req '
        f'"content-type" "x-road-id");created={NOW};expires={NOW + 60};keyid="NHI/2026";alg="ecdsa-p256-sha256"'
        f';tag="{TAG}"'
    ]


@pytest.mark.parametrize(
    "name",
    [name for name in REQUEST.fields if name not in {"host", "user-agent"}],
)
def test_no_signed_field_can_be_changed_repeated_or_left_out(name: str) -> None:
    request = a_request()
    key = name.replace("-", "_")
    line = request.fields[name][0]
    refused(changed(request, **{key: [digest_field(b"other") if name == "content-digest" else line + "x"]}), Forged)
    refused(changed(request, **{key: [line, line]}), Malformed)
    refused(changed(request, **{key: None}), Uncovered)
    refused(changed(request, **{key: []}), Uncovered)
    refused(changed(request, **{key: [], "accept": ["a", "b"]}), Uncovered)


def refused(request: Request, by: type[Refused], now: float = NOW) -> None:
    with pytest.raises(by):
        verify_request(request, KNOWN, now)


@pytest.mark.parametrize(
    "other",
    [
        {"method": "PUT"},
        {"method": "post"},
        {"authority": "gw.police.example"},
        {"target": REQUEST.target.replace("flag", "list")},
        {"target": REQUEST.target.replace("2026", "2025")},
        {"target": REQUEST.target + "&a=b"},
        {"target": REQUEST.target.partition("?")[0]},
        {"target": REQUEST.target.replace("flag", "%66lag")},
    ],
)
def test_another_line_is_another_request(other: dict[str, str]) -> None:
    refused(msgspec.structs.replace(a_request(), **other), Forged)


def test_what_is_not_signed_may_change() -> None:
    verify_request(changed(a_request(), user_agent=["other"], via=["a", "b"]), KNOWN, NOW)
    verify_request(msgspec.structs.replace(a_request(), authority="GW.immigration.example:443"), KNOWN, NOW)


@pytest.mark.parametrize(
    "name", ["x-road-represented-party", "x-banyan-consent", "x-road-x", "prefer", "idempotency-key"]
)
def test_an_envelope_field_that_is_added_on_the_way_is_refused(name: str) -> None:
    with pytest.raises(Uncovered) as refusal:
        verify_request(changed(a_request(), **{name.replace("-", "_"): ["a"]}), KNOWN, NOW)
    assert refusal.value.rule == name


@pytest.mark.parametrize("left_out", range(10))
def test_each_required_component_must_be_signed(left_out: int) -> None:
    """A member who signs less than asked, with its own good key."""
    components = list(presented(a_request().fields)["gw"].components)
    gone = components.pop(left_out)
    with pytest.raises(Uncovered) as refusal:
        verify_request(signed_by_hand(components), KNOWN, NOW)
    assert refusal.value.rule == gone.name


def signed_by_hand(components: list[Component], parameters: Parameters | None = None) -> Request:
    said = parameters or Parameters(NOW, NOW + 60, "NHI/2026", "ecdsa-p256-sha256", STAMP.nonce, TAG)
    over = covered(components)
    text = over.text + said.text
    signature = signer().sign(signature_base(over, text, REQUEST))
    return changed(REQUEST, signature_input=[f"gw={text}"], signature=[member_of("gw", signature)])


def test_a_form_that_hides_a_part_does_not_count() -> None:
    components = list(presented(a_request().fields)["gw"].components)
    place = next(place for place, one in enumerate(components) if one.name == "content-digest")
    components[place] = component("content-digest", key="sha-256")
    with pytest.raises(Uncovered):
        verify_request(signed_by_hand(components), KNOWN, NOW)


@pytest.mark.parametrize("skew", [-30, -10, 0, 10, 59])
def test_a_clock_that_is_a_little_off_passes(skew: int) -> None:
    verify_request(a_request(), KNOWN, NOW + skew)


@pytest.mark.parametrize("skew", [-(10**9), -300, -60, -31, 60, 61, 300, 10**9])
def test_a_clock_that_is_far_off_fails(skew: int) -> None:
    refused(a_request(msgspec.structs.replace(STAMP, expires=NOW + 300)), Untimely, NOW + skew)


@pytest.mark.parametrize("life", [-1, 0, 301, 10**9])
def test_a_signature_lives_five_minutes_at_most(life: int) -> None:
    refused(a_request(msgspec.structs.replace(STAMP, expires=NOW + life)), Untimely)


def test_a_signature_that_says_it_has_expired_has() -> None:
    short = a_request(msgspec.structs.replace(STAMP, expires=NOW + 5))
    assert verify_request(short, KNOWN, NOW + 4.9).forget_at == NOW + 5
    refused(short, Untimely, NOW + 5)


@given(st.integers(-90, 90), st.integers(1, 300))
def test_a_nonce_may_be_forgotten_when_the_clock_refuses_its_message(skew: int, life: int) -> None:
    request = a_request(msgspec.structs.replace(STAMP, expires=NOW + life), ED25519)
    known = knows(verifier(ED25519))
    try:
        accepted = verify_request(request, known, NOW + skew)
    except Untimely:
        return
    assert accepted.forget_at > NOW + skew
    with pytest.raises(Untimely):
        verify_request(request, known, accepted.forget_at)


@pytest.mark.parametrize("nonce", ["short", "a" * (limits.PEER_NONCE_CHARS + 1), None])
def test_a_nonce_has_a_size(nonce: str | None) -> None:
    said = Parameters(NOW, NOW + 60, "NHI/2026", "ecdsa-p256-sha256", nonce, TAG)
    refused(signed_by_hand(list(presented(a_request().fields)["gw"].components), said), Malformed)


@pytest.mark.parametrize(
    ("name", "value", "by"),
    [
        ("tag", "other", Malformed),
        ("tag", None, Malformed),
        ("keyid", None, Malformed),
        ("keyid", "", Malformed),
        ("keyid", "a" * 300, Malformed),
        ("keyid", "nobody", UnknownKey),
        ("alg", None, UnknownKey),
        ("alg", "ed25519", UnknownKey),
        ("alg", "rsa-v1_5-sha256", UnknownKey),
        ("created", None, Malformed),
        ("expires", None, Malformed),
    ],
)
def test_each_parameter_is_held_to_the_profile(name: str, value: str | None, by: type[Refused]) -> None:
    said = Parameters(NOW, NOW + 60, "NHI/2026", "ecdsa-p256-sha256", STAMP.nonce, TAG)
    said = msgspec.structs.replace(said, **{name: value})
    refused(signed_by_hand(list(presented(a_request().fields)["gw"].components), said), by)


def test_a_parameter_of_ones_own_and_another_label_are_refused() -> None:
    request = a_request()
    told, signed = request.fields["signature-input"][0], request.fields["signature"][0]
    refused(changed(request, signature_input=[told + ";more"]), Malformed)
    refused(changed(request, signature_input=["x" + told], signature=["x" + signed]), Uncovered)
    refused(changed(request, signature_input=[f"{told}, {told}"]), Malformed)
    refused(changed(request, signature_input=[told, "x=()"], signature=[signed, "x=:YQ==:"]), Malformed)
    refused(REQUEST, Uncovered)


def test_a_key_of_somebody_else_does_not_do() -> None:
    with pytest.raises(Forged):
        verify_request(a_request(key=OTHER), KNOWN, NOW)
    with pytest.raises(UnknownKey):
        verify_request(a_request(), knows(verifier(keyid="NHI/2025")), NOW)
    with pytest.raises(UnknownKey):
        verify_request(a_request(), knows(verifier(ED25519)), NOW)


@settings(max_examples=60)
@given(st.data())
def test_any_bit_flipped_in_the_head_is_refused(data: st.DataObject) -> None:
    request = a_request()
    name = data.draw(st.sampled_from([name for name in request.fields if name not in {"host", "user-agent"}]))
    line = request.fields[name][0]
    place, bit = data.draw(st.integers(0, len(line) - 1)), data.draw(st.integers(0, 7))
    other = line[:place] + chr(ord(line[place]) ^ 1 << bit) + line[place + 1 :]
    with pytest.raises(Refused) as refusal:
        verify_request(changed(request, **{name.replace("-", "_"): [other]}), KNOWN, NOW)
    assert not re.search(r"officer|TW-1|hospital", str(refusal.value)), "a refusal says no value"


def test_an_answer_is_of_one_request_only() -> None:
    request = a_request()
    answer = an_answer(request)
    verify_response(answer, request, KNOWN, NOW)
    again = a_request(msgspec.structs.replace(STAMP, nonce="another-nonce-of-it"))
    for other in (again, a_request(), msgspec.structs.replace(request, method="PUT")):
        with pytest.raises(Forged):
            verify_response(answer, other, KNOWN, NOW)


@pytest.mark.parametrize("name", [name for name in RESPONSE.fields if name != "date"])
def test_no_part_of_an_answer_can_be_changed(name: str) -> None:
    request = a_request()
    answer = an_answer(request)
    key = name.replace("-", "_")
    tampered: list[tuple[Response, type[Refused]]] = [
        (changed(answer, **{key: [answer.fields[name][0] + "x"]}), Refused),
        (changed(answer, **{key: answer.fields[name] * 2}), Malformed),
        (changed(answer, **{key: None}), Uncovered),
        (msgspec.structs.replace(answer, status=201), Forged),
        (changed(answer, x_road_service=["a"]), Uncovered),
    ]
    for other, by in tampered:
        with pytest.raises(by):
            verify_response(other, request, KNOWN, NOW)
    with pytest.raises(Untimely):
        verify_response(answer, request, KNOWN, NOW + 60)


def test_a_request_does_not_pass_for_an_answer() -> None:
    request = a_request()
    fields = dict(request.fields) | {"x-road-request-hash": ["abc="]}
    with pytest.raises(Refused):
        verify_response(Response(200, fields), request, KNOWN, NOW)


def test_an_answer_without_its_hash_is_not_signed() -> None:
    request = a_request()
    with pytest.raises(Uncovered, match="x-road-request-hash"):
        sign_response(changed(RESPONSE, x_road_request_hash=None), request, STAMP, first=signer())


PQ = "NHI/2026-pq"
BOTH = knows(verifier(), verifier(ML_DSA, PQ))


def with_both(key: PrivateKey = ML_DSA) -> Request:
    return sign_request(REQUEST, STAMP, signer(), signer_of(PQ, key))


def test_a_second_post_quantum_signature_holds_in_both_directions() -> None:
    request = with_both()
    verify_request(request, BOTH, NOW)
    verify_request(request, KNOWN, NOW)  # who does not know the second key reads the first
    verify_request(with_both(ML_DSA_65), knows(verifier(), verifier(ML_DSA_65, PQ)), NOW)
    answer = sign_response(RESPONSE, request, STAMP, first=signer(), second=signer_of(PQ, ML_DSA))
    verify_response(answer, request, BOTH, NOW)
    assert len(answer.fields["signature"][0]) < limits.HTTPSIG_FIELD_CHARS


def test_the_second_signature_cannot_be_stripped_forged_or_made_of_something_else() -> None:
    with pytest.raises(Uncovered):
        verify_request(a_request(), BOTH, NOW)
    with pytest.raises(UnknownKey):
        verify_request(with_both(ML_DSA_65), BOTH, NOW)
    request = with_both()
    told, signed = request.fields["signature-input"][0], request.fields["signature"][0]
    turned = signed[:-9] + ("A" if signed[-9] != "A" else "B") + signed[-8:]
    with pytest.raises(Forged):
        verify_request(changed(request, signature=[turned]), BOTH, NOW)
    other = sign_request(
        REQUEST, msgspec.structs.replace(STAMP, nonce="another-nonce-of-it"), signer(), signer_of(PQ, ML_DSA)
    )
    mixed = told.partition(", pq=")[0] + ", pq=" + other.fields["signature-input"][0].partition(", pq=")[2]
    mixed_signed = signed.partition(", pq=")[0] + ", pq=" + other.fields["signature"][0].partition(", pq=")[2]
    with pytest.raises(Uncovered):
        verify_request(changed(request, signature_input=[mixed], signature=[mixed_signed]), BOTH, NOW)


def test_what_is_read_at_once_is_what_the_general_reader_reads() -> None:
    request = a_request()
    answer = an_answer(request)
    for message, over in ((request, presented(request.fields)["gw"]), (answer, presented(answer.fields)["gw"])):
        seen = 0
        for name, quick, one in over.told.covered.steps[type(message)]:
            value = message.fields[name][0] if name else quick(message, request) if quick is not None else None
            assert value in (None, value_of(one, message, request))
            seen += value is not None
        assert seen == len(over.components), "the road's own components are all read at once"


@given(st.integers(0, (1 << 256) - 1), st.integers(0, (1 << 256) - 1))
def test_the_two_forms_of_a_signature_on_p256(r: int, s: int) -> None:
    der = encode_dss_signature(r, s)
    plain = r.to_bytes(32, "big") + s.to_bytes(32, "big")
    assert _der(plain) == der
    assert _plain(der) == plain
