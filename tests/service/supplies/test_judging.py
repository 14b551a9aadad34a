"""Believable looks: every real pair is accepted; a broken file never shows a wrong number."""

from __future__ import annotations

import random
from functools import lru_cache
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.make import NOW
from tests.service.supplies.national import DAYS, HEAD, NHI, Small, a_file, a_look, few, reason, series, wrong

from banyan.kernel.events.clock import EpochS
from banyan.service.supplies.judging import Accept, Before, Hold, before_of, believable_rows, judge
from banyan.service.supplies.looks import UNREAD, Look

NOTHING = Before(EpochS(0), {}, frozenset())


def judged(one: Look, other: Look) -> str:
    return reason(judge(before_of(one), other, NOW))


@pytest.mark.parametrize("day", DAYS)
def test_every_real_pair_is_accepted(day: str) -> None:
    looks = [a_look(snapshot) for snapshot in series(day)]
    assert reason(judge(NOTHING, looks[0], NOW)) == ""
    assert [judged(one, other) for one, other in pairwise(looks)] == [""] * (len(looks) - 1)


def test_the_first_looks_of_later_days_are_accepted() -> None:
    ends = [a_look(snapshot) for day in DAYS for snapshot in (series(day)[0], series(day)[-1])]
    assert [judged(one, other) for one, other in pairwise(ends)] == [""] * 5


def test_no_real_look_is_believed_after_a_later_one() -> None:
    for day in DAYS:
        looks = [a_look(snapshot) for snapshot in series(day)]
        assert [judged(other, one) for one, other in pairwise(looks)] == ["stale"] * (len(looks) - 1)


@lru_cache(maxsize=1)
def pair() -> tuple[Look, Look]:
    first, second = series("2020-02-14")[:2]
    return a_look(first), a_look(second, 2)


def test_a_time_ahead_of_ours_is_held() -> None:
    first, _ = pair()
    assert reason(judge(NOTHING, msgspec.structs.replace(first, as_of=EpochS(NOW + 299)), NOW)) == ""
    assert reason(judge(NOTHING, msgspec.structs.replace(first, as_of=EpochS(NOW + 301)), NOW)) == "future"


@pytest.mark.parametrize(("share", "held"), [(0.05, ""), (0.2, "vanished"), (0.5, "vanished"), (1.0, "empty")])
def test_many_outlets_missing_at_once_are_held(share: float, held: str) -> None:
    first, second = pair()
    left = round(len(second.codes) * (1 - share))
    cut = msgspec.structs.replace(
        second, codes=second.codes[:left], counts=tuple(column[:left] for column in second.counts), rows=left
    )
    assert judged(first, cut) == held


def test_numbers_of_the_next_row_are_held() -> None:
    for day in DAYS:
        one, other = (a_look(snapshot) for snapshot in series(day)[-2:])
        moved = msgspec.structs.replace(other, counts=tuple((*column[1:], column[0]) for column in other.counts))
        assert judged(one, moved) == "risen"


def test_all_zero_and_phone_numbers_are_held() -> None:
    first, second = pair()
    zero = tuple((0,) * len(second.codes) for _ in second.counts)
    assert judged(first, msgspec.structs.replace(second, counts=zero)) == "fell"
    phones = (tuple(200_000 + place for place in range(len(second.codes))), second.counts[1])
    assert judged(first, msgspec.structs.replace(second, counts=phones)) == "jumped"


def test_codes_without_their_zeros_and_strange_codes_are_held() -> None:
    first, second = pair()
    bare = msgspec.structs.replace(second, codes=tuple(code.lstrip("0") for code in second.codes))
    assert sum(code.startswith("0") for code in second.codes) == 2, "so few that their share says nothing"
    assert judged(first, bare) == "codes"
    strange = msgspec.structs.replace(second, codes=tuple(f"X{code[1:]}" for code in second.codes))
    assert judged(first, strange) == "strangers"
    beside = Before(EpochS(0), {}, frozenset(first.codes))
    assert reason(judge(beside, strange, NOW)) == "", "a first list may be of other outlets: sandbags at fire stations"


def test_a_short_list_may_lose_a_few() -> None:
    first = series("2020-02-14")[0]
    four = msgspec.structs.replace(first, counts=dict(list(first.counts.items())[:4]))
    left = msgspec.structs.replace(four, counts=dict(list(four.counts.items())[:2]))
    assert judged(a_look(four), a_look(left)) == ""
    assert judged(a_look(four), a_look(msgspec.structs.replace(four, counts={}))) == "empty"


def test_registers_of_places_are_held_when_cut_off() -> None:
    codes = frozenset(f"590{place:07}" for place in range(100))
    assert isinstance(believable_rows(codes, frozenset(sorted(codes)[:92]), 0, 92), Accept)
    assert believable_rows(codes, frozenset(sorted(codes)[:80]), 0, 80) == Hold(
        "vanished", {"count": "20", "before": "100"}
    )
    assert reason(believable_rows(codes, codes, 5, 105)) == "codes"


# Files, from their bytes


@lru_cache(maxsize=1)
def files() -> tuple[str, str, dict[str, tuple[int, ...]], dict[str, tuple[int, ...]]]:
    """Two real looks ten minutes apart, of 305 outlets: files and what is true."""
    first, second = (few(snapshot, 20) for snapshot in series("2020-02-14")[1:3])
    return a_file(first), a_file(second), first.counts, second.counts


