"""Structured fields against the suite of the HTTP working group, and against themselves."""

from __future__ import annotations

import json
import string
from base64 import b32encode
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.make import shared_data

from banyan import limits
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
    parse_item,
    parse_list,
    write_dictionary,
    write_item,
    write_list,
)

PARSE = {"item": parse_item, "list": parse_list, "dictionary": parse_dictionary}
WRITE: dict[str, Any] = {"item": write_item, "list": write_list, "dictionary": write_dictionary}


def cases(folder: str) -> list[dict[str, Any]]:
    found = sorted(shared_data(f"exchange/structured_fields{folder}").glob("*.json"))
    assert found, "the suite is there"
    return [case for file in found for case in json.loads(file.read_text(encoding="utf-8"), parse_float=Decimal)]


def plain(value: BareItem) -> Any:
    """A value in the suite's own JSON."""
    match value:
        case Token(text):
            return {"__type": "token", "value": text}
        case Date(at):
            return {"__type": "date", "value": at}
        case DisplayString(text):
            return {"__type": "displaystring", "value": text}
        case bytes():
            return {"__type": "binary", "value": b32encode(value).decode()}
    return value


def shown(field: Any) -> Any:
    if isinstance(field, Item | InnerList):
        inside = [shown(item) for item in field.items] if isinstance(field, InnerList) else plain(field.value)
        return [inside, [[name, plain(value)] for name, value in field.parameters.items()]]
    if isinstance(field, dict):
        return [[name, shown(member)] for name, member in field.items()]
    return [shown(member) for member in field]


def typed(value: Any) -> list[Any]:
    """With the type of everything beside it: 1 is neither True nor 1.0 here."""
    return [typed(one) for one in value] if isinstance(value, list) else [type(value).__name__, value]


def test_the_working_groups_fields_are_read() -> None:
    read = refused = choice = 0
    for case in cases(""):
        text = ", ".join(case["raw"])
        try:
            field = PARSE[case["header_type"]](text)
        except BadField:
            assert case.get("must_fail") or case.get("can_fail"), case["name"]
            refused += 1
            choice += "can_fail" in case
            continue
        assert not case.get("must_fail"), case["name"]
        assert typed(shown(field)) == typed(case["expected"]), case["name"]
        again = WRITE[case["header_type"]](field)
        assert again == ", ".join(case.get("canonical", case["raw"])), case["name"]
        read += 1
    assert read > 700
    assert refused > 400
    assert choice < 10, "what we refuse although the RFC leaves it open is little"


def built(value: Any) -> BareItem:
    match value:
        case {"__type": "token", "value": text}:
            return Token(text)
        case {"__type": kind}:
            raise AssertionError(kind)
    return value  # type: ignore[no-any-return]


def test_the_working_groups_values_are_written_or_refused() -> None:
    seen = 0
    for case in cases("/serialisation-tests"):
        field: Any
        if case["header_type"] == "item":
            value, parameters = case["expected"]
            field = Item(built(value), {name: built(one) for name, one in parameters})
        elif case["header_type"] == "dictionary":
            field = {name: Item(built(value)) for name, (value, _) in case["expected"]}
        else:
            field = [Item(built(value), {name: built(one) for name, one in more}) for value, more in case["expected"]]
        seen += 1
        if case.get("must_fail"):
            with pytest.raises(BadField):
                WRITE[case["header_type"]](field)
        else:
            assert WRITE[case["header_type"]](field) == ",".join(case["canonical"]), case["name"]
    assert seen > 300


def test_a_name_that_comes_twice_is_refused_where_it_must_be_unique() -> None:
    assert parse_dictionary("a=1, b=2, a=3") == {"a": Item(3), "b": Item(2)}
    with pytest.raises(BadField, match="twice"):
        parse_dictionary("a=1, b=2, a=3", unique=True)


@pytest.mark.parametrize(
    "text",
    [
        "a," * (limits.STRUCTURED_MEMBERS + 1) + "a",
        "(" + "a " * (limits.STRUCTURED_MEMBERS + 1) + "a)",
        "a" + "".join(f";b{place}" for place in range(limits.STRUCTURED_MEMBERS + 1)),
        '"' + "a" * limits.STRUCTURED_CHARS,
        "a" * (limits.STRUCTURED_CHARS + 1),
        "(" * 5_000,
        "1\u0661",
        '"\u0080"',
    ],
)
def test_header_bombs_and_foreign_marks_are_refused(text: str) -> None:
    with pytest.raises(BadField):
        parse_list(text)


@pytest.mark.parametrize("text", [":aGVsbG9=:", ":aGVsbB==:", ":=:", ":==:", ":aGVsbG8:", ":aGVs\nbG8=:"])
def test_base64_has_one_spelling(text: str) -> None:
    with pytest.raises(BadField):
        parse_item(text)


KEYS = st.text(string.ascii_lowercase + "*", min_size=1, max_size=1).flatmap(
    lambda first: st.text(string.ascii_lowercase + string.digits + "_-.*", max_size=8).map(lambda rest: first + rest)
)
BARE: st.SearchStrategy[BareItem] = st.one_of(
    st.integers(-(10**15) + 1, 10**15 - 1),
    st.integers(-(10**15) + 1, 10**15 - 1).map(lambda whole: Decimal(whole).scaleb(-3)),
    st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=20),
    st.binary(max_size=40),
    st.booleans(),
    st.from_regex(r"[A-Za-z*][A-Za-z0-9!#$%&'*+\-.^_`|~:/]{0,10}", fullmatch=True).map(Token),
    st.integers(-(10**15) + 1, 10**15 - 1).map(Date),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=10).map(DisplayString),
)
PARAMETERS = st.dictionaries(KEYS, BARE, max_size=3)
ITEMS = st.builds(Item, BARE, PARAMETERS)
MEMBERS: st.SearchStrategy[Member] = st.one_of(
    ITEMS, st.builds(InnerList, st.lists(ITEMS, max_size=4).map(tuple), PARAMETERS)
)


@given(st.dictionaries(KEYS, MEMBERS, max_size=4))
def test_what_is_written_is_read_again(field: dict[str, Member]) -> None:
    text = write_dictionary(field)
    assert parse_dictionary(text, unique=True) == field
    assert write_dictionary(parse_dictionary(text)) == text
    assert parse_list(write_list(field.values())) == list(field.values())


@given(st.text(st.characters(max_codepoint=0xFF), max_size=60) | st.text('a=1;,()"\\:?@%. \t-*', max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    for kind, parse in PARSE.items():
        try:
            field = parse(text)
        except BadField:
            continue
        again = WRITE[kind](field)
        assert PARSE[kind](again) == field
