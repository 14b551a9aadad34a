"""The official list: our CSV of a real snapshot is that snapshot, byte for byte."""

from __future__ import annotations

import csv
import gzip
import io
from datetime import datetime
from pathlib import Path

import msgspec
import pytest
from tests.make import Node, shared_data
from tests.service.supplies.feeds.make import got, kept, on_board
from tests.service.supplies.make import ADULT, AT, CHILD, a_board, a_tick

from banyan.kernel.events.clock import EpochS
from banyan.service.supplies.board import Board
from banyan.service.supplies.feeds.official import BOM, official_csv, table_schema
from banyan.service.supplies.feeds.view import View, view_of
from banyan.service.supplies.model import Item, ItemsSet, Notice, NoticesChanged, Place, PlacesChanged, StockTick

SNAPSHOTS = (
    "20200208T195006",
    "20200209T021807",
    "20200210T162910",
    "20200214T085535",
    "20200214T162535",
    "20200303T112340",
    "20210621T181725",
)


def a_view(board: Board) -> View:
    return view_of(board, places_seq=0, notices_seq=0)


def fed(rows: list[list[str]]) -> Board:
    """A board fed with a real snapshot."""
    at = EpochS(datetime.strptime(rows[0][6] + " +0800", "%Y/%m/%d %H:%M:%S %z").timestamp())
    places = tuple(Place(code=row[0], name=row[1], address=row[2], phone=row[3]) for row in rows)
    counts = tuple(tuple(int(row[column]) for row in rows) for column in (4, 5))
    tick = StockTick(
        at=at,
        as_of=at,
        source="masks",
        items=("mask-adult", "mask-child"),
        codes=tuple(r[0] for r in rows),
        counts=counts,
    )
    return a_board([ItemsSet(AT, (ADULT, CHILD)), PlacesChanged(at, places), tick])


@pytest.mark.parametrize("moment", SNAPSHOTS)
def test_a_real_snapshot_comes_out_as_it_went_in(moment: str) -> None:
    """What may differ, and nothing else: the column renamed in mid-February has its later name; some copies of the
    files lost the upstream BOM and CRLF on their way through a repository, ours has both. The rows' order is equal."""
    with gzip.open(shared_data(f"supplies/raw/maskdata_{moment}.csv.gz")) as file:
        real = file.read().decode()
    rows = list(csv.reader(io.StringIO(real.removeprefix(BOM))))
    ours = official_csv(a_view(fed(rows[1:])), "mask").decode()
    whole = BOM + real.removeprefix(BOM).replace("\r\n", "\n").replace("\n", "\r\n")
    assert ours == whole.replace("成人口罩總剩餘數", "成人口罩剩餘數", 1)


@pytest.mark.parametrize("moment", ["20200214T162535", "20200303T112340"])
def test_an_untouched_file_is_equal_in_every_byte(moment: str) -> None:
    with gzip.open(shared_data(f"supplies/raw/maskdata_{moment}.csv.gz")) as file:
        real = file.read()
    rows = list(csv.reader(io.StringIO(real.decode("utf-8-sig"))))
    assert official_csv(a_view(fed(rows[1:])), "mask") == real


def test_only_listed_outlets_and_an_unlisted_item_is_empty_not_zero(tmp_path: Path) -> None:
    async def story(node: Node) -> None:
        await kept(node).commit(a_tick([], at=AT + 60, gone=["0145080011"]))
        only_adult = StockTick(EpochS(AT + 90), EpochS(AT + 90), "masks", ("mask-adult",), ("5999990005",), ((7,),))
        await kept(node).commit(only_adult)
        reply = await got(node, "/api/supplies/official/mask.csv")
        rows = {row[0]: row for row in csv.reader(io.StringIO(reply.body.decode("utf-8-sig")))}
        assert list(rows) == ["醫事機構代碼", "5901010004", "592202A296", "5945010003", "5999990005"]
        assert rows["5999990005"][4:] == ["7", "", "2020/02/14 09:07:04"]
        assert rows["5901010004"][4:6] == ["120", "3"], "as reported: the shape has no place for what is promised"
        assert reply.header("content-type") == "text/csv; charset=utf-8"
        assert "mask.schema.json" in reply.header("link")
        assert reply.header("access-control-allow-origin") == "*"

    on_board(tmp_path, story)


def test_what_needs_quotes_is_quoted() -> None:
    odd = Place(code="5999990005", name='甲,"乙"藥局', address="一\n二")
    board = a_board(
        [
            ItemsSet(AT, (ADULT,)),
            PlacesChanged(AT, (odd,)),
            StockTick(AT, AT, "m", ("mask-adult",), (odd.code,), ((1,),)),
        ]
    )
    text = official_csv(a_view(board), "mask").decode("utf-8-sig")
    assert next(csv.reader(io.StringIO(text.split("\r\n", 1)[1], newline="")))[1:3] == [odd.name, odd.address]


def test_rapid_tests_have_the_shape_of_2022() -> None:
    brands = tuple(
        Item(f"rapid-{name}", {"zh-Hant": title, "en": title}, {"zh-Hant": "劑", "en": "tests"}, family="rapid-test")
        for name, title in (("roche", "羅氏"), ("panbio", "亞培"))
    )
    place = Place(
        code="3501200000", name="臺北虛擬診所", address="臺北市中正區", phone="27065866", lon=121.510814, lat=25.042324
    )
    board = a_board(
        [
            ItemsSet(AT, brands),
            PlacesChanged(AT, (place,)),
            NoticesChanged(AT, (Notice(place.code, text="9:30開始發號碼牌"),)),
            StockTick(AT, AT, "fst", ("rapid-roche", "rapid-panbio"), (place.code,), ((376,), (4,))),
        ]
    )  # fmt: skip
    lines = official_csv(a_view(board), "rapid-test").decode("utf-8-sig").splitlines()
    assert lines[0] == (
        "醫事機構代碼,醫事機構名稱,醫事機構地址,經度,緯度,醫事機構電話,廠牌項目,快篩試劑截至目前結餘存貨數量,來源資料時間,備註"
    )
    assert lines[1].endswith(",121.510814,25.042324,27065866,羅氏,376,2020/02/14 09:05:34,9:30開始發號碼牌")
    assert [line.split(",")[6] for line in lines[1:]] == ["羅氏", "亞培"]


def test_the_table_schema_names_the_columns_of_the_file() -> None:
    view = a_view(a_board())
    schema = msgspec.json.decode(table_schema(view, "mask"))
    header = official_csv(view, "mask").decode("utf-8-sig").split("\r\n", 1)[0]
    assert [field["name"] for field in schema["fields"]] == header.split(",")
    assert [field["type"] for field in schema["fields"]] == ["string"] * 4 + ["integer"] * 2 + ["string"]
    assert schema["primaryKey"] == ["醫事機構代碼"]
    assert schema["fields"][4]["aliases"] == ["成人口罩總剩餘數"], "readers of the old name find it"


def test_an_unknown_family_names_those_there_are(tmp_path: Path) -> None:
    async def story(node: Node) -> None:
        for name in ("sandbag", "%E6%B2%99%E5%8C%85", "x" * 41):
            reply = await got(node, f"/api/supplies/official/{name}.csv")
            assert reply.status in (404, 422)
        assert "mask、mask-adult、mask-child" in (await got(node, "/api/supplies/official/sandbag.csv")).json["remedy"]
        one = await got(node, "/api/supplies/official/mask-adult.csv")
        assert "兒童" not in one.text

    on_board(tmp_path, story)
