"""Header lines, framing, digests, and the two signature fields, as hostile peers send them."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from banyan import limits
from banyan.wire.httpsig.components import Component, component, component_of
from banyan.wire.httpsig.covered import covered
from banyan.wire.httpsig.digest import REPR_DIGEST, Hashing, check_digest, digest_field, digests_of, written
from banyan.wire.httpsig.errors import DigestMismatch, Malformed
from banyan.wire.httpsig.message import Request, body_length, fields_of
from banyan.wire.httpsig.presented import Parameters, member_of, presented, signature_base, told_as_usual, told_of
from banyan.wire.structured import Item, parse_dictionary

HELLO = b'{"hello": "world"}\n'


@pytest.mark.parametrize(
    ("body", "field"),
    [  # RFC 9530 appendix B
        (HELLO, "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:"),
        (b"", "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:"),
        (b'"world"}\n', "sha-256=:jjcgBDWNAtbYUXI37CVG3gRuGOAjaaDRGpIUFsdyepQ=:"),
        (
            HELLO,
            "sha-512=:YMAam51Jz/jOATT6/zvHrLVgOYTGFy1d6GJiOHTohq4yP+pgk4vf2aCsyRZOtw8MjkM7iw7yZ/WkppmM44T3qg==:",
        ),
    ],
)
def test_digests_of_rfc_9530(body: bytes, field: str) -> None:
    algorithm = field.partition("=")[0]
    assert digest_field(body, [algorithm]) == field
    check_digest(body, digests_of({"content-digest": [field]}))
    check_digest(body, digests_of({"repr-digest": [field]}, REPR_DIGEST), REPR_DIGEST)
    with pytest.raises(DigestMismatch):
        check_digest(body + b" ", digests_of({"content-digest": [field]}))


@given(st.lists(st.binary(max_size=40)), st.sets(st.sampled_from(["sha-256", "sha-512"]), min_size=1))
def test_a_digest_holds_however_the_body_is_cut(pieces: list[bytes], algorithms: set[str]) -> None:
    hashing = Hashing(algorithms)
    for piece in pieces:
        hashing.update(piece)
    field = written(hashing.digests())
    assert digests_of({"content-digest": [field]}) == hashing.digests()
    check_digest(b"".join(pieces), digests_of({"content-digest": [field]}))


def test_every_known_digest_must_hold_and_old_ones_are_passed_over() -> None:
    good, bad = digest_field(HELLO, ["sha-512"]), digest_field(b"other")
    assert digests_of({"content-digest": [f"md5=:YQ==:, {good}, sha=?1"]}).keys() == {"sha-512"}
    with pytest.raises(DigestMismatch) as refusal:
        check_digest(HELLO, digests_of({"content-digest": [good, bad]}))
    assert refusal.value.rule == "content-digest"


@pytest.mark.parametrize(
    "lines",
    [
        [],
        [""],
        ["md5=:YQ==:"],
        ["sha-256=:YQ==:"],
        ["sha-256"],
        ["sha-256=(:YQ==:)"],
        ["sha-256=abc"],
        ["sha-256=" + "a" * 9_000],
        [digest_field(b"a"), digest_field(b"b")],
    ],
)
def test_digests_that_promise_nothing_or_two_things_are_refused(lines: list[str]) -> None:
    with pytest.raises(Malformed):
        digests_of({"content-digest": lines} if lines else {})


@pytest.mark.parametrize(
    "lines",
    [
        [(b"a", b"b\r\n c")],
        [(b"a", b"b\nc: d")],
        [(b"a", b"\0")],
        [(b"a", b"\x7f")],
        [(b"a b", b"c")],
        [(b"a:", b"c")],
        [(b"", b"c")],
        [(b"\xe9", b"c")],
        [(b"a ", b"c")],
        [(b"a" * (limits.HEADER_NAME_BYTES + 1), b"b")],
        [(b"a", b"b")] * (limits.HEADER_COUNT + 1),
        [(b"a", b"b" * limits.HEADER_BYTES)],
    ],
)
def test_header_lines_that_are_folded_split_or_too_many_are_refused(lines: list[tuple[bytes, bytes]]) -> None:
    with pytest.raises(Malformed) as refusal:
        fields_of(lines)
    assert refusal.value.rule == "header"


def test_lines_of_one_name_stay_in_order() -> None:
    assert fields_of([(b"A", b" 1 "), (b"b", b"\xe9"), (b"a", b"")]) == {"a": ["1", ""], "b": ["é"]}


@pytest.mark.parametrize(
    ("lines", "length"),
    [({}, 0), ({"content-length": ["18"]}, 18), ({"transfer-encoding": ["Chunked"]}, None)],
)
def test_a_body_has_one_length(lines: dict[str, list[str]], length: int | None) -> None:
    assert body_length(lines) == length


@pytest.mark.parametrize(
    "lines",
    [
        {"content-length": ["1"], "transfer-encoding": ["chunked"]},
        {"content-length": ["1", "1"]},
        {"content-length": ["1, 1"]},
        {"content-length": ["+1"]},
        {"content-length": ["0x1"]},
        {"content-length": ["١"]},
        {"content-length": ["9" * 16]},
        {"content-length": [""]},
        {"transfer-encoding": ["gzip, chunked"]},
        {"transfer-encoding": ["chunked", "chunked"]},
        {"transfer-encoding": ["identity"]},
    ],
)
def test_smuggled_bodies_are_refused(lines: dict[str, list[str]]) -> None:
    with pytest.raises(Malformed):
        body_length(lines)


INPUT = 'gw=("@method");created=1'
SIGNED = "gw=:YQ==:"


@pytest.mark.parametrize(
    ("told", "given_"),
    [
        ([INPUT], []),
        ([], [SIGNED]),
        ([INPUT], ["other=:YQ==:"]),
        ([INPUT, INPUT], [SIGNED]),
        ([f"{INPUT}, {INPUT}"], [SIGNED]),
        ([INPUT], [SIGNED, SIGNED]),
        ([INPUT], ["gw=abc"]),
        ([INPUT], ["gw=(:YQ==:)"]),
        (['gw="@method"'], [SIGNED]),
        (['gw=("@method" "@method")'], [SIGNED]),
        (['gw=("a";req;key="b" "a";key="b";req)'], [SIGNED]),
        (["gw=(method)"], [SIGNED]),
        (['gw=("@method");created=1.0'], [SIGNED]),
        (['gw=("@method");created="1"'], [SIGNED]),
        (['gw=("@method");expires=?1'], [SIGNED]),
        (['gw=("@method");expires=@1'], [SIGNED]),
        (['gw=("@method");keyid=abc'], [SIGNED]),
        (['gw=("@method");nonce=:YQ==:'], [SIGNED]),
        (["gw=(" + " ".join(f'"a{place}"' for place in range(limits.HTTPSIG_COMPONENTS + 1)) + ")"], [SIGNED]),
        (["gw=(" + '"a" ' * 4_000 + ")"], [SIGNED]),
        (
            [", ".join(f"s{place}=()" for place in range(limits.HTTPSIG_LABELS + 1))],
            [", ".join(f"s{place}=:YQ==:" for place in range(limits.HTTPSIG_LABELS + 1))],
        ),
    ],
)
def test_signature_fields_with_two_readings_are_refused(told: list[str], given_: list[str]) -> None:
    with pytest.raises(Malformed):
        presented({"signature-input": told, "signature": given_})


def test_no_signature_is_none() -> None:
    assert presented({}) == {}


@pytest.mark.parametrize("value", ['a\n"@method": GET', "a\rb", "é", "\0"])
def test_a_value_that_could_pass_for_two_lines_is_not_signed(value: str) -> None:
    over = covered([component("date")])
    request = Request("GET", "a.example", "/", {"date": [value]})
    with pytest.raises(Malformed, match="signature-base"):
        signature_base(over, over.text, request)
    whole = covered([component_of(Item("date", {"bs": True}))])
    if value == "é":
        assert b":6Q==:" in signature_base(whole, whole.text, request)


TEXT = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=20)
NAMES = st.from_regex(r"[a-z][a-z0-9-]{0,10}", fullmatch=True)


@given(
    st.lists(
        st.builds(component, NAMES, req=st.booleans(), key=st.none() | TEXT),
        max_size=6,
        unique_by=lambda one: one.identity,
    ),
    st.builds(
        Parameters,
        *[st.none() | st.integers(0, 10**15 - 1)] * 2,
        *[st.none() | TEXT] * 4,
    ),
    st.binary(max_size=80),
)
def test_signature_fields_are_read_as_they_were_written(
    components: list[Component], parameters: Parameters, signature: bytes
) -> None:
    text = covered(components).text + parameters.text
    found = presented({"signature-input": [f"gw={text}"], "signature": [member_of("gw", signature)]})["gw"]
    assert (list(found.components), found.parameters, found.told.text) == (components, parameters, text)
    assert (found.signature, found.told.foreign) == (signature, frozenset())


PARTS = st.sampled_from(
    [
        "gw=",
        "pq=",
        "(",
        ")",
        '("@method")',
        '("@method" "a";req)',
        ";created=",
        ";expires=01",
        ";nonce=",
        ";tag=",
        ";x=1",
    ]
) | st.sampled_from(
    ["1", '"a"', '"a;created=5"', '"\\""', " ", ", ", ",", "?1", '("@path"  "b")', '("a";key=")")', "\n", "1.5"]
)


@given(st.lists(PARTS, max_size=9).map("".join))
@example('gw=("@method");created=1;nonce="a;b", pq=("@method" "a";req);tag=""')
def test_the_quick_reader_reads_as_the_general_one(text: str) -> None:
    quick = told_as_usual(text)
    if quick is not None:
        assert quick == {name: told_of(one) for name, one in parse_dictionary(text, unique=True).items()}


def test_the_quick_reader_reads_what_gateways_send() -> None:
    assert told_as_usual('gw=("@method" "a";req);created=1;keyid="k", pq=("@method");nonce="n"') is not None


@given(st.text('gw=("@method":;);created=1,YQ== ', max_size=60), st.text("gw=:YQ== ,;", max_size=20))
def test_any_signature_fields_are_read_or_refused(told: str, signed: str) -> None:
    try:
        found = presented({"signature-input": [told], "signature": [signed]})
    except Malformed:
        return
    for one in found.values():
        again = presented({"signature-input": [f"a={one.told.text}"], "signature": ["a=:YQ==:"]})["a"]
        assert (again.components, again.parameters) == (one.components, one.parameters)


def test_repr_digest_is_of_the_whole_where_content_digest_is_of_the_part() -> None:
    fields = {"repr-digest": [digest_field(HELLO)], "content-digest": [digest_field(HELLO[10:])]}
    check_digest(HELLO[10:], digests_of(fields))
    assert digests_of(fields, REPR_DIGEST) == {"sha-256": hashlib.sha256(HELLO).digest()}
