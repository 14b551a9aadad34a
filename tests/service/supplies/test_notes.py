"""Sale and plate times out of pharmacists' own words: right, with the words as evidence, or nothing."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from banyan.service.supplies.model import Window
from banyan.service.supplies.notes import NO_END, clock_minute, read_note

# note | sale | plate; an open end is written "9:00-", nothing ""
TABLE = """
號碼牌 8:30 發放 | | 8:30-
9:00~12:00販售 | 9:00-12:00 |
早上九點發號碼牌，十點開賣 | 10:00- | 9:00-
上午0830發號碼牌 下午1400領取 | 14:00- | 8:30-
售完為止 | |
每日上午9點販售，售完為止 | 9:00- |
口罩販售時間：上午9:00-12:00 | 9:00-12:00 |
8點半發號碼牌，9點開始販售 | 9:00- | 8:30-
口罩 9點半 開賣，8點半 抽號碼牌 | 9:30- | 8:30-
*本院口罩每天販售，時間自上午8點至晚上9點  *週一至週五上下午皆有門診 | 8:00-21:00 |
4/29起固定周一至周六上午8:30-9:30快篩試劑販售. | 8:30-9:30 |
全年全天24小時提供急診服務 | |
口罩已售完 | |
下午2:00開始販售口罩 | 14:00- |
早上 8:00 發放號碼牌，下午 3:00 憑號碼牌購買 | 15:00- | 8:00-
號碼牌於上午八點三十分發放完畢 | |
週一至週五 09:00-12:00 14:00-17:00 販售 | 9:00-12:00 |
9點發號碼牌10點開賣 | 10:00- | 9:00-
號碼牌8:30販售9:00 | 9:00- | 8:30-
中午12點半開賣 | 12:30- |
晚上七點販售口罩 | 19:00- |
上午9點到12點半賣口罩 | 9:00-12:30 |
營業時間 9:00-21:00 | |
電話 0832123456 | |
購買請洽 0912-345-678 | |
上午看診 9:00-12:00 | |
10:00 後販售 | 10:00- |
發號碼牌時間 早上7:50 | | 7:50-
號碼牌：上午8:30 | | 8:30-
號碼牌，早上八點發放 | | 8:00-
17:00~18:00 領口罩 | 17:00-18:00 |
早上8:30領號碼牌，下午1:30~5:30領口罩 | 13:30-17:30 | 8:30-
2/14暫停販售 | |
號碼牌已發完，明日8:30再發 | |
口罩 09:00 起販售, 每人2片 | 9:00- |
請勿提前排隊 9:30 開門 | |
平日9點販售，假日10點販售 | |
下午２：３０～５：００販售 | 14:30-17:00 |
每天早上９點整發牌 | | 9:00-
9點到1點賣口罩 | 9:00-13:00 |
3:00開賣 | |
12點前請先抽號碼牌 | |
請早一點來購買 | |
2020年2月14日開始販售 | |
每日1200片，10時30分開賣 | 10:30- |
疫苗接種9:00-12:00，口罩14:00販售 | 14:00- |
今日不販售 | |
傍晚五點半至七點供應 | 17:30-19:00 |
0900-1100發放號碼牌／1500-1700持號碼牌領取 | 15:00-17:00 | 9:00-11:00
上午八點發號碼牌。上午九點發號碼牌。 | | 8:00-
上午9:00-12:00販售，上午10:00-11:00販售 | |
Numbers at 8:30, sales 9:00-12:00 | 9:00-12:00 | 8:30-
Sold 9am to 12pm | 9:00-12:00 |
Sales from 2:30 pm | 14:30- |
Closed, no sales at 9:00 | |
"""
ROWS = [tuple(part.strip() for part in line.split("|")) for line in TABLE.strip().splitlines()]


def window(said: str) -> Window | None:
    if not said:
        return None
    start, end = ([int(number) for number in side.split(":")] if side else None for side in said.split("-"))
    assert start is not None
    return Window(start[0] * 60 + start[1], NO_END if end is None else end[0] * 60 + end[1])


@pytest.mark.parametrize(("note", "sale", "plate"), ROWS)
def test_notes_as_pharmacists_wrote_them(note: str, sale: str, plate: str) -> None:
    read = read_note(note)
    assert (read.sale.window if read.sale else None) == window(sale)
    assert (read.plate.window if read.plate else None) == window(plate)


def test_the_table_is_long_enough_to_mean_something() -> None:
    assert len(ROWS) >= 40
    assert sum(1 for _, sale, plate in ROWS if not sale and not plate) >= 12, "notes that tell nothing are half the job"


def test_the_evidence_is_the_words() -> None:
    read = read_note("成人口罩每天都有。早上九點發號碼牌，十點開賣")
    assert read.plate is not None
    assert read.plate.words == "早上九點發號碼牌"
    assert read.sale is not None
    assert read.sale.words == "十點開賣"


WORDS = st.sampled_from([
    "號碼牌", "販售", "開賣", "上午", "下午", "晚上", "9:00", "0830", "十二點半", "~", "-", "至", "，", "。", " ", "前",
    "發放", "不", "暫停", "24", "點", ":", "pm", "12am", "每日", "９", "零", "百", "週一", "\n", "(", "明天",
])  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(max_size=80), st.lists(WORDS, max_size=25).map("".join)))
def test_any_text_gives_windows_of_a_day_or_nothing(text: str) -> None:
    read = read_note(text)
    for told in (read.sale, read.plate):
        assert told is None or 0 <= told.window.start < told.window.end <= NO_END
        assert told is None or told.words


@pytest.mark.parametrize(
    ("cell", "minute"),
    [
        ("08:30", 510), ("0830", 510), ("830", 510), ("8:30", 510), ("8點半", 510), ("08:30:00", 510), ("下午2點", 840),
        ("", None), ("25:00", None), ("9", None), ("早上", None), ("8:75", None), ("24:00", 1440),
    ],
)  # fmt: skip
def test_a_clock_time_of_a_field(cell: str, minute: int | None) -> None:
    assert clock_minute(cell) == minute
