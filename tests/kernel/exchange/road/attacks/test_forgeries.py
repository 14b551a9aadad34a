"""Attacks over the leg by somebody who has a gateway of the road, a key, or recordings: each refused by its name."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from tests.kernel.exchange.road.attacks.siege import (
    BODY,
    HONEST,
    MALLORY,
    Lines,
    Siege,
    a_siege,
    changed,
    key_of,
    without,
    written,
)
from tests.kernel.exchange.road.pair import CONSUMER, ECHO, a_key, keyid_of

from banyan.wire.httpsig.digest import digest_field
from banyan.wire.httpsig.keys import signer_of, verifier_of
from banyan.wire.httpsig.peer import Keys
from banyan.wire.xroad.identifiers import parse_client

OWNER = parse_client(CONSUMER).owner
KEYID = keyid_of(OWNER)
PROXY = "Server.ServerProxy."
FORGED = PROXY + "SignatureVerification.InvalidSignatureValue"
UNCOVERED = PROXY + "SignatureVerification.InvalidReference"
MALFORMED = PROXY + "SignatureVerification.MalformedSignature"
UNTIMELY = PROXY + "SignatureVerification.IncorrectValidationInfo"
UNKNOWN = PROXY + "SignatureVerification.KeyNotFound"


@pytest.fixture(scope="module")
def siege(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Siege]:
    with a_siege(tmp_path_factory.mktemp("siege")) as made:
        yield made


def twice(name: bytes) -> Callable[[Lines], Lines]:
    return lambda lines: [*lines, next(line for line in lines if line[0] == name)]


def in_value(name: bytes, old: bytes, new: bytes) -> Callable[[Lines], Lines]:
    def change(lines: Lines) -> Lines:
        found = changed(lines, name, lambda value: value.replace(old, new, 1))
        assert found != lines, "there is something to change"
        return found

    return change


def repeated_label(lines: Lines) -> Lines:
    """`gw` twice in one field: two readers could each take another one."""
    for name in (b"signature-input", b"signature"):
        lines = changed(lines, name, lambda value: value + b", " + value)
    return lines


CHANGES: dict[str, tuple[Callable[[Lines], Lines], str]] = {
    "no_signature": (lambda lines: without(lines, b"signature", b"signature-input"), PROXY + "MissingSignature"),
    "signature_without_its_input": (lambda lines: without(lines, b"signature-input"), MALFORMED),
    "input_without_its_signature": (lambda lines: without(lines, b"signature"), MALFORMED),
    "signature_line_twice": (twice(b"signature"), MALFORMED),
    "signature_input_line_twice": (twice(b"signature-input"), MALFORMED),
    "label_twice": (repeated_label, MALFORMED),
    "other_label": (
        lambda lines: in_value(b"signature", b"gw=", b"gx=")(in_value(b"signature-input", b"gw=", b"gx=")(lines)),
        UNCOVERED,
    ),
    "component_twice": (in_value(b"signature-input", b'"@method"', b'"@method" "@method"'), MALFORMED),
    "component_left_out": (in_value(b"signature-input", b'"@authority" ', b""), UNCOVERED),
    "digest_left_out": (in_value(b"signature-input", b'"content-digest" ', b""), UNCOVERED),
    "other_tag": (in_value(b"signature-input", b"banyan-exchange/1", b"other-exchange/1"), MALFORMED),
    "a_parameter_of_nobody": (in_value(b"signature-input", b";nonce=", b";evil=1;nonce="), MALFORMED),
    "other_algorithm": (in_value(b"signature-input", b"ecdsa-p256-sha256", b"ed25519"), UNKNOWN),
    "no_algorithm_at_all": (in_value(b"signature-input", b"ecdsa-p256-sha256", b"none"), UNKNOWN),
    "key_of_nobody": (in_value(b"signature-input", KEYID.encode(), b"EE/NOBODY/x/2026"), UNKNOWN),
    "user_added": (lambda lines: [*lines, (b"X-Road-UserId", b"EE1")], UNCOVERED),
    "purpose_added": (lambda lines: [*lines, (b"X-Banyan-Purpose", b"curiosity")], UNCOVERED),
    "respond_async_added": (lambda lines: [*lines, (b"Prefer", b"respond-async")], UNCOVERED),
    "type_added": (lambda lines: [*lines, (b"Content-Type", b"text/html")], UNCOVERED),
    "client_twice": (twice(b"x-road-client"), MALFORMED),
    "digest_twice": (twice(b"content-digest"), MALFORMED),
    "request_id_changed": (in_value(b"x-road-request-id", b"0", b"1"), FORGED),
    "message_id_changed": (in_value(b"x-road-id", b"EE-", b"EE-9"), FORGED),
    "directory_version_changed": (in_value(b"x-directory-version", b"1", b"2"), FORGED),
    "service_changed": (in_value(b"x-road-service", b"echo", b"other"), PROXY + "InconsistentHeaders"),
    "client_of_another_member": (in_value(b"x-road-client", b"consumer", b"mallory"), FORGED),
    "other_host": (in_value(b"Host", b"127.0.0.1", b"127.0.0.2"), PROXY + "InvalidRequest"),
    "host_with_a_dot": (in_value(b"Host", b":", b".:"), PROXY + "InvalidRequest"),
    "a_bit_of_the_signature": (
        lambda lines: changed(lines, b"signature", lambda v: v[:20] + (b"A" if v[20:21] != b"A" else b"B") + v[21:]),
        FORGED,
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_call_changed_on_its_way_is_refused(siege: Siege, name: str) -> None:
    change, error = CHANGES[name]
    got = siege.repels(siege.forged(change(siege.call())))
    assert got.error == error, got


def test_an_honest_call_by_the_same_means_is_answered(siege: Siege) -> None:
    """Else every refusal here could be one of the tool's own faults."""
    got = siege.run(siege.forged(siege.call()))
    assert (got.status, got.body) == (200, BODY), got


