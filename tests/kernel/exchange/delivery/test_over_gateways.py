"""The post over a real pair of gateways: mTLS, signatures, logs, and a plain HTTP client at the edge."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any

import msgspec
from joserfc import jws
from joserfc.jwk import ECKey
from tests.kernel.exchange.road.pair import CONSUMER, ECHO, Keeper, Reply, Road, a_key, a_pair, said

from banyan.kernel.exchange.delivery.office import PostOffice
from banyan.kernel.exchange.delivery.through import post_of
from banyan.kernel.storage.migrations import load_steps, migrate
from banyan.kernel.storage.sqlite import SqliteStore
from banyan.limits_road import DELIVERY_INLINE_BYTES

PACKAGE = "banyan.kernel.exchange.delivery"
ASKED = {"X-Road-Client": CONSUMER, "X-Road-Id": "visit 1", "Prefer": "respond-async", "Content-Type": "text/plain"}


@asynccontextmanager
async def a_post(keeper: Keeper, folder: Path) -> AsyncIterator[PostOffice]:
    folder.mkdir()  # noqa: ASYNC240
    store = SqliteStore(folder / "records.db")
    migrate(store, PACKAGE, load_steps(PACKAGE), at=0.0)
    post = post_of(keeper.gateway, store, folder, random=Random(7).random, log=lambda name, fields: None)
    await post.start()
    try:
        yield post
    finally:
        await post.stop()
        await store.close()


@asynccontextmanager
async def a_posted_pair(folder: Path) -> AsyncIterator[Road]:
    async with a_pair(folder) as road, a_post(road.a, folder / "a"), a_post(road.b, folder / "b"):
        yield road


async def answered(road: Road, name: str = "visit%201") -> Reply:
    """The answer, polled for as a client would."""
    async with asyncio.timeout(30):
        while (reply := await road.call("GET", f"/r1-async/{name}/answer")).status == 202:
            await asyncio.sleep(0.01)
    return reply


def test_a_client_gets_202_and_later_the_providers_answer(tmp_path: Path) -> None:
    async def story() -> None:
        async with a_posted_pair(tmp_path) as road:
            reply = await road.call("POST", ECHO, ASKED, b"a visit")
            assert (reply.status, reply.fields["preference-applied"]) == (202, "respond-async")
            assert reply.fields["location"] == "/r1-async/visit%201"
            got = await answered(road)
            assert (got.status, got.body) == (200, b"a visit")
            assert got.fields["x-road-id"] == "visit 1"
            assert got.fields["x-road-service"] == "EE/BUSINESS/producer/sub/echo"
            assert len(base64.b64decode(got.fields["x-road-request-hash"])) == 64
            (seen,) = road.service.seen
            assert seen.get("idempotency-key") == '"visit 1"'
            assert seen.get("prefer") is None
            told = (await road.call("GET", "/r1-async/visit%201")).json
            assert told["state"] == "answered"
            assert (await road.call("DELETE", "/r1-async/visit%201")).status == 204
            assert (await road.call("GET", "/r1-async/visit%201/answer")).status == 410
            _check_by_joserfc(told["receipt"], "consumer", "kept")
            _check_by_joserfc(told["peerReceipt"], "producer", "taken")
            _check_by_joserfc(told["answerReceipt"], "producer", "answered")
            assert road.reported == []

    asyncio.run(story())


def test_both_gateways_log_the_signed_acceptance_and_the_answer(tmp_path: Path) -> None:
    async def story() -> None:
        async with a_posted_pair(tmp_path) as road:
            await road.call("POST", ECHO, ASKED, b"a visit")
            await answered(road)
            while len(road.b.log.kept) < 2:
                await asyncio.sleep(0.01)
            for keeper in (road.a, road.b):
                taken, back = keeper.log.kept
                assert taken.status == 202
                assert any(name == b"signature" for name, _ in taken.answer.fields)
                assert (taken.message_id, back.message_id, back.status) == ("visit 1", "visit 1", 200)
            assert road.a.log.kept[1].xid == road.b.log.kept[1].xid

    asyncio.run(story())


def test_a_large_body_goes_both_ways(tmp_path: Path) -> None:
    body = bytes(range(256)) * (DELIVERY_INLINE_BYTES // 64)

    async def story() -> None:
        async with a_posted_pair(tmp_path) as road:
            await road.call("POST", ECHO, ASKED, body)
            got = await answered(road)
            assert got.body == body

    asyncio.run(story())


def test_a_synchronous_call_with_a_key_is_carried_out_once(tmp_path: Path) -> None:
    async def story() -> None:
        async with a_posted_pair(tmp_path) as road:
            around = road.b.gateway.desk.around
            assert isinstance(around.handover, PostOffice)
            around.provider = around.handover.once(around.provider)
            keyed = {"X-Road-Client": CONSUMER, "Idempotency-Key": '"k1"'}
            first = await road.call("POST", ECHO, keyed, b"a visit")
            again = await road.call("POST", ECHO, keyed, b"a visit")
            assert (first.status, first.body) == (again.status, again.body) == (200, b"a visit")
            assert (await road.call("POST", ECHO, keyed, b"another")).status == 409
            await road.call("POST", ECHO, ASKED, b"a visit")
            await answered(road)
            assert len(road.service.seen) == 2

    asyncio.run(story())


def test_a_key_is_known_again_where_the_provider_has_two_gateways(tmp_path: Path) -> None:
    """Each remembers by itself: the second request went to either, and was carried out again at the other."""

    async def story() -> None:
        async with a_posted_pair(tmp_path) as road:
            other = await road.add("ss3", "EE/BUSINESS/producer")
            road.register("EE/BUSINESS/producer/sub", "ss2", "ss3")
            road.offer("EE/BUSINESS/producer/sub/echo", CONSUMER, name="ss3")
            async with a_post(other, tmp_path / "c"):
                for keeper in (road.b, other):
                    around = keeper.gateway.desk.around
                    assert isinstance(around.handover, PostOffice)
                    around.provider = around.handover.once(around.provider)
                keyed = [{"X-Road-Client": CONSUMER, "Idempotency-Key": f'"k{number}"'} for number in range(20)]
                for _ in range(3):
                    replies = await asyncio.gather(*(road.call("POST", ECHO, one, b"visit") for one in keyed))
                    assert {(one.status, one.body) for one in replies} == {(200, b"visit")}
                assert len(road.service.seen) == len(keyed)
                assert road.b.log.kept
                assert other.log.kept, "both are used"
                await other.gateway.stop(0.1)
                for one in keyed:
                    assert (await road.call("POST", ECHO, one, b"visit")).status == 200, "the one that is left is asked"

    asyncio.run(story())


def test_an_answer_that_is_not_brought_is_fetched_and_acknowledged(tmp_path: Path) -> None:
    async def story() -> None:
        async with a_posted_pair(tmp_path) as road:
            a, b = (keeper.gateway.desk.around.handover for keeper in (road.a, road.b))
            assert isinstance(a, PostOffice)
            assert isinstance(b, PostOffice)
            await b.receiver.bringing.stop()
            body = b"a visit" * DELIVERY_INLINE_BYTES
            await road.call("POST", ECHO, ASKED, body)
            async with asyncio.timeout(30):
                while [line.state for line in await b.desk.lines()] != ["answered"]:
                    await asyncio.sleep(0.01)
            road.clock.now += 120
            assert await a.sender.asking.turn() == 1
            assert (await answered(road)).body == body
            assert await b.desk.lines() == [], "acknowledged"

    asyncio.run(story())


def test_faults_at_the_edge(tmp_path: Path) -> None:
    async def story() -> None:
        async with a_posted_pair(tmp_path) as road:
            await road.call("POST", ECHO, ASKED, b"a visit")
            other = await road.call("POST", ECHO, ASKED, b"another")
            assert other.status == 409
            assert "X-Road-Id" in other.json["message"]
            stranger = {"X-Road-Client": "EE/BUSINESS/consumer/other"}
            assert (await road.call("GET", "/r1-async/visit%201", stranger)).fields["x-road-error"]
            assert (await road.call("GET", "/r1-async/none")).status == 404
            refused = await road.call("POST", "/r1/EE/BUSINESS/producer/sub/none", {**ASKED, "X-Road-Id": "2"}, b"")
            assert refused.status == 202
            got = await answered(road, "2")
            assert got.fields["x-road-error"] == "Server.ServerProxy.UnknownService"

    asyncio.run(story())


def test_a_gateway_that_is_away_gets_it_when_it_is_back(tmp_path: Path) -> None:
    async def story() -> None:
        async with a_pair(tmp_path) as road, a_post(road.a, tmp_path / "a"):
            await road.b.gateway.stop(0.1)
            assert (await road.call("POST", ECHO, ASKED, b"a visit")).status == 202
            await road.add("ss3", "EE/BUSINESS/producer")
            road.register("EE/BUSINESS/producer/sub", "ss3")
            road.offer("EE/BUSINESS/producer/sub/echo", CONSUMER, name="ss3")
            async with a_post(road.keepers["ss3"], tmp_path / "c"):
                road.clock.now += 3_600
                assert (await answered(road)).body == b"a visit"

    asyncio.run(story())


def test_a_service_that_is_busy_is_asked_later(tmp_path: Path) -> None:
    async def story() -> None:
        async with a_posted_pair(tmp_path) as road:
            busy = iter([said(status="503 Busy", fields=[("Retry-After", "0")])])
            usual = road.service.script
            road.service.script = lambda seen: next(busy, None) or usual(seen)
            await road.call("POST", ECHO, ASKED, b"a visit")
            while not road.service.seen:
                await asyncio.sleep(0.01)
            road.clock.now += 3_600
            assert (await answered(road)).status == 200
            assert len(road.service.seen) == 2

    asyncio.run(story())


def _check_by_joserfc(text: str, member: str, says: str) -> None:
    """By a library that nobody here wrote."""
    numbers = a_key(member).public_key().public_numbers()
    key = ECKey.import_key({"kty": "EC", "crv": "P-256", "x": _number(numbers.x), "y": _number(numbers.y)})
    found = jws.deserialize_compact(text, key, algorithms=["ES256"])
    payload: dict[str, Any] = msgspec.json.decode(found.payload)
    assert payload["says"] == says


def _number(value: int) -> str:
    return base64.urlsafe_b64encode(value.to_bytes(32, "big")).rstrip(b"=").decode()
