"""Bulk access keys: given once, read anywhere, refused with the reason; and the page that says every limit."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.kernel.exchange.sample import sample
from tests.make import NOW, SECRET, TOKEN, Node, a_node

from banyan.kernel.events.clock import EpochS
from banyan.kernel.exchange.keydesk import build_access
from banyan.kernel.exchange.keys import DAY_S, BulkKey, KeyGiven, KeyRefused, KeyRevoked, Keys
from banyan.limits import KEY_DAYS, RATES

Story = Callable[[Node], Awaitable[None]]
ITEM = "/api/sample/item/1"
AWAY = "203.0.113.7"


def on_node(folder: Path, story: Story, *, now: list[float] | None = None, **settings: object) -> None:
    clock = now or [NOW]

    async def run() -> None:
        keys = Keys(SECRET)
        services = [sample(), build_access(keys)]
        async with a_node(folder, services, clock=lambda: EpochS(clock[0]), keys=keys, **settings) as node:
            await story(node)

    asyncio.run(run())


async def give(node: Node, name: str = "mask-map", days: int = 30) -> str:
    reply = await node.client.post("/api/keys", json={"name": name, "days": days}, token=TOKEN)
    assert reply.status == 200, reply.text
    assert reply.header("cache-control") == "private, no-store"
    key: str = reply.json["key"]
    assert reply.json["send"] == [f"Authorization: Bearer {key}", f"X-API-Key: {key}"]
    return key


def test_only_the_administrator_gives_revokes_and_lists(tmp_path: Path) -> None:
    async def story(node: Node) -> None:
        key = await give(node)
        for caller, status in (({}, 401), ({"Authorization": f"Bearer {key}"}, 403)):
            given = await node.client.post("/api/keys", json={"name": "other"}, headers=caller)
            revoked = await node.client.post("/api/keys/revoke", json={"name": "mask-map"}, headers=caller)
            listed = await node.client.get("/api/keys", headers=caller)
            assert [given.status, revoked.status, listed.status] == [status] * 3
        listed = await node.client.get("/api/keys", token=TOKEN)
        assert listed.json == [
            {"name": "mask-map", "given": "2026-11-23T13:00:00Z", "until": "2026-12-23T13:00:00Z", "state": "valid"}
        ]
        assert key not in listed.text

    on_node(tmp_path, story)


@pytest.mark.parametrize(
    "body",
    [{}, {"name": "A"}, {"name": "王小明"}, {"name": "a b"}, {"name": "a" * 41}, {"name": "app", "days": 0},
     {"name": "app", "days": KEY_DAYS + 1}, {"name": "app", "right": "write"}],
)  # fmt: skip
def test_a_wrong_request_for_a_key_names_the_field(tmp_path: Path, body: dict[str, object]) -> None:
    async def story(node: Node) -> None:
        reply = await node.client.post("/api/keys", json=body, token=TOKEN)
        assert reply.status == 422
        assert reply.json["errors"][0]["field"] in ("name", "days", "right")

    on_node(tmp_path, story)


def test_a_key_reads_what_anybody_may_and_writes_nothing(tmp_path: Path) -> None:
    async def story(node: Node) -> None:
        key = await give(node)
        plain = await node.client.get(ITEM)
        for headers in ({"Authorization": f"Bearer {key}"}, {"X-API-Key": key}, {"X-CKAN-API-Key": key}):
            echo = await node.client.get("/api/sample/echo?word=a", headers=headers)
            assert echo.json["caller"] == "app"
            read = await node.client.get(ITEM, headers=headers)
            assert (read.status, read.body) == (200, plain.body)
            assert read.header("cache-control") == "private, no-cache"
            assert read.header("access-control-allow-origin") == "*"
            again = await node.client.get(ITEM, headers={**headers, "If-None-Match": read.header("etag")})
            assert again.status == 304
            saved = await node.client.post("/api/sample/save", json={"name": "a"}, headers=headers)
            assert saved.status == 403
            assert (await node.client.get("/touchpoints", headers=headers)).status == 403

    on_node(tmp_path, story)


def test_a_key_has_a_bucket_of_its_own_wherever_it_comes_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(RATES, "bulk", (0.001, 3))
    monkeypatch.setitem(RATES, "read", (0.001, 2))

    async def story(node: Node) -> None:
        one, two = await give(node, "one-app"), await give(node, "two-app")
        replies = [
            await node.client.get(ITEM, headers={"X-API-Key": one}, address=address)
            for address in (AWAY, "198.51.100.1", "127.0.0.1", AWAY)
        ]
        assert [reply.status for reply in replies] == [200, 200, 200, 429]
        assert [reply.header("ratelimit") for reply in replies[:3]] == [f'"bulk";r={left};t={t}' for left, t in (
            (2, 1_000), (1, 2_000), (0, 3_000),
        )]  # fmt: skip
        assert replies[0].header("ratelimit-policy") == '"bulk";q=3;w=3000'
        assert replies[3].header("ratelimit") == '"bulk";r=0;t=1000'
        assert replies[3].header("retry-after") == "1000"
        assert (await node.client.get(ITEM, headers={"X-API-Key": two}, address=AWAY)).status == 200
        missing = await node.client.get("/api/sample/item/999", headers={"X-API-Key": two}, address=AWAY)
        assert (missing.status, missing.header("ratelimit")) == (404, '"bulk";r=1;t=2000')
        plain = [await node.client.get(ITEM, address=AWAY) for _ in range(3)]
        assert [reply.status for reply in plain] == [200, 200, 429], "the address's own bucket was not touched"
        assert plain[0].header("ratelimit") == ""

    on_node(tmp_path, story, rate_scale=1.0)


def test_a_key_that_is_not_good_is_told_why(tmp_path: Path) -> None:
    now = [float(NOW)]
    lines: list[str] = []

    async def story(node: Node) -> None:
        key = await give(node, days=1)
        wrong = key[:-2] + ("AA" if not key.endswith("AA") else "BB")
        cases = [("Bearer " + wrong, "part of it is missing"), ("Bearer bulk_", "part of it is missing")]
        now[0] += DAY_S + 1
        cases.append((f"Bearer {key}", "ended at 2026-11-24T13:00:00Z"))
        for sent, reason in cases:
            for target in (ITEM, "/health", "/limits", "/api/sample/save"):
                reply = await node.client.get(target, headers={"Authorization": sent, "Accept-Language": "en"})
                if target != "/api/sample/save":
                    assert reply.status == 401
                    assert reason in reply.json["detail"]
                    assert "/limits" in reply.json["remedy"]
                    assert reply.header("www-authenticate") == 'Bearer error="invalid_token"'
                    assert reply.header("cache-control") == "no-store"
            lines.append(sent)
        garbage = await node.client.get(ITEM, headers={"X-API-Key": "hello"})
        assert (garbage.status, garbage.json["title"]) == (401, "這把金鑰不能用")
        assert (await node.client.get("/nowhere", headers={"X-API-Key": "hello"})).status == 404
        as_administrator = await node.client.post("/api/sample/save", json={"name": "a"}, headers={"X-API-Key": TOKEN})
        assert as_administrator.status == 200

    on_node(tmp_path, story, now=now)
    assert len(lines) == 3


def test_a_revoked_name_is_refused_also_after_a_restart_and_may_be_given_anew(tmp_path: Path) -> None:
    kept: list[str] = []

    async def first(node: Node) -> None:
        old = await give(node)
        other = await give(node, "other-map")
        reply = await node.client.post("/api/keys/revoke", json={"name": "mask-map"}, token=TOKEN)
        assert reply.json["state"] == "revoked"
        refused = await node.client.get(ITEM, headers={"X-API-Key": old, "Accept-Language": "en"})
        assert (refused.status, "taken back" in refused.json["detail"]) == (401, True)
        new = await give(node)  # in the same moment: the clock stands
        kept.extend((old, new, other))
        assert [await status(node, key) for key in kept] == [401, 200, 200]
        missing = await node.client.post("/api/keys/revoke", json={"name": "nobody"}, token=TOKEN)
        assert missing.status == 404

    async def again(node: Node) -> None:
        assert [await status(node, key) for key in kept] == [401, 200, 200]

    on_node(tmp_path, first)
    on_node(tmp_path, again)
    assert b"bulk_" not in b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())


async def status(node: Node, key: str) -> int:
    return (await node.client.get(ITEM, headers={"X-API-Key": key})).status


def test_limits_say_every_rate_and_how_the_caller_stands(tmp_path: Path) -> None:
    async def story(node: Node) -> None:
        key = await give(node)
        reply = await node.client.get("/limits", address=AWAY)
        assert (reply.status, reply.header("cache-control")) == (200, "no-store")
        said = reply.json
        assert {view["name"]: (view["per_second"], view["burst"]) for view in said["classes"]} == RATES
        assert all(view["what"]["zh-Hant"] and view["what"]["en"] for view in said["classes"])
        assert said["key"]["covers"] == ["page", "read", "stream"]
        assert said["you"]["caller"] == "anonymous"
        stands = {view["name"]: view["remaining"] for view in said["you"]["standing"]}
        assert stands.keys() == RATES.keys() - {"bulk"}
        assert stands["read"] == RATES["read"][1] - 1
        keyed = (await node.client.get("/limits", headers={"X-API-Key": key}, address=AWAY)).json["you"]
        assert (keyed["caller"], keyed["key"], keyed["key_until"]) == ("app", "mask-map", "2026-12-23T13:00:00Z")
        assert {view["name"] for view in keyed["standing"]} == {"bulk", "query", "write", "upload", "login"}
        for local in (await node.client.get("/limits"), await node.client.get("/limits", token=TOKEN, address=AWAY)):
            assert (local.json["you"]["limited"], local.json["you"]["standing"]) == (False, [])

    on_node(tmp_path, story, rate_scale=1.0)


def test_limits_turned_off_are_said_to_be_off(tmp_path: Path) -> None:
    async def story(node: Node) -> None:
        said = (await node.client.get("/limits", address=AWAY)).json
        assert (said["on"], said["you"]["limited"]) == (False, False)

    on_node(tmp_path, story)


@given(st.text("abcXYZ019_.-=", max_size=60), st.integers(0, 200))
def test_nothing_but_a_key_is_read_as_one(text: str, at: int) -> None:
    keys = Keys(SECRET)
    good = keys.sign(BulkKey("mask-map", NOW, EpochS(NOW + DAY_S)))
    assert keys.read(good, NOW).name == "mask-map"
    for sent in ("bulk_" + text, good[:at] + text + good[at:] if text else ""):
        if sent != good:
            with pytest.raises(KeyRefused):
                keys.read(sent, NOW)
    with pytest.raises(KeyRefused):
        Keys(SECRET[::-1]).read(good, NOW)


def test_a_register_forgets_what_no_living_key_can_be_of() -> None:
    keys = Keys(SECRET)
    keys.apply(KeyGiven("old", NOW, EpochS(NOW + DAY_S)))
    keys.apply(KeyRevoked("old", NOW))
    late = EpochS(NOW + (KEY_DAYS + 2) * DAY_S)
    keys.apply(KeyGiven("new", late, EpochS(late + DAY_S)))
    assert (list(keys.given), list(keys.revoked)) == (["new"], [])
    with pytest.raises(KeyRefused, match="expired"):
        keys.read(keys.sign(BulkKey("old", NOW, EpochS(NOW + KEY_DAYS * DAY_S))), late)


def test_a_key_is_short_enough_to_send() -> None:
    longest = Keys(SECRET).sign(BulkKey("a" * 40, EpochS(NOW + 0.123), EpochS(NOW + KEY_DAYS * DAY_S + 0.123)))
    assert len(longest) < 200
    assert msgspec.json.decode(b'"%b"' % longest.encode()) == longest