def test_another_path_or_verb_or_query_than_was_signed(siege: Siege) -> None:
    for verb, target in (("POST", ECHO + "/more"), ("PUT", ECHO), ("POST", ECHO + "?a=1"), ("POST", ECHO + "/")):
        got = siege.repels(siege.at_peer(written(verb, target, siege.call(), BODY)))
        assert got.error == FORGED, (verb, target, got)


def test_another_body_than_was_signed(siege: Siege) -> None:
    got = siege.repels(siege.forged(siege.call(), b'{"value": 43}'))
    assert got.error == PROXY + "InvalidBody", got


def test_a_digest_of_another_body_that_is_not_signed(siege: Siege) -> None:
    other = b'{"value": 43}'
    lines = changed(siege.call(), b"content-digest", digest_field(other).encode())
    assert siege.repels(siege.forged(lines, other)).error == FORGED


@pytest.mark.parametrize("age_s", [-10, 0, 10, 59])
def test_a_clock_that_is_off_by_ten_seconds_passes(siege: Siege, age_s: float) -> None:
    assert siege.run(siege.forged(siege.call(age_s=age_s))).status == 200


@pytest.mark.parametrize("age_s", [-3600, -60, -31, 60, 3600])
def test_a_clock_that_is_off_by_a_minute_does_not(siege: Siege, age_s: float) -> None:
    assert siege.repels(siege.forged(siege.call(age_s=age_s))).error == UNTIMELY


def test_a_recorded_call_is_good_for_once(siege: Siege) -> None:
    lines = siege.call()
    assert siege.run(siege.forged(lines)).status == 200
    for _ in range(2):
        got = siege.repels(siege.forged(lines))
        assert (got.status, got.error) == (409, PROXY + "InvalidRequest")


def test_a_nonce_used_again_under_a_new_signature(siege: Siege, way: str) -> None:
    assert siege.run(siege.forged(siege.call(nonce=f"a-nonce-used-two-times-{way}"))).status == 200
    assert siege.repels(siege.forged(siege.call(nonce=f"a-nonce-used-two-times-{way}"))).status == 409


def test_a_refused_call_does_not_burn_the_nonce_of_the_honest_one(siege: Siege) -> None:
    """Else whoever sees a call on its way could keep it out by sending a spoilt copy first."""
    lines = siege.call()
    spoilt = changed(lines, b"x-road-id", b"EE-other")
    assert siege.repels(siege.forged(spoilt)).error == FORGED
    assert siege.run(siege.forged(lines)).status == 200


def test_a_member_signs_for_another(siege: Siege) -> None:
    """Mallory's key is in the directory, the call is signed well, but it says to be of the consumer."""
    got = siege.repels(siege.forged(siege.call(signer=key_of(MALLORY))))
    assert got.error == PROXY + "InconsistentHeaders"


def test_a_key_of_ones_own_under_the_name_of_anothers(siege: Siege) -> None:
    assert siege.repels(siege.forged(siege.call(signer=key_of(CONSUMER, "mallory")))).error == FORGED


