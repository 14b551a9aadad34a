"""One look: cells read strictly, and only what is news goes to the board."""

from __future__ import annotations

import msgspec
import pytest
from tests.make import NOW
from tests.service.supplies.make import AT
from tests.service.supplies.national import NHI, Small, a_table

from banyan.kernel.events.clock import EpochS
from banyan.service.supplies.headings import guessed_columns, guessed_items, named
from banyan.service.supplies.looks import UNREAD, Look, look_of, moment, tick_of, whole
from banyan.service.supplies.reading import Cell, Column, Register, Version

HEAD = "醫事機構代碼,成人口罩剩餘數,兒童口罩剩餘數,來源資料時間"
BARE = msgspec.structs.replace(NHI, columns={"code": "醫事機構代碼", "as_of": "來源資料時間"})
CODES = ("0145080011", "592202A296", "5945010003", "5901010004")


def a_text(rows: list[tuple[str, object, object]], at: str = "2020/02/14 09:05:34", **times: str) -> str:
    lines = [f"{code},{adult},{child},{times.get(code, at)}" for code, adult, child in rows]
    return "\n".join([HEAD, *lines, ""])


def a_small() -> Small:
    small = Small(BARE)
    small.feed(a_text([(CODES[0], 200, 50), (CODES[1], 0, 12), (CODES[2], 80, 0), (CODES[3], 120, 3)]))
    return small


def looked(text: str) -> Look:
    return look_of(a_table(text), BARE, NOW)


@pytest.mark.parametrize(
    ("cell", "number"),
    [(0, 0), (200, 200), ("200", 200), (" ２００ ", 200), (12.0, 12), ("12.0", 12), (1_000_000, 1_000_000)],
)
def test_a_whole_number_is_read(cell: Cell, number: int) -> None:
    assert whole(cell) == number


@pytest.mark.parametrize(
    "cell",
    [None, "", "-3", -3, 12.5, "12.5", "x54", "1,200", True, "1e3", "約200", 1_000_001, float("nan"), float("inf")],
)
def test_what_is_no_whole_number_is_not_guessed(cell: Cell) -> None:
    assert whole(cell) == UNREAD


def test_times_as_registers_write_them() -> None:
    for written in ("2020/02/14 09:05:34", "2020-02-14T09:05:34", "20200214090534", "2020-02-14T01:05:34Z"):
        assert moment(written) == AT
    assert moment(20200214090534) == AT
    assert [moment(cell) for cell in ("", None, "2020", "昨天", "2020/02/30 09:00:00", 7)] == [0.0] * 6


def test_times_that_open_data_turned_into_utc_are_the_version_s() -> None:
    """Its zoned times are kept in UTC without saying so; its version's own time tells."""
    table = a_table(a_text([(CODES[0], 1, 1)], at="2020-02-14T01:05:34"))
    version = Version("r", 1, EpochS(AT), table.register.version.columns)
    zoned = msgspec.structs.replace(table, register=Register("masks", version))
    assert look_of(zoned, BARE, NOW).as_of == AT
    assert look_of(table, BARE, NOW).as_of == AT - 8 * 3_600


def test_an_unchanged_look_moves_the_time_and_nothing_else() -> None:
    small = a_small()
    rows: list[tuple[str, object, object]] = [
        (CODES[0], 200, 50),
        (CODES[1], 0, 12),
        (CODES[2], 80, 0),
        (CODES[3], 120, 3),
    ]
    tick = tick_of(small.board, looked(a_text(rows, at="2020/02/14 09:15:34")), "nhi", NOW)
    assert (tick.codes, tick.gone, tick.as_of) == ((), (), AT + 600)
    small.apply(tick)
    assert small.board.row_as_of(0, 0) == AT + 600


def test_only_changed_new_and_vanished_rows_are_told() -> None:
    small = a_small()
    rows: list[tuple[str, object, object]] = [
        (CODES[0], 190, 50),
        (CODES[1], 0, 12),
        (CODES[3], 120, 3),
        ("5999990005", 7, 7),
    ]
    tick = tick_of(small.board, looked(a_text(rows, at="2020/02/14 09:15:34")), "nhi", NOW)
    assert tick.codes == (CODES[0], "5999990005")
    assert tick.counts == ((190, 7), (50, 7))
    assert tick.gone == (CODES[2],)
    assert tick.row_as_of == ()


def test_an_unread_number_keeps_the_old_one_with_its_old_time() -> None:
    small = a_small()
    rows: list[tuple[str, object, object]] = [
        (CODES[0], "x90", 49),
        (CODES[1], 0, 12),
        (CODES[2], 80, 0),
        (CODES[3], 120, 3),
    ]
    look = looked(a_text(rows, at="2020/02/14 09:15:34"))
    assert (look.unread, look.examples) == (1, (f"{CODES[0]}: x90",))
    small.apply(tick_of(small.board, look, "nhi", NOW))
    assert small.shown()[CODES[0]] == (200, 49)
    assert small.board.row_as_of(0, 0) == AT, "the shown number is as old as it is"
    assert small.board.row_as_of(0, 1) == AT + 600
    again = tick_of(small.board, msgspec.structs.replace(look, as_of=EpochS(AT + 1_200)), "nhi", NOW)
    assert again.codes == (), "nothing new is known of it"
    rows[0] = (CODES[0], 190, 49)
    small.apply(tick_of(small.board, looked(a_text(rows, at="2020/02/14 09:35:34")), "nhi", NOW))
    assert small.shown()[CODES[0]] == (190, 49)
    assert small.board.row_as_of(0, 0) == AT + 1_800


