"""The feeds against their grammars, their ETags, and a hub that verifies, signs, tries again and forgets."""

from __future__ import annotations

import hmac
import json
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from lxml import etree
from tests.make import shared_data
from tests.service.alerts.world import World, in_a_world

from banyan.service.alerts.feeds import TOPICS
from banyan.wire.cap import indexes, reading, rules

BACK = "https://reader.example/alerts?me=1"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def test_the_cap_document_stands_before_the_schema_and_the_prose_rules() -> None:
    async def story(world: World) -> None:
        id = await world.released()
        await world.updated(id, severity="Extreme")
        await world.cancelled(id)
        schema = etree.XMLSchema(etree.parse(str(shared_data("alerts/xsd/CAP-v1.2.xsd"))))
        for number, kind in ((1, "Alert"), (2, "Update"), (3, "Cancel")):
            reply = await world.client.get(f"/alerts/cap/{id}.{number}.xml")
            assert reply.header("content-type") == "application/cap+xml"
            assert schema.validate(etree.fromstring(reply.body)), schema.error_log
            alert = reading.read(reply.body)
            assert rules.verdict_of(alert).is_valid, rules.verdict_of(alert).findings
            assert (alert.msg_type, alert.status, alert.incidents) == (kind, "Actual", id)
            assert len(alert.references.split()) == number - 1
            assert alert.info[0].area[0].geocode[0].value == "10015000"
        assert (await world.client.get(f"/alerts/cap/{id}.4.xml")).status == 404

    in_a_world(story)


def test_atom_rss_and_geojson_are_read_by_foreign_rules() -> None:
    async def story(world: World) -> None:
        id = await world.released()
        for path in ("/alerts/feed.atom", "/alerts/feed.rss"):
            found = indexes.read((await world.client.get(path)).body)
            assert found.is_valid, found.findings
            assert [one.title for one in found.entries] == ["花蓮縣淹水警戒 Flood warning: Hualien County"]
            assert found.entries[0].link.endswith(f"/alerts/cap/{id}.1.xml")
        schema = etree.XMLSchema(etree.parse(str(shared_data("alerts/xsd/rss-2_0.xsd"))))
        rss = etree.fromstring((await world.client.get("/alerts/feed.rss")).body)
        assert schema.validate(rss), schema.error_log
        found = json.loads((await world.client.get("/alerts/feed.geojson")).body)
        assert [one["properties"]["severity"] for one in found["features"]] == ["Severe"]
        ring = found["features"][0]["geometry"]["coordinates"][0][0]
        assert ring[0] == ring[-1]

    in_a_world(story)


@pytest.mark.parametrize("path", tuple(TOPICS))
def test_a_feed_is_304_until_something_changes_and_says_where_its_hub_is(path: str) -> None:
    async def story(world: World) -> None:
        id = await world.released(status="Exercise" if "exercises" in path else "Actual")
        first = await world.client.get(path)
        assert first.header("content-type") == TOPICS[path]
        assert 'rel="hub"' in first.header("link")
        tag = {"If-None-Match": first.header("etag")}
        assert (await world.client.get(path, headers=tag)).status == 304
        world.now[0] += 30
        assert (await world.client.get(path, headers=tag)).status == 304
        await world.cancelled(id)
        assert (await world.client.get(path, headers=tag)).status == 200

    in_a_world(story)


async def subscribe(world: World, mode: str = "subscribe", **more: str) -> int:
    asked = {"hub.mode": mode, "hub.topic": "/alerts/feed.atom", "hub.callback": BACK, **more}
    reply = await world.client.request("POST", "/alerts/hub", body=urlencode(asked).encode(), headers=FORM)
    return int(reply.status)


def echo(method: str, url: str) -> tuple[int, bytes]:
    """A reader that repeats challenges and takes what comes."""
    said = parse_qs(urlsplit(url).query)
    return (200, said["hub.challenge"][0].encode()) if method == "GET" else (204, b"")


def posts(world: World) -> list[tuple[str, bytes, dict[str, str]]]:
    return [(url, body, headers) for method, url, body, headers in world.asked if method == "POST"]


