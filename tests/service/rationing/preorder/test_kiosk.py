"""A store's kiosk (3.0): order, pay, again, in any number of presses; a place is paid for once."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tests.service.rationing.preorder.world import (
    CLOSES,
    DAY,
    HOUR,
    PRICE,
    STORE,
    Play,
    World,
    a_number,
)

from banyan.demo.payments.book import Refused as ProviderRefuses
from banyan.errors import Conflict, Denied, Invalid
from banyan.kernel.catalogue.personal import UNSET, personal_fields
from banyan.kernel.events.clock import EpochS
from banyan.kernel.exchange.gate import Refused
from banyan.kernel.identity.caller import Assisted, Caller
from banyan.kernel.policy import records as policy
from banyan.service.rationing.preorder.collecting import KioskOrder
from banyan.service.rationing.preorder.law import FIELDS, kiosk_basis

ROUND = "w37-adult"
KIOSK = Caller("officer", "k-1", agency="TW/COM/STORE", assurance="aal2")
OTHER = Caller("officer", "k-2", agency="TW/COM/OTHER", assurance="aal2")


async def allowed(world: World, **changed: Any) -> None:
    basis = kiosk_basis(["TW/COM/STORE"], sunset=EpochS(CLOSES + 400 * DAY))
    await world.node.lawful.policy.write(lambda tx: policy.put_basis(tx, basis, EpochS(world.now[0])))
    await world.publish(mode="at_once", reserve_pay_s=int(2 * HOUR), **changed)


async def press(world: World, number: int, caller: Caller = KIOSK, **changed: Any) -> Any:
    asked = {"person": a_number(number), "born": "1980-05-01", "round": ROUND, "outlet": "TW/COM/STORE/88"} | changed
    return await world.call("order_at_kiosk", caller, **asked)


def test_a_press_orders_and_another_finds_the_same_slip(play: Play) -> None:
    async def story(world: World) -> None:
        await allowed(world)
        first = await press(world, 1)
        again = await press(world, 1)
        assert (first.state, first.amount, again.slip) == ("won", PRICE, first.slip)
        assert first.slip
        assert (await world.figures()).states == {"won": 1}
        reference = world.book.by_account(first.slip)
        world.book.pay(reference, PRICE)
        await world.deliver()
        after = await press(world, 1)
        assert (after.state, after.slip, after.amount) == ("paid", "", 0)
        assert (await world.mine(1)).check_word == first.check_word  # it is the same order on her own page

    play(story)


def test_ten_presses_at_once_make_one_order_and_one_charge(play: Play) -> None:
    async def story(world: World) -> None:
        await allowed(world)
        said = await asyncio.gather(*(press(world, 1) for _ in range(10)))
        assert {one.slip for one in said} == {said[0].slip}
        assert (await world.figures()).states == {"won": 1}
        assert len([one for one in world.book.charges.values() if one.state == "open"]) == 1

    play(story)


def test_who_began_a_transfer_pays_at_the_store_and_not_twice(play: Play) -> None:
    async def story(world: World) -> None:
        await allowed(world)
        await world.register(1)
        transfer = await world.ask_to_pay(1, "atm")
        slip = (await press(world, 1)).slip
        with pytest.raises(ProviderRefuses):
            world.book.pay(transfer, PRICE)
        world.book.pay(world.book.by_account(slip), PRICE)
        await world.deliver()
        assert (await world.order(1)).state == "paid"
        await world.conserved()

    play(story)


def test_who_has_transferred_is_told_so_at_the_store(play: Play) -> None:
    async def story(world: World) -> None:
        await allowed(world)
        await world.register(1)
        transfer = await world.ask_to_pay(1, "atm")
        world.book.faults.words_lost = 1
        world.book.pay(transfer, PRICE)
        said = await press(world, 1)
        assert (said.state, said.slip, said.amount) == ("paid", "", 0)
        await world.conserved()

    play(story)


def test_the_last_place_goes_to_one_of_two(play: Play) -> None:
    async def story(world: World) -> None:
        await allowed(world, capacity=1)
        said = await asyncio.gather(*(press(world, number) for number in (1, 2, 3)))
        assert sorted(one.state for one in said) == ["waiting", "waiting", "won"]
        assert (await world.pool()).available == 0

    play(story)


def test_the_rules_answer_at_the_kiosk_too(play: Play) -> None:
    async def story(world: World) -> None:
        await allowed(world, item="mask-mail")
        said = await press(world, 1)
        assert (said.state, said.refusal, said.slip) == ("", "not_this_channel", "")

    play(story)


def test_without_a_basis_a_kiosk_learns_nothing(play: Play) -> None:
    async def story(world: World) -> None:
        await world.publish(mode="at_once")
        with pytest.raises(Refused):
            await press(world, 1)
        assert (await world.figures()).states == {}

    play(story)


@pytest.mark.parametrize(
    ("caller", "changed", "error"),
    [
        (OTHER, {}, Denied),
        (STORE, {}, Denied),
        (KIOSK, {"outlet": "TW/COM/OTHER/1"}, Denied),
        (KIOSK, {"person": "A123456780"}, Invalid),
        (KIOSK, {"born": "1980-13-01"}, Invalid),
    ],
)
def test_a_kiosk_speaks_for_its_store_and_a_card(
    play: Play, caller: Caller, changed: dict[str, str], error: type[Exception]
) -> None:
    async def story(world: World) -> None:
        await allowed(world)
        with pytest.raises(error):
            await press(world, 1, caller, **changed)
        assert (await world.figures()).states == {}

    play(story)


def test_a_kiosk_session_does_what_its_person_may(play: Play) -> None:
    """The node's own kiosk: the same operations, about whoever stands there; the use is in her list."""

    async def story(world: World) -> None:
        await allowed(world)
        beside = Assisted("kiosk", "officer", "TW/GOV/DISTRICT", "visit-1")
        person = Caller(
            "citizen", "c-1", channel="web", assurance="aal1", subject=world.citizen(1).subject, assisted=beside
        )
        made = await world.call("preorder", person, round=ROUND, born="1980-05-01")
        assert (made.order.state, (await world.figures()).channels) == ("won", {"kiosk": 1})
        paid = await world.call("pay_preorder", person, round=ROUND, method="counter")
        assert paid.payment.slip
        assert (await press(world, 1)).slip == paid.payment.slip

    play(story)


def test_after_the_window_nothing_new_is_ordered(play: Play) -> None:
    async def story(world: World) -> None:
        await allowed(world)
        await press(world, 1)
        world.now[0] = CLOSES
        with pytest.raises(Conflict):
            await press(world, 2)
        await world.turn()
        said = await press(world, 1)
        assert (said.state, said.slip) == ("lapsed", "")

    play(story)


def test_every_field_of_the_answer_is_covered_by_the_basis() -> None:
    assert set(personal_fields(KioskOrder)) == set(FIELDS)
    assert all(getattr(KioskOrder("r", "i", 1), name) is UNSET for name in FIELDS)