def fed(*texts: str) -> Small:
    small = Small()
    for text in texts:
        small.feed(text)
    return small


def test_the_next_file_is_shown_whole() -> None:
    first, second, _, after = files()
    small = fed(first)
    assert reason(small.feed(second)) == ""
    assert small.shown() == after


@settings(max_examples=150, deadline=None)
@given(cut=st.integers(0, 40_000))
def test_truncated_anywhere(cut: int) -> None:
    first, second, before, after = files()
    whole = second.encode()
    small = fed(first)
    small.feed(whole[: min(cut, len(whole))].decode(errors="replace") or HEAD)
    assert wrong(small.shown(), before, after) == []
    assert len(small.shown()) >= len(before) * 0.9


@settings(max_examples=60, deadline=None)
@given(cut=st.integers(1, 120), columns=st.sampled_from([(0, 4, 5), (0, 6, 4, 5), (0, 4, 5, 1)]))
def test_truncated_in_the_last_row_whatever_column_comes_last(cut: int, columns: tuple[int, ...]) -> None:
    first, second, before, after = files()
    small = Small(msgspec.structs.replace(NHI, columns=_columns(columns)))
    small.feed(picked(first, columns))
    small.feed(picked(second, columns)[:-cut])
    assert wrong(small.shown(), before, after) == []


def _columns(columns: tuple[int, ...]) -> dict[str, str]:
    names = HEAD.split(",")
    return {field: name for field, name in NHI.columns.items() if names.index(name) in columns}


def picked(text: str, columns: tuple[int, ...]) -> str:
    """The file with these columns, in this order."""
    rows = [line.split(",") for line in text.split("\r\n") if line]
    return "\r\n".join(",".join(row[column] for column in columns) for row in rows)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_rows_and_columns_in_any_order_are_the_same_board(seed: int) -> None:
    first, second, _, after = files()
    random_of = random.Random(seed)
    head, *rows = [line for line in second.split("\r\n") if line]
    random_of.shuffle(rows)
    order = tuple(random_of.sample(range(7), 7))
    small = fed(first)
    assert reason(small.feed(picked("\r\n".join([head, *rows]), order))) == ""
    late = [code for code, counts in small.shown().items() if counts != after[code]]
    assert len(late) <= 1, "only a last row that ends in a number waits for the next look"
    small.feed(picked("\r\n".join([head, *rows]), order))
    assert small.shown() == after


@settings(max_examples=30, deadline=None)
@given(gone=st.sampled_from([0, 4, 5, 6]))
def test_a_missing_column_changes_nothing(gone: int) -> None:
    first, second, before, _ = files()
    small = fed(first)
    assert small.feed(picked(second, tuple(place for place in range(7) if place != gone))) is None
    assert small.shown() == before


@settings(max_examples=80, deadline=None)
@given(
    at=st.lists(st.integers(0, 30_000), min_size=1, max_size=40),
    put=st.sampled_from(["?", "\ufffd", "-", "x", '"', ",", "\r\n"]),
)
def test_damaged_bytes_never_show_a_wrong_number(at: list[int], put: str) -> None:
    """Of an outlet each number is the old one, the new one, or not known. (One digit for another cannot be seen.)"""
    first, second, before, after = files()
    start, text = len(HEAD), second
    for place in {start + one % (len(text) - start) for one in at}:
        text = text[:place] + put + text[place + 1 :]
    small = fed(first)
    small.feed(text)
    for code, counts in small.shown().items():
        states = [state[code] for state in (before, after) if code in state]
        assert all(number in {UNREAD, *(state[place] for state in states)} for place, number in enumerate(counts)) or (
            not states
        ), code


@settings(max_examples=30, deadline=None)
@given(many=st.integers(1, 60), by=st.integers(0, 5))
def test_rows_twice(many: int, by: int) -> None:
    """Twice the same is once; twice with other numbers is neither."""
    first, second, before, after = files()
    head, *rows = [line for line in second.split("\r\n") if line]
    again = [",".join([*row.split(",")[:4], str(int(row.split(",")[4]) + by), *row.split(",")[5:]]) for row in rows]
    small = fed(first)
    verdict = small.feed("\r\n".join([head, *rows, *again[:many]]))
    assert wrong(small.shown(), before, after) == []
    assert reason(verdict) == ("duplicates" if by and many > (len(rows) + many) / 100 else "")


def test_a_byte_order_mark_is_no_part_of_the_code_column() -> None:
    first, second, _, after = files()
    small = fed("\ufeff" + first)
    small.feed("\ufeff" + second)
    assert small.shown() == after


def test_a_column_shifted_is_held() -> None:
    """An address with a comma in every row moves the phone into the stock."""
    first, second, before, _ = files()
    head, *rows = [line for line in second.split("\r\n") if line]
    moved = [row.replace("重慶南路", "重慶南路,") for row in rows]
    small = fed(first)
    assert reason(small.feed("\r\n".join([head, *moved]))) == "cells"
    assert small.shown() == before


def test_an_older_file_is_stale() -> None:
    first, second, _, after = files()
    small = fed(first, second)
    assert reason(small.feed(first)) == "stale"
    assert small.shown() == after
