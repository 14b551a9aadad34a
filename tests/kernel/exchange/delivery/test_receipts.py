"""Receipts, frames and envelopes: what comes out is what went in, and what was changed is refused."""

from __future__ import annotations

import asyncio

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jws
from joserfc.jwk import OKPKey
from tests.kernel.exchange.delivery.town import NOW, STORE, a_call

from banyan.errors import Invalid
from banyan.kernel.events.clock import EpochS
from banyan.kernel.exchange.delivery import framing, receipts
from banyan.kernel.exchange.delivery.contents import Whole
from banyan.kernel.exchange.delivery.envelope import (
    Envelope,
    fingerprint,
    for_attempt,
    for_provider,
    opened,
    sealed,
    wants_async,
    with_envelope,
)
from banyan.kernel.exchange.delivery.receipts import Receipt
from banyan.limits_road import DELIVERY_WINDOW_S
from banyan.wire.httpsig.keys import PrivateKey, signer_of, verifier_of
from banyan.wire.xroad.faults import Fault
from banyan.wire.xroad.headers import last_of

SAID = Receipt("answered", "TW/COM/H/his", "TW/GOV/NHI/r/s", "m 1", "ab" * 32, int(NOW), status=200, answer="cd" * 32)
KEYS: list[PrivateKey] = [
    ed25519.Ed25519PrivateKey.from_private_bytes(bytes(32)),
    ec.derive_private_key(7, ec.SECP256R1()),
    mldsa.MLDSA44PrivateKey.from_seed_bytes(bytes(32)),
    mldsa.MLDSA87PrivateKey.from_seed_bytes(bytes(32)),
]


class TestReceipts:
    @pytest.mark.parametrize("key", KEYS, ids=["Ed25519", "P-256", "ML-DSA-44", "ML-DSA-87"])
    def test_a_receipt_is_read_by_its_key_only(self, key: PrivateKey) -> None:
        text = receipts.signed(SAID, signer_of("k1", key))
        verifier = verifier_of("k1", key.public_key())
        assert receipts.checked(text, {"k1": verifier}.get) == (SAID, "k1")
        assert receipts.own(text) == SAID
        other = verifier_of("k1", ed25519.Ed25519PrivateKey.from_private_bytes(b"\1" * 32).public_key())
        for lookup in ({"k1": other}.get, {"k2": verifier}.get):
            with pytest.raises(Invalid):
                receipts.checked(text, lookup)

    def test_a_library_that_nobody_here_wrote_reads_it(self) -> None:
        key = KEYS[0]
        assert isinstance(key, ed25519.Ed25519PrivateKey)
        text = receipts.signed(SAID, signer_of("k1", key))
        found = jws.deserialize_compact(text, OKPKey.import_key(_okp(key)), algorithms=["Ed25519"])
        assert found.headers() == {"alg": "Ed25519", "kid": "k1", "typ": receipts.TYPE}

    @given(st.data())
    def test_any_changed_character_is_refused(self, data: st.DataObject) -> None:
        verifier = verifier_of("k1", KEYS[0].public_key())
        text = receipts.signed(SAID, signer_of("k1", KEYS[0]))
        at = data.draw(st.integers(0, len(text) - 1))
        other = data.draw(st.characters(codec="utf-8").filter(lambda one: one != text[at]))
        with pytest.raises(Invalid):
            receipts.checked(text[:at] + other + text[at + 1 :], {"k1": verifier}.get)

    @pytest.mark.parametrize("text", ["", "a.b", "a.b.c.d", "..", "e30.e30.", "x" * 9_000, "é.é.é", "e30=.e30.e30"])
    def test_what_is_none_is_refused(self, text: str) -> None:
        with pytest.raises(Invalid):
            receipts.checked(text, lambda keyid: verifier_of("k1", KEYS[0].public_key()))


