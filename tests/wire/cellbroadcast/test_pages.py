"""Pages of cell broadcasts: what goes in comes out, at most 15 of 82 octets each (TS 23.041 s9.4.2.2)."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from banyan.wire import cellbroadcast as cb
from banyan.wire.cellbroadcast import gsm7

GSM = "".join(gsm7.characters([code]) for code in range(128) if code not in (gsm7.ESCAPE, gsm7.RETURN)) + "^{}\\[~]|€\f"
ANY = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r"), min_size=1, max_size=300)


@given(st.one_of(ANY, st.text(GSM, min_size=1, max_size=600)), st.sampled_from(["", "zh", "en", "vi", "cs"]))
@example("A" * 93, "")
@example("@" * 8, "en")
@example("€" * 47, "")
@example("𥕢" * 41, "zh")
def test_text_comes_back(text: str, language: str) -> None:
    encoded = cb.encode(text, language)
    decoded = cb.decode(encoded.dcs, encoded.pages)
    assert decoded.text == text
    assert decoded.language == language
    assert len(encoded.pages) <= cb.PAGES
    assert all(len(page.octets) == cb.PAGE_OCTETS and 0 < page.used <= cb.PAGE_OCTETS for page in encoded.pages)


@pytest.mark.parametrize(
    ("character", "language", "most", "dcs"),
    [
        ("A", "", 1395, 0x0F),
        ("A", "en", 1395, 0x01),
        ("震", "", 615, 0x48),
        ("震", "zh", 600, 0x11),
        ("[", "", 690, 0x0F),
    ],
)
def test_bounds(character: str, language: str, most: int, dcs: int) -> None:
    full = cb.encode(character * most, language)
    assert (len(full.pages), full.dcs) == (15, dcs)
    with pytest.raises(cb.TooLong, match="16 pages"):
        cb.encode(character * (most + 1), language)


def test_octets_of_a_page_in_chinese() -> None:
    page = cb.encode("地震").pages[0]
    assert page.used == 4
    assert page.octets.hex() == "57309707" + "000d" * 39
    marked = cb.encode("地震", "zh").pages[0]
    # z is 0x7a and h 0x68 of the GSM alphabet: 14 bits, least significant first, and two of padding.
    assert marked.octets[:6].hex() == "7a3457309707"
    assert marked.used == 6


def test_octets_of_a_page_of_the_gsm_alphabet() -> None:
    # TS 23.038 s6.1.2.2: seven bits each, least significant first; the rest of the page is carriage returns, whose
    # first bits are the last octet's highest.
    page = cb.encode("hellohello").pages[0]
    assert page.octets[:9].hex() == "e8329bfd4697d9ec77"
    assert page.used == 9
    assert gsm7.unpack(page.octets, 93)[10:] == [gsm7.RETURN] * 83


def test_no_escape_is_parted_from_its_character() -> None:
    encoded = cb.encode("A" * 92 + "€B")
    assert [cb.decode(encoded.dcs, [page]).text for page in encoded.pages] == ["A" * 92, "€B"]


@given(st.integers(0, 255), st.lists(st.tuples(st.binary(min_size=82, max_size=82), st.integers(0, 82)), max_size=16))
def test_whatever_comes_is_read_or_refused(dcs: int, parts: list[tuple[bytes, int]]) -> None:
    pages = [cb.Page(octets, used) for octets, used in parts]
    if 1 <= len(pages) <= 15:
        cb.decode(dcs, pages)
    else:
        with pytest.raises(cb.Malformed):
            cb.decode(dcs, pages)


@pytest.mark.parametrize(("text", "language"), [("", ""), ("x", "eng"), ("x", "中文"), ("\ud840", "")])
def test_what_no_page_can_say_is_refused(text: str, language: str) -> None:
    with pytest.raises(cb.Malformed):
        cb.encode(text, language)


def test_octets_are_pages_too() -> None:
    encoded = cb.encode_octets(bytes(range(200)))
    assert len(encoded.pages) == 3
    assert cb.coding(encoded.dcs).alphabet is cb.Alphabet.OCTETS
    assert cb.decode(encoded.dcs, encoded.pages).text.encode("latin-1") == bytes(range(200))
