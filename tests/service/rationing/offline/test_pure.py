"""Filters, chains, sealed cards and tokens: values in, values out."""

from __future__ import annotations

import hmac
import itertools
import json
from hashlib import sha256
from random import Random
from typing import Any

import pytest
from cryptography.exceptions import InvalidTag
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc import jwe
from joserfc.jwk import ECKey
from tests.service.rationing.offline.device import Device, b64, public, unb64

from banyan.service.rationing.offline import filters
from banyan.service.rationing.offline.chain import Link, looked_at
from banyan.service.rationing.offline.formats import Card, Close, Refused, Sale, id_of, taken, terminal_of
from banyan.service.rationing.offline.keys import OfflineKeys, Unopened, sealed_card, unwrap_key, wrap_keys

KEYS = OfflineKeys("TW/GOV/NHI", bytes(range(32)))
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


@given(
    st.lists(st.binary(min_size=16, max_size=16), max_size=300), st.integers(8_192, 65_536).map(lambda n: n // 8 * 8)
)
@settings(max_examples=60)
def test_a_filter_misses_nobody(names: list[bytes], bits: int) -> None:
    entries = [filters.entry(b"k" * 32, name) for name in names]
    filled = filters.built(entries, bits)
    assert len(filled) * 8 == bits
    assert all(filters.holds(filled, one) for one in entries)


def test_one_in_a_hundred_others_is_taken_for_served() -> None:
    chance = Random(20200206)
    entries = [chance.randbytes(32) for _ in range(20_000)]
    filled = filters.built(entries, filters.bits_for(20_000, 10**9))
    others = sum(filters.holds(filled, chance.randbytes(32)) for _ in range(50_000)) / 50_000
    assert 0.006 < others < 0.0105
    assert abs(filters.false_positives(filled) - others) < 0.002


def test_a_filter_has_its_bounds() -> None:
    assert filters.bits_for(0, 10**9) == filters.LEAST_BITS
    assert filters.bits_for(10**6, 80_000) == 80_000
    assert filters.bits_for(1_000, 10**9) % 8 == 0


def links(count: int) -> list[Link]:
    made, prev = [], b"start"
    for counter in range(1, count + 1):
        id = sha256(prev).digest()
        made.append(Link(counter, id, prev, 100 + counter))
        prev = id
    return made


@given(st.permutations(links(8)), st.sets(st.integers(1, 8)), st.integers(0, 5))
def test_a_chain_is_the_same_in_any_order_and_repeated(order: list[Link], lost: set[int], again: int) -> None:
    come = [link for link in order if link.counter not in lost]
    seen = looked_at([*come, *come[:again]], b"start", most=50)
    highest = max((link.counter for link in come), default=0)
    assert seen.links == len(come)
    assert set(seen.missing) == {counter for counter in lost if counter < highest}
    assert seen.forked == seen.torn == seen.backward == ()
    assert seen.is_whole == (not seen.missing)


def test_a_chain_names_forks_tears_and_clocks_that_went_back() -> None:
    chain = links(4)
    fork = Link(3, b"other", chain[1].id, 99)
    torn = Link(4, b"torn", b"nowhere", 200)
    for order in itertools.permutations([*chain, fork, torn]):
        seen = looked_at(order, b"start", most=50)
        assert (seen.forked, seen.torn, seen.backward) == ((3, 4), (4,), (3,))
    assert looked_at([Link(1, b"x", b"elsewhere", 1)], b"start", most=50).torn == (1,)


def test_a_liar_with_a_high_counter_costs_little() -> None:
    seen = looked_at([Link(2**53 - 1, b"x", b"y", 1)], b"start", most=50)
    assert len(seen.missing) == 50


def test_a_card_is_opened_by_the_node_alone() -> None:
    card = Card(n="A123456789", p="id", by="F131104093")
    sealed = sealed_card(card, KEYS.seal_jwk)
    assert KEYS.open(sealed) == card
    assert len(sealed) == len(sealed_card(Card(n="A123456789"), KEYS.seal_jwk))
    for other in (OfflineKeys("TW/GOV/NHI", b"x" * 32), OfflineKeys("x", b"y" * 40)):
        with pytest.raises(Unopened):
            other.open(sealed)
    head, *rest = sealed.split(".")
    for broken in ("", "a.b.c", sealed[:-2] + "AA", ".".join([head, *rest[:-1], "A" * 22])):
        with pytest.raises(Unopened):
            KEYS.open(broken)


def test_a_card_sealed_in_another_way_is_not_opened() -> None:
    key = ECKey.import_key({name: KEYS.seal_jwk[name] for name in ("kty", "crv", "x", "y")})
    for header in ({"alg": "ECDH-ES+A128KW", "enc": "A256GCM"}, {"alg": "ECDH-ES", "enc": "A128GCM"}):
        allowed = [header["alg"], header["enc"]]
        with pytest.raises(Unopened):
            KEYS.open(jwe.encrypt_compact(header, b'{"n":"A123456789"}', key, algorithms=allowed))
    big = jwe.encrypt_compact(
        {"alg": "ECDH-ES", "enc": "A256GCM"}, b" " * 5_000, key, algorithms=["ECDH-ES", "A256GCM"]
    )
    with pytest.raises(Unopened):
        KEYS.open(big)


def test_a_wrapped_key_is_its_terminals_alone_and_bound_to_its_name() -> None:
    device, other = ECKey.generate_key("P-256"), ECKey.generate_key("P-256")
    chance = Random(1)
    epk, wrapped = wrap_keys(public(device), {"a": b"1" * 32, "b": b"2" * 32}, info="x", random=chance.randbytes)
    assert unwrap_key(device, epk, wrapped["a"], name="a", info="x") == b"1" * 32
    for who, name, info in ((other, "a", "x"), (device, "b", "x"), (device, "a", "y")):
        with pytest.raises(InvalidTag):
            unwrap_key(who, epk, wrapped["a"], name=name, info=info)


def a_sale() -> tuple[Device, str]:
    device = Device(1_000)
    device.seal_jwk = KEYS.seal_jwk
    return device, device.sell("0" * 32, "mask", 3, "A123456789")


def test_a_receipt_is_read_as_the_page_says() -> None:
    device, token = a_sale()
    read = taken(token, public(device.sign_key), terminal=device.terminal)
    assert isinstance(read.receipt, Sale)
    assert (read.receipt.ctr, read.receipt.qty, read.receipt.at) == (1, 3, 1_000)
    assert read.receipt.prev == device.sign_key.thumbprint()
    assert b64(read.id) == device.prev
    assert terminal_of(device.sign_key.thumbprint()) == device.terminal
    closed = taken(device.close("0" * 32, 3), public(device.sign_key), terminal=device.terminal)
    assert isinstance(closed.receipt, Close)
    assert closed.receipt.prev == b64(read.id)


def test_a_second_signature_is_no_second_receipt() -> None:
    device, token = a_sale()
    body, _, signature = token.rpartition(".")
    raw = unb64(signature)
    flipped = raw[:32] + (P256_ORDER - int.from_bytes(raw[32:], "big")).to_bytes(32, "big")
    other = f"{body}.{b64(flipped)}"
    assert other != token
    assert taken(other, public(device.sign_key), terminal=device.terminal).id == id_of(token)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"qty": 4}, "signature"),
        ({"at": 5}, "signature"),
        ({"lease": "1" * 32}, "signature"),
    ],
)
def test_a_changed_receipt_is_refused(change: dict[str, Any], code: str) -> None:
    device, token = a_sale()
    head, body, signature = token.split(".")
    claims = json.loads(unb64(body)) | change
    forged = f"{head}.{b64(json.dumps(claims).encode())}.{signature}"
    with pytest.raises(Refused) as refused:
        taken(forged, public(device.sign_key), terminal=device.terminal)
    assert refused.value.code == code


