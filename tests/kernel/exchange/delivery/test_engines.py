"""The post's records over SQLite and PostgreSQL: every statement in a story, with the same end on both."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest
from tests.kernel.exchange.delivery.test_post import content, leftovers, status
from tests.kernel.exchange.delivery.town import HOSPITAL, NHI, ODD, PACKAGE, Town, run

from banyan.kernel.exchange.delivery import contents, received, rooms, sent
from banyan.kernel.exchange.delivery.keeping import sweep
from banyan.kernel.exchange.road.edges.seams import Subscription
from banyan.kernel.storage.postgres import PostgresStore
from banyan.kernel.storage.statements import load_statements
from banyan.kernel.storage.store import SchemaStore
from banyan.limits_road import DELIVERY_INLINE_BYTES
from banyan.wire.xroad.codes import Code, Origin
from banyan.wire.xroad.faults import Fault
from banyan.wire.xroad.identifiers import encoded

_towns = count(1)
DAY = 86_400.0


@pytest.fixture
def open_town(engine: str, tmp_path: Path, request: pytest.FixtureRequest) -> Callable[[], Town]:
    def opened() -> Town:
        if engine == "sqlite":
            return Town(tmp_path)
        address, number = request.getfixturevalue("postgres"), next(_towns)

        def store(side: str) -> Callable[[], SchemaStore]:
            return lambda: PostgresStore(address, schema=f"post{number}{side}")

        return Town(tmp_path, (store("a"), store("b")))

    return opened


def test_the_whole_way_and_the_end(open_town: Callable[[], Town]) -> None:
    async def story() -> None:
        async with open_town() as town:
            await town.accept("m1", b"x" * (DELIVERY_INLINE_BYTES + 1))
            await town.accept("m2", fields=((b"X-Banyan-Order", b"yes"),))
            await town.accept("m3", fields=((b"X-Banyan-Order", b"yes"),))
            town.deaf = lambda about: True
            await town.pass_time(300)
            town.deaf = lambda about: False
            await town.restart(town.a)
            await town.restart(town.b)
            await town.pass_time(7_200)
            assert {(await status(town.a, name)).state for name in ("m1", "m2", "m3")} == {"answered"}
            assert sorted(town.provider.order) == ["m1", "m2", "m3"]
            for name in ("m1", "m2", "m3"):
                await town.a.get(name, verb="DELETE")
            assert await leftovers(town.a) == await leftovers(town.b) == (0, [])
            town.now += 2 * DAY
            assert await sweep(town.a.means) == await sweep(town.b.means) == 3
            assert await sweep(town.a.means) == await sweep(town.b.means) == 0
            assert await town.a.office.desk.lines() == await town.b.office.desk.lines() == []

    run(story())


def test_dead_letters_and_what_is_set_aside(open_town: Callable[[], Town]) -> None:
    def breaks_off(call: object) -> None:
        raise Fault(Origin.SERVER_PROXY, Code.SERVICE_FAILED, message="It broke off.")

    async def story() -> None:
        async with open_town() as town:
            town.parted = True
            await town.accept("m1", fields=((b"X-Banyan-Within", b"100"),))
            await town.accept("m2", fields=((b"X-Banyan-Within", b"100"),))
            await town.pass_time(200)
            assert [one.message_id for one in await town.a.office.desk.dead()] == ["m1", "m2"]
            town.parted = False
            await town.a.office.desk.revive_dead(encoded(HOSPITAL), "m1")
            await town.a.office.desk.discard_dead(encoded(HOSPITAL), "m2")
            town.provider.behave = breaks_off
            await town.accept("m3", service=ODD)
            await town.accept("m4", service=ODD)
            await town.pass_time(3_600)
            asides = {one.message_id for one in await town.b.office.desk.aside()}
            assert asides == {"m1", "m3", "m4"}
            assert {line.state for line in await town.b.office.desk.lines()} == {"aside"}
            town.provider.behave = lambda _: None
            await town.b.office.desk.revive_aside(encoded(HOSPITAL), "m1")
            await town.b.office.desk.discard_aside(encoded(HOSPITAL), "m3", "No.")
            await town.pass_time(600)
            assert (await town.a.get("m1/answer")).status == 200
            assert b"No." in content(await town.a.get("m3/answer"))
            town.now += 100 * DAY
            await sweep(town.b.means)
            assert await town.b.office.desk.aside() == []

    run(story())


def test_rooms(open_town: Callable[[], Town]) -> None:
    async def story() -> None:
        async with open_town() as town:
            shop = town.b.office.rooms
            await shop.add_type(NHI, NHI, "birth", b"{}")
            for way, subscriber in (("PULL", HOSPITAL), ("PUSH", NHI)):
                await shop.subscribe(NHI, Subscription("", subscriber, "birth", way))  # type: ignore[arg-type]
            ids = [await shop.publish(NHI, NHI, "birth", b"{}") for _ in range(4)]
            await shop.acknowledge(NHI, HOSPITAL, "birth", ids[1])
            await shop.withdraw(NHI, NHI, "birth", ids[0])
            found = await shop.pull(NHI, HOSPITAL, "birth")
            assert found is not None
            assert found.id == ids[2]
            assert await town.b.office.pusher.turn() == 3
            await shop.resubscribe(NHI, Subscription("", HOSPITAL, "birth", "PUSH", 60, True))
            (told,) = await shop.subscriptions(NHI, HOSPITAL)
            assert (told.delivery, told.ttl_s, told.in_order) == ("PUSH", 60, True)
            town.now += 8 * DAY
            assert await shop.prune() == 4
            await shop.unsubscribe(NHI, HOSPITAL, "birth")
            await shop.drop_type(NHI, NHI, "birth")
            assert await shop.types(NHI) == []

    run(story())


def test_every_statement_was_prepared(open_town: Callable[[], Town]) -> None:
    """Each statement of the part's files runs on this engine, whatever it finds."""
    values = {
        "client": "c", "message_id": "m", "service": "s", "peer": "p", "lane": "", "fingerprint": b"", "now": 1.0,
        "accepted_at": 1.0, "until_at": 2.0, "receipt": "r", "unfetched": 0, "after": 0, "limit": 5, "state": "waiting",
        "due": 1.0, "reason": "", "status": 200, "before": 0.0, "kind": "async", "handings": 0, "tries": 0, "key": "k",
        "side": "sent", "part": "request", "head": b"", "inline": b"", "file": "", "size": 0, "room": "r",
        "event_type": "t", "schema": b"", "made_by": "c", "sequence": 1, "id": "i", "publisher": "c", "content": b"",
        "subscriber": "c", "delivery": "PULL", "ttl_s": 1, "in_order": 0, "seen": 0, "since": 0.0,
    }  # fmt: skip

    async def story() -> None:
        async with open_town() as town:
            for module in (sent, received, contents, rooms):
                name = module.__name__.rpartition(".")[2]
                for statement in load_statements(PACKAGE, f"{name}.sql").values():
                    own = {key: value for key, value in values.items() if f":{key}" in statement.text}
                    await town.a.store.write(lambda tx, one=statement, own=own: tx.rows(one, **own))  # type: ignore[misc,arg-type]

    run(story())