def test_a_call_by_way_of_a_gateway_that_does_not_speak_for_its_member(siege: Siege) -> None:
    """A stolen member key, or a relayed call: the certificate is of another gateway."""
    got = siege.repels(siege.forged(siege.call(), by="ss3"))
    assert got.error == PROXY + "SslAuthenticationFailed"


def test_a_call_signed_for_one_gateway_and_passed_on_to_another(siege: Siege) -> None:
    """B, asked by the consumer, plays its call to C: Host as signed names B, or C against the signature."""
    road = siege.road
    for_c = f"127.0.0.1:{road.keepers['ss3'].gateway.peer_port}"
    passed_on = siege.call(authority=for_c)
    assert siege.repels(siege.forged(passed_on)).error == PROXY + "InvalidRequest"
    relabelled = changed(passed_on, b"Host", siege.authority.encode())
    assert siege.repels(siege.forged(relabelled)).error == FORGED


def test_a_member_without_a_grant(siege: Siege) -> None:
    got = siege.repels(siege.forged(siege.call(client=f"{MALLORY}/sub"), by="ss3"))
    assert got.error == PROXY + "AccessDenied"


def test_a_service_of_another_member_asked_of_this_gateway(siege: Siege) -> None:
    target = f"/r1/{MALLORY}/sub/echo"
    got = siege.repels(siege.forged(siege.call(target=target), target=target))
    assert got.error == PROXY + "UnknownMember"


def test_the_second_signature_of_a_member_that_has_two_keys_is_not_left_out(siege: Siege) -> None:
    directory = siege.road.directory
    post_quantum = MLDSA44PrivateKey.from_seed_bytes(bytes(range(32)))
    of_another = MLDSA44PrivateKey.from_seed_bytes(bytes(range(1, 33)))
    before = directory.by_keyid[KEYID]
    first = verifier_of(KEYID, a_key(OWNER.member).public_key())
    signer = signer_of(KEYID, post_quantum)
    siege_keys = Keys(first, verifier_of(KEYID, post_quantum.public_key()))

    async def shot(lines: Lines) -> str:
        directory.by_keyid[KEYID] = (siege_keys, OWNER)
        try:
            return (await siege.forged(lines)).error
        finally:
            directory.by_keyid[KEYID] = before

    whole = siege.call(second=signer)
    assert siege.run(shot(whole)) == ""
    stripped = [
        (name, value.partition(b", pq=")[0]) if name in (b"signature", b"signature-input") else (name, value)
        for name, value in siege.call(second=signer)
    ]
    assert siege.repels(shot(stripped)) == UNCOVERED
    assert siege.repels(shot(siege.call())) == UNCOVERED
    assert siege.repels(shot(siege.call(second=signer_of(KEYID, of_another)))) == FORGED


def test_a_revoked_key(siege: Siege) -> None:
    directory = siege.road.directory

    async def shot() -> tuple[str, int]:
        before = directory.by_keyid.pop(KEYID)
        try:
            return (await siege.forged(siege.call())).error, (await siege.road.call("GET", ECHO, HONEST)).status
        finally:
            directory.by_keyid[KEYID] = before

    assert siege.repels(shot()) == (UNKNOWN, 500)


def test_a_revoked_member_or_subsystem(siege: Siege) -> None:
    directory = siege.road.directory
    client = parse_client(CONSUMER)

    async def shot() -> str:
        directory.known.discard(client)
        try:
            return (await siege.forged(siege.call())).error
        finally:
            directory.known.add(client)

    assert siege.repels(shot()) == PROXY + "UnknownMember"


def test_a_directory_that_has_expired(siege: Siege) -> None:
    directory = siege.road.directory

    async def shot() -> list[str]:
        directory.state = "expired"
        try:
            over_the_leg = await siege.forged(siege.call())
            at_the_edge = await siege.road.call("POST", ECHO, HONEST, BODY)
        finally:
            directory.state = "fresh"
        return [over_the_leg.error, at_the_edge.fields["x-road-error"]]

    assert siege.repels(shot()) == [PROXY + "OutdatedGlobalConf", "Server.ClientProxy.OutdatedGlobalConf"]


def test_a_certificate_that_was_revoked(siege: Siege) -> None:
    directory = siege.road.directory

    async def shot() -> str:
        before = dict(directory.by_certificate)
        directory.by_certificate.clear()
        try:
            return (await siege.forged(siege.call())).error
        finally:
            directory.by_certificate.update(before)

    assert siege.repels(shot()) == PROXY + "SslAuthenticationFailed"
