"""How requests are read and answers are wrapped."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from banyan.wire.ckan import envelope, request


def test_a_repeated_query_key_is_a_list_and_values_stay_text() -> None:
    call = request.from_query([("rows", "5"), ("fq", "a"), ("fq", "b")], reads_only=True)
    assert call.params == {"rows": "5", "fq": ["a", "b"]}


def test_a_write_needs_post() -> None:
    with pytest.raises(envelope.BadRequest, match="Please use POST"):
        request.from_query([], reads_only=False)


@pytest.mark.parametrize("name", ["alert(1)//", "a b", "<x>", "a" * 200, "1a"])
def test_a_callback_is_a_name_and_nothing_else(name: str) -> None:
    with pytest.raises(envelope.BadRequest):
        request.from_query([("callback", name)], reads_only=True)


def test_jsonp_wraps_the_body() -> None:
    call = request.from_query([("callback", "my.cb[0]")], reads_only=True)
    assert call.params == {}
    assert envelope.jsonp(call.callback, b"{}") == b"my.cb[0]({});"


@pytest.mark.parametrize(
    ("body", "kind", "params"),
    [
        (b'{"id": "x"}', "application/json", {"id": "x"}),
        (b'{"id": "x"}', "application/x-www-form-urlencoded", {"id": "x"}),
        (b"%7B%22id%22%3A%20%22x%22%7D=", "application/x-www-form-urlencoded; charset=utf-8", {"id": "x"}),
        (b"id=x&tag=a&tag=b", "application/x-www-form-urlencoded", {"id": "x", "tag": ["a", "b"]}),
        (b"", "application/json", {"q": "1"}),
        (b'{"id": "x"}', "", {"id": "x"}),
    ],
)
def test_the_forms_of_a_body(body: bytes, kind: str, params: request.Params) -> None:
    assert request.from_body(body, kind, [("q", "1")], reads_only=True) == params


@pytest.mark.parametrize("body", [b"{bad", b"[1]", b'"x"', b"\xff{}", b'{"a": NaN}', b"[" * 5_000, b'{"a":"\\ud800"}'])
def test_a_bad_body_is_a_bad_request(body: bytes) -> None:
    with pytest.raises(envelope.BadRequest, match="JSON Error"):
        request.from_body(body, "application/json", reads_only=True)


@given(
    st.binary(max_size=200), st.sampled_from(["application/json", "application/x-www-form-urlencoded", "text/plain"])
)
def test_any_body_is_read_or_refused(body: bytes, kind: str) -> None:
    try:
        params = request.from_body(body, kind, reads_only=True)
    except envelope.BadRequest:
        return
    assert all(isinstance(key, str) for key in params)


def test_envelopes_escape_text_and_pass_rows_raw() -> None:
    assert b"\\u81fa" in envelope.success("http://x", "tag_list", ["臺"])
    raw = envelope.success_raw("http://x", "datastore_search", '{"records": ["臺"]}'.encode())
    assert "臺".encode() in raw
    assert json.loads(raw)["result"] == {"records": ["臺"]}
    failed = json.loads(envelope.failure("http://x", "package_show", envelope.not_found()))
    assert failed["error"] == {"__type": "Not Found Error", "message": "Not found"}
    assert failed["success"] is False
