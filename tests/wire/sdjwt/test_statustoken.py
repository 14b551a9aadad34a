"""Status list tokens: what is written is read, for its own address and its time only; no bytes break the reader."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc.jwk import ECKey

from banyan.wire.sdjwt.credential import issue, show, unverified, verify
from banyan.wire.sdjwt.disclosures import BadCredential, Sd
from banyan.wire.sdjwt.status import StatusList
from banyan.wire.sdjwt.statustoken import Place, place_of, sign_list, verify_list

KEY, OTHER = ECKey.generate_key("P-256"), ECKey.generate_key("P-256")
COUNT = itertools.count()


def counted() -> Callable[[int], bytes]:
    """Another salt each time."""
    return lambda size: sha256(b"%d" % next(COUNT)).digest()[:size]


URI, NOW = "https://issuer.example/status/1", 1_795_438_800


def token(statuses: StatusList, *, key: ECKey = KEY) -> str:
    return sign_list(statuses, URI, key, now=NOW, lives_s=60, ttl_s=30, header={"kid": "one"})


@settings(max_examples=50)
@given(st.lists(st.integers(0, 3), min_size=1, max_size=300))
def test_what_is_written_is_read(values: list[int]) -> None:
    statuses = StatusList(len(values), 2)
    for index, value in enumerate(values):
        statuses.set(index, value)
    read = verify_list(token(statuses), lambda header, _: KEY, uri=URI, now=NOW)
    assert [read[index] for index in range(len(values))] == values


def test_another_key_address_or_time_is_refused() -> None:
    made = token(StatusList(8))
    for key, uri, now in ((OTHER, URI, NOW), (KEY, URI + "0", NOW), (KEY, URI, NOW + 60)):
        with pytest.raises(BadCredential):
            verify_list(made, lambda *_, key=key: key, uri=uri, now=now)
    credential = issue({"sub": URI, "iat": NOW}, KEY, random=counted()).rstrip("~")
    with pytest.raises(BadCredential, match="typ"):
        verify_list(credential, lambda *_: KEY, uri=URI, now=NOW)


@pytest.mark.parametrize(
    "status",
    [1, {}, {"status_list": 1}, {"status_list": {"idx": "3", "uri": URI}}, {"status_list": {"idx": -1, "uri": URI}},
     {"status_list": {"idx": True, "uri": URI}}, {"status_list": {"idx": 1}}],
)  # fmt: skip
def test_half_a_place_is_none(status: object) -> None:
    with pytest.raises(BadCredential):
        place_of({"status": status})  # type: ignore[dict-item]


@given(st.integers(0, 2**31), st.text(max_size=50))
def test_a_place_goes_into_a_credential_and_back(index: int, uri: str) -> None:
    assert place_of({"status": Place(uri, index).claim()}) == Place(uri, index)
    assert place_of({}) is None


@given(st.text(max_size=80))
def test_no_text_breaks_the_reader(text: str) -> None:
    with pytest.raises(BadCredential):
        verify_list(text, lambda *_: KEY, uri=URI, now=NOW)


HOLDER = ECKey.generate_key("P-256")


@pytest.mark.parametrize(
    "jwk",
    [{}, {"kty": "EC"}, {"kty": "EC", "crv": "P-256"}, {"kty": "oct", "k": "AA"}, {"kty": "OKP", "x": "AA"},
     {"kty": "OKP", "crv": "P-9", "x": "AA"},
     {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}, {"kty": "EC", "crv": 1, "x": 2, "y": 3}],
)  # fmt: skip
def test_a_holders_key_that_is_none_binds_nothing(jwk: dict[str, str]) -> None:
    made = show(
        issue({"a": 1}, KEY, random=counted(), holder=jwk), bool, holder=HOLDER, audience="a", nonce="n", now=NOW
    )
    with pytest.raises(BadCredential):
        verify(made, lambda *_: KEY, now=NOW, audience="a", nonce="n")


def test_what_a_library_adds_to_a_key_does_not_matter() -> None:
    jwk = {**HOLDER.as_dict(private=False), "ext": True, "key_ops": ["verify"]}
    made = show(
        issue({"a": 1}, KEY, random=counted(), holder=jwk), bool, holder=HOLDER, audience="a", nonce="n", now=NOW
    )
    assert verify(made, lambda *_: KEY, now=NOW, audience="a", nonce="n").is_bound


def test_parts_of_a_value_left_out_go_with_it() -> None:
    made = issue({"list": Sd([Sd(1), Sd({"x": Sd(2)})]), "a": Sd(3)}, KEY, random=counted())
    shown = show(made, lambda one: one.name != "list")
    assert verify(shown, lambda *_: KEY, now=NOW).claims == {"a": 3}
    assert unverified(shown.partition("~")[0])
