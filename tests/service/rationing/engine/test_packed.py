"""The packed columns against plain dicts: tables that split, chains that are cut, keys that share pages."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from banyan.errors import Invalid, Limit
from banyan.limits_rationing import RATION_BOOK_BYTES
from banyan.service.rationing.engine.booking import read_book, taiwan_2020
from banyan.service.rationing.engine.histories import Histories
from banyan.service.rationing.engine.keys import Keys
from banyan.service.rationing.engine.table import Table

DAY = st.integers(18_000, 18_030)
PURCHASES = st.lists(st.tuples(st.integers(0, 3), DAY, st.integers(0, 3), st.integers(1, 40)), max_size=40)


def test_a_table_is_a_dict_through_its_splits_and_a_copy_goes_on_the_same() -> None:
    dice = random.Random(7)
    plain = {dice.randbytes(16): number for number in range(1, 6_000)}
    table, copy = Table(), Table()
    for place, (key, number) in enumerate(plain.items()):
        table.add(key, number)
        if place == 4_000:
            copy.load(*table.dump())
        elif place > 4_000:
            copy.add(key, number)
    assert {key: table.get(key) for key in plain} == plain
    assert dict(table) == plain
    assert not any(table.get(dice.randbytes(16)) for _ in range(1_000))
    assert copy.dump() == table.dump()
    assert copy.count == len(plain)


def test_a_key_across_two_records_is_not_found() -> None:
    table = Table()
    first, second = bytes(range(100, 116)), bytes(range(200, 216))
    for number, key in enumerate((first, second), 1):
        table.add(key, number)
    assert table.get(first[4:] + (1).to_bytes(4, "little")) == 0


@given(PURCHASES)
def test_chains_count_what_a_list_counts(purchases: list[tuple[int, int, int, int]]) -> None:
    histories = Histories()
    plain: list[tuple[int, int, int, int]] = []
    for who, day, item, qty in sorted(purchases, key=lambda one: one[1]):
        person = who.to_bytes(16, "big")
        histories.add(person, histories.number(person), day << 16 | item << 8 | qty, keep_after=day - 14)
        plain.append((who, day, item, qty))
        for since in (day - 1, day - 7, day - 13):
            wanted = sum(n for w, d, i, n in plain if w == who and d > since and i in (0, 2))
            assert histories.used(histories.number(person), since, 0b101) == wanted


@given(PURCHASES, st.randoms())
def test_what_comes_late_is_left_to_the_view_and_nothing_of_it_is_lost(
    purchases: list[tuple[int, int, int, int]], dice: random.Random
) -> None:
    histories = Histories()
    dice.shuffle(purchases)
    for who, day, item, qty in purchases:
        person = who.to_bytes(16, "big")
        histories.add(person, histories.number(person), day << 16 | item << 8 | qty, keep_after=0)
    for who in range(4):
        mine = [(day, item, qty) for one, day, item, qty in purchases if one == who]
        number = histories.number(who.to_bytes(16, "big"))
        assert sorted(histories.purchases(number)) == sorted(mine)
        days = [day for day, _, _ in mine]
        if days != sorted(days):
            assert histories.used(number, 0, 0b1111) == -1
        for day, item, _ in mine[:2]:
            before = histories.bought(number, day, item)
            histories.take_back(number, day, item, 3)
            assert histories.bought(number, day, item) == max(0, before - 3)
    copy = Histories()
    copy.load(histories.dump())
    assert copy.dump() == histories.dump()


def test_keys_are_for_ever_also_out_of_order_and_after_a_copy() -> None:
    dice, keys, plain = random.Random(9), Keys(), dict[bytes, int]()
    for at in range(2_000):
        key = b"term%04d" % dice.randrange(5) + dice.randrange(700).to_bytes(8, "big")
        keys.begin(at // 10)
        if key not in plain:
            assert keys.get(key) == 0
            plain[key] = keys.add(key, at)
    copy = Keys()
    copy.load(keys.dump())
    for one in (keys, copy):
        assert {key: one.get(key) for key in plain} == plain
        assert one.last == len(plain)
    assert copy.dump() == keys.dump()


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ("quantity = 2", "quantity = -2", "edition.0.rule.0.quantity"),
        ("quantity = 2", 'quantity = "two"', "edition.0.rule.0.quantity"),
        ("window_days = 7", "window = 7", "edition.0.rule.0"),
        ("from = 2020-02-20", "from = 2020-02-06", "edition.1.from"),
        ("most_age = 12", "most_age = 12\nleast_age = 13", "edition.0.rule.1.most_age"),
        ("even_weekdays = [2, 4, 6, 7]\n", "", "edition.0.rule.0.even_weekdays"),
        ("even_weekdays = [2, 4, 6, 7]", "even_weekdays = [2, 4, 6, 8]", "edition.0.rule.0.even_weekdays.3"),
        ('counts = ["mask-adult", "mask-child"]', 'counts = ["mask-child"]', "edition.0.rule.0.counts"),
        ('item = "mask-child"', 'item = "mask-adult"', "edition.0.rule.1.least_age"),
        ("closed = { pharmacy = [7] }", "closed = { fax = [7] }", "edition.6.rule.0.closed.fax"),
    ],
)
def test_a_wrong_rule_book_names_the_field(old: str, new: str, field: str) -> None:
    from importlib.resources import files

    text = files("banyan.service.rationing.engine").joinpath("taiwan_2020.toml").read_text(encoding="utf-8")
    assert read_book(text.encode()) == taiwan_2020()
    with pytest.raises(Invalid) as caught:
        read_book(text.replace(old, new, 1).encode())
    assert caught.value.fields[0].field == field


def test_what_is_no_rule_book_is_refused() -> None:
    for text in (b"\xff", b"[[edition", b'edition = "x"'):
        with pytest.raises(Invalid):
            read_book(text)
    with pytest.raises(Limit):
        read_book(b" " * (RATION_BOOK_BYTES + 1))
