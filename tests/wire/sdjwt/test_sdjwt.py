"""SD-JWT against the working group's cases, and every lie we could think of."""

from __future__ import annotations

import os
import re
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc.jwk import ECKey, OKPKey
from tests.make import shared_data

from banyan.wire.sdjwt import credential
from banyan.wire.sdjwt.credential import disclosed, issue, show, verify
from banyan.wire.sdjwt.disclosures import BadCredential, Disclosure, Sd, conceal, parse_disclosure, reveal
from banyan.wire.sdjwt.status import StatusList, parse_claim

ISSUER = ECKey.generate_key("P-256")
HOLDER = ECKey.generate_key("P-256")
NOW = 1_790_000_000


class _Loader(yaml.SafeLoader):
    """YAML with the cases' `!sd` tag on a key or an element."""


class _Key(str):
    pass


def _tagged(loader: yaml.SafeLoader, node: yaml.Node) -> Any:
    if isinstance(node, yaml.ScalarNode):
        resolved = loader.resolve(yaml.ScalarNode, node.value, (node.style is None, node.style is not None))
        plain = loader.construct_object(yaml.ScalarNode(resolved, node.value))
        return ("!sd", plain)
    if isinstance(node, yaml.SequenceNode):
        return ("!sd", loader.construct_sequence(node, deep=True))
    assert isinstance(node, yaml.MappingNode)
    return ("!sd", loader.construct_mapping(node, deep=True))


_Loader.add_constructor("!sd", _tagged)


def case(name: str) -> dict[str, Any]:
    text = shared_data(f"consent/sd-jwt-cases/{name}.yml").read_text(encoding="utf-8")
    found = yaml.load(text, Loader=_Loader)
    assert isinstance(found, dict)
    return found


def marked(value: Any) -> Any:
    """The case's claims in our marks."""
    if isinstance(value, tuple):
        return Sd(marked(value[1]))
    if isinstance(value, dict):
        return {
            (key[1] if isinstance(key, tuple) else key): (Sd(marked(item)) if isinstance(key, tuple) else marked(item))
            for key, item in value.items()
        }
    return [marked(item) for item in value] if isinstance(value, list) else value


def chosen(claims: Any, wanted: Any, payload: Any, by_digest: dict[str, Disclosure]) -> set[str]:
    """The digests that `holder_disclosed_claims` selects, found by walking claims, choice and payload side by side."""
    found: set[str] = set()
    if isinstance(payload, dict):
        names = {by_digest[one].name: one for one in payload.get("_sd", []) if one in by_digest}
        for name, choice in wanted.items() if isinstance(wanted, dict) else ():
            if name in names:
                if choice is not False and choice is not None and choice != "None":
                    found.add(names[name])
                    found |= chosen(None, choice, by_digest[names[name]].value, by_digest)
            elif name in payload:
                found |= chosen(None, choice, payload[name], by_digest)
    if isinstance(payload, list) and isinstance(wanted, list):
        for item, choice in zip(payload, wanted, strict=False):
            if isinstance(item, dict) and "..." in item:
                if choice is not False and choice is not None and choice != "None":
                    found.add(item["..."])
                    found |= chosen(None, choice, by_digest[item["..."]].value, by_digest)
            else:
                found |= chosen(None, choice, item, by_digest)
    return found


CASES = (
    "tests-array_data_types", "tests-array_full_sd", "tests-array_in_sd", "tests-array_nested_in_plain",
    "tests-array_none_disclosed", "tests-array_of_nulls", "tests-array_of_objects", "tests-array_of_scalars",
    "tests-array_recursive_sd", "tests-array_recursive_sd_some_disclosed", "tests-key_binding", "tests-no_sd",
    "tests-object_data_types", "tests-recursions",
)  # fmt: skip
"""All of them but the three of the JSON serialization and of extra header fields, which this house does not speak."""


@pytest.mark.parametrize("name", CASES)
def test_cases_of_the_working_group(name: str) -> None:
    told = case(name)
    text = issue(marked(told["user_claims"]), ISSUER, random=os.urandom)
    parts = credential.parse(text)
    by_digest = {one.digest: one for one in parts.disclosures}
    _, payload = credential.unverified(parts.jwt)
    wanted = chosen(None, told["holder_disclosed_claims"], payload, by_digest)
    shown = show(text, lambda one: one.digest in wanted)
    assert verify(shown, lambda *_: ISSUER, now=NOW).claims == told["expect_verified_user_claims"]


