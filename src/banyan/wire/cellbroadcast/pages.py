"""Text to the pages of a cell broadcast and back. Source: TS 23.041 s9.4.2.2, data coding schemes of TS 23.038 s5.

A page has 82 octets and a message 15 pages: 1,395 characters of the GSM alphabet, 615 of UCS-2, 600 of UCS-2 when each
page begins with its language. UCS-2 is written as UTF-16: phones read it so, and names of villages need it (𥕢).
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Final

import msgspec

from banyan.wire.cellbroadcast import gsm7

PAGE_OCTETS: Final = 82
PAGES: Final = 15
GSM_CHARACTERS: Final = 93
UCS2_CHARACTERS: Final = 41
GSM_ANY: Final = 0x0F
GSM_MARKED: Final = 0x10
UCS2_MARKED: Final = 0x11
UCS2: Final = 0x48

_LANGUAGES: Final = {  # TS 23.038 s5, coding groups 0000 and 0010
    **dict(enumerate(("de", "en", "it", "fr", "es", "nl", "sv", "da", "pt", "fi", "no", "el", "tr", "hu", "pl"))),
    **dict(enumerate(("cs", "he", "ar", "ru", "is"), 0x20)),
}
_CODES: Final = {language: code for code, language in _LANGUAGES.items()}


class Malformed(ValueError):
    """Octets that no cell broadcast has, or text that fits none; the message says which and why."""


class TooLong(Malformed):
    """More text than 15 pages hold."""


class Page(msgspec.Struct, frozen=True):
    """One page: always 82 octets, the first `used` of them text and the rest padding (TS 48.049 s8.2.2)."""

    octets: bytes
    used: int


class Alphabet(StrEnum):
    GSM = "gsm"
    OCTETS = "8bit"
    UCS2 = "ucs2"


class Coding(msgspec.Struct, frozen=True):
    """What a data coding scheme says. `is_marked`: each page begins with two letters of its language."""

    alphabet: Alphabet
    language: str = ""
    is_marked: bool = False


class Encoded(msgspec.Struct, frozen=True):
    """A message's pages and their data coding scheme. `characters`: how many it has as phones count them."""

    dcs: int
    pages: tuple[Page, ...]
    characters: int


class Decoded(msgspec.Struct, frozen=True):
    """A message's text and its language (ISO 639, empty when it says none)."""

    text: str
    language: str = ""


def coding(dcs: int) -> Coding:
    """What `dcs` says. A reserved one is read as the GSM alphabet, as TS 23.038 s5 tells phones to do."""
    if dcs in _LANGUAGES:
        return Coding(Alphabet.GSM, _LANGUAGES[dcs])
    if dcs in (GSM_MARKED, UCS2_MARKED):
        return Coding(Alphabet.UCS2 if dcs == UCS2_MARKED else Alphabet.GSM, is_marked=True)
    if dcs & 0xC0 == 0x40 or dcs & 0xF0 == 0x90:  # general data coding, with or without a user data header
        return Coding(_group_alphabet((dcs >> 2) & 3))
    if dcs & 0xF0 == 0xF0 and dcs & 0x04:
        return Coding(Alphabet.OCTETS)
    return Coding(Alphabet.GSM)