def test_an_unread_number_of_an_outlet_not_listed_is_not_known() -> None:
    small = a_small()
    rows: list[tuple[str, object, object]] = [(CODES[0], 200, 50), ("5999990005", "", 7), ("5999990006", "", "")]
    small.apply(tick_of(small.board, looked(a_text(rows)), "nhi", NOW))
    assert small.shown()["5999990005"] == (UNREAD, 7)
    assert small.board.status(small.board.row_of["5999990005"], 0) == "unknown"
    assert "5999990006" not in small.board.row_of


def test_rows_with_times_of_their_own() -> None:
    small = a_small()
    rows: list[tuple[str, object, object]] = [
        (CODES[0], 150, 50),
        (CODES[1], 0, 12),
        (CODES[2], 70, 0),
        (CODES[3], 120, 3),
    ]
    times = {CODES[0]: "2020/02/14 09:10:34", CODES[2]: "2020/02/14 08:00:00"}
    look = looked(a_text(rows, "2020/02/14 09:15:34", **times))
    small.apply(tick_of(small.board, look, "nhi", NOW))
    assert small.shown()[CODES[0]] == (150, 50)
    assert small.board.row_as_of(0, 0) == AT + 300
    assert small.shown()[CODES[2]] == (80, 0), "an older row than the one shown is not taken"
    assert small.board.row_as_of(0, 2) == AT


def test_of_two_rows_of_a_code_the_later_one_counts_and_equals_that_differ_do_not() -> None:
    later = looked(a_text([(CODES[0], 5, 5), (CODES[0], 6, 6)], **{}))
    assert (later.counts, later.duplicates) == (((UNREAD,), (UNREAD,)), 1)
    text = a_text([(CODES[0], 5, 5)]) + f"{CODES[0]},6,6,2020/02/14 09:06:00\n"
    assert looked(text).counts == ((6,), (6,))
    assert looked(a_text([(CODES[0], 5, 5), (CODES[0], 5, 5)])).duplicates == 0


def test_a_code_is_text_or_a_whole_number_of_a_register_that_counts() -> None:
    table = a_table(a_text([(CODES[0], 1, 1), ("17", 2, 2), ("3", 3, 3), ("590 1", 4, 4), ("", 5, 5)]))
    table.cells["醫事機構代碼"][1:3] = [17, 3.5]
    look = look_of(table, BARE, NOW)
    assert look.codes == (CODES[0], "17")
    assert look.malformed == 3


def test_columns_are_told_by_their_headings() -> None:
    present = ["醫事機構代碼", "醫事機構名稱", "成人口罩總剩餘數", "兒童口罩剩餘數", "來源資料時間", "備註"]
    assert guessed_columns("stock", present) == {
        "code": "醫事機構代碼", "name": "醫事機構名稱", "as_of": "來源資料時間", "text": "備註",
    }  # fmt: skip
    assert guessed_items("stock", ["mask-adult", "mask-child", "rapid-test"], present) == {
        "mask-adult": "成人口罩總剩餘數", "mask-child": "兒童口罩剩餘數",
    }  # fmt: skip
    tests = [
        "醫事機構代碼",
        "醫事機構名稱",
        "經度",
        "緯度",
        "廠牌項目",
        "快篩試劑截至目前結餘存貨數量",
        "來源資料時間",
        "備註",
    ]
    assert guessed_items("stock", ["mask-adult", "rapid-test"], tests) == {"rapid-test": tests[5]}
    assert guessed_columns("places", ["ID", "Longitude", "LATITUDE"]) == {
        "code": "ID",
        "lon": "Longitude",
        "lat": "LATITUDE",
    }
    assert named(["TGOS X"], ["ＴＧＯＳ＿Ｘ"]) == "ＴＧＯＳ＿Ｘ"
    assert guessed_items("notices", ["mask-adult", "mask-child"], ["代碼", "保留數"]) == {"mask-adult": "保留數"}


def test_a_present_name_goes_before_a_former_one() -> None:
    version = Version("r", 1, NOW, (Column("新", "integer", aliases=("舊",)), Column("舊", "integer")))
    register = Register("masks", version)
    assert register.renamed(["舊", "新"]) == ()
    assert Register("masks", Version("r", 1, NOW, version.columns[:1])).renamed(["舊"]) == (("舊", "新"),)
    assert register.lost(["舊", "無"]) == ("無",)
