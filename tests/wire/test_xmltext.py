"""XML: any text survives; nothing dangerous is read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from banyan.errors import Invalid, Limit
from banyan.wire import atom, national, sitemap, xmltext

FORBIDDEN = set(map(chr, [*range(9), 11, 12, *range(14, 32), 0xFFFE, 0xFFFF]))


def expected(text: str) -> str:
    return "".join("\ufffd" if char in FORBIDDEN else char for char in text)


@given(text=st.text(), mark=st.text())
def test_any_text_comes_back(text: str, mark: str) -> None:
    root = xmltext.parse(xmltext.element("a", text, {"b": mark}).encode())
    assert (root.text or "") == expected(text)
    assert root.get("b") == expected(mark)


@pytest.mark.parametrize(
    "body",
    [
        b'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>',
        b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>',
        b"<a>&x;</a>",
        b"<a>",
        b"",
        b"\x00\x01",
    ],
)
def test_documents_with_a_dtd_or_damage_are_refused(body: bytes) -> None:
    with pytest.raises(Invalid):
        xmltext.parse(body)


def test_deep_and_long_documents_meet_a_limit() -> None:
    with pytest.raises(Limit):
        xmltext.parse(b"<a>" * 100 + b"</a>" * 100)
    with pytest.raises(Limit):
        xmltext.parse(b"<a>" + b"x" * (17 * 1024 * 1024) + b"</a>")


A = "{http://www.w3.org/2005/Atom}"


def a_feed(page: int = 1, pages: int = 3, title: str = "口罩 <b>&") -> atom.Feed:
    entry = atom.Entry(
        id="https://e.tw/dataset/mask#v3",
        title=title,
        updated="2026-11-23T13:00:00Z",
        link="https://e.tw/dataset/mask",
        summary="新增 3 列",
        author="健保署",
        categories=("就醫",),
        enclosures=(("https://e.tw/mask.csv", "text/csv", 12),),
    )
    return atom.Feed(
        id="https://e.tw/feed.atom",
        title="榕",
        subtitle="更新",
        updated="2026-11-23T13:00:00Z",
        author="榕",
        home="https://e.tw/",
        address="https://e.tw/feed.atom",
        page=page,
        pages=pages,
        language="zh-Hant",
        entries=[entry],
    )


def test_a_feed_has_what_rfc_4287_requires() -> None:
    root = xmltext.parse(atom.write(a_feed()))
    assert root.tag == A + "feed"
    for scope in (root, root.find(A + "entry")):
        assert scope is not None
        assert all(len(scope.findall(A + name)) == 1 for name in ("id", "title", "updated"))
        assert scope.findtext(f"{A}author/{A}name")
    assert root.findtext(f"{A}entry/{A}title") == "口罩 <b>&"
    enclosure = [link for link in root.iter(A + "link") if link.get("rel") == "enclosure"]
    assert [link.get("length") for link in enclosure] == ["12"]


@pytest.mark.parametrize(
    ("page", "relations"),
    [(1, {"first", "next", "last"}), (2, {"first", "previous", "next", "last"}), (3, {"first", "previous", "last"})],
)
def test_feed_pages_lead_to_each_other(page: int, relations: set[str]) -> None:
    root = xmltext.parse(atom.write(a_feed(page)))
    found = {link.get("rel", "") for link in root.findall(A + "link")}
    assert found - {"self", "alternate"} == relations


def test_a_sitemap_names_each_language() -> None:
    url = sitemap.Url("https://e.tw/dataset/a?b&c", "2026-11-23", {"zh-Hant": "https://e.tw/", "en": "https://e.tw/en"})
    root = xmltext.parse(sitemap.write([url]))
    space = "{http://www.sitemaps.org/schemas/sitemap/0.9}"
    assert root.findtext(f"{space}url/{space}loc") == "https://e.tw/dataset/a?b&c"
    assert len(root.findall(f"{space}url/" + "{http://www.w3.org/1999/xhtml}link")) == 2
    index = xmltext.parse(sitemap.write_index([("https://e.tw/sitemap.xml?page=1", "2026-11-23")]))
    assert index.tag == space + "sitemapindex"


def test_the_national_standard_is_read_from_xml_too() -> None:
    body = """<datasets><dataset><title>口罩</title>
    <keyword>a</keyword><keyword>b</keyword><numberOfData>3</numberOfData>
    <distribution><resourceID>A41000000G-000001-001</resourceID></distribution></dataset></datasets>"""
    (dataset,) = national.decode(body.encode()).datasets
    assert (dataset.title, dataset.keyword, dataset.numberOfData) == ("口罩", ("a", "b"), 3)
    assert dataset.distribution[0].resourceID == "A41000000G-000001-001"
    bomb = b'<!DOCTYPE a [<!ENTITY x "y">]><a><title>&x;</title></a>'
    assert {fault.code for fault in national.decode(bomb).faults} == {"xml"}
