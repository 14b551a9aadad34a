"""Bigrams of folded text: how a substring search in Chinese becomes an FTS5 phrase query with nothing lost.

Text 台北市youbike becomes the tokens 台北 北市 市^ ^y yo ou ub bi ik ke e: overlapping pairs, then the last character
alone, so that one-character queries find it too. `^` (a noncharacter) stands before every Latin word and number; a
query's word is looked for at a word's start and anywhere, so a match at the start ranks first.
"""

from __future__ import annotations

import re
from operator import add
from typing import Final

from banyan.errors import Invalid
from banyan.kernel.storage.fold import fold
from banyan.limits import QUERY_CHARACTERS, QUERY_TERMS

BOUNDARY: Final = "\ufdd0"
_LETTER: Final = r"[a-z\u00df-\u024f\u1e00-\u1eff]"
_WORD_START: Final = re.compile(rf"(?<!{_LETTER})(?={_LETTER})|(?<![0-9])(?=[0-9])")
_TERM: Final = re.compile(r'"([^"]*)"?|([^\s"]+)')


def grams(text: str) -> str:
    """The tokens of a text to index, separated by spaces."""
    tokens: list[str] = []
    for piece in _pieces(fold(text)):
        tokens += map(add, piece, piece[1:])
        tokens.append(piece[-1])
    return " ".join(tokens)


def match_query(query: str) -> str:
    """The FTS5 expression that finds what holds every term of `query`; "" when it has none.

    Terms are separated by spaces; a term in double quotes may hold spaces. Raises Invalid beyond QUERY_CHARACTERS or
    QUERY_TERMS.
    """
    if len(query) > QUERY_CHARACTERS:
        raise Invalid.at("q", f"Use at most {QUERY_CHARACTERS} characters.")
    terms = list(dict.fromkeys(folded for quoted, bare in _TERM.findall(query) if (folded := fold(quoted or bare))))
    if len(terms) > QUERY_TERMS:
        raise Invalid.at("q", f"Use at most {QUERY_TERMS} words.")
    return " AND ".join(map(_term_expression, terms))


def _term_expression(folded: str) -> str:
    pieces = _pieces(folded)
    anywhere = _phrase([pieces[0].removeprefix(BOUNDARY), *pieces[1:]])
    return f"({_phrase(pieces)} OR {anywhere})" if pieces[0].startswith(BOUNDARY) else anywhere


def _phrase(pieces: list[str]) -> str:
    tokens: list[str] = []
    for piece in pieces:
        tokens += map(add, piece, piece[1:])
        tokens.append(piece[-1])
    # The last pair says where the query ends; its last character alone would demand that the text ends there too.
    # One character has no pair: it is looked for as the start of any.
    is_single = len(pieces[-1]) == 1
    if not is_single:
        tokens.pop()
    return f'"{" ".join(tokens)}"{" *" if is_single else ""}'


def _pieces(folded: str) -> list[str]:
    return _WORD_START.sub(BOUNDARY, folded.replace(BOUNDARY, "")).split()
