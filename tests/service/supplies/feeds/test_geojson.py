"""GeoJSON: what a map needs of each outlet, in our names and in those the maps of 2020 read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.make import Node
from tests.service.supplies.feeds.make import got, kept, on_board
from tests.service.supplies.make import AT, a_tick

from banyan.service.supplies.feeds.geojson import in_words


async def features(node: Node, query: str = "") -> dict[str, Any]:
    reply = await got(node, f"/api/supplies/stock.geojson{query}")
    assert reply.status == 200, reply.text
    assert reply.header("content-type") == "application/geo+json"
    body = reply.json
    assert body["type"] == "FeatureCollection"
    assert all(one["type"] == "Feature" for one in body["features"])
    return {one["id"]: one for one in body["features"]}


def test_every_outlet_with_every_item(tmp_path: Path) -> None:
    async def story(node: Node) -> None:
        await kept(node).commit(a_tick([("5999990005", 7, 7)], at=AT + 60, gone=["0145080011"]))
        found = await features(node)
        assert found["5901010004"]["geometry"] == {"type": "Point", "coordinates": [121.513, 25.04]}
        about = found["5901010004"]["properties"]
        assert about["stocks"]["mask-adult"] == {
            "available": 0,
            "reserved": 120,
            "count": 120,
            "status": "reserved",
            "as_of": "2020-02-14T01:06:34Z",
        }
        assert about["notice"] == "八點半發號碼牌"
        gone = found["0145080011"]["properties"]["stocks"]["mask-adult"]
        assert (gone["status"], gone["available"], gone["as_of"]) == ("not_listed", None, "2020-02-14T01:05:34Z")
        assert found["5999990005"]["geometry"] is None, "RFC 7946 s3.2: unlocated"
        assert found["592202A296"]["properties"]["located"] == "differ"

    on_board(tmp_path, story)


def test_one_item_stands_flat(tmp_path: Path) -> None:
    async def story(node: Node) -> None:
        about = (await features(node, "?item=mask-child"))["592202A296"]["properties"]
        assert (about["item"], about["available"], about["status"]) == ("mask-child", 12, "in_stock")
        assert list(about["stocks"]) == ["mask-child"]
        assert set((await features(node, "?item=mask"))["592202A296"]["properties"]["stocks"]) == {
            "mask-adult",
            "mask-child",
        }

    on_board(tmp_path, story)


def test_the_maps_of_2020_read_what_one_can_get(tmp_path: Path) -> None:
    async def story(node: Node) -> None:
        await kept(node).commit(a_tick([("5999990005", 7, 7)], at=AT + 60, gone=["0145080011"]))
        found = await features(node, "?names=2020")
        assert set(found) == {"592202A296", "5945010003", "5901010004"}, "listed, with a point"
        about = found["5901010004"]["properties"]
        assert (about["id"], about["mask_adult"], about["mask_child"]) == ("5901010004", 0, 3)
        assert about["updated"] == "2020/02/14 09:06:34"
        assert about["service_periods"] == "NNNNNNNNNNNNNYNNNNNNY"
        assert about["available"].endswith("星期日晚上休診")
        assert about["note"] == "號碼牌 8:30 發放"
        assert about["custom_note"] == "八點半發號碼牌"

    on_board(tmp_path, story)


def test_hours_in_words() -> None:
    assert in_words("") == ""
    assert in_words("N" * 21).startswith("星期一上午看診、星期二上午看診")


def test_wrong_questions_name_the_field(tmp_path: Path) -> None:
    async def story(node: Node) -> None:
        assert (await got(node, "/api/supplies/stock.geojson?item=x")).status == 404
        assert (await got(node, "/api/supplies/stock.geojson?names=1999")).status in (400, 422)
        assert (await got(node, "/api/supplies/stock.geojson?things=1")).json["errors"][0]["field"] == "things"

    on_board(tmp_path, story)
