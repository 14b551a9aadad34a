"""Read when an outlet sells and when it hands out number plates (號碼牌) out of the words it wrote.

Pharmacies had no field for it in 2020 and wrote it into 看診備註 or a notice, each in its own way. Pure, and careful:
a time belongs to a plate or a sale only when a word beside it says so; what is unsure is nothing. Every window comes
with the words that were the evidence.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final, Literal

import msgspec

from banyan.service.supplies.model import Window

Kind = Literal["sale", "plate"]
NOTE_CHARACTERS: Final = 400
"""Longer than any real note; the rest is not read."""
NO_END: Final = 24 * 60
"""Of a window whose end the note does not tell: until the end of the day, or until nothing is left."""
EARLIEST: Final = 6 * 60
"""Nobody sells before six; such a time lacks its 下午, or is none."""

_NUMERALS: Final = "〇零一二兩三四五六七八九十"
_PART: Final = r"(?P<part>清晨|早晨|早上|上午|今早|早|中午|正午|午間|下午|午後|傍晚|晚上|晚間|晚|夜間|[ap]m)?"
_CLOCK: Final = (
    r"(?:(?P<hour>(?<!\d)\d{1,2}|[〇零一二兩三四五六七八九十]{1,3})"
    r"(?:[:：](?P<minute>[0-5]\d)(?!\d)(?P<after>\s?[ap]m)?"
    r"|[點時](?P<spoken>半|整|鐘|[0-5]?\d分?|[〇零一二三四五六七八九十]{1,3}分?)?"
    r"|(?P<english>\s?[ap]m\b))"
    r"|(?<!\d)(?P<four>(?:[01]\d|2[0-4])[0-5]\d)(?![\d年月元片份包人名盒個劑瓶/]))"
)
_TIME: Final = re.compile(_PART + r"\s{0,2}" + _CLOCK, re.IGNORECASE)
_TO: Final = re.compile(r"\s{0,2}(?:[~∼〜\-–—至到]|to\b|until\b)\s{0,2}", re.IGNORECASE)
_FROM: Final = re.compile(r"\s{0,2}(?:以後|之後|過後|後|起|開始|準時)")
_UNTIL: Final = re.compile(r"\s{0,2}(?:以前|之前|前|止|為止|截止|完畢)")
_PLATE: Final = re.compile(
    r"(?<![憑持依按])(?:號碼牌|號碼單|號碼卡|號碼條|號牌|發牌|抽號|抽牌|領牌|取號|領號|拿號|發號)|\bnumbers?\b|\btickets?\b|\bplates?\b",
    re.IGNORECASE,
)
_SELLS: Final = re.compile(
    r"販售|販賣|開賣|發售|出售|銷售|售賣|兌換|購買|選購|配售|供應|[賣買](?![完光])"
    r"|\bsales?\b|\bsell(?:s|ing)?\b|\bsold\b|\bpick ?up\b",
    re.IGNORECASE,
)
_HANDS_OUT: Final = re.compile(r"發放|發送|領取|開放|領(?![牌號])")
"""Of plates where the note speaks of plates, else of the goods."""
_NOT: Final = re.compile(
    r"暫停|停售|停賣|停止|不販售|不賣|不發|不售|沒有|無販售|未販售|不再|取消|休診|看診|門診|急診|掛號|營業|公休|休息|疫苗|接種|篩檢|完畢"
    r"|[發賣售]完(?!為止)|賣光|明[日天]|昨[日天]|\bclosed\b|\bno sales?\b|\bnot\b",
    re.IGNORECASE,
)
_PHONE: Final = re.compile(
    r"\(0\d{1,3}\)\s?\d{3,4}-?\d{3,4}|(?<!\d)(?:0[2-8]\d?-\d{3,4}-?\d{3,4}|09\d{2}-?\d{3}-?\d{3}|0\d{8,9})(?!\d)"
)
_SPACED = re.compile(r"(?<=[點半分時])\s+(?=[抽發領拿取開賣販])")
"""A space between a time and what is done then (8點半 抽號碼牌) parts nothing."""
_A_BIT: Final = re.compile(r"[早晚快有]一點(?![半整鐘\d])|一點點")
_CLAUSE: Final = re.compile(
    r"[,。;、!\n\r|/()【】\[\]*]|(?<=[\u4e00-\u9fff])\s+(?=[\u4e00-\u9fff])|(?<=[\u4e00-\u9fff])\."
)
_DAY: Final = re.compile(
    r"平日|假日|[週周][一二三四五六日]|星期[一二三四五六日]|mon|tue|wed|thu|fri|sat|sun", re.IGNORECASE
)
_DAYS: Final = re.compile(
    r"每日|每天|平日|假日|[週周][一二三四五六日至到~\-]+|星期[一二三四五六日至到~\-]+|時間|時段|約|於|在|為|是|自|從|由|[:\s~\-]"
)
_AFTERNOON: Final = ("下午", "午後", "傍晚", "晚上", "晚間", "晚", "夜間", "pm")
_NOON: Final = ("中午", "正午", "午間")
_DAY_MINUTES: Final = 24 * 60


class Told(msgspec.Struct, frozen=True):
    """A window and the words it was read from."""

    kind: Kind
    window: Window
    words: str


class Notes(msgspec.Struct, frozen=True):
    """What a note tells; None where it tells nothing for sure."""

    sale: Told | None = None
    plate: Told | None = None


class _Span(msgspec.Struct, frozen=True):
    start: int
    end: int
    """Minutes; NO_END when the note names no end."""


@lru_cache(maxsize=16_384)
def read_note(text: str) -> Notes:
    """Sale and plate windows of one note. The first of each kind counts; two that contradict each other are unsure and
    give none. Never raises."""
    written = unicodedata.normalize("NFKC", text[:NOTE_CHARACTERS])
    written = _SPACED.sub("", _A_BIT.sub(" ", _PHONE.sub(" ", written)))
    sales: list[Told] = []
    plates: list[Told] = []
    for told in _told(written):
        (sales if told.kind == "sale" else plates).append(told)
    return Notes(_agreed(sales), _agreed(plates))


def clock_minute(cell: str) -> int | None:
    """A clock time of a structured field: `08:30`, `0830`, `8:30`, `8點半`; None when it is none."""
    written = unicodedata.normalize("NFKC", cell).strip()
    if re.fullmatch(r"\d{3}", written):
        written = f"0{written}"
    written = re.sub(r"^(\d{1,2}:\d{2}):\d{2}$", r"\1", written)
    found = _TIME.fullmatch(written)
    return None if found is None else _minute(found)


def _agreed(told: Sequence[Told]) -> Told | None:
    """The one window; of a morning's and an afternoon's the first; two that overlap contradict each other."""
    if not told:
        return None
    first, *others = sorted(told, key=lambda one: one.window.start)
    end = first.window.end if first.window.end != NO_END else first.window.start + 1
    others = [one for one in others if one.window != first.window]
    unsure = any(one.window.start < end or _by_day(one, first) for one in others)
    return None if unsure else first


def _by_day(one: Told, other: Told) -> bool:
    """Whether two windows are of different days (平日9點、假日10點)."""
    return one.words != other.words and any(_DAY.search(told.words) for told in (one, other))


def _told(text: str) -> Iterator[Told]:
    """Clause by clause. A clause of times without a word of its own takes its kind from the one right before it that
    has a word and no time (號碼牌：上午8:30)."""
    waiting: Kind | None = None
    for clause in _clauses(text):
        if _NOT.search(clause):
            waiting = None
            continue
        spans, kinds = list(_spans(clause)), _kinds(clause, waiting)
        if not spans:
            waiting = kinds[0][1] if len({kind for _, kind in kinds}) == 1 else None
            continue
        if kinds:
            yield from _paired(clause, spans, kinds)
        elif waiting is not None and _is_bare(clause, spans):
            yield from (Told(waiting, _window(span), clause) for _, _, span in spans)
        waiting = None


def _clauses(text: str) -> list[str]:
    """Pieces between punctuation; a piece of times alone is joined to the words that follow it (9:00、販售)."""
    pieces = [piece.strip() for piece in _CLAUSE.split(text) if piece and piece.strip()]
    joined: list[str] = []
    for piece in pieces:
        before = joined[-1] if joined else ""
        follows = bool(_kinds(piece, None)) and not list(_spans(piece)) and not _NOT.search(piece)
        if follows and _is_times(before) and not (len(joined) > 1 and _kinds(joined[-2], None)):
            joined[-1] = f"{before} {piece}"
        else:
            joined.append(piece)
    return joined


def _is_times(clause: str) -> bool:
    spans = list(_spans(clause))
    return bool(spans) and _is_bare(clause, spans)


def _is_bare(clause: str, spans: Sequence[tuple[int, int, _Span]]) -> bool:
    """Whether the clause says nothing but times (and days)."""
    rest = clause
    for start, end, _ in reversed(spans):
        rest = rest[:start] + rest[end:]
    return not _DAYS.sub("", rest)


def _kinds(clause: str, waiting: Kind | None) -> list[tuple[int, Kind]]:
    """Where the clause speaks of plates and of sales. Handing out is of plates where the clause, or the one before it,
    speaks of plates."""
    plates = [found.start() for found in _PLATE.finditer(clause)]
    sales = [found.start() for found in _SELLS.finditer(clause)]
    if not plates and not sales:
        hands: Kind = waiting or "sale"
        return [(found.start(), hands) for found in _HANDS_OUT.finditer(clause)]
    kinds: list[tuple[int, Kind]] = [(start, "plate") for start in plates]
    kinds += [(start, "sale") for start in sales]
    return sorted(kinds)


def _paired(clause: str, spans: Sequence[tuple[int, int, _Span]], kinds: Sequence[tuple[int, Kind]]) -> Iterator[Told]:
    """Each time with the word it belongs to: one kind in the clause takes them all; with both, a time belongs to the
    word that follows it before the next time (九點發號碼牌十點開賣), or, when the clause begins with a word, to the
    one before it (號碼牌8:30販售9:00)."""
    if len({kind for _, kind in kinds}) == 1:
        for _, _, span in spans:
            yield Told(kinds[0][1], _window(span), clause)
        return
    leads = kinds[0][0] < spans[0][0]
    for place, (start, end, span) in enumerate(spans):
        if leads:
            bound = spans[place - 1][1] if place else 0
            near = [kind for at, kind in kinds if bound <= at < start]
        else:
            bound = spans[place + 1][0] if place + 1 < len(spans) else len(clause)
            near = [kind for at, kind in kinds if end <= at < bound]
        if len(set(near)) == 1:
            yield Told(near[0], _window(span), clause)


def _spans(clause: str) -> Iterator[tuple[int, int, _Span]]:
    """The times of a clause: (where from, where to, minutes)."""
    at = 0
    while (first := _TIME.search(clause, at)) is not None:
        start, at = _minute(first), first.end()
        to = _TO.match(clause, at)
        second = _TIME.match(clause, to.end()) if to is not None else None
        if second is None:
            is_until = _UNTIL.match(clause, at) is not None
            ending = _FROM.match(clause, at)
            at = ending.end() if ending is not None else at
            if start is not None and EARLIEST <= start < NO_END and not is_until:
                yield first.start(), at, _Span(start, NO_END)
            continue
        at = second.end()
        end = _minute(second)
        if start is not None and end is not None:
            end = _later(start, end, is_said=second["part"] is not None)
            if EARLIEST <= start < end:
                yield first.start(), at, _Span(start, end)


def _later(start: int, end: int, *, is_said: bool) -> int:
    """The end of a span whose 下午 was said once for both (下午2:00-5:00), or not at all (9點到1點)."""
    return end + 12 * 60 if end <= start and end < 12 * 60 < end + 12 * 60 and not is_said else end


def _minute(found: re.Match[str]) -> int | None:
    """The minute of the day; None when there is no such time."""
    if found["four"]:
        hour, minute = int(found["four"][:2]), int(found["four"][2:])
    else:
        hour = _number(found["hour"])
        minute = int(found["minute"] or 0) if not found["spoken"] else _spoken(found["spoken"])
    part = (found["english"] or found["after"] or found["part"] or "").strip().lower()
    if (part in _AFTERNOON and hour < 12) or (part in _NOON and hour < 3):
        hour += 12
    if not (0 <= hour <= 24 and 0 <= minute < 60) or hour * 60 + minute > _DAY_MINUTES:
        return None
    return hour * 60 + minute


def _spoken(words: str) -> int:
    if words in ("整", "鐘"):
        return 0
    return 30 if words == "半" else _number(words.removesuffix("分"))


def _number(text: str) -> int:
    """8, 八, 十, 十一, 二十, 三十五; -1 when it is no number below 100."""
    if text.isdigit() and text.isascii():
        return int(text)
    if any(mark not in _NUMERALS for mark in text):
        return -1
    values = {mark: value for value, mark in enumerate("零一二三四五六七八九")} | {"〇": 0, "兩": 2}
    if "十" in text:
        tens, _, ones = text.partition("十")
        if "十" in ones or len(tens) > 1 or len(ones) > 1:
            return -1
        return (values[tens] if tens else 1) * 10 + (values[ones] if ones else 0)
    return values[text] if len(text) == 1 else -1


def _window(span: _Span) -> Window:
    return Window(span.start, span.end)
