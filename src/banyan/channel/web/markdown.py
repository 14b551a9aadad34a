"""A safe corner of Markdown for notes that agencies write: paragraphs, lists, bold, code, links. All else is text.

Everything is escaped first, so no cell, note or title can put an element on a page. Links go to http(s) and mailto
only, with `rel="noopener nofollow ugc"`. Source: CommonMark 0.31 (the parts named above).
"""

from __future__ import annotations

import re

from markupsafe import Markup, escape

NOTE_CHARACTERS = 20_000
"""Longer notes are shown cut: a page is read by people."""
_LINK = re.compile(r"\[([^\[\]\n]{1,200})\]\(((?:https?://|mailto:)[^\s()<>\"']{1,500})\)")
_BARE = re.compile(r"(?<![\"'=>\w])(https?://[^\s<>\"'，。；、）()]{1,500}[^\s<>\"'，。；、）().,;:!?])")
_BOLD = re.compile(r"\*\*([^*\n]{1,500})\*\*")
_CODE = re.compile(r"`([^`\n]{1,500})`")
_ITEM = re.compile(r"^\s{0,3}[-*+]\s+(.*)$")
_NUMBERED = re.compile(r"^\s{0,3}\d{1,3}[.)]\s+(.*)$")
REL = "noopener nofollow ugc"
_LISTS = (
    (_ITEM, Markup("<ul>"), Markup("</ul>")),
    (_NUMBERED, Markup("<ol>"), Markup("</ol>")),
)


def to_markup(text: str) -> Markup:
    """HTML of a note. Input is untrusted; the output holds only p, br, ul, ol, li, strong, code and a."""
    shown = text[:NOTE_CHARACTERS].replace("\r\n", "\n").replace("\r", "\n").strip()
    blocks = [block for block in re.split(r"\n\s*\n", shown) if block.strip()]
    # Each block went through escape() line by line in _inline; the tags around it are ours.
    return Markup("\n").join(_block(block.split("\n")) for block in blocks)


def _block(lines: list[str]) -> Markup:
    for pattern, opening, closing in _LISTS:
        found = [pattern.match(line) for line in lines]
        if all(found):
            items = Markup("").join(Markup("<li>{}</li>").format(_inline(match[1])) for match in found if match)
            return opening + items + closing
    return Markup("<p>{}</p>").format(Markup("<br>").join(_inline(line) for line in lines))


def _inline(line: str) -> Markup:
    """Marks within a line: code and links are set aside first, so nothing inside them is read as a mark."""
    kept: list[Markup] = []

    def keep(markup: Markup) -> str:
        kept.append(markup)
        return f"\x00{len(kept) - 1}\x00"

    line = line.replace("\x00", "")
    line = _CODE.sub(lambda found: keep(Markup("<code>{}</code>").format(found[1])), line)
    line = _LINK.sub(lambda found: keep(_anchor(found[2], found[1])), line)
    line = _BARE.sub(lambda found: keep(_anchor(found[1], found[1])), line)
    text = str(escape(line))
    text = _BOLD.sub(r"<strong>\1</strong>", text)
    return Markup(re.sub(r"\x00(\d+)\x00", lambda found: str(kept[int(found[1])]), text))  # noqa: S704 - escaped above


def _anchor(address: str, words: str) -> Markup:
    return Markup('<a href="{}" rel="{}">{}</a>').format(address, REL, words)
