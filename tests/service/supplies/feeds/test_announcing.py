"""Changes of feeds are told before they happen: to readers of the list, of Atom, and in the headers of every answer."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import msgspec
import pytest
from tests.make import NOW, TOKEN, Node, Reply
from tests.service.supplies.feeds.make import got, on_board

from banyan.kernel.events import Event, feed
from banyan.kernel.events.clock import EpochS, iso
from banyan.kernel.identity.caller import SYSTEM
from banyan.service.supplies.feeds.announced import DAY_S
from banyan.service.supplies.feeds.announcing import source_changed

LATER = iso(EpochS(NOW + 31 * DAY_S))
RENAME = {
    "feed": "stock",
    "kind": "renamed",
    "field": "count",
    "new": "reported",
    "starts": LATER,
    "why": "與新的法規用語一致。",
    "why_en": "To match the new law's words.",
}


async def announce(node: Node, *, token: str = TOKEN, **changed: Any) -> Reply:
    return await node.client.post("/api/supplies/announce_change", json=RENAME | changed, token=token)


async def listed(node: Node) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await got(node, "/api/supplies/changes_announced")).json
    return found


def test_an_announced_change_is_on_every_answer_of_its_feed(tmp_path: Path) -> None:
    async def story(node: Node) -> None:
        assert (await got(node, "/api/supplies/stock.json")).header("deprecation") == ""
        assert (await announce(node)).status == 200
        reply = await got(node, "/api/supplies/stock.json")
        assert reply.header("deprecation") == f"@{NOW:.0f}", "RFC 9745: a structured date"
        assert parsedate_to_datetime(reply.header("sunset")) == datetime.fromtimestamp(NOW + 31 * DAY_S, UTC)
        assert '</supplies/changes.atom>; rel="deprecation"' in reply.header("link")
        assert 'rel="license"' in reply.header("link")
        again = await got(node, "/api/supplies/stock.json", if_none_match=reply.header("etag"))
        assert (again.status, again.header("deprecation")) == (304, reply.header("deprecation"))
        assert (await got(node, "/api/supplies/pack")).header("deprecation") == "", "another feed"

    on_board(tmp_path, story)


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("pack", "/api/supplies/pack"),
        ("changes", "/api/supplies/changes?after=4"),
        ("official", "/api/supplies/official/mask.csv"),
        ("geojson", "/api/supplies/stock.geojson"),
        ("history", "/api/supplies/history?from=2020-02-14T01:00:00Z&to=2020-02-14T02:00:00Z"),
        ("at", "/api/supplies/at?time=2020-02-14T02:00:00Z"),
    ],
)
def test_each_feed_has_its_own(tmp_path: Path, name: str, path: str) -> None:
    async def story(node: Node) -> None:
        await announce(node, feed=name)
        assert (await got(node, path)).header("sunset")
        head = await node.client.request("HEAD", "/api/supplies/stock.json")
        assert head.header("sunset") == ""

    on_board(tmp_path, story)


def test_the_stream_says_it_too(tmp_path: Path) -> None:
    async def story(node: Node) -> None:
        await announce(node, feed="stream")
        head = await node.client.request("HEAD", "/api/supplies/stream")
        assert head.header("sunset")
        assert head.header("content-type").startswith("text/event-stream")

    on_board(tmp_path, story)


def test_thirty_days_are_asked_of_what_may_break(tmp_path: Path) -> None:
    async def story(node: Node) -> None:
        soon = iso(EpochS(NOW + 29 * DAY_S))
        for kind in ("renamed", "removed", "retyped", "redefined"):
            refused = await announce(node, starts=soon, kind=kind)
            assert (refused.status, refused.json["errors"][0]["field"]) == (422, "starts")
            assert iso(EpochS(NOW + 30 * DAY_S)) in refused.json["remedy"]
        assert (await announce(node, starts=soon, kind="added")).status == 200
        assert (await got(node, "/api/supplies/stock.json")).header("sunset") == "", "an addition breaks nobody"
        assert (await announce(node, starts=soon, urgent=True)).json["urgent"] is True
        assert (await got(node, "/api/supplies/stock.json")).header("sunset")
        assert (await announce(node, starts="soon")).json["errors"][0]["field"] == "starts"

    on_board(tmp_path, story)


def test_only_the_administrator_announces_and_twice_is_once(tmp_path: Path) -> None:
    async def story(node: Node) -> None:
        assert (await announce(node, token="")).status in (401, 403)
        first, second = (await announce(node)).json, (await announce(node)).json
        assert first == second
        assert [one["id"] for one in await listed(node)] == [first["id"]]
        assert first["says"]["zh-Hant"] == f"stock 的 count 改名為 reported（{LATER[:10]} 起）。"
        found = await feed.read(node.drawers["supplies"].sql, 0, topic="change.announced")
        assert [event.subject for event in found] == [first["id"]]
        shown = (await got(node, "/api/feed?service=supplies")).json
        assert [event["type"] for event in shown["events"]] == ["change.announced"]

    on_board(tmp_path, story)


def test_a_withdrawn_change_is_gone_from_everywhere(tmp_path: Path) -> None:
    async def story(node: Node) -> None:
        one = (await announce(node)).json["id"]
        reply = await node.client.post("/api/supplies/withdraw_change", json={"id": one}, token=TOKEN)
        assert (reply.status, reply.json) == (200, [])
        assert (await got(node, "/api/supplies/stock.json")).header("deprecation") == ""
        again = await node.client.post("/api/supplies/withdraw_change", json={"id": one}, token=TOKEN)
        assert again.status == 404

    on_board(tmp_path, story)


def test_announcements_outlive_a_restart(tmp_path: Path) -> None:
    async def before(node: Node) -> None:
        await announce(node)

    async def after(node: Node) -> None:
        assert len(await listed(node)) == 1
        assert (await got(node, "/api/supplies/stock.json")).header("deprecation")

    on_board(tmp_path, before)
    on_board(tmp_path, after, ())


def test_a_renamed_source_column_is_told_by_itself_and_changes_no_feed(tmp_path: Path) -> None:
    async def story(node: Node) -> None:
        data = {
            "source": "masks",
            "register": "mask-stock",
            "old": "成人口罩總剩餘數",
            "new": "成人口罩剩餘數",
            "since_version": 3,
        }
        event = Event("schema.changed", "masks", msgspec.Raw(json.dumps(data).encode()), at=NOW, seq=1)
        for _ in range(2):  # handlers run at least once
            await source_changed(node.gate.context("supplies", SYSTEM), event)
        (one,) = await listed(node)
        assert (one["feed"], one["register"], one["automatic"]) == ("source", "mask-stock", True)
        assert one["says"]["zh-Hant"].startswith("source mask-stock 的 成人口罩總剩餘數 改名為 成人口罩剩餘數")
        assert (await got(node, "/api/supplies/official/mask.csv")).header("deprecation") == ""

    on_board(tmp_path, story)


@pytest.mark.parametrize("lang", ["zh-Hant", "en"])
def test_the_atom_feed_in_both_languages(tmp_path: Path, lang: str) -> None:
    async def story(node: Node) -> None:
        await announce(node)
        reply = await got(node, "/supplies/changes.atom", accept_language=lang)
        assert reply.header("content-type").startswith("application/atom+xml")
        root = ElementTree.fromstring(reply.text)
        name = "{http://www.w3.org/2005/Atom}"
        (entry,) = root.findall(f"{name}entry")
        title, summary = (entry.findtext(f"{name}{part}") or "" for part in ("title", "summary"))
        assert "count" in title
        assert summary == (RENAME["why"] if lang == "zh-Hant" else RENAME["why_en"])
        assert "Accept-Language" in reply.header("vary")

    on_board(tmp_path, story)