def test_a_subscription_is_verified_and_the_feed_is_pushed_signed() -> None:
    async def story(world: World) -> None:
        world.answer = echo
        assert await subscribe(world, **{"hub.secret": "hush", "hub.lease_seconds": "86400"}) == 202
        await world.tell()
        method, url, _, _ = world.asked[0]
        said = parse_qs(urlsplit(url).query)
        assert (method, said["me"], said["hub.mode"], said["hub.lease_seconds"]) == (
            "GET",
            ["1"],
            ["subscribe"],
            ["86400"],
        )
        assert said["hub.topic"] == ["https://banyan.example/alerts/feed.atom"]
        await world.tell()
        assert posts(world) == []
        await world.released()
        await world.tell()
        ((url, body, headers),) = posts(world)
        assert url == BACK
        assert headers["X-Hub-Signature"] == "sha256=" + hmac.new(b"hush", body, "sha256").hexdigest()
        assert "花蓮縣淹水警戒".encode() in body
        await world.tell()
        assert len(posts(world)) == 1

    in_a_world(story)


def test_a_reader_that_does_not_repeat_the_challenge_is_never_told() -> None:
    async def story(world: World) -> None:
        world.answer = lambda _method, _url: (200, b"no")
        assert await subscribe(world) == 202
        await world.tell()
        await world.released()
        await world.tell()
        assert posts(world) == []

    in_a_world(story)


def test_a_strangers_asking_ends_no_subscription_and_its_own_leaving_does() -> None:
    async def story(world: World) -> None:
        world.answer = echo
        await subscribe(world)
        await world.tell()
        world.answer = lambda _method, _url: (404, b"")  # somebody else asks for them: they say no
        await subscribe(world, "unsubscribe")
        await subscribe(world, **{"hub.secret": "stolen"})
        await world.tell()
        world.answer = echo
        await world.released()
        await world.tell()
        assert len(posts(world)) == 1
        assert "X-Hub-Signature" not in posts(world)[0][2]
        await subscribe(world, "unsubscribe")
        await world.tell()
        await world.released(contact="119")
        await world.tell()
        assert len(posts(world)) == 1

    in_a_world(story)


def test_a_reader_that_fails_gets_the_newest_once_it_answers_and_one_that_is_gone_is_dropped() -> None:
    async def story(world: World) -> None:
        world.answer = echo
        await subscribe(world)
        await world.tell()
        world.answer = lambda _method, _url: (503, b"")
        first = await world.released()
        await world.tell()
        await world.cancelled(first)
        world.now[0] += 5
        await world.tell()
        world.answer = echo
        world.now[0] += 60
        await world.tell()
        count = len(posts(world))
        assert b"tw-gov-eoc" not in posts(world)[-1][1].split(b"<entry>")[-1] or b"<entry>" not in posts(world)[-1][1]
        world.answer = lambda _method, _url: (410, b"")
        await world.released(contact="119")
        await world.tell()
        await world.released(contact="110")
        await world.tell()
        assert len(posts(world)) == count + 1

    in_a_world(story)


@pytest.mark.parametrize(
    "wrong",
    [{"hub.mode": "publish"}, {"hub.topic": "/alerts/nothing"}, {"hub.callback": "ftp://reader.example/"},
     {"hub.callback": "https://user@reader.example/"}, {"hub.callback": "https://reader.example/#a"},
     {"hub.secret": "x" * 200}, {"hub.lease_seconds": "-1"}, {"hub.callback": "https://[bad/"}],
)  # fmt: skip
def test_a_wrong_request_is_refused_with_its_field(wrong: dict[str, str]) -> None:
    async def story(world: World) -> None:
        asked = {"hub.mode": "subscribe", "hub.topic": "/alerts/feed.atom", "hub.callback": BACK, **wrong}
        reply = await world.client.request("POST", "/alerts/hub", body=urlencode(asked).encode(), headers=FORM)
        assert reply.status == 400
        assert next(iter(wrong)) in reply.text

    in_a_world(story, is_warranted=False)
