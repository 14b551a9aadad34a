"""The straight way to what the law stands behind: the same as the general way's to client, service, logs and ledger,
and whatever fails after a use was written, nothing is done twice."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from tests.kernel.exchange.road.gated_pair import PATHS, PURPOSE, SENT, WANG, Card, Town, a_gated_pair
from tests.kernel.exchange.road.pair import CONSUMER, Reply, Seen, said
from tests.kernel.exchange.road.test_refusals import CASES
from tests.kernel.exchange.road.test_straight import logged, plain, shown, taken
from tests.kernel.exchange.road.ways import eager

from banyan.errors import NotFound
from banyan.kernel.exchange.road.model import Answer, Body, Call, Offer
from banyan.kernel.exchange.road.straight.forms import Book
from banyan.kernel.exchange.road.straight.served import Served

Story = Callable[[Town, str], Awaitable[None]]
GENERAL: Callable[[Book[Any], bytes], None] = lambda book, data: None  # noqa: E731
BOTH = pytest.mark.parametrize("kind", PATHS)
MUCH = "x" * 40_000


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Book, "find", eager)


def told(folder: Path, kind: str, story: Story) -> None:
    async def whole() -> None:
        async with a_gated_pair(folder) as town:
            assert taken(town.road)[1] >= 2 * len(PATHS), "all but the first, which has no connection yet"
            await story(town, kind)

    asyncio.run(asyncio.wait_for(whole(), 60))


async def went_straight(town: Town, kind: str, **how: Any) -> Reply:
    before = taken(town.road)[1]
    reply = await town.ask(kind, **how)
    assert taken(town.road)[1] == before + 1
    return reply


def use(record: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name != "request"}


@BOTH
@pytest.mark.parametrize("lang", ["en", "zh-Hant"])
@pytest.mark.parametrize("is_found", [True, False])
def test_both_ways_do_the_same(
    tmp_path: Path, kind: str, lang: str, is_found: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    more = {"X-Road-UserId": "EE1", "X-Road-Issue": "case 7", "X-Banyan-Purpose": PURPOSE, "X-Other": "a % b",
            "Accept-Language": lang, "Connection": "keep-alive"}  # fmt: skip

    async def story(town: Town, kind: str) -> None:
        async def nobody() -> Card:
            raise NotFound("Nobody of that number.", remedy="Look at the card.")

        if not is_found:
            town.act[0] = nobody
            town.road.service.script = lambda seen: said(b"{}", [("Content-Type", "a/b"), ("Date", "now")], "404 No")
        found = []
        for find in (eager, GENERAL):
            monkeypatch.setattr(Book, "find", find)
            before, uses, asked = taken(town.road), await town.uses(), town.asked()
            reply = await town.ask(kind, more=more)
            kept = [keeper.log.kept[-1] for keeper in (town.road.a, town.road.b)]
            new = (await town.uses())[len(uses) :]
            assert [one["request"] for one in new] in ([], [reply.fields["x-road-request-id"].replace("-", "")])
            assert town.asked() == asked + 1
            said_of = shown(reply)[:2], plain(reply.body)
            found.append((said_of, list(map(logged, kept)), list(map(use, new)), _seen(town, kind)))
            went = tuple(after - early for after, early in zip(taken(town.road), before, strict=True))
            assert went == ((1, 1) if find is eager else (0, 0))
        assert found[0] == found[1]
        assert len(found[0][2]) == (1 if is_found or kind == "weighed" else 0)
        assert reply.status == (200 if is_found else 404)
        assert town.road.reported == []

    told(tmp_path, kind, story)


def _seen(town: Town, kind: str) -> object:
    if kind == "gate":
        return town.ran[-1]
    seen = town.road.service.seen[-1]
    return seen.verb, seen.target, [(name, plain(value.encode())) for name, value in seen.fields], seen.body


def test_what_stands_behind_is_given_the_same_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(town: Town, kind: str) -> None:
        calls: list[Call] = []
        behind = town.road.b.gateway.desk.around.provider

        class Noting:
            async def ask(self, offer: Offer, call: Call, path: bytes, body: Body, basis: str) -> Answer:
                calls.append(call)
                return await behind.ask(offer, call, path, body, basis)

        town.road.b.gateway.desk.around.provider = Noting()
        heads: list[tuple[str, dict[str, str]]] = [
            ("", {}),
            ("?", {"X-Banyan-Purpose": PURPOSE}),
            ("?a=b%20c", {"X-Road-UserId": "EE1", "X-Road-Issue": "i-1", "x-banyan-consent": "c-1", "Accept": "*/*"}),
        ]
        for query, more in heads:
            for find in (eager, GENERAL):
                monkeypatch.setattr(Book, "find", find)
                for _ in range(2):  # the first finds out what stands there
                    await town.road.call("POST", PATHS[kind] + query, SENT | more, b"{}")
            *_, straight, _, general = calls
            assert plain(repr(straight).encode()) == plain(repr(general).encode())
        assert taken(town.road)[1] >= 2 * len(PATHS) + 2 * len(heads) - 1

    told(tmp_path, "gate", story)


@BOTH
@pytest.mark.parametrize(
    "name",
    [
        "UnknownService",
        "NotAllowed",
        "UnknownMember, the client",
        "UnknownMember, the provider",
        "UnknownMember, revoked",
        "UnknownMember, moved away",
        "NetworkError, the gateway",
        "SslAuthenticationFailed, its gateway",
        "SslAuthenticationFailed, ours",
        "KeyNotFound",
        "CannotCreateSignature",
    ],
)
def test_whatever_ends_a_right_ends_it_for_the_next_call(tmp_path: Path, name: str, kind: str) -> None:
    prepare, code, words = CASES[name]

    async def story(town: Town, kind: str) -> None:
        uses, asked = await town.uses(), town.asked()
        prepare(town.road)
        reply = await town.ask(kind)
        assert (reply.status, reply.fields.get("x-road-error"), reply.json["type"]) == (500, code, code)
        assert words in reply.json["message"]
        assert (await town.uses(), town.asked()) == (uses, asked)

    told(tmp_path, kind, story)


LAW: dict[str, tuple[Callable[[Town, str], Awaitable[None] | None], str]] = {
    "the basis has ended": (lambda town, kind: town.law(sunset=1.0), "sunset"),
    "it names another recipient": (lambda town, kind: town.law(recipients=("EE/BUSINESS/other",)), "legal basis"),
    "it needs an order": (lambda town, kind: town.law(needs="order", sunset=2e9), "order"),
    "it needs a consent": (lambda town, kind: town.law(needs="consent"), "consent"),
    "it covers no field": (lambda town, kind: town.law(fields=("other",)), "insured"),
    "the uses of the day are used up": (lambda town, kind: town.law(per_subject_per_day=3), "3"),
    "the grant has another purpose": (lambda town, kind: town.grant(kind, purposes={"012": "card@1"}), ""),
    "the grant has no purpose": (lambda town, kind: town.grant(kind, purposes={}), "purpose"),
    "the grant has lapsed": (lambda town, kind: town.grant(kind, until=1.0), "grant"),
}


@BOTH
@pytest.mark.parametrize("name", LAW)
def test_the_law_of_the_moment_counts_both_ways(
    tmp_path: Path, kind: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    change, words = LAW[name]

    async def story(town: Town, kind: str) -> None:
        uses, asked = await town.uses(), town.asked()
        changing = change(town, kind)
        if changing is not None:
            await changing
        found = []
        for find in (eager, GENERAL):
            monkeypatch.setattr(Book, "find", find)
            reply = await town.ask(kind)
            assert reply.fields["x-road-error"] == "Server.ServerProxy.AccessDenied"
            assert words in reply.json["message"]
            assert WANG not in str(reply)
            kept = [keeper.log.kept[-1] for keeper in (town.road.a, town.road.b)]
            found.append((shown(reply)[:2], plain(reply.body), list(map(logged, kept))))
        assert found[0] == found[1]
        assert (await town.uses(), town.asked()) == (uses, asked)

    told(tmp_path, kind, story)


@BOTH
def test_a_log_that_fails_gives_nothing_and_asks_nobody_again(tmp_path: Path, kind: str) -> None:
    async def story(town: Town, kind: str) -> None:
        uses, asked = await town.uses(), town.asked()
        town.road.b.log.error = OSError("disk full")
        reply = await went_straight(town, kind)
        assert reply.fields["x-road-error"] == "Server.ServerProxy.LoggingFailed"
        assert (len(await town.uses()), town.asked()) == (len(uses) + 1, asked + 1)

    told(tmp_path, kind, story)


def test_a_defect_of_the_straight_way_is_told_and_the_general_way_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(town: Town, kind: str) -> None:
        uses, asked = await town.uses(), town.asked()

        def fails(*_: object) -> None:
            raise RuntimeError("a defect")

        monkeypatch.setattr(Served, "answer", fails)
        assert (await went_straight(town, kind)).status == 200
        assert [str(error) for _, error in town.road.reported] == ["a defect"]
        assert (len(await town.uses()), town.asked()) == (len(uses) + 1, asked + 1)

    told(tmp_path, "gate", story)


def test_a_defect_of_an_operation_is_recorded_and_not_told(tmp_path: Path) -> None:
    async def story(town: Town, kind: str) -> None:
        async def breaks() -> Card:
            raise RuntimeError("a secret")

        town.act[0] = breaks
        uses, ran = await town.uses(), len(town.ran)
        reply = await went_straight(town, kind)
        assert reply.fields["x-road-error"] == "Server.ServerProxy.InternalError"
        assert "secret" not in str(reply)
        assert [str(error) for _, error in town.road.reported] == ["a secret"]
        assert (await town.uses(), len(town.ran)) == (uses, ran + 1)

    told(tmp_path, "gate", story)


def test_a_large_answer_of_the_gate_comes_by_the_general_way(tmp_path: Path) -> None:
    async def story(town: Town, kind: str) -> None:
        async def much() -> Card:
            return Card(MUCH, True)

        town.act[0] = much
        uses, ran = await town.uses(), len(town.ran)
        reply = await went_straight(town, kind)
        assert (reply.status, reply.json) == (200, {"note": MUCH, "insured": True})
        assert (len(await town.uses()), len(town.ran)) == (len(uses) + 1, ran + 1)

    told(tmp_path, "gate", story)


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (said(b"", (), "204 Nothing"), 204),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n", 200),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nab", 200),
        (said(b"y" * 300_000), 200),
        (said(b"", [("Vary", "a"), ("Vary", "b")]), 200),
        (b"ICY 200 OK\r\n\r\n", 500),
        (said(b"", [("X-Road-Other", "\xe9")]), 500),
    ],
)
def test_a_service_that_answers_otherwise_is_asked_once_for_one_use(tmp_path: Path, answer: bytes, status: int) -> None:
    async def story(town: Town, kind: str) -> None:
        town.road.service.script = lambda seen: answer
        for _ in range(2):
            uses, asked = await town.uses(), town.asked()
            assert (await went_straight(town, kind)).status == status
            assert (len(await town.uses()), town.asked()) == (len(uses) + 1, asked + 1)

    told(tmp_path, "weighed", story)


@pytest.mark.parametrize(("verb", "status", "times"), [("PUT", 200, 2), ("POST", 500, 1)])
def test_a_service_that_breaks_off_is_asked_again_for_the_same_use(
    tmp_path: Path, verb: str, status: int, times: int
) -> None:
    async def story(town: Town, kind: str) -> None:
        asked: list[Seen] = []

        async def breaks(seen: Seen) -> bytes:
            asked.append(seen)
            if len(asked) == 1:
                raise ConnectionError
            return said(b"ok")

        await town.ask(kind, verb)
        uses = await town.uses()
        town.road.service.script = breaks
        assert (await went_straight(town, kind, verb=verb)).status == status
        assert (len(await town.uses()), len(asked)) == (len(uses) + 1, times)

    told(tmp_path, "weighed", story)


@pytest.mark.parametrize(("is_there", "status"), [(True, 200), (False, 500)])
def test_a_link_that_went_while_the_law_was_weighed_is_made_anew(tmp_path: Path, is_there: bool, status: int) -> None:
    async def story(town: Town, kind: str) -> None:
        uses, asked = await town.uses(), town.asked()
        for link in tuple(town.road.b.provider.pool._links):
            link.abort()
        if not is_there:
            await town.road.service.stop()
        reply = await went_straight(town, kind)
        assert reply.status == status
        assert (len(await town.uses()), town.asked()) == (len(uses) + 1, asked + is_there)

    told(tmp_path, "weighed", story)


@BOTH
def test_a_client_that_goes_away_leaves_its_call_and_its_use(tmp_path: Path, kind: str) -> None:
    async def story(town: Town, kind: str) -> None:
        came, go = waits(town)
        uses, logs = await town.uses(), len(town.road.a.log.kept)
        _, writer = await asyncio.open_connection("127.0.0.1", town.road.a.gateway.edge_port)
        body = b'{"person":"%b"}' % WANG.encode()
        sent = {"Host": "a", **SENT, "Content-Length": str(len(body))}
        head = "".join(f"{name}: {value}\r\n" for name, value in sent.items())
        writer.write(f"POST {PATHS[kind]} HTTP/1.1\r\n{head}\r\n".encode() + body)
        await came.wait()
        writer.transport.abort()
        go.set()
        while len(town.road.a.log.kept) == logs:
            await asyncio.sleep(0)
        assert [keeper.log.kept[-1].status for keeper in (town.road.a, town.road.b)] == [200, 200]
        assert len(await town.uses()) == len(uses) + 1
        assert (await went_straight(town, kind)).status == 200

    told(tmp_path, kind, story)


@BOTH
def test_a_gateway_that_stops_ends_what_it_has_taken(tmp_path: Path, kind: str) -> None:
    async def story(town: Town, kind: str) -> None:
        came, go = waits(town)
        asked = asyncio.create_task(went_straight(town, kind))
        await came.wait()
        stopping = [asyncio.create_task(keeper.gateway.stop(30.0)) for keeper in (town.road.a, town.road.b)]
        await asyncio.sleep(0)
        go.set()
        reply = await asked
        assert (reply.status, reply.fields["connection"]) == (200, "close")
        await asyncio.gather(*stopping)

    told(tmp_path, kind, story)


@BOTH
@pytest.mark.parametrize("grace_s", [0.0, 0.01])
def test_a_gateway_that_waited_long_enough_forsakes_the_rest(tmp_path: Path, kind: str, grace_s: float) -> None:
    async def story(town: Town, kind: str) -> None:
        came, _ = waits(town)
        asked = asyncio.create_task(town.ask(kind))
        await came.wait()
        for keeper in (town.road.a, town.road.b):
            await keeper.gateway.stop(grace_s)
        with pytest.raises(ConnectionError):
            await asked
        left = [one.get_coro().__qualname__ for one in asyncio.all_tasks()]  # type: ignore[union-attr]  # coroutines
        assert not [name for name in left if name.startswith(("Connection.", "Behind.", "GateProvider."))]

    told(tmp_path, kind, story)


def waits(town: Town) -> tuple[asyncio.Event, asyncio.Event]:
    """Operation and service say that they were asked, and answer when they may."""
    came, go = asyncio.Event(), asyncio.Event()

    async def operation() -> Card:
        came.set()
        await go.wait()
        return Card("late", True)

    async def service(seen: Seen) -> bytes:
        came.set()
        await go.wait()
        return said(b"late", [("Content-Type", "application/json")])

    town.act[0], town.road.service.script = operation, service
    return came, go


assert SENT["X-Road-Client"] == CONSUMER
