"""What may leave as an SMS of the government: fixed senders, no links but to the government's own domains, a budget.

Fraudsters write SMS in the government's name with a link in it (假冒政府簡訊). Whoever gets one of ours can be told: it
comes from these few numbers, and what it links to ends in gov.tw. What a phone would make a link of counts as one.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from typing import Final

import msgspec

from banyan.errors import Invalid
from banyan.wire.smpp.fields import Malformed
from banyan.wire.smpp.text import Coding, Shape, shape_of

CODINGS: Final = (Coding.GSM7, Coding.UCS_2)
_SCHEME: Final = re.compile(r"([a-z][a-z0-9+.-]{0,20}):/+", re.ASCII)
_NAME: Final = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)+", re.ASCII)
_AFTER_OTHER_LETTER: Final = re.compile(r"[^\W\d_a-z]\.([a-z0-9-]+(?:\.[a-z0-9-]+)*)")
_BEFORE_OTHER_LETTER: Final = re.compile(r"[a-z]\.[^\W\d_a-z]")
_FULL_STOP_AS_DOT: Final = re.compile(r"(?<=[a-z0-9])。(?=[a-z])", re.ASCII)
_AFTER_HOST: Final = re.compile(r"[@:a-z0-9.-]", re.ASCII)
_UNSEEN: Final = re.compile(r"[\x00-\x09\x0b-\x1f\x7f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")
_KEPT: Final = 1_000
"""Texts that a checker remembers."""


class Rules(msgspec.Struct, frozen=True):
    """The node's own: `senders` (the first is the usual one), `domains` that may be linked to, the most parts."""

    senders: tuple[str, ...] = ("1922",)
    domains: tuple[str, ...] = ("gov.tw",)
    parts: int = 4


def checked_text(text: str, rules: Rules) -> Shape:
    """How a text goes out. Raises Invalid naming why it may not; the text is not repeated."""
    if _UNSEEN.search(text):
        raise Invalid.at("text", "it holds characters that nobody sees; write it without them")
    for host in _linked(text):
        if not _is_ours(host, rules):
            raise Invalid.at("text", f"a link may only be https:// and lead to {', '.join(rules.domains)}")
    try:
        shape = shape_of(text, codings=CODINGS, is_wide=False)
    except Malformed as error:
        raise Invalid.at("text", "it is too long for an SMS") from error
    if shape.parts > rules.parts:
        raise Invalid.at("text", f"it needs {shape.parts} parts, and {rules.parts} are allowed: shorten it")
    return shape


def sender_of(wanted: str, rules: Rules) -> str:
    """The sender to use. Raises Invalid for one that is not the node's."""
    if not wanted:
        return rules.senders[0]
    if wanted not in rules.senders:
        raise Invalid.at("sender", f"use one of {', '.join(rules.senders)}")
    return wanted


def checker(rules: Rules) -> Callable[[str], Shape]:
    """`checked_text` that looks at each text once: a campaign has one for hundreds of thousands."""
    seen: dict[str, Shape] = {}

    def check(text: str) -> Shape:
        found = seen.get(text)
        if found is None:
            if len(seen) >= _KEPT:
                seen.clear()
            found = seen[text] = checked_text(text, rules)
        return found

    return check


def _linked(text: str) -> Iterator[str]:
    """The hosts that a phone may make links of; `?` for a link that is none of ours whatever its host."""
    folded = _FULL_STOP_AS_DOT.sub(".", unicodedata.normalize("NFKC", text).lower())
    for match in _SCHEME.finditer(folded):
        host = _NAME.match(folded, match.end())
        is_whole = host is not None and not _AFTER_HOST.match(folded, host.end())
        yield host.group() if host is not None and is_whole and match[1] == "https" else "?"
    for found in _NAME.finditer(folded):
        last = found.group().rpartition(".")[2]
        if (len(last) >= 2 and not last.isdigit()) or found.group().count(".") == 3:
            yield found.group()
    for found in _AFTER_OTHER_LETTER.finditer(folded):
        if len(found[1]) >= 2 and not found[1].isdigit():
            yield found[1]
    if _BEFORE_OTHER_LETTER.search(folded):
        yield "?"


def _is_ours(host: str, rules: Rules) -> bool:
    return any(host == domain or host.endswith("." + domain) for domain in rules.domains)
