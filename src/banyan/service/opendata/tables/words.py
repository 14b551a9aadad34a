"""Finding words in text cells without an index: a pattern that matches what folds to the same text.

Folding a million cells costs seconds; folding the question costs nothing. So each character of the folded word is
widened to the class of all characters that fold to it (`台` -> `[台臺]`), and cells are scanned as they are. A word
without such characters, as most Chinese words, is a plain substring scan.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import cache

from banyan.kernel.storage.fold import fold

_LAST_CODEPOINT = 0x30000
_SURROGATES = range(0xD800, 0xE000)


def fold_cell(text: str) -> str:
    """A cell's text with each character folded by itself: NFKC, case, variant glyphs. Unlike the search fold of
    datasets it keeps punctuation and hyphens, which tell codes and addresses apart."""
    return "".join(map(_fold_one, text))


@cache
def _fold_one(character: str) -> str:
    return fold(character) or unicodedata.normalize("NFKC", character)


@cache
def _widened() -> Mapping[str, str]:
    """Folded character -> every character that folds to it alone. Built once, about 0.3 s."""
    classes: dict[str, list[str]] = {}
    for code in range(0x20, _LAST_CODEPOINT):
        if code in _SURROGATES:
            continue
        character = chr(code)
        folded = fold(character) or unicodedata.normalize("NFKC", character)
        if len(folded) == 1 and folded != character:
            classes.setdefault(folded, [folded]).append(character)
    return {folded: "".join(same) for folded, same in classes.items()}


def words_of(text: str) -> list[str]:
    """The folded words of a question, each once. Words are what blanks (the ideographic one too) separate."""
    return list(dict.fromkeys(fold_cell(word) for word in text.split()))


def is_plain(word: str) -> bool:
    """True when only the word's own characters fold to it, so a substring scan finds all."""
    widened = _widened()
    return not any(character in widened for character in word)


def pattern(word: str) -> str:
    """An RE2 pattern for cells in which the folded `word` stands."""
    widened = _widened()
    return "".join(
        f"[{_class(widened[character])}]" if character in widened else re.escape(character) for character in word
    )


def _class(characters: str) -> str:
    return "".join("\\" + character if character in r"\]^-[" else character for character in characters)
