"""The binder: what a query, a form and a JSON body become, and how a misfit is put into words."""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import quote, urlencode

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from banyan.kernel.exchange.binder import Binder, Misfit, Repeated, Unreadable, decoded, pairs_of
from banyan.kernel.exchange.explain import document, misfit


class Inner(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    at_least: float = 0


class Ask(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"kind_": "kind"}):
    q: Annotated[str, msgspec.Meta(max_length=10)] = ""
    limit: Annotated[int, msgspec.Meta(ge=1, le=100)] = 10
    exact: bool = False
    near: tuple[float, float] | None = None
    tags: list[str] = []
    filters: dict[str, str] = {}
    inner: Inner | None = None
    kind_: Literal["a", "b"] = "a"


ASK = Binder(Ask)


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("", Ask()),
        ("q=%E5%8F%A3%E7%BD%A9&limit=5", Ask(q="口罩", limit=5)),
        ("q=a+b%2B", Ask(q="a b+")),
        ("exact=on&tags=x&tags=y", Ask(exact=True, tags=["x", "y"])),
        ("near=%5B121.5%2C25%5D", Ask(near=(121.5, 25.0))),
        ("filters=" + quote('{"縣市":"花蓮縣"}'), Ask(filters={"縣市": "花蓮縣"})),
        ("inner=" + quote('{"at_least":2}'), Ask(inner=Inner(2))),
        ("limit=&near=&kind=", Ask()),
        ("kind=b", Ask(kind_="b")),
        ("&&q=1&", Ask(q="1")),
    ],
)
def test_a_query_becomes_the_request(query: str, wanted: Ask) -> None:
    assert ASK.from_pairs(pairs_of(query), {}) == wanted


@pytest.mark.parametrize(
    ("query", "field", "fix"),
    [
        ("limit=0", "limit", "不可小於 1。"),
        ("limit=101", "limit", "不可大於 100。"),
        ("limit=many", "limit", "請填整數。"),
        ("exact=maybe", "exact", "請填 true 或 false。"),
        ("q=12345678901", "q", "長度最多 10。"),
        ("kind=c", "kind", "不是可用的值。"),
        ("filters=%7B", "filters", "請填 JSON。"),
        ("who=me", "who", "沒有這個欄位。可用的欄位：q、limit、exact、near、tags、filters、inner、kind。"),
    ],
)
def test_a_misfit_names_the_field_and_the_fix(query: str, field: str, fix: str) -> None:
    with pytest.raises(Misfit) as found:
        ASK.from_pairs(pairs_of(query), {})
    assert misfit(found.value, "zh-Hant").field == field
    assert misfit(found.value, "zh-Hant").fix == fix
    assert "$" not in document(found.value, "en").detail


@pytest.mark.parametrize("query", ["q=%FF", "q=%E8%87", "q=%00", "q=%4", "q=100%", "%ZZ=1"])
def test_unreadable_text_is_refused(query: str) -> None:
    with pytest.raises(Unreadable):
        pairs_of(query)


def test_a_field_that_takes_one_value_may_not_come_twice() -> None:
    with pytest.raises(Repeated):
        ASK.from_pairs(pairs_of("limit=1&limit=2"), {})


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[1]", b'{"q":1}', b'{"limit":"5"}', b'{"q":"\\u0000"}', b'{"who":1}', b"[" * 100_000]
)
def test_a_json_body_is_read_strictly(body: bytes) -> None:
    with pytest.raises((Misfit, Unreadable)):
        ASK.from_json(body, {})


def test_the_paths_fields_join_the_body() -> None:
    class Put(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
        id: int
        name: str

    binder = Binder(Put, ("id",))
    assert binder.from_json(b'{"name":"a"}', {"id": "7"}) == Put(7, "a")
    with pytest.raises(Repeated):
        binder.from_json(b'{"name":"a","id":8}', {"id": "7"})
    with pytest.raises(Repeated):
        binder.from_pairs([("id", "8"), ("name", "a")], {"id": "7"})


TEXT = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\x00"))


@given(st.lists(st.tuples(TEXT.filter(bool), TEXT)))
def test_any_text_survives_a_query(pairs: list[tuple[str, str]]) -> None:
    assert pairs_of(urlencode(pairs)) == pairs


@given(TEXT)
def test_any_text_survives_a_path(text: str) -> None:
    assert decoded(quote(text, safe=""), plus=False) == text