class TestFrames:
    @given(st.integers(200, 599), st.binary(max_size=300))
    def test_a_frame_comes_out_as_it_went_in(self, code: int, body: bytes) -> None:
        async def there_and_back() -> tuple[bytes, bytes]:
            head = b"%d\r\nOK\r\na:b\r\n" % code
            got, rest = await framing.unframed(framing.Framed(head, Whole(body)))
            assert framing.answer_from(got, rest).status == code
            assert rest.size == len(body)
            return got, b"".join([piece async for piece in rest.chunks()])

        head, content = asyncio.run(there_and_back())
        assert (head[:3], content) == (b"%d" % code, body)

    @pytest.mark.parametrize("code", [100, 103, 199, 600, 999])
    def test_an_interim_status_is_no_answer(self, code: int) -> None:
        """Its client would read the body as the next answer on its connection."""
        with pytest.raises(Invalid):
            framing.answer_from(b"%d\r\nOK\r\na:b\r\n" % code, Whole(b"HTTP/1.1 200 OK\r\n\r\n"))

    @pytest.mark.parametrize("frame", [b"", b"\0\0", b"\0\0\0\0", b"\0\0\0\5abc", b"\xff\xff\xff\xffabc"])
    def test_a_broken_frame_is_refused(self, frame: bytes) -> None:
        with pytest.raises(Invalid):
            asyncio.run(framing.unframed(Whole(frame)))


class TestEnvelopes:
    def test_what_makes_two_requests_the_same(self) -> None:
        call = a_call("m1", (b"Content-Type", b"text/plain"))
        print_ = fingerprint(call, b"body")
        assert fingerprint(for_attempt(call, "other id", EpochS(1)), b"body") == print_
        assert fingerprint(a_call("m2", (b"Date", b"x"), (b"content-type", b"text/plain")), b"body") == print_
        others = [
            fingerprint(call, b"other"),
            fingerprint(a_call("m1", (b"Content-Type", b"text/html")), b"body"),
            fingerprint(a_call("m1", (b"Content-Type", b"text/plain"), verb="PUT"), b"body"),
            fingerprint(a_call("m1", (b"Content-Type", b"text/plain"), path=b"/b"), b"body"),
            fingerprint(a_call("m1", (b"Content-Type", b"text/plain"), (b"X-Banyan-Consent", b"c")), b"body"),
        ]
        assert len({print_, *others}) == 6

    @pytest.mark.parametrize("late_s", [-200.0, DELIVERY_WINDOW_S, 8 * 86_400.0])
    def test_a_message_of_another_time_is_refused(self, late_s: float) -> None:
        call, _ = sealed(a_call(), EpochS(NOW))
        assert opened(call, EpochS(NOW + 5)).accepted_at == NOW
        with pytest.raises(Fault):
            opened(call, EpochS(NOW + late_s))

    def test_an_envelope_that_promises_too_long_a_life_is_refused(self) -> None:
        call, envelope = sealed(a_call(), EpochS(NOW))
        with pytest.raises(Fault):
            opened(with_envelope(call, Envelope(envelope.accepted_at, EpochS(NOW + 91 * 86_400))), EpochS(NOW))

    def test_other_preferences_reach_the_provider(self) -> None:
        call = a_call("m1", (b"Prefer", b"return=minimal, Respond-Async; x=1 , wait=5"), service=STORE)
        assert wants_async(call.fields)
        handed = for_provider(call, 2)
        assert last_of(handed.fields, b"prefer") == b"return=minimal, wait=5"
        assert not wants_async(handed.fields)
        assert last_of(handed.fields, b"x-banyan-again") == b"2"

    def test_a_clients_own_idempotency_key_is_left_to_it(self) -> None:
        call = a_call('m"1\\', (b"Idempotency-Key", b'"own"'))
        assert last_of(for_provider(call, 0).fields, b"idempotency-key") == b'"own"'
        assert last_of(for_provider(a_call('m"1\\'), 0).fields, b"idempotency-key") == b'"m\\"1\\\\"'


def _okp(key: ed25519.Ed25519PrivateKey) -> dict[str, str]:
    import base64

    x = base64.urlsafe_b64encode(key.public_key().public_bytes_raw()).rstrip(b"=").decode()
    return {"kty": "OKP", "crv": "Ed25519", "x": x}
