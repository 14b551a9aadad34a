"""The gate: one contract, embedded and behind a peer; refusals that explain; what a context holds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.kernel.exchange.peer import LoopbackPeer, peer_face
from tests.kernel.exchange.road.by_road import ANSWERS, ASKS, ShortRoad
from tests.kernel.exchange.sample import Echo, Echoed, Found, Item, Person, Save, Saved, sample
from tests.make import a_node, live_node

from banyan.errors import Conflict, Invalid, NotFound, Unavailable
from banyan.kernel.catalogue import Context
from banyan.kernel.exchange import Gate, Refused
from banyan.kernel.exchange.road.gated import GateProvider, GateRemote
from banyan.kernel.identity.caller import ANONYMOUS, Caller
from banyan.kernel.ledger import OpenUsage

ADMINISTRATOR = Caller(kind="administrator", id="administrator")
Story = Callable[[Gate], Coroutine[Any, Any, None]]


@asynccontextmanager
async def embedded(folder: Path) -> AsyncIterator[Gate]:
    async with a_node(folder, [sample()]) as node:
        yield node.gate


@asynccontextmanager
async def remote(folder: Path) -> AsyncIterator[Gate]:
    """The same services, run by another process's door on loopback."""
    gate_of: list[Gate] = []
    with live_node(folder / "peer", [peer_face(sample(), gate_of)]) as (url, there):
        gate_of.append(there.gate)
        peer = LoopbackPeer(url)
        async with a_node(folder / "here", [sample()], remotes={"sample": peer}) as node:
            yield node.gate
        peer.close()


@asynccontextmanager
async def by_road(folder: Path) -> AsyncIterator[Gate]:
    """The same services at another node of the same member, as the road's remote and provider speak."""
    async with a_node(folder / "there", [sample()]) as there:
        peer = GateRemote(ShortRoad(GateProvider(there.gate)), client=ASKS, provider=ANSWERS)
        async with a_node(folder / "here", [sample()], remotes={"sample": peer}) as node:
            yield node.gate


@pytest.fixture(params=[embedded, remote, by_road], ids=["embedded", "remote", "by-road"])
def run(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[Story], None]:
    def run_story(story: Story) -> None:
        async def inside() -> None:
            async with request.param(tmp_path) as gate:
                await story(gate)

        asyncio.run(inside())

    return run_story