def encode(text: str, language: str = "") -> Encoded:
    """The fewest pages that say `text`.

    In: text of any script; `language` two letters of ISO 639, which the pages then carry, or empty. Raises TooLong,
    and Malformed for an empty text or a language of other than two letters.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if not text:
        raise Malformed("a cell broadcast without text has no page")
    if language and not (len(language) == 2 and language.isascii() and language.isalpha()):
        raise Malformed(f"language {language!r} is not two letters of ISO 639")
    septets = gsm7.septets(text)
    if septets is not None:
        return _gsm(septets, language.lower(), len(text))
    return _ucs2(text, language.lower())


def encode_octets(octets: bytes, dcs: int = 0x44) -> Encoded:
    """Pages of plain octets (8-bit data). Raises TooLong, Malformed."""
    if not octets:
        raise Malformed("a cell broadcast without octets has no page")
    parts = [octets[at : at + PAGE_OCTETS] for at in range(0, len(octets), PAGE_OCTETS)]
    return Encoded(dcs, _bounded([Page(one.ljust(PAGE_OCTETS, b"\x00"), len(one)) for one in parts]), len(octets))


def decode(dcs: int, pages: Sequence[Page]) -> Decoded:
    """The text of `pages`; padding is left out. Raises Malformed when they are no pages."""
    if not 1 <= len(pages) <= PAGES:
        raise Malformed(f"{len(pages)} pages; a message has 1 to {PAGES}")
    said = coding(dcs)
    language, texts = said.language, []
    for page in pages:
        if len(page.octets) != PAGE_OCTETS or not 0 <= page.used <= PAGE_OCTETS:
            raise Malformed(f"a page has {len(page.octets)} octets of which {page.used} are used")
        text, marked = _page_text(page, said)
        texts.append(text)
        language = language or marked
    return Decoded("".join(texts), language)


def _gsm(septets: list[tuple[int, ...]], language: str, characters: int) -> Encoded:
    dcs = _CODES.get(language, GSM_MARKED if language else GSM_ANY)
    mark = _mark_septets(language) if dcs == GSM_MARKED else []
    pages, page = [], list(mark)
    for one in septets:
        if len(page) + len(one) > GSM_CHARACTERS:
            pages.append(_gsm_page(page))
            page = list(mark)
        page.extend(one)
    pages.append(_gsm_page(page))
    return Encoded(dcs, _bounded(pages), characters)


def _gsm_page(codes: list[int]) -> Page:
    used = (len(codes) * 7 + 7) // 8
    return Page(gsm7.pack(codes + [gsm7.RETURN] * (GSM_CHARACTERS - len(codes))), used)


def _ucs2(text: str, language: str) -> Encoded:
    dcs = UCS2_MARKED if language else UCS2
    mark = gsm7.pack(_mark_septets(language)[:2]) if language else b""
    room = PAGE_OCTETS - len(mark)
    pages, page = [], b""
    for character in text:
        octets = _utf16(character)
        if len(page) + len(octets) > room:
            pages.append(_ucs2_page(mark + page))
            page = b""
        page += octets
    pages.append(_ucs2_page(mark + page))
    return Encoded(dcs, _bounded(pages), len(text.encode("utf-16-be")) // 2)


def _utf16(character: str) -> bytes:
    try:
        return character.encode("utf-16-be")
    except UnicodeEncodeError as error:
        raise Malformed("the text has half a surrogate pair") from error


def _ucs2_page(octets: bytes) -> Page:
    return Page(octets + b"\x00\r" * ((PAGE_OCTETS - len(octets)) // 2), len(octets))


def _mark_septets(language: str) -> list[int]:
    return [ord(letter) for letter in language] + [gsm7.RETURN]


def _bounded(pages: list[Page]) -> tuple[Page, ...]:
    if len(pages) > PAGES:
        raise TooLong(f"the text needs {len(pages)} pages; a cell broadcast has {PAGES}")
    return tuple(pages)


def _page_text(page: Page, said: Coding) -> tuple[str, str]:
    if said.alphabet is Alphabet.OCTETS:
        return page.octets[: page.used].decode("latin-1"), ""
    if said.alphabet is Alphabet.GSM:
        codes = gsm7.unpack(page.octets[: page.used], GSM_CHARACTERS)
        mark = gsm7.characters(codes[:2]) if said.is_marked else ""
        return gsm7.characters(codes[3:] if said.is_marked else codes).rstrip("\r"), mark
    octets = page.octets[: page.used]
    mark = gsm7.characters(gsm7.unpack(octets[:2], 2)) if said.is_marked else ""
    octets = octets[2:] if said.is_marked else octets
    return octets[: len(octets) // 2 * 2].decode("utf-16-be", "replace").rstrip("\r"), mark


def _group_alphabet(bits: int) -> Alphabet:
    return (Alphabet.GSM, Alphabet.OCTETS, Alphabet.UCS2, Alphabet.GSM)[bits]
