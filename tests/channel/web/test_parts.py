"""The small parts of the channel: notes made safe, ways to say values, addresses in two languages, listed assets."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from banyan.channel.web import speech
from banyan.channel.web.assets import Assets, hash_of, listed
from banyan.channel.web.links import bare, in_language, safe_return
from banyan.channel.web.markdown import to_markup
from banyan.kernel.catalogue import load_messages

WEB = Path(__file__).parents[3] / "web"
MESSAGES = load_messages("banyan.channel.web")
ALLOWED = {"div", "p", "br", "ul", "ol", "li", "strong", "code", "a"}


@given(st.text(st.sampled_from("<>&\"'`*[]()-1. \nahtps:/jvrcil=on\x00"), max_size=120))
def test_a_note_never_makes_an_element_of_its_own(text: str) -> None:
    tree = ElementTree.fromstring(f"<div>{to_markup(text).replace('<br>', '<br/>')}</div>")
    assert {element.tag for element in tree.iter()} <= ALLOWED
    for link in tree.iter("a"):
        assert link.get("href", "").startswith(("http://", "https://", "mailto:"))
        assert set(link.attrib) == {"href", "rel"}


def test_a_note_keeps_its_paragraphs_lists_and_links() -> None:
    html = str(to_markup("一 **二**\n\n- 甲\n- [乙](https://example.org/?a=1&b=2)\n\n見 https://example.org/x。"))
    assert html == (
        "<p>一 <strong>二</strong></p>\n"
        '<ul><li>甲</li><li><a href="https://example.org/?a=1&amp;b=2" rel="noopener nofollow ugc">乙</a></li></ul>\n'
        '<p>見 <a href="https://example.org/x" rel="noopener nofollow ugc">https://example.org/x</a>。</p>'
    )


def test_script_addresses_stay_text() -> None:
    assert "<a" not in to_markup("[x](javascript:alert(1)) javascript:alert(1)")


@pytest.mark.parametrize(
    ("age_s", "zh", "en"),
    [(5, "剛剛", "just now"), (60, "1 分鐘前", "1 minute ago"), (7_300, "2 小時前", "2 hours ago")],
)
def test_ages_are_said_in_both_languages(age_s: float, zh: str, en: str) -> None:
    assert speech.say_age(MESSAGES, "zh-Hant", age_s) == zh
    assert speech.say_age(MESSAGES, "en", age_s) == en


def test_numbers_sizes_and_times() -> None:
    assert speech.say_number(1234567) == "1,234,567"
    assert speech.say_number(12.5) == "12.5"
    assert speech.say_bytes(1_500_000) == "1.5 MB"
    assert speech.say_time(0) == "1970-01-01 08:00"


@given(st.sampled_from(["/", "/dataset", "/dataset/a?b=c", "/english", "/en"]))
def test_addresses_go_there_and_back(path: str) -> None:
    assert bare(in_language(path, "en")) == bare(path)
    assert in_language(path, "zh-Hant") == bare(path)


@pytest.mark.parametrize(
    "address",
    [
        *("//evil.example", "https://evil.example", "/\\evil", "javascript:x", "", "/a\nb", "/a\rb"),
        *("/\t/evil.example", "/en//evil.example", "/en/\t/evil.example", "/a\\b", "/\u2028/evil.example"),
    ],
)
def test_signing_in_leads_only_to_this_site(address: str) -> None:
    assert safe_return(address) == "/"


@pytest.mark.parametrize(
    ("address", "to"),
    [
        ("/dataset?q=%E5%8F%A3", "/dataset?q=%E5%8F%A3"),
        ("/dataset/藥局", "/dataset/%E8%97%A5%E5%B1%80"),
        ("/en", "/en"),
    ],
)
def test_signing_in_from_a_page_with_a_chinese_name(address: str, to: str) -> None:
    assert safe_return(address) == to


def test_listed_files_are_the_installed_ones() -> None:
    if not (WEB / "node_modules").exists():
        pytest.skip("npm ci was not run in web/")
    wrong = {
        line.key: hash_of(path)
        for line in listed(WEB)
        if hash_of(path := WEB / "node_modules" / line.package / line.file) != line.sha384
    }
    assert wrong == {}


def test_without_the_front_end_files_nothing_is_linked(tmp_path: Path) -> None:
    assert Assets(tmp_path).url("htmx") == ""


def test_a_changed_file_is_not_served(tmp_path: Path) -> None:
    (tmp_path / "assets.toml").write_text((WEB / "assets.toml").read_text(encoding="utf-8"), encoding="utf-8")
    file = tmp_path / "node_modules/leaflet/dist/leaflet.js"
    file.parent.mkdir(parents=True)
    file.write_text("evil()", encoding="utf-8")
    assert Assets(tmp_path).url("leaflet") == ""