class TestContract:
    """What any caller may rely on, wherever the service runs."""

    def test_plain_values_are_read_by_the_declared_type(self, run: Callable[[Story], None]) -> None:
        async def story(gate: Gate) -> None:
            typed = await gate.call("sample.echo", Echo(word="hi", times=2), caller=ANONYMOUS)
            assert await gate.call("sample.echo", {"word": "hi", "times": 2}, caller=ANONYMOUS) == typed
            with pytest.raises(Invalid, match="times"):
                await gate.call("sample.echo", {"word": "hi", "times": "two"}, caller=ANONYMOUS)
            with pytest.raises(Invalid, match="wrod"):
                await gate.call("sample.echo", {"word": "hi", "wrod": "hi"}, caller=ANONYMOUS)

        run(story)

    def test_a_read_answers_its_type(self, run: Callable[[Story], None]) -> None:
        async def story(gate: Gate) -> None:
            assert await gate.call("sample.item", Item(id=7), caller=ANONYMOUS) == Found(7, "item 7")
            answer = await gate.call("sample.echo", Echo(word="臺", times=2), caller=ANONYMOUS)
            assert answer == Echoed(["臺", "臺"], "anonymous", "api")

        run(story)

    def test_a_service_reaches_another_through_the_gate(self, run: Callable[[Story], None]) -> None:
        async def story(gate: Gate) -> None:
            answer = await gate.call("sample.twice", Person(name="a"), caller=ANONYMOUS)
            assert answer.words == ["a", "a"]

        run(story)

    def test_the_administrator_writes_and_nobody_else(self, run: Callable[[Story], None]) -> None:
        async def story(gate: Gate) -> None:
            saved = await gate.call("sample.save", Save(name="a"), caller=ADMINISTRATOR)
            assert saved == Saved("a", "administrator")
            with pytest.raises(Refused) as refusal:
                await gate.call("sample.save", Save(name="a"), caller=ANONYMOUS)
            assert refusal.value.decision.missing == ("administrator",)

        run(story)

    def test_anybody_writes_into_a_public_intake(self, run: Callable[[Story], None]) -> None:
        async def story(gate: Gate) -> None:
            assert (await gate.call("sample.ask", Save(name="a"), caller=ANONYMOUS)).by == "anonymous"

        run(story)

    def test_personal_data_is_refused_to_everybody_and_the_refusal_names_what_is_missing(
        self, run: Callable[[Story], None]
    ) -> None:
        async def story(gate: Gate) -> None:
            for caller in (ANONYMOUS, ADMINISTRATOR):
                with pytest.raises(Refused) as refusal:
                    await gate.call("sample.history", Person(name="王小明"), caller=caller)
                decision = refusal.value.decision
                assert decision.missing == ("health", "border")
                assert "法律依據" in decision.explanation["zh-Hant"]
                assert "legal basis" in decision.explanation["en"]
                assert "王小明" not in str(decision)

        run(story)

    @pytest.mark.parametrize(("name", "kind"), [("taken", Conflict), ("wrong", Invalid)], ids=["conflict", "invalid"])
    def test_an_error_of_the_service_is_the_same_error(
        self, run: Callable[[Story], None], name: str, kind: type[Exception]
    ) -> None:
        async def story(gate: Gate) -> None:
            with pytest.raises(kind):
                await gate.call("sample.save", Save(name=name), caller=ADMINISTRATOR)

        run(story)

    def test_what_is_not_there_is_not_found(self, run: Callable[[Story], None]) -> None:
        async def story(gate: Gate) -> None:
            with pytest.raises(NotFound):
                await gate.call("sample.item", Item(id=999), caller=ANONYMOUS)
            with pytest.raises(NotFound):
                await gate.call("sample.nothing", Item(id=1), caller=ANONYMOUS)

        run(story)

    def test_every_call_is_counted_and_touched_without_its_input(self, run: Callable[[Story], None]) -> None:
        async def story(gate: Gate) -> None:
            await gate.call("sample.echo", Echo(word="secret"), caller=ANONYMOUS)
            with pytest.raises(Refused):
                await gate.call("sample.history", Person(name="secret"), caller=ANONYMOUS)
            usage = gate.usage
            assert isinstance(usage, OpenUsage)
            outcomes = {(use.operation, use.basis, use.outcome): number for use, number in usage.counts.items()}
            assert outcomes == {
                ("sample.echo", "open", "answered"): 1,
                ("sample.history", "none", "refused"): 1,
            }
            touches = gate.touchpoints.recent()
            assert [(touch.operation, touch.outcome) for touch in touches] == [
                ("sample.echo", "answered"),
                ("sample.history", "refused"),
            ]
            assert "secret" not in repr(touches) + repr(usage.counts)

        run(story)


def test_a_dead_peer_is_unavailable_and_says_to_try_again(tmp_path: Path) -> None:
    async def story() -> None:
        peer = LoopbackPeer("http://127.0.0.1:9")
        async with a_node(tmp_path, [sample()], remotes={"sample": peer}) as node:
            with pytest.raises(Unavailable) as dead:
                await node.gate.call("sample.item", Item(id=1), caller=ANONYMOUS)
            assert dead.value.remedy
        peer.close()

    asyncio.run(story())


def test_a_context_holds_exactly_six_things() -> None:
    names = tuple(field.name for field in msgspec.structs.fields(Context))
    assert names == ("caller", "now", "db", "call", "emit", "log")
