"""Reading 「我 70 歲，尾數 3，什麼時候可以買口罩？」: the item, the age, the last digit, what was not understood.

Pure. A question is ours only when it asks to buy and nothing in it is left over.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import msgspec

from banyan.kernel.storage import fold

_FULL_WIDTH: Final = {full: full - 0xFEE0 for full in range(0xFF01, 0xFF5F)}
_AGE: Final = re.compile(r"(\d{1,3}) ?(?:歲|years? old|years?)|aged? (\d{1,3})")
_DIGIT: Final = re.compile(
    r"(?:身分證|身份證|證件|居留證|證號|號碼)?(?:字號)?的?"
    r"(?:末碼|尾數|尾碼|末一碼|最後一碼|last digit(?: of (?:my|the) (?:id|number))?)(?:是|為| is|:|,| )*(\d)(?!\d)"
)
_ODD: Final = re.compile(r"單號|奇數|\bodd\b(?: number)?")
_EVEN: Final = re.compile(r"雙號|偶數|\beven\b(?: number)?")
_BUYS: Final = re.compile(
    r"可不可以買|能不能買|可以買|能買|可買|購買|買得到|輪到我|(?:may|can|could) (?:i|we) (?:buy|get|purchase)|實名制"
)
_CHILD: Final = re.compile(r"兒童|小孩|孩子|小朋友|child(?:ren)?(?:'s)?|kids?")
_FILLER: Final = re.compile(
    r"請問|我們?|我家|什麼時候|甚麼時候|何時|幾時|哪一?天|今天|今日|明天|現在|這週|這次|還|再|多少|幾[個片份]?|的|是|可以|能|買|要|才|輪|到|用|嗎"
    r"|呢|了|啊|今年|又|and|then|at|present|today|tomorrow|now|when|how|many|much|what|again|more|next"
    r"|do|am|i'm|i|my|is|are|the|for|with|id|number|a|an"
)
_GOOD_CHARACTERS: Final = 2
"""A good is called by the last two characters of a Chinese title: 口罩 of 成人口罩, 快篩 of 家用快篩."""
_PUNCTUATION: Final = re.compile(r"[\s,.?!;:，。？！；：、「」()（）]+")


class Heard(msgspec.Struct, frozen=True):
    """`left` is what was not understood; `age` and `digit` are None when nothing was said of them."""

    is_asked: bool = False
    item: str = ""
    age: int | None = None
    digit: int | None = None
    left: str = ""


class Names(msgspec.Struct, frozen=True):
    """Folded words for items: whole titles, and goods (口罩, mask) with all items of that good, the first meant first;
    `childrens` are those whose title says that they are for children."""

    titles: Mapping[str, str]
    goods: Mapping[str, tuple[str, ...]]
    childrens: frozenset[str]


def hear(text: str, names: Names) -> Heard:
    """Read a question."""
    rest = text.translate(_FULL_WIDTH).lower()
    age, rest = _taken(_AGE, rest)
    digit, rest = _taken(_DIGIT, rest)
    for pattern, value in ((_ODD, "1"), (_EVEN, "0")):
        if digit is None and pattern.search(rest):
            digit, rest = value, pattern.sub(" ", rest)
    is_asked = _BUYS.search(rest) is not None
    item, rest = _item(fold(_BUYS.sub(" ", rest)), names)
    return Heard(
        is_asked=is_asked,
        item=item,
        age=int(age) if age is not None else None,
        digit=int(digit) if digit is not None else None,
        left=_PUNCTUATION.sub("", _words(_FILLER, rest)),
    )


def names_of(titles: Mapping[str, Mapping[str, str]]) -> Names:
    """From the titles of items in both languages, in the order of the law."""
    whole: dict[str, str] = {}
    goods: dict[str, tuple[str, ...]] = {}
    for item, title in titles.items():
        for lang, text in title.items():
            word = fold(text)
            whole.setdefault(word, item)
            good = word[-_GOOD_CHARACTERS:] if lang == "zh-Hant" else word.split()[-1].removesuffix("s")
            goods[good] = (*goods.get(good, ()), item)
    childrens = frozenset(
        item for item, title in titles.items() if any(_CHILD.search(fold(one)) for one in title.values())
    )
    return Names(whole, goods, childrens)


def _item(text: str, names: Names) -> tuple[str, str]:
    """The item named, and the text without it."""
    for title in sorted(names.titles, key=len, reverse=True):
        if title in text:
            return names.titles[title], text.replace(title, " ")
    for good, items in names.goods.items():
        if good in text:
            is_child = _CHILD.search(text) is not None
            item = next((one for one in items if (one in names.childrens) == is_child), items[0])
            return item, _CHILD.sub(" ", re.sub(f"{re.escape(good)}s?", " ", text))
    return "", text


def _taken(pattern: re.Pattern[str], text: str) -> tuple[str | None, str]:
    found = pattern.search(text)
    if found is None:
        return None, text
    value = next(group for group in found.groups() if group is not None)
    return value, f"{text[: found.start()]} {text[found.end() :]}"


def _words(pattern: re.Pattern[str], text: str) -> str:
    """Without the words that ask nothing; letters count as a word only when they stand alone."""
    kept = []
    for part in re.findall(r"[a-z']+|[^a-z']+", text):
        if part[0].isascii() and (part[0].isalpha() or part[0] == "'"):
            kept.append("" if pattern.fullmatch(part) else part)
        else:
            kept.append(pattern.sub(" ", part))
    return " ".join(kept)
