"""The post against a plain model: messages, crashes, partitions, lost answers, repetitions and time, in any order.

The model is a list of what clients were promised. However the steps fall, in the end each promise is kept once: the
answer is the provider's to this very body, or the message waits for an officer, for a crash hid what became of it.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from tests.kernel.exchange.delivery.test_post import content, status
from tests.kernel.exchange.delivery.town import ODD, STORE, Crash, Town

from banyan.errors import Conflict
from banyan.kernel.exchange.delivery.means import POINTS
from banyan.limits_road import DELIVERY_INLINE_BYTES
from banyan.wire.xroad.codes import Code, Origin
from banyan.wire.xroad.faults import Fault

HANDING = ("received.handing", "received.handed")
"""Between these a crash hides what the provider did."""
OFTEN = (*POINTS, *HANDING * 8)
NAMES = st.sampled_from([f"m{number}" for number in range(12)])
BODIES = st.sampled_from([b"a visit", b"another", b"x" * (DELIVERY_INLINE_BYTES + 1)])


class Post(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.folder = Path(tempfile.mkdtemp(prefix="banyan-post-"))
        self.promised: dict[str, tuple[bytes, bool]] = {}
        self.may_be_aside = False

    def run(self, job: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(job)

    @initialize(point=st.sampled_from(OFTEN), after=st.integers(1, 2), is_odd=st.booleans())
    def open(self, point: str, after: int, is_odd: bool) -> None:
        """Some messages and a crash are in every example; when they meet is left to the other steps."""
        self.town = Town(self.folder)
        self.run(self.town.__aenter__())
        for name in ("m0", "m1"):
            self.send(name, b"a visit", is_odd, False)
        self.arm(point, after)

    @rule(name=NAMES, body=BODIES, is_odd=st.booleans(), is_ordered=st.booleans())
    def send(self, name: str, body: bytes, is_odd: bool, is_ordered: bool) -> None:
        """New, the same again, or another under the same id."""
        known = self.promised.get(name)
        fields = ((b"X-Banyan-Order", b"yes"),) if is_ordered else ()
        try:
            self.run(self.town.accept(name, body, service=ODD if is_odd else STORE, fields=fields))
        except Crash:
            self.run(self.town.restart(self.town.a))
            if known is None:  # the client does not know; it asks again
                self.send(name, body, is_odd, is_ordered)
            return
        except Conflict:
            assert known is not None, "nobody used this id"
            assert known != (body, is_odd), "the same request is never a conflict"
            return
        assert known in (None, (body, is_odd)), "another request under a known id"
        self.promised[name] = (body, is_odd)

    @rule(point=st.sampled_from(OFTEN), after=st.integers(1, 2), seconds=st.sampled_from([0, 30, 600]))
    def crash_at(self, point: str, after: int, seconds: int) -> None:
        """The next time or the one after that the gateway comes by this point, which may be in a moment."""
        self.arm(point, after)
        self.time(seconds)

    def arm(self, point: str, after: int) -> None:
        left = after
        gateway = self.town.b if point.startswith("received") else self.town.a

        def trip(here: str) -> None:
            nonlocal left
            left -= here == point
            if here == point and left == 0:
                self.may_be_aside |= point in HANDING
                raise Crash(point)

        gateway.trip = trip

    @rule(which=st.sampled_from("ab"))
    def restart(self, which: str) -> None:
        self.run(self.town.restart(getattr(self.town, which)))

    @rule(is_parted=st.booleans(), deafness=st.sampled_from([0.0, 0.0, 0.5, 1.0]))
    def weather(self, is_parted: bool, deafness: float) -> None:
        town = self.town
        town.parted = is_parted
        town.deaf = lambda about: town.random.random() < deafness

    @rule(state=st.sampled_from(["well", "away", "busy"]))
    def provider(self, state: str) -> None:
        def away(call: object) -> None:
            raise Fault(Origin.SERVER_PROXY, Code.NETWORK_ERROR, message="It is away.")

        def sometimes(call: object) -> None:
            if self.town.random.random() < 0.5:
                away(call)

        self.town.provider.behave = {"well": lambda call: None, "away": away, "busy": sometimes}[state]

    @rule(seconds=st.sampled_from([0, 1, 30, 600, 3_600]))
    def time(self, seconds: int) -> None:
        self.run(self.town.pass_time(seconds, step=max(1.0, seconds / 4)))

    @precondition(lambda self: bool(self.promised))
    @rule(data=st.data())
    def acknowledge(self, data: st.DataObject) -> None:
        """A client that has its answer; the id is known on, for a day."""
        name = data.draw(st.sampled_from(sorted(self.promised)))
        if self.run(status(self.town.a, name)).state == "answered":
            self.run(self.town.a.get(name, verb="DELETE"))

    @invariant()
    def nobody_is_asked_twice_unawares(self) -> None:
        if hasattr(self, "town"):
            assert max(self.town.provider.unmarked.values(), default=0) <= 1
            assert set(self.run(self.known()).keys()) >= set(self.promised), "a promise that the records do not have"

    async def known(self) -> dict[str, Any]:
        return {name: await status(self.town.a, name) for name in self.promised}

    def teardown(self) -> None:
        try:
            if hasattr(self, "town"):
                self.run(self.end())
        finally:
            self.runner.close()
            shutil.rmtree(self.folder)

    async def end(self) -> None:
        town = self.town
        town.parted, town.deaf = False, lambda about: False
        town.provider.behave = lambda call: None
        try:
            await town.pass_time(600, step=60)  # crashes that are still to come
            town.a.trip = town.b.trip = lambda point: None
            await town.pass_time(4 * 3_600, step=600)
            asides = {message.message_id for message in await town.b.office.desk.aside()}
            assert not asides or self.may_be_aside
            for name, (body, is_odd) in self.promised.items():
                told = await status(town.a, name)
                assert told.state in ("answered", "closed") or (name in asides and is_odd), (name, told)
                if told.state == "answered":
                    got = content(await town.a.get(f"{name}/answer"))
                    assert got.partition(b":")[2] == body
            assert max(town.provider.unmarked.values(), default=0) <= 1
            odd = {name for name, (_, is_odd) in self.promised.items() if is_odd}
            for (_, key), times in town.provider.arrived.items():
                assert times == 1 or key.strip('"') not in odd
        finally:
            await town.__aexit__()


TestPost = Post.TestCase
TestPost.settings = settings(max_examples=25, stateful_step_count=20, deadline=None)
