"""Others' warnings: only what is Actual, right, sealed and current is shown, as theirs; it is replaced, and it ends."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import pytest
from tests.make import shared_data
from tests.service.alerts.world import World, in_a_world

from banyan.craft.following.rounds import Fetched, Source
from banyan.demo.other_feed import demo_feed
from banyan.errors import Invalid
from banyan.following import Followed, feeds_of, go_once
from banyan.service.alerts import others
from banyan.service.alerts.shelf import lend, shelf_of
from banyan.settings import AlertSettings, FeedAt, Settings

HTML = {"Accept": "text/html"}


def follows(world: World, *feeds: Followed) -> None:
    db = world.node.drawers["alerts"]
    lend(db, msgspec.structs.replace(shelf_of(db), sources=tuple(one.source for one in feeds)))


async def round_of(world: World, feed: Followed) -> None:
    await go_once(world.node.drawers["alerts"], feed, world.node.gate.clock)


def test_the_demonstrations_feed_shows_one_as_anothers_and_counts_what_it_does_not_believe() -> None:
    async def story(world: World) -> None:
        feed = demo_feed(world.node.gate.clock)
        follows(world, feed)
        await round_of(world, feed)
        await round_of(world, feed)  # 304: nothing new
        told = await world.call("others")
        (one,) = told.alerts
        assert (one.sender, one.seal, one.source_title["en"]) == ("duty@rivers.example", "good", "Demo River Office")
        assert one.rings, "its place was found by its name"
        assert told.feeds[0].refused == {"not-actual": 1, "not-sealed": 1, "unreadable": 1}
        for prefix, mark in (
            ("", "由「示範河川局」發布，不是我們的告警"),
            ("/en", "Issued by Demo River Office, not by us"),
        ):
            board = (await world.client.get(f"{prefix}/alerts", headers=HTML)).text
            assert mark in board
            assert "alert-area-other" in board
            page = (await world.client.get(f"{prefix}/alerts/others", headers=HTML)).text
            assert mark in page
            assert "全鄉立即撤離" not in page
        found = msgspec.json.decode((await world.client.get("/alerts/others.geojson")).body)
        assert [feature["properties"]["is_ours"] for feature in found["features"]] == [False]
        for path in ("/alerts/feed.atom", "/alerts/feed.geojson"):
            assert b"DemoRivers" not in (await world.client.get(path)).body, "ours alone is passed on as ours"
        assert all(not wire.packets for wire in world.people.values())
        world.now[0] += 13 * 3_600
        assert (await world.call("others")).alerts == ()
        await others.forget_but(world.node.drawers["alerts"], [])
        assert (await world.call("others")).feeds[0].at == ""

    in_a_world(story)


class Memory:
    """Documents by address; the feed lists them all in the NCDR's form."""

    def __init__(self) -> None:
        self.documents: dict[str, bytes] = {}

    @property
    def followed(self) -> Followed:
        source = others.Source("ncdr", {"zh-Hant": "災防中心", "en": "NCDR"})
        return Followed(source, Source("https://ncdr.example/feed"), 60, self.fetch)

    async def fetch(self, address: str, headers: Mapping[str, str], at_most: int) -> Fetched:
        if not address.endswith("/feed"):
            return Fetched(200, self.documents[address.rpartition("/")[2]])
        entries = "".join(
            f'<entry><id>{name}</id><title>t</title><updated>2026-11-24T00:00:00+08:00</updated>'
            f'<link rel="alternate" href="https://ncdr.example/Capstorage/{name}"/></entry>'
            for name in self.documents
        )  # fmt: skip
        head = "<id>f</id><title>NCDR_CAP</title><updated>2026-11-24T00:00:00+08:00</updated>"
        return Fetched(200, f'<feed xmlns="http://www.w3.org/2005/Atom">{head}{entries}</feed>'.encode())


def test_the_ncdrs_own_document_is_read_replaced_and_taken_down() -> None:
    async def story(world: World) -> None:
        document = shared_data("alerts/cap/taiwan.cap").read_bytes().decode("utf-8-sig")
        memory = Memory()
        follows(world, memory.followed)
        # The saved one is of 2014; here it is sent in the world's present.
        fresh = document.replace("2014-05-14T20:10", "2026-11-23T20:10").replace("2014-05-14T21:10", "2026-11-24T21:10")
        memory.documents["one"] = fresh.encode()
        memory.documents["old"] = document.encode()
        memory.documents["xee"] = shared_data("alerts/cap/xee.cap").read_bytes()
        await round_of(world, memory.followed)
        told = await world.call("others")
        (one,) = told.alerts
        assert (one.headline["zh-Hant"], one.areas, one.seal) == ("明德水庫:洩洪中", ("苗栗縣頭屋鄉",), "none")
        assert one.rings
        assert told.feeds[0].refused == {"over": 1, "unreadable": 1}
        name = "ddmt01@wra.gov.tw,WRA_ReservoirWarn_201405142010,2026-11-23T20:10:00+08:00"
        cancel = fresh.replace("<msgType>Alert", "<msgType>Cancel").replace("_201405142010<", "_2<")
        cancel = cancel.replace("<sent>2026-11-23T20:10", "<sent>2026-11-23T20:30")
        cancel = cancel.replace("<info>", f"<references>{name}</references><info>")
        memory.documents["two"] = cancel.replace("ddmt01@wra.gov.tw</sender>", "eve@wra.gov.tw</sender>").encode()
        await round_of(world, memory.followed)
        assert len((await world.call("others")).alerts) == 1, "another sender cancels nothing"
        memory.documents["three"] = cancel.encode()
        await round_of(world, memory.followed)
        assert (await world.call("others")).alerts == ()

    in_a_world(story)


def test_a_feed_in_node_toml_needs_a_name_of_its_own_and_a_register_that_can_be_read() -> None:
    one = FeedAt("ncdr", "災防中心", "NCDR", "https://alerts.ncdr.nat.gov.tw/RssAtomFeed.ashx")
    (found,) = feeds_of(Settings(alerts=AlertSettings((one,))))
    assert (found.source.name, found.at.address, found.every_s) == ("ncdr", one.address, 60)
    with pytest.raises(Invalid, match="name of its own"):
        feeds_of(Settings(alerts=AlertSettings((one, one))))
    with pytest.raises(Invalid, match="no folder"):
        feeds_of(Settings(alerts=AlertSettings((msgspec.structs.replace(one, register="/nowhere"),))))
