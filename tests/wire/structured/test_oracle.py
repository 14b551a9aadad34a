"""The same text through http-sf, which the editor of RFC 9651 keeps: both read it alike or both refuse it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import http_sf
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from banyan.wire.structured import (
    BadField,
    BareItem,
    Date,
    DisplayString,
    InnerList,
    Item,
    Member,
    Token,
    parse_dictionary,
    parse_list,
)

WORDS = """a b1 * = ; , ( ) " "x" "\\"" \\ : :YQ==: :YR==: ?1 ?0 ? 1 -1 1.5 1. - @1 @ %"%c3%bc" %"%c3" % A/b:c / é"""
PIECES = st.sampled_from(WORDS.split()) | st.sampled_from([" ", "\t", ", "])


def bare(value: Any) -> BareItem:
    if isinstance(value, http_sf.Token):
        return Token(str(value))
    if isinstance(value, http_sf.DisplayString):
        return DisplayString(str(value))
    if hasattr(value, "timestamp"):
        return Date(int(value.timestamp()))
    return Decimal(str(value)) if isinstance(value, float) else value  # type: ignore[no-any-return]


def member(theirs: Any) -> Member:
    value, parameters = theirs
    own = {name: bare(one) for name, one in parameters.items()}
    return InnerList(tuple(member(one) for one in value), own) if isinstance(value, list) else Item(bare(value), own)  # type: ignore[misc]


def theirs_of(text: str, kind: str) -> Any:
    """What http-sf reads, or None when it refuses."""
    try:
        return http_sf.parse(text.encode("latin-1"), tltype=kind)
    except (http_sf.StructuredFieldError, ValueError, OverflowError):
        return None


@given(st.lists(PIECES, max_size=12).map("".join))
@example("a=(1 2);b, c")
@example('sig=("@method" "x";req);created=1')
def test_http_sf_agrees(text: str) -> None:
    lists, dictionaries = theirs_of(text, "list"), theirs_of(text, "dictionary")
    if ":YR==:" not in text and not text.startswith("\t"):
        # it takes base64 with bits left over, and a tab before the field: the RFC says "may" and "fail"
        expect(parse_list, text, None if lists is None else [member(one) for one in lists])
        expect(
            parse_dictionary,
            text,
            None if dictionaries is None else {name: member(one) for name, one in dictionaries.items()},
        )


def expect(parse: Any, text: str, wanted: Any) -> None:
    if wanted is None:
        with pytest.raises(BadField):
            parse(text)
    else:
        assert parse(text) == wanted
