"""The pack: what a map client rebuilds of it is the board; the small part alone suffices when nothing else changed."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import get_args

import pytest
from tests.make import Node
from tests.service.supplies.feeds.make import got, kept, on_board, read, truth
from tests.service.supplies.feeds.reader import Reader
from tests.service.supplies.make import AT, NOTICE, a_tick

from banyan.service.supplies.feeds.deltas import Delta
from banyan.service.supplies.feeds.following import feeds_of
from banyan.service.supplies.feeds.pack import STATUSES, NoticesPack, Pack, PlacesPack, StockPack
from banyan.service.supplies.model import BoardEvent, NoticesChanged, PlacesChanged, Status
from banyan.service.supplies.parts import SERVICE

LATER: tuple[BoardEvent, ...] = (
    a_tick([("0145080011", 5, 50)], at=AT + 60, gone=["592202A296"]),
    a_tick([("5999990005", 7, 7)], at=AT + 90),
    PlacesChanged(AT, gone=("5945010003",)),
)


def test_the_pack_is_the_board(tmp_path: Path) -> None:
    async def story(node: Node) -> None:
        for event in LATER:
            await kept(node).commit(event)
        pack: Pack = await read(node, "/api/supplies/pack", Pack)
        board = kept(node).board
        assert Reader.of(pack).rows() == truth(board)
        assert pack.seq == pack.stock.seq == board.seq
        assert pack.places.code == [place.code for place in board.places]
        assert [pack.places.code[row] for row in pack.places.gone] == ["5945010003"]
        assert pack.places.towns[pack.places.town[0]] == ("10015010", "花蓮縣", "花蓮市")
        assert (pack.places.located[1], pack.places.apart_m[1]) == ("differ", 1_200)
        assert (pack.notices.code, pack.notices.plate) == ([NOTICE.code], [(510, 540)])

    on_board(tmp_path, story)


def test_a_returning_client_loads_only_the_small_part(tmp_path: Path) -> None:
    async def story(node: Node) -> None:
        first: StockPack = await read(node, "/api/supplies/stock.json", StockPack)
        assert "immutable" in (await got(node, first.places.href)).header("cache-control")
        places: PlacesPack = await read(node, first.places.href, PlacesPack)
        await kept(node).commit(LATER[0])
        second: StockPack = await read(node, "/api/supplies/stock.json", StockPack)
        assert second.seq > first.seq
        assert second.places == first.places
        assert Reader(places, second).rows() == truth(kept(node).board)

    on_board(tmp_path, story)


def test_a_new_notice_changes_only_the_notices_document(tmp_path: Path) -> None:
    async def story(node: Node) -> None:
        first: StockPack = await read(node, "/api/supplies/stock.json", StockPack)
        await kept(node).commit(NoticesChanged(AT, gone=(NOTICE.code,)))
        second: StockPack = await read(node, "/api/supplies/stock.json", StockPack)
        assert second.places == first.places
        assert second.notices != first.notices
        assert (await read(node, second.notices.href, NoticesPack)).code == []
        assert (await read(node, first.notices.href, NoticesPack)).code == [NOTICE.code], "lately in use"

    on_board(tmp_path, story)


def test_an_outlet_more_changes_the_places_document(tmp_path: Path) -> None:
    async def story(node: Node) -> None:
        first: StockPack = await read(node, "/api/supplies/stock.json", StockPack)
        await kept(node).commit(LATER[1])
        second: StockPack = await read(node, "/api/supplies/stock.json", StockPack)
        assert second.rows == first.rows + 1
        assert len((await read(node, second.places.href, PlacesPack)).code) == second.rows

    on_board(tmp_path, story)


def test_a_hash_that_never_was_says_what_to_do(tmp_path: Path) -> None:
    async def story(node: Node) -> None:
        reply = await got(node, "/api/supplies/places/0123456789abcdef.json")
        assert reply.status == 404
        assert "stock.json" in reply.json["remedy"]
        assert (await got(node, "/api/supplies/places/..%2f.json")).status in (400, 404, 422)

    on_board(tmp_path, story)


@pytest.mark.parametrize("path", ["/api/supplies/pack", "/api/supplies/stock.json"])
def test_gzip_validators_and_caching(tmp_path: Path, path: str) -> None:
    async def story(node: Node) -> None:
        plain = await got(node, path)
        zipped = await got(node, path, accept_encoding="br, gzip;q=0.8")
        assert zipped.header("content-encoding") == "gzip"
        assert gzip.decompress(zipped.body) == plain.body
        assert plain.header("vary") == zipped.header("vary") == "Accept-Encoding"
        assert plain.header("cache-control") == "public, max-age=10, stale-while-revalidate=30"
        assert plain.header("access-control-allow-origin") == "*"
        again = await got(node, path, if_none_match=zipped.header("etag"), accept_encoding="gzip")
        assert (again.status, again.body) == (304, b"")
        head = await node.client.request("HEAD", path)
        assert (head.status, head.body) == (200, b"")
        assert head.header("content-length") == str(len(plain.body))
        assert (await got(node, path, accept_encoding="gzip;q=0")).header("content-encoding") == ""
        await kept(node).commit(LATER[0])
        assert (await got(node, path, if_none_match=plain.header("etag"))).status == 200

    on_board(tmp_path, story)


def test_a_body_is_made_once_for_a_state(tmp_path: Path) -> None:
    async def story(node: Node) -> None:
        feeds = feeds_of(node.drawers["supplies"])
        first = await feeds.stock()
        assert await feeds.stock() is first
        await kept(node).commit(LATER[0])
        assert await feeds.stock() is not first

    on_board(tmp_path, story)


@pytest.mark.parametrize("path", ["pack", "stock.json", "stock.geojson", "official/mask.csv"])
def test_a_board_too_large_for_one_feed_says_what_to_ask(
    tmp_path: Path, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("banyan.service.supplies.feeds.following.SUPPLIES_FEED_ROWS", 3)

    async def story(node: Node) -> None:
        reply = await got(node, f"/api/supplies/{path}")
        assert reply.status == 413
        assert "nearest_stock" in reply.json["remedy"]
        assert (await got(node, "/api/supplies/changes?after=4")).status == 200

    on_board(tmp_path, story)


def test_every_feed_is_described_in_openapi(tmp_path: Path) -> None:
    """Its path, its fields, and the shape of what it sends, from the same types that make it."""

    async def story(node: Node) -> None:
        document = (await got(node, "/openapi.json", accept_language="en")).json
        for face in SERVICE.faces:
            if face.path.startswith("/api/supplies/"):
                assert "get" in document["paths"][face.path], f"{face.path} is not described"
        whole = document["paths"]["/api/supplies/pack"]["get"]["responses"]["200"]["content"]["application/json"]
        assert whole["schema"] == {"$ref": "#/components/schemas/Pack"}
        delta = document["components"]["schemas"]["Delta"]["properties"]
        assert set(delta) == set(Delta.__struct_fields__)
        asked = document["paths"]["/api/supplies/history"]["get"]["parameters"]
        assert [(one["name"], one["required"]) for one in asked] == [("from", True), ("to", False), ("after", False)]
        assert "410" in document["paths"]["/api/supplies/changes"]["get"]["responses"]

    on_board(tmp_path, story)


def test_every_status_has_its_letter() -> None:
    assert tuple(STATUSES.values()) == get_args(Status)
