"""Canonical JSON against the reference files of RFC 8785, as far as our documents go: no fractions."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.make import shared_data

from banyan.wire import jcs

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abcXYZ_09", max_size=4), inner, max_size=4),
    max_leaves=12,
)


def test_reference_files_are_written_byte_for_byte_or_refused() -> None:
    """Names outside ASCII (french, weird) and fractions (structures, values) are beyond us and not written."""
    folder = shared_data("exchange/rfc8785")
    beyond, written = set(), set()
    for path in (folder / "input").glob("*.json"):
        try:
            data = jcs.encode(json.loads(path.read_bytes()))
        except jcs.NotCanonical:
            beyond.add(path.stem)
        else:
            written.add(path.stem)
            assert data == (folder / "output" / path.name).read_bytes()
            jcs.check(data)
    assert (beyond, written) == ({"french", "weird", "values", "structures"}, {"arrays", "unicode"})


@given(VALUES)
def test_one_value_has_one_spelling(value: object) -> None:
    data = jcs.encode(value)
    jcs.check(data)
    assert json.loads(data) == value


@pytest.mark.parametrize(
    "data",
    [
        b'{"b":1,"a":2}', b'{"a":1,"a":1}', b'{"a": 1}', b'{"a":1.0}', b'{"a":1e3}', b'{"a":"\\u0041"}', b'{"a":"\\/"}',
        b'{"a":9007199254740993}', b'{"\xc3\xa9":1}', b'{"a":"\\ud800"}', b"[" * 5_000 + b"]" * 5_000, b'{"a":-0}', b"",
        b'{"a":"\xa5"}',
    ],
)  # fmt: skip
def test_other_spellings_are_refused(data: bytes) -> None:
    with pytest.raises(jcs.NotCanonical):
        jcs.check(data)