def test_what_is_no_receipt_of_this_terminal_is_refused() -> None:
    device, token = a_sale()
    other = Device(1_000)
    jwk = public(device.sign_key)
    claims = {"kind": "sale", "lease": "0" * 32, "item": "mask", "qty": 3, "who": "x"}
    wrong: list[tuple[str, str]] = [
        (other.signed("offline-receipt+jwt", {}), "signature"),
        (device.signed("stock-lease+jwt", {}), "unreadable"),
        (device.chained({**claims, "more": 1}), "unreadable"),
        (device.chained({**claims, "qty": 0}), "unreadable"),
        (device.chained({**claims, "qty": True}), "unreadable"),
        (device.chained({**claims, "kind": "gift"}), "unreadable"),
        (device.chained({**claims, "trm": other.terminal}), "terminal"),
        ("", "unreadable"),
        ("a.b", "unreadable"),
        (token.replace(".", ".."), "unreadable"),
    ]
    for sent, code in wrong:
        with pytest.raises(Refused) as refused:
            taken(sent, jwk, terminal=device.terminal)
        assert refused.value.code == code


def test_an_algorithm_of_the_senders_choice_is_refused() -> None:
    device, token = a_sale()
    _, body, _ = token.split(".")
    key = unb64(public(device.sign_key)["x"])
    for alg in ("none", "HS256"):
        head = b64(json.dumps({"alg": alg, "typ": "offline-receipt+jwt"}).encode())
        tag = "" if alg == "none" else b64(hmac.digest(key, f"{head}.{body}".encode(), "sha256"))
        with pytest.raises(Refused):
            taken(f"{head}.{body}.{tag}", public(device.sign_key), terminal=device.terminal)
