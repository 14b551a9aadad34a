"""The Solr subset that CKAN clients send."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from banyan.limits import SOLR_CHARS
from banyan.wire.ckan.solr import (
    And,
    Everything,
    Node,
    Not,
    Or,
    Range,
    SolrSyntax,
    Term,
    parse,
    pattern_regex,
    words,
    write,
)

SENT_BY_CLIENTS: list[tuple[str, Node]] = [
    ("", Everything()),
    ("*:*", Everything()),
    ("人口", Term("人口")),
    ("人口 統計", And((Term("人口"), Term("統計")))),
    ("organization:wra", Term("wra", "organization")),
    ('title:"雨量 站"', Term("雨量 站", "title", is_phrase=True)),
    ("tags:(水位 OR 雨量)", Or((Term("水位", "tags"), Term("雨量", "tags")))),
    ("a OR b AND c", Or((Term("a"), And((Term("b"), Term("c")))))),
    ("+organization:wra -tags:水位", And((Term("wra", "organization"), Not(Term("水位", "tags"))))),
    ("NOT state:deleted", Not(Term("deleted", "state"))),
    ("name:(-mask)", Not(Term("mask", "name"))),
    (
        "metadata_modified:[2020-01-01T00:00:00Z TO *]",
        Range("metadata_modified", "2020-01-01T00:00:00Z", ""),
    ),
    ("metadata_modified:{NOW-1DAY TO NOW]", Range("metadata_modified", "NOW-1DAY", "NOW", with_low=False)),
    ("res_format:*", Everything("res_format")),
    ("res_format:[* TO *]", Everything("res_format")),
    ("name:mask-*", Term("mask-*", "name", is_pattern=True)),
    (r"title:a\:b\ c", Term("a:b c", "title")),
    (r"name:a\*", Term("a*", "name")),
    ("title:水^4 notes:災~2", And((Term("水", "title"), Term("災", "notes")))),
    ("a && b || !c", Or((And((Term("a"), Term("b"))), Not(Term("c"))))),
    ("covid-19", Term("covid-19")),
    ("android", Term("android")),
    ("ORANGE", Term("ORANGE")),
    ("( )", Everything()),
]


@pytest.mark.parametrize(("text", "tree"), SENT_BY_CLIENTS, ids=[text or "empty" for text, _ in SENT_BY_CLIENTS])
def test_a_query_that_clients_send(text: str, tree: Node) -> None:
    assert parse(text) == tree


@pytest.mark.parametrize("text", ["(", '"open', "a)", "title:", "a:b:c", "[a TO b]", "x:[a b]", "a:(b:c)", "(" * 50])
def test_what_is_no_query_names_the_place(text: str) -> None:
    with pytest.raises(SolrSyntax, match="at character"):
        parse(text)


def test_bounds_are_kept() -> None:
    with pytest.raises(SolrSyntax, match="longer"):
        parse("a" * (SOLR_CHARS + 1))
    with pytest.raises(SolrSyntax, match="clauses"):
        parse("a " * 2_049)
    assert len(parse(" OR ".join(f"id:{n}" for n in range(1_000))).parts) == 1_000  # type: ignore[union-attr]  # an Or


@given(st.text(alphabet=st.sampled_from('ab水 \\"()[]{}:*?^~+-!&|ANDORTO0.'), max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        tree = parse(text)
    except SolrSyntax:
        tree = words(text)
    assert parse(write(tree)) == parse(write(parse(write(tree))))


NAMES = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc", "Z"]), min_size=1, max_size=8)
LEAVES = st.one_of(
    st.builds(Term, NAMES, st.just("title") | st.just("")),
    st.builds(Term, st.text(max_size=8), st.just("notes"), is_phrase=st.just(True)),
    st.builds(Range, st.just("metadata_modified"), NAMES, NAMES, st.booleans(), st.booleans()),
    st.just(Everything("tags")),
)
TREES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(And, st.lists(inner, min_size=2, max_size=4).map(tuple)),
        st.builds(Or, st.lists(inner, min_size=2, max_size=4).map(tuple)),
    ),
    max_leaves=12,
)


@given(TREES)
def test_written_queries_read_back_the_same(tree: Node) -> None:
    assert parse(write(tree)) == tree


def test_patterns_match_as_solr_wildcards_do() -> None:
    assert re.fullmatch(pattern_regex("mask-*"), "mask-stock")
    assert re.fullmatch(pattern_regex("m?sk**"), "mask")
    assert not re.fullmatch(pattern_regex(r"a\*"), "ab")


@given(st.text("ab*?", max_size=8), st.text("ab", max_size=12))
def test_a_pattern_matches_what_a_plain_walk_matches(pattern: str, value: str) -> None:
    def matches(wanted: str, left: str) -> bool:
        if not wanted:
            return not left
        if wanted[0] == "*":
            return any(matches(wanted[1:], left[place:]) for place in range(len(left) + 1))
        return bool(left) and wanted[0] in ("?", left[0]) and matches(wanted[1:], left[1:])

    assert bool(re.fullmatch(pattern_regex(pattern), value, re.DOTALL)) == matches(pattern, value)


def test_many_stars_over_a_long_value_are_tried_once_each() -> None:
    """What stands in an atomic group is never tried again; outside them one run is left to give back: linear."""
    regex = pattern_regex("*1" * 30 + "*X")
    outside, groups = re.subn(r"\(\?>[^()]*\)", "", regex)
    assert (groups, outside) == (30, ".*X")
    assert re.fullmatch(regex, "121.5," * 20_000, re.DOTALL) is None
