"""Paths and rights against plain oracles: no path that climbs or hides dots passes, whatever reads it."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import quote, unquote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.make import shared_data

from banyan.errors import Invalid
from banyan.wire.xroad.access import Endpoint, Rights, checked_path
from banyan.wire.xroad.codes import Code
from banyan.wire.xroad.faults import Fault
from banyan.wire.xroad.globs import Glob
from banyan.wire.xroad.paths import judged, normalised

SEGMENTS = st.sampled_from(["a", "b", "public", "secret", "x.y", "...", "", ".", "..", "%2e", "%2E%2e", ".%2e"])
TRICKS = st.sampled_from(
    [
        "%2f",
        "%5c",
        "%5C..",
        "..;",
        "..;x=1",
        "%252e%252e",
        "%25252e.",
        "%252f..",
        ".%00.",
        "%c0%ae",
        "%2F..%2F",
        "%",
        "%2",
    ]
)
PATHS = st.lists(st.lists(SEGMENTS | TRICKS, max_size=2).map("".join), max_size=7).map(
    lambda parts: "/" + "/".join(parts)
)
GLOBS = st.lists(st.sampled_from(["a", "b", "/", "*", "**", "\\*", "\\\\", "\\", ".", "(", "*"]), max_size=8).map(
    "".join
)


def table(name: str) -> list[list[Any]]:
    return json.loads(shared_data(f"exchange/xroad/{name}.json").read_text(encoding="utf-8"))["rows"]  # type: ignore[no-any-return]


def test_the_glob_table_of_the_field() -> None:
    rows = table("pathglob_cases")
    assert len(rows) == 23
    for pattern, path, matches in rows:
        assert Glob(pattern).matches(path) is matches, (pattern, path)


def test_the_uri_table_of_the_field() -> None:
    rows = table("uri_normalize_cases")
    assert len(rows) == 8
    for raw, wanted in rows:
        assert normalised(raw) == wanted
        rights = Rights([Endpoint("GET", wanted)])
        if ".." in wanted:
            with pytest.raises(Fault):
                checked_path(rights, "GET", raw.encode())
        else:
            assert checked_path(rights, "GET", raw.encode()).decode() == wanted


def plain_glob(pattern: str) -> str:
    """The pattern as a regular expression, token by token."""
    signs = {"**": ".*", "*": "[^/]*", "\\*": re.escape("*"), "\\\\": re.escape("\\")}
    return re.sub(r"\\\\|\\\*|\*\*|\*|.", lambda match: signs.get(match[0], re.escape(match[0])), pattern, flags=re.S)


@given(pattern=GLOBS, text=st.text(st.sampled_from("ab/*\\.("), max_size=8))
@example(pattern="***", text="a/*")
def test_a_glob_matches_as_a_regular_expression_does(pattern: str, text: str) -> None:
    assert Glob(pattern).matches(text) is bool(re.fullmatch(plain_glob(pattern), text, re.S))


@given(text=st.text())
def test_an_escaped_text_matches_itself_only(text: str) -> None:
    glob = Glob(text.replace("\\", "\\\\").replace("*", "\\*"))
    assert glob.matches(text)
    assert not glob.matches(text + "a")


def test_no_pattern_is_slow() -> None:
    assert not Glob("**a" * 300).matches("a" * 299 + "b" * 7_000)


def places(path: str, *, resolve: bool, slash: bool, twice: bool) -> list[str] | None:
    """The segments that some provider sees: it may decode twice, take `%2F` and `\\` for slashes, drop `;x`, resolve
    dots. None: it would climb out of its root."""
    path = path if slash else path.replace("%2f", "%252f").replace("%2F", "%252F")
    text = unquote(unquote(path)) if twice else unquote(path)
    text = text.replace("\\", "/") if slash else text
    seen: list[str] = []
    for whole in text.split("/"):
        part = whole.partition(";")[0] if whole.startswith(".") else whole
        if resolve and part == "..":
            if not seen:
                return None
            seen.pop()
        elif part and not (resolve and part == "."):
            seen.append(part)
    return seen


READERS = [
    {"resolve": resolve, "slash": slash, "twice": twice}
    for resolve in (True, False)
    for slash in (True, False)
    for twice in (True, False)
]


@given(path=PATHS)
@example(path="/public/..;/secret")
@example(path="/public/%252e%252e/secret")
@example(path="/public%2F..%2Fsecret")
@example(path="/public/x%5C..%5C..%5Csecret")
@example(path="/public/%2e%2e/secret")
@example(path="/public/%252e%252e%252f%25zz")
def test_traversal_never_passes_whatever_reads_it(path: str) -> None:
    rights = Rights([Endpoint("GET", "/public/**")])
    try:
        sent = checked_path(rights, "GET", path.encode()).decode()
    except Fault as fault:
        refused = fault.codes[0]
    else:
        refused = None
        for reader in READERS:
            seen = places(sent, **reader)
            assert seen is not None, (sent, reader)
            assert seen[:1] == ["public"], (sent, reader)
            assert ".." not in seen
    assert refused in (None, Code.ACCESS_DENIED, Code.INVALID_REQUEST)


@given(path=PATHS)
def test_what_is_sent_is_what_was_judged(path: str) -> None:
    try:
        way = judged(path.encode())
    except Fault:
        return
    again = judged(way.forwarded)
    assert (again.decoded, again.segments) == (way.decoded, way.segments)
    assert again.forwarded == way.forwarded
    parts = [unquote(part) for part in path.split("/")]
    if not {".", ".."} & set(parts):
        assert way.forwarded == path.encode()
    seen: list[str] = []
    for part in unquote(path).split("/"):
        if part == "..":
            seen.pop()
        elif part not in ("", "."):
            seen.append(part)
    assert seen == [part for part in way.decoded.split("/") if part]


@given(parts=st.lists(st.text(st.characters(exclude_categories=["Cc", "Cs"], exclude_characters=".\\/%;")), max_size=5))
def test_an_honest_path_passes_as_it_came(parts: list[str]) -> None:
    raw = ("/" + "/".join(quote(part) for part in parts)).encode()
    way = judged(raw)
    assert way.forwarded == raw
    assert way.decoded == way.segments
    assert checked_path(Rights([Endpoint("GET", "/**")]), "GET", raw) == raw


def test_an_encoded_slash_needs_all_readings() -> None:
    with pytest.raises(Fault):
        checked_path(Rights([Endpoint("GET", "/files*")]), "GET", b"/files%5Ca")
    assert checked_path(Rights([Endpoint("GET", "/files/**")]), "GET", b"/files/a%5Cb") == b"/files/a%5Cb"
    assert checked_path(Rights([Endpoint("GET", "/files/**")]), "GET", b"/files/a%2Fb") == b"/files/a%2Fb"
    for pattern in ("/files/*", "/files/a/b"):
        with pytest.raises(Fault):
            checked_path(Rights([Endpoint("GET", pattern)]), "GET", b"/files/a%2Fb")


def test_methods() -> None:
    rights = Rights([Endpoint("GET", "/a"), Endpoint("*", "/b")])
    assert [rights.allow(method, judged(b"/a")) for method in ("GET", "HEAD", "PATCH")] == [True, False, False]
    assert [rights.allow(method, judged(b"/b")) for method in ("GET", "PATCH")] == [True, True]
    assert not Rights([]).allow("GET", judged(b"/a"))
    assert Rights([Endpoint()]).allow("DELETE", judged(b""))
    with pytest.raises(Fault) as denied:
        checked_path(rights, "PATCH", b"/a")
    assert denied.value.type_in() == "Server.ServerProxy.AccessDenied"
    assert denied.value.fields[0].field == "X-Road-Client"


def test_rights_that_cannot_be() -> None:
    for endpoint in (Endpoint("get", "/a"), Endpoint("", "/a"), Endpoint("GET", "a" * 1_001)):
        with pytest.raises(Invalid):
            Rights([endpoint])
