"""Synchronous calls with an Idempotency-Key: one act and one answer for a day, whatever is sent again or breaks off."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.kernel.exchange.delivery.test_post import content
from tests.kernel.exchange.delivery.town import CLINIC, ODD, STORE, Crash, Town, a_call, run

from banyan.errors import Conflict, Limit
from banyan.kernel.exchange.delivery.contents import Whole
from banyan.kernel.exchange.delivery.keeping import sweep
from banyan.kernel.exchange.delivery.once import Once
from banyan.kernel.exchange.road.model import Answer
from banyan.limits_road import DELIVERY_BYTES, DELIVERY_REMEMBERED_S
from banyan.wire.xroad.codes import Code, Origin
from banyan.wire.xroad.faults import Fault
from banyan.wire.xroad.headers import last_of

KEY = (b"Idempotency-Key", b'"k1"')


async def ask(town: Town, body: bytes = b"visit", *fields: tuple[bytes, bytes], **options: object) -> Answer:
    """By a new `Once`, as after a restart; what runs at once shares one."""
    once = options.pop("once", None) or Once(town.b.means, town.provider)
    call = a_call("m", *fields, **options)  # type: ignore[arg-type]
    offer = town.b.grants.offers_[call.target.service]
    return await once.ask(offer, call, b"/visits", Whole(body), "")  # type: ignore[attr-defined,no-any-return]


def test_the_same_key_gets_the_same_answer_without_asking_again(tmp_path: Path) -> None:
    async def story() -> None:
        async with Town(tmp_path) as town:
            first = content(await ask(town, b"visit", KEY))
            town.now += DELIVERY_REMEMBERED_S - 1
            await sweep(town.b.means)
            again = await ask(town, b"visit", KEY)
            assert (again.status, content(again)) == (200, first)
            assert (b"content-type", b"text/plain") in again.fields
            assert len(town.provider.order) == 1
            with pytest.raises(Conflict):
                await ask(town, b"another", KEY)
            await ask(town, b"another", KEY, client=CLINIC)
            await ask(town, b"another", KEY, service=ODD)
            town.now += 2
            await sweep(town.b.means)
            await ask(town, b"another", KEY)
            assert len(town.provider.order) == 4

    run(story())


def test_a_new_key_is_refused_before_the_provider_acts_when_no_room_is_left(tmp_path: Path) -> None:
    async def story() -> None:
        async with Town(tmp_path) as town:
            await ask(town, b"visit", KEY)
            town.b.means.contents.size = DELIVERY_BYTES + 1
            with pytest.raises(Limit) as caught:
                await ask(town, b"visit", (b"Idempotency-Key", b'"k2"'))
            assert caught.value.status == 507
            assert len(town.provider.order) == 1
            assert (await ask(town, b"visit", KEY)).status == 200, "what is remembered is answered"

    run(story())


def test_without_a_key_nothing_is_remembered(tmp_path: Path) -> None:
    async def story() -> None:
        async with Town(tmp_path) as town:
            for _ in range(3):
                await ask(town)
            assert len(town.provider.order) == 3

    run(story())


def test_two_at_once_are_one(tmp_path: Path) -> None:
    async def story() -> None:
        async with Town(tmp_path) as town:
            once = Once(town.b.means, town.provider)
            answers = await asyncio.gather(*(ask(town, b"visit", KEY, once=once) for _ in range(5)))
            assert {content(one) for one in answers} == {b"1:visit"}
            assert len(town.provider.order) == 1

    run(story())


def test_what_a_crash_hid_is_asked_again_with_a_mark_or_not_at_all(tmp_path: Path) -> None:
    def crash(call: object) -> None:
        raise Crash

    async def story() -> None:
        async with Town(tmp_path) as town:
            town.provider.behave = crash
            for service in (STORE, ODD):
                with pytest.raises(Crash):
                    await ask(town, b"visit", KEY, service=service)
            town.provider.behave = lambda _: None
            assert content(await ask(town, b"visit", KEY)) == b"1:visit"
            assert last_of(town.provider.seen[-1].fields, b"x-banyan-again") == b"1"
            for _ in range(2):
                with pytest.raises(Conflict, match="Nobody knows"):
                    await ask(town, b"visit", KEY, service=ODD)

    run(story())


@pytest.mark.parametrize(("code", "is_asked_again"), [(Code.NETWORK_ERROR, True), (Code.SERVICE_FAILED, False)])
def test_a_provider_that_was_not_reached_is_asked_by_the_next(tmp_path: Path, code: Code, is_asked_again: bool) -> None:
    def fails(call: object) -> None:
        raise Fault(Origin.SERVER_PROXY, code, message="It failed.")

    async def story() -> None:
        async with Town(tmp_path) as town:
            town.provider.behave = fails
            with pytest.raises(Fault):
                await ask(town, b"visit", KEY, service=ODD)
            town.provider.behave = lambda _: None
            if is_asked_again:
                assert content(await ask(town, b"visit", KEY, service=ODD)) == b"1:visit"
                assert last_of(town.provider.seen[-1].fields, b"x-banyan-again") is None
            else:
                with pytest.raises(Conflict):
                    await ask(town, b"visit", KEY, service=ODD)

    run(story())
