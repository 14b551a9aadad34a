"""Names as Taiwan writes them: one key, a mask that tells nobody, and a search that finds the misheard."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from banyan.craft.match import build, keys, likeness, masked
from banyan.craft.match.romanised import SYLLABLES, sounds, spellings, syllables
from banyan.craft.match.syllables import syllables_of

SAME = [
    ("黃臺生", "黄台生"),
    ("陳明峯", "陳明峰"),
    ("李羣英", "李群英"),
    ("张国荣", "張國榮"),
    ("王 小 明", "王小明"),
    ("谷辣斯·尤達卡", "谷辣斯‧尤達卡"),
    ("谷辣斯•尤達卡", "谷辣斯．尤達卡"),
    ("Hsiao-Ming WANG", "Wang, Hsiao Ming"),
    ("José O'Neil", "Jose ONeil"),
    ("ＡＮＮ　ＬＥＥ", "Lee Ann"),
    ("凃醒哲", "涂醒哲"),
]
OTHERS = [
    ("王小明", "王大明"),
    ("王小明", "明小王"),
    ("王小明", "王小"),
    ("Ann Lee", "Anne Lee"),
    ("林美玉", "陳林美玉"),
]
FOUND = [
    ("張曉明", "Chang Hsiao-ming"),
    ("張曉明", "Zhang Xiaoming"),
    ("張曉明", "JHANG SIAO-MING"),
    ("張曉明", "明曉張"),
    ("張曉明", "張小銘"),
    ("蔡英文", "Tsai Ing-wen"),
    ("鄭成功", "Cheng Cheng-kung"),
    ("呂秀蓮", "Lu Hsiu-lien"),
    ("曾國城", "Tseng Kuo-cheng"),
    ("謝淑芬", "Hsieh Shu-fen"),
    ("葉俊榮", "Yeh Jiunn-rong"),
    ("陳美玲", "Tan Mei-ling"),
    ("黃志明", "Ng Chih-ming"),
    ("許文龍", "Khoo Wen-lung"),
    ("陳林美玉", "林美玉"),
    ("林美玉", "陳林美玉"),
    ("林美玉", "林美王"),
    ("林淑芬", "林書分"),
    ("陳俊宏", "陳俊弘"),
    ("吳承翰", "吳陳漢"),
    ("Kolas Yotaka", "Kolas Yataka"),
    ("Nguyen Thi Hoa", "Nguyen Hoa Thi"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_writings_of_one_name_have_one_key(one: str, other: str) -> None:
    assert set(keys(one)) & set(keys(other))


@pytest.mark.parametrize(("one", "other"), OTHERS)
def test_other_names_have_other_keys(one: str, other: str) -> None:
    assert not set(keys(one)) & set(keys(other))


def test_a_name_in_two_scripts_has_a_key_in_each() -> None:
    both = keys("谷辣斯·尤達卡 Kolas Yotaka")
    assert set(keys("谷辣斯．尤達卡")) < set(both)
    assert set(keys("Yotaka Kolas")) < set(both)


@pytest.mark.parametrize(("name", "question"), FOUND)
def test_a_name_is_found_first_as_it_is_heard_or_spelled(name: str, question: str) -> None:
    others = ["王建國", "李淑惠", "陳怡君", "林志豪", "張家銘", "Maria Santos"]
    found = build([*others, name]).find(question)
    assert found[0].place == len(others)


def test_the_exact_name_comes_before_those_that_sound_alike() -> None:
    names = ["張曉銘", "張小明", "張曉明", "章曉明"]
    assert [names[one.place] for one in build(names).find("張曉明")][:2] == ["張曉明", "張曉銘"]


def test_a_surname_alone_lists_nobody() -> None:
    assert build(["王小明", "王大明"]).find("王") == []
    assert build(["王小明"]).find("") == []


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("王小明", "王○明"),
        ("王明", "王○"),
        ("歐陽娜娜", "歐○○娜"),
        ("John Smith", "J*** S***"),
        ("王", "王"),
        ("谷辣斯·尤達卡", "谷○○○○卡"),
    ],
)
def test_a_masked_name(name: str, shown: str) -> None:
    assert masked(name) == shown


def test_every_syllable_is_found_by_every_spelling_of_it() -> None:
    assert len(syllables()) == sum(len(finals.split()) for finals in SYLLABLES.values()) > 400
    for initial, final in syllables():
        for spelling in spellings(initial, final):
            assert initial + final in sounds()[spelling]


@pytest.mark.parametrize(
    ("sound", "written"),
    [
        ("zhang", {"zhang", "chang", "jhang", "jang"}),
        ("xu", {"xu", "hsu", "syu", "shyu"}),
        ("cai", {"cai", "tsai"}),
        ("qiu", {"qiu", "chiu", "ciou", "chiou"}),
        ("zhuo", {"zhuo", "cho", "jhuo", "juo"}),
        ("shi", {"shi", "shih"}),
        ("xie", {"xie", "hsieh", "sie", "shie"}),
    ],
)
def test_the_systems_spell_it_so(sound: str, written: set[str]) -> None:
    part = next(one for one in syllables() if "".join(one) == sound)
    assert spellings(*part) == written


@given(st.text(max_size=60), st.text(max_size=60))
def test_any_text_has_keys_and_a_likeness_that_is_symmetric(one: str, other: str) -> None:
    assert all(key == key.strip() and key for key in keys(one))
    a, b = syllables_of(one), syllables_of(other)
    assert likeness(a, b) == pytest.approx(likeness(b, a))
    assert 0.0 <= likeness(a, b) <= 1.0
    assert not a or likeness(a, a) == 1.0


@given(st.text("王李張陳林黃小明美玉志豪淑芬", min_size=2, max_size=4))
def test_a_name_finds_itself_first(name: str) -> None:
    names = ["吳承翰", name, "謝佩珊"]
    assert build(names).find(name)[0].place == 1