def a_credential(**more: object) -> str:
    claims = {
        "iss": "https://id.banyan.example", "vct": "residency", "exp": NOW + 100, "county": Sd("花蓮縣"),
        "age_over_18": Sd(True), "name": Sd("王小明"), "tags": [Sd("a"), "b"], **more,
    }  # fmt: skip
    return issue(claims, ISSUER, random=os.urandom, holder=HOLDER.as_dict(private=False), decoys=3)


def test_only_what_is_shown_is_seen_and_only_by_who_asked() -> None:
    shown = show(a_credential(), disclosed("age_over_18"), holder=HOLDER, audience="https://shop", nonce="n1", now=NOW)
    seen = verify(shown, lambda *_: ISSUER, now=NOW, audience="https://shop", nonce="n1")
    assert seen.is_bound
    assert seen.claims["age_over_18"] is True
    assert "county" not in seen.claims
    assert "name" not in seen.claims
    assert "王小明" not in shown
    for audience, nonce, now in (
        ("https://other", "n1", NOW),
        ("https://shop", "n2", NOW),
        ("https://shop", "n1", NOW + 50_000),
    ):
        with pytest.raises(BadCredential):
            verify(shown, lambda *_: ISSUER, now=now, audience=audience, nonce=nonce)
    with pytest.raises(BadCredential, match="another verifier"):
        verify(shown, lambda *_: ISSUER, now=NOW)
    with pytest.raises(BadCredential, match="missing"):
        verify(show(a_credential(), disclosed()), lambda *_: ISSUER, now=NOW, audience="https://shop")


def test_a_thief_without_the_key_or_with_other_disclosures_is_refused() -> None:
    thief = ECKey.generate_key("P-256")
    stolen = show(a_credential(), disclosed("name"), holder=thief, audience="https://shop", nonce="n", now=NOW)
    with pytest.raises(BadCredential, match="signature"):
        verify(stolen, lambda *_: ISSUER, now=NOW, audience="https://shop", nonce="n")
    text = a_credential()
    small = show(text, disclosed("age_over_18"), holder=HOLDER, audience="https://shop", nonce="n", now=NOW)
    large = show(text, disclosed("age_over_18", "name"), holder=HOLDER, audience="https://shop", nonce="n", now=NOW)
    mixed = large.rpartition("~")[0] + "~" + small.rpartition("~")[2]
    with pytest.raises(BadCredential, match="other disclosures"):
        verify(mixed, lambda *_: ISSUER, now=NOW, audience="https://shop", nonce="n")


@pytest.mark.parametrize(
    "text",
    ["", "x", "x~", "a.b.c~", "~~", "a.b.c~!~", "e30.e30.e30~W10~", "x" * (credential.CREDENTIAL_BYTES + 1)],
)
def test_nonsense(text: str) -> None:
    with pytest.raises(BadCredential):
        verify(text, lambda *_: ISSUER, now=NOW)


def test_times_algorithms_and_other_issuers() -> None:
    text = show(a_credential(), disclosed())
    with pytest.raises(BadCredential, match="expired"):
        verify(text, lambda *_: ISSUER, now=NOW + 100)
    with pytest.raises(BadCredential, match="not valid yet"):
        verify(show(a_credential(nbf=NOW + 1), disclosed()), lambda *_: ISSUER, now=NOW)
    with pytest.raises(BadCredential, match="signature"):
        verify(text, lambda *_: ECKey.generate_key("P-256"), now=NOW)
    head, rest = text.split(".", 1)
    none = credential.b64(b'{"alg":"none","typ":"dc+sd-jwt"}')
    with pytest.raises(BadCredential):
        verify(f"{none}.{rest}", lambda *_: ISSUER, now=NOW)
    okp = OKPKey.generate_key("Ed25519")
    assert verify(issue({"a": Sd(1)}, okp, random=os.urandom), lambda *_: okp, now=NOW).claims == {"a": 1}
    assert head


