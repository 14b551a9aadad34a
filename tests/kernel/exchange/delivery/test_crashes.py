"""A crash at each named moment, of either gateway: what was accepted is answered, and no provider acts twice."""

from __future__ import annotations

import errno
import os
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from tests.kernel.exchange.delivery.test_post import status
from tests.kernel.exchange.delivery.town import ODD, STORE, Crash, Gateway, Town, run

from banyan.errors import Limit
from banyan.kernel.exchange.delivery.means import POINTS
from banyan.kernel.storage import blobs
from banyan.limits_road import DELIVERY_INLINE_BYTES
from banyan.wire.xroad.identifiers import ServiceId

UNSURE = {"received.handing", "received.handed"}
"""Only between these may the provider have got a message without this gateway's knowing."""


def crashing(point: str, at: int, hits: Counter[str]) -> Callable[[str], None]:
    """Crashes the `at`th time that it comes by `point`."""

    def trip(here: str) -> None:
        hits[here] += 1
        if here == point and hits[here] == at:
            raise Crash(point)

    return trip


async def sent_by_a_client(town: Town, name: str, body: bytes, service: ServiceId) -> None:
    """A client that sends the same again until it is told that it was accepted."""
    while True:
        try:
            await town.accept(name, body, service=service)
        except Crash:
            await town.restart(town.a)
        else:
            return


@pytest.mark.parametrize("service", [STORE, ODD], ids=["knows repeats", "knows none"])
@pytest.mark.parametrize("at", [1, 3])
@pytest.mark.parametrize("point", POINTS)
def test_nothing_accepted_is_lost_and_nothing_is_done_twice(
    tmp_path: Path, point: str, at: int, service: ServiceId
) -> None:
    async def story() -> None:
        async with Town(tmp_path) as town:
            hits: Counter[str] = Counter()
            town.a.trip = town.b.trip = crashing(point, at, hits)
            names = [f"m{number}" for number in range(4)]
            for name in names:
                body = name.encode() * (1 if name != "m2" else DELIVERY_INLINE_BYTES)
                await sent_by_a_client(town, name, body, service)
            await town.pass_time(1_200)
            assert hits[point] >= at, "the moment came"
            asides = {message.message_id for message in await town.b.office.desk.aside()}
            assert point in UNSURE or not asides
            assert service == ODD or not asides
            for name in set(names) - asides:
                assert (await status(town.a, name)).state == "answered"
            done = Counter(name for _, name in town.provider.done)
            assert set(done.values()) <= {1}
            assert max(town.provider.unmarked.values()) <= 1, "a repetition that is not marked as one"
            assert max(town.provider.arrived.values()) <= (2 if service == STORE and point in UNSURE else 1)

    run(story())


@pytest.mark.parametrize("service", [STORE, ODD], ids=["knows repeats", "knows none"])
def test_an_answer_that_finds_no_room_is_kept_until_there_is(tmp_path: Path, service: ServiceId) -> None:
    """The disk fills up while the provider works: nobody asks it again for want of a place for its answer."""

    async def story() -> None:
        async with Town(tmp_path) as town:
            real = town.b.store.write

            async def refused(job: object) -> object:
                raise Limit("The disk is full: nothing was saved.", status=507, kind="storage-full")

            def fill(point: str) -> None:
                if point == "received.handed":
                    town.b.store.write = refused  # type: ignore[method-assign,assignment]

            town.b.trip = fill
            for name in ("m1", "m2"):
                await town.accept(name, service=service)
            for _ in range(5):
                with suppress(Limit):
                    await town.turn()
                town.now += 100
            assert (await status(town.a)).state == "accepted"
            town.b.trip = lambda point: None
            town.b.store.write = real  # type: ignore[method-assign]
            await town.pass_time(600)
            assert (await status(town.a, "m1")).state == (await status(town.a, "m2")).state == "answered"
            assert set(town.provider.arrived.values()) == {1}

    run(story())


@pytest.mark.parametrize("which", ["a", "b"])
@pytest.mark.parametrize("size", [5, DELIVERY_INLINE_BYTES + 1], ids=["row", "file"])
def test_a_full_disk_refuses_and_goes_on_when_there_is_room(
    tmp_path: Path, which: str, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk is full for files (ENOSPC at the write) or for rows (what the store says then)."""

    async def story() -> None:
        async with Town(tmp_path) as town:
            gateway: Gateway = getattr(town, which)
            real_write, real_store = os.write, gateway.store.write

            def full(descriptor: int, content: bytes) -> int:
                if gateway.folder in Path(os.readlink(f"/proc/self/fd/{descriptor}")).parents:
                    raise OSError(errno.ENOSPC, "full")
                return real_write(descriptor, content)

            async def refused(job: object) -> object:
                raise Limit("The disk is full: nothing was saved.", status=507, kind="storage-full")

            def fill() -> None:
                monkeypatch.setattr(blobs.os, "write", full)
                gateway.store.write = refused  # type: ignore[method-assign,assignment]

            def free() -> None:
                monkeypatch.setattr(blobs.os, "write", real_write)
                gateway.store.write = real_store  # type: ignore[method-assign]

            body = b"x" * size
            if which == "a":
                fill()
                with pytest.raises(Limit) as caught:
                    await town.accept("m1", body)
                assert caught.value.status == 507
                free()
                await town.accept("m1", body)
            else:
                await town.accept("m1", body)
                fill()
                for _ in range(5):
                    await town.turn()
                    town.now += 100
                assert (await status(town.a)).state == "waiting"
                free()
            await town.pass_time(600)
            assert (await status(town.a)).state == "answered"
            assert town.provider.order == ["m1"]

    run(story())