def test_payloads_made_to_confuse() -> None:
    payload, found = conceal({"a": Sd(1), "b": [Sd(2)]}, random=os.urandom)
    with pytest.raises(BadCredential, match="twice"):
        reveal(payload, [found[0], found[0]])
    with pytest.raises(BadCredential, match="no digest"):
        reveal({"x": 1}, [found[0]])
    with pytest.raises(BadCredential, match="there already"):
        reveal({**payload, "a": 5}, [found[0]])
    with pytest.raises(BadCredential, match="twice"):
        reveal({**payload, "c": {"_sd": payload["_sd"]}}, found)
    with pytest.raises(BadCredential, match="array"):
        reveal(
            {"_sd": [next(one.digest for one in found if one.name is None)]}, [one for one in found if one.name is None]
        )
    forged = parse_disclosure(credential.b64(b'["salt","_sd",["x"]]'))
    with pytest.raises(BadCredential, match="reserved"):
        reveal({"_sd": [forged.digest]}, [forged])
    with pytest.raises(BadCredential, match="sha-256"):
        reveal({"_sd_alg": "sha-1"}, [])
    with pytest.raises(BadCredential, match="called"):
        conceal({"_sd": 1}, random=os.urandom)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_no_bit_of_a_presentation_can_be_flipped(data: st.DataObject) -> None:
    shown = show(a_credential(), disclosed("county"), holder=HOLDER, audience="https://shop", nonce="n", now=NOW)
    whole = bytearray(shown.encode())
    place = data.draw(st.integers(0, len(whole) - 1))
    whole[place] ^= 1 << data.draw(st.integers(0, 6))
    with pytest.raises(BadCredential):
        verify(whole.decode("latin-1"), lambda *_: ISSUER, now=NOW, audience="https://shop", nonce="n")


LISTS = ("status_list_encoding_json", "status_list_encoding2_json")


def told(name: str) -> tuple[bytes, int, str]:
    """(bytes, bits, lst) of a vector of the draft."""
    text = shared_data(f"consent/status-list-vectors/{name}.md").read_text(encoding="utf-8")
    raw = re.search(r"byte_array = \[([^\]]*)\]", text)
    bits, lst = re.search(r'"bits":\s*(\d)', text), re.search(r'"lst":\s*"([^"]+)"', text)
    assert bits is not None
    assert lst is not None
    numbers = bytes(int(one, 16) for one in raw[1].replace(" ", "").split(",")) if raw else b""
    return numbers, int(bits[1]), re.sub(r"\s", "", lst[1])


@pytest.mark.parametrize("name", LISTS)
def test_status_lists_of_the_draft(name: str) -> None:
    raw, bits, lst = told(name)
    assert StatusList(0, bits, raw).claim() == {"bits": bits, "lst": lst}  # type: ignore[arg-type]
    read = parse_claim(bits, lst)
    assert [read[index] for index in range(len(read))] == [
        byte >> shift & ((1 << bits) - 1) for byte in raw for shift in range(0, 8, bits)
    ]


def test_the_long_list_of_the_draft() -> None:
    _, bits, lst = told("status_list_encoding1_long_json")
    read = parse_claim(bits, lst)
    assert len(read) == 1_048_576
    assert [index for index in (0, 1, 1993, 25460, 159495, 495669, 554353, 554354) if read[index]] == [
        0, 1993, 25460, 159495, 495669, 554353,
    ]  # fmt: skip


@given(st.sampled_from([1, 2, 4, 8]), st.lists(st.tuples(st.integers(0, 99), st.integers(0, 255)), max_size=30))
def test_a_list_keeps_what_is_set(bits: Any, changes: list[tuple[int, int]]) -> None:
    kept, plain = StatusList(100, bits), [0] * 100
    for index, value in changes:
        kept.set(index, value % (1 << bits))
        plain[index] = value % (1 << bits)
    again = parse_claim(*kept.claim().values())
    assert [again[index] for index in range(100)] == plain


def test_a_bomb_and_a_cut_list() -> None:
    import zlib

    for raw in (zlib.compress(bytes(20_000_000)), zlib.compress(bytes(100))[:-4], b"nonsense"):
        with pytest.raises(BadCredential):
            parse_claim(1, credential.b64(raw))
    with pytest.raises(BadCredential):
        StatusList(8)[8]
