"""A round from its maker to the counter, through the gate."""

from __future__ import annotations

import msgspec
import pytest
from tests.service.rationing.preorder.world import (
    CLOSES,
    DAY,
    HOUR,
    OFFICE,
    OPENS,
    OTHER_STORE,
    PRICE,
    STORE,
    Play,
    World,
    a_number,
    a_round,
)

from banyan.errors import Conflict, Denied, Invalid, NotFound
from banyan.kernel.identity.caller import ANONYMOUS, Caller
from banyan.limits_rationing import PREORDER_KEEP_S
from banyan.service.rationing.draw import desk as draws
from banyan.service.rationing.engine.keeping import engine_of
from banyan.service.rationing.engine.model import Buy, Deliver, Receipt, Refusal
from banyan.service.rationing.preorder import records

ROUND = "w37-adult"
CENTRE = "health_centre"
"""It is open on Sundays."""


async def counted(world: World, round: str = ROUND) -> dict[str, int]:
    return (await world.figures(round)).states


def test_a_round_from_registration_to_pickup(play: Play) -> None:
    async def story(world: World) -> None:
        await world.publish()
        await world.register(*range(4))
        await world.draw()
        assert (await world.mine(0)).state == "won"
        assert (await world.pool()).reserved == 36
        await world.pay(0)
        mine = await world.mine(0)
        assert (mine.state, mine.paid, len(mine.pickup_code)) == ("paid", PRICE, 8)
        world.now[0] += 4 * DAY
        await world.turn()
        asked = {"code": mine.pickup_code, "person": a_number(0), "outlet": "TW/COM/STORE/0412"}
        first = await world.call("collect", STORE, **asked)
        again = await world.call("collect", STORE, **asked)
        assert (first.outcome, first.quantity, again.outcome) == ("handed_out", 9, "already")
        stock = await world.pool()
        assert (stock.sold, stock.reserved) == (9, 0)  # the three others lapsed
        assert await counted(world) == {"collected": 1, "lapsed": 3}
        await world.conserved()

    play(story)


# Registration


def test_registering_again_counts_once(play: Play) -> None:
    async def story(world: World) -> None:
        await world.publish()
        first = await world.call("preorder", world.citizen(1), round=ROUND, born="1980-05-01")
        again = await world.call("preorder", world.citizen(1), round=ROUND, born="1980-05-01")
        assert (first.is_new, again.is_new) == (True, False)
        assert first.order.number == again.order.number
        assert await counted(world) == {"registered": 1}

    play(story)


def test_a_parent_registers_herself_and_her_child(play: Play) -> None:
    async def story(world: World) -> None:
        await world.publish(by_household=True, capacity=2)
        await world.register(1)
        mother, child = world.citizen(1), world.citizen(2)
        for_child = msgspec.structs.replace(mother, kind="representative", subject=child.subject, relation="child")
        made = await world.call("preorder", for_child, round=ROUND, born="2015-05-01")
        assert made.is_new
        own = await world.call("preorder", child, round=ROUND)
        assert not own.is_new
        assert (await world.order(1)).grp == (await world.order(2)).grp
        await world.register(3)
        assert (await world.order(3)).grp != (await world.order(1)).grp

    play(story)


def test_nobody_registers_for_whom_they_do_not_act(play: Play) -> None:
    async def story(world: World) -> None:
        await world.publish()
        for caller in (ANONYMOUS, OFFICE, STORE, Caller("representative", "r-1", assurance="aal2")):
            with pytest.raises(Denied):
                await world.call("preorder", caller, round=ROUND, born="1980-05-01")

    play(story)


@pytest.mark.parametrize(
    ("item", "born", "code"),
    [
        ("mask-child", "1980-05-01", ""),
        ("mask-mail", "1980-05-01", "not_this_channel"),
        ("soap", "1980-05-01", "unknown_rule"),
    ],
)
def test_what_waiting_would_not_change_is_said_at_once(play: Play, item: str, born: str, code: str) -> None:
    async def story(world: World) -> None:
        await world.publish(item=item)
        made = await world.call("preorder", world.citizen(1), round=ROUND, born=born)
        if code:
            assert (made.order, made.refusal.code) == (None, code)
        else:
            assert made.refusal is None
        assert await counted(world) == ({} if code else {"registered": 1})

    play(story)


@pytest.mark.parametrize(("at", "kind"), [(OPENS - 1, "not-open"), (CLOSES, "not-open"), (CLOSES + DAY, "not-open")])
def test_registration_has_its_window(play: Play, at: float, kind: str) -> None:
    async def story(world: World) -> None:
        await world.publish()
        world.now[0] = at
        with pytest.raises(Conflict) as caught:
            await world.register(1)
        assert caught.value.kind == kind

    play(story)


@pytest.mark.parametrize("born", ["", "1980-02-30", "2999-01-01"])
def test_a_birth_date_is_needed(play: Play, born: str) -> None:
    async def story(world: World) -> None:
        await world.publish()
        with pytest.raises(Invalid) as caught:
            await world.register(1, born=born)
        assert caught.value.fields[0].field == "born"

    play(story)


def test_who_withdraws_can_come_back_while_it_is_open(play: Play) -> None:
    async def story(world: World) -> None:
        await world.publish()
        await world.register(1)
        after = await world.call("withdraw_preorder", world.citizen(1), round=ROUND)
        assert after.state == "withdrawn"
        await world.call("withdraw_preorder", world.citizen(1), round=ROUND)
        await world.register(1)
        assert (await world.order(1)).state == "registered"
        assert await counted(world) == {"registered": 1}

    play(story)


# The draw and the reserve list


def test_more_people_than_places_are_drawn_for_anybody_to_check(play: Play) -> None:
    async def story(world: World) -> None:
        await world.publish(capacity=10)
        await world.register(*range(25))
        world.now[0] = CLOSES + 1
        await world.turn()
        assert {one.state for one in await world.orders()} == {"registered"}
        with pytest.raises(Conflict) as caught:
            await world.call("withdraw_preorder", world.citizen(0), round=ROUND)
        assert caught.value.kind == "drawing"
        await world.draw()
        assert await counted(world) == {"won": 10, "waiting": 15}
        drawn = await draws.drawn(world.context, ROUND)
        by_ticket = {await ticket_of(world, one): one for one in await world.orders()}
        order = [by_ticket[bytes(entry)] for entry in drawn.entries]
        assert [one.place for one in order] == list(range(25))
        assert [one.state for one in order] == ["won"] * 10 + ["waiting"] * 15
        assert (await world.pool()).available == 0
        waiting = sorted((one for one in order if one.state == "waiting"), key=lambda one: one.place)
        numbers = {(await world.order(n)).id: n for n in range(25)}
        number = numbers[waiting[3].id]
        assert (await world.mine(number)).ahead == 3

    play(story)


async def ticket_of(world: World, order: records.Order) -> bytes:
    row = await world.drawer.sql.read(lambda tx: tx.row(records.SQL["ticket_of"], id=order.id))
    assert row is not None
    assert isinstance(row[0], bytes)
    return row[0]


def test_lapsed_places_go_to_the_reserve_in_the_draws_order(play: Play) -> None:
    async def story(world: World) -> None:
        await world.publish(capacity=10)
        await world.register(*range(25))
        await world.draw()
        orders = sorted(await world.orders(), key=lambda one: one.place)
        numbers = {(await world.order(n)).id: n for n in range(25)}
        for one in orders[:4]:
            await world.pay(numbers[one.id])
        world.now[0] = CLOSES + 2 * DAY + 1
        await world.turn()
        assert await counted(world) == {"paid": 4, "lapsed": 6, "won": 6, "waiting": 9}
        moved = [await world.order(numbers[one.id]) for one in orders[10:16]]
        assert {one.state for one in moved} == {"won"}
        assert {one.pay_by for one in moved} == {world.now[0] + DAY}  # a window of their own
        assert (await world.mine(numbers[moved[0].id])).messages[0].kind == "moved_up"
        for one in moved[:2]:
            await world.pay(numbers[one.id])
        world.now[0] += DAY + 1
        await world.turn()
        assert await counted(world) == {"paid": 6, "lapsed": 10, "won": 4, "waiting": 5}
        world.now[0] += DAY + 1  # of these nobody pays; who is left would have no whole day any more
        await world.turn()
        assert await counted(world) == {"paid": 6, "lapsed": 14, "lost": 5}
        assert (await world.pool()).reserved == 54
        await world.conserved()

    play(story)


def test_a_household_wins_whole_and_moves_up_whole(play: Play) -> None:
    async def story(world: World) -> None:
        await world.publish(capacity=5, by_household=True)
        for first in range(0, 12, 3):
            parent = world.citizen(first)
            await world.register(first)
            for child in (first + 1, first + 2):
                acting = msgspec.structs.replace(parent, kind="representative", subject=world.citizen(child).subject)
                await world.call("preorder", acting, round=ROUND, born="2015-05-01")
        await world.draw()
        states = [tuple([(await world.order(n)).state for n in range(first, first + 3)]) for first in range(0, 12, 3)]
        assert sorted(states) == [("waiting",) * 3] * 3 + [("won",) * 3]  # two of five places fit nobody
        winner = 3 * states.index(("won",) * 3)
        await world.call("withdraw_preorder", world.citizen(winner), round=ROUND)
        await world.turn()
        after = await counted(world)
        assert after == {"withdrawn": 1, "won": 5, "waiting": 6}  # three places: the next household fits

    play(story)


def test_who_bought_at_the_counter_meanwhile_cannot_have_it_twice(play: Play) -> None:
    """Preorder and counter share one quota; the place goes to the next."""

    async def story(world: World) -> None:
        await world.publish(capacity=2)
        await world.register(1, 2, 3)
        engine = engine_of(world.drawer)
        await engine.do(Deliver(key=b"d" * 16, outlet="5901", item="mask-adult", qty=100))
        for number in (1, 2):
            buyer = (await world.order(number)).buyer
            buy = Buy(key=bytes([number]) * 16, buyer=buyer, item="mask-adult", qty=9, outlet="5901", channel=CENTRE)
            sold = await engine.do(buy)
            assert isinstance(sold, Receipt)
        await world.draw()
        assert await counted(world) == {"refused": 2, "won": 1}
        assert (await world.mine(1)).messages[0].text["en"].endswith("your ration of these days is used up.")
        pledged = (await world.order(3)).buyer
        buy = Buy(key=b"x" * 16, buyer=pledged, item="mask-adult", qty=1, outlet="5901", channel=CENTRE)
        refused = await engine.do(buy)
        assert isinstance(refused, Refusal)
        assert refused.code == "quota_reached"

    play(story)


def test_who_lapses_may_buy_at_the_counter_again(play: Play) -> None:
    async def story(world: World) -> None:
        await world.publish()
        await world.register(1)
        await world.draw()
        world.now[0] = CLOSES + 2 * DAY + 1
        await world.turn()
        engine = engine_of(world.drawer)
        await engine.do(Deliver(key=b"d" * 16, outlet="5901", item="mask-adult", qty=100))
        buyer = (await world.order(1)).buyer
        buy = Buy(key=b"b" * 16, buyer=buyer, item="mask-adult", qty=9, outlet="5901", channel=CENTRE)
        assert isinstance(await engine.do(buy), Receipt)

    play(story)


def test_a_draw_that_was_not_closed_in_time_is_drawn_anew(play: Play) -> None:
    """The node was down when registration ended."""

    async def story(world: World) -> None:
        await world.publish(capacity=2)
        await world.register(1, 2, 3)
        world.now[0] = CLOSES + DAY
        await world.turn()
        listed = {one.draw: one.state for one in await world.call("draws", ANONYMOUS)}
        assert listed[ROUND] == "void"
        assert listed[f"{ROUND}-2"] == "closed"
        assert await counted(world) == {"registered": 3}

    play(story)


# Reminders


def test_before_an_end_people_are_reminded_safely(play: Play) -> None:
    async def story(world: World) -> None:
        await world.publish()
        await world.register(1, 2)
        await world.draw()
        await world.pay(2)
        for at in (CLOSES + DAY, CLOSES + DAY + HOUR, CLOSES + 2 * DAY - 3 * HOUR, CLOSES + 2 * DAY - HOUR):
            world.now[0] = at
            await world.turn()
        mine = await world.mine(1)
        reminders = [one for one in mine.messages if one.kind == "remind"]
        assert len(reminders) == 2
        assert not [one for one in (await world.mine(2)).messages if one.kind == "remind"]
        for one in mine.messages:
            for lang in ("zh-Hant", "en"):
                assert mine.check_word in one.text[lang]
                assert "http" not in one.text[lang]
                assert "{" not in one.text[lang]

    play(story)


def test_reminders_that_were_missed_come_once(play: Play) -> None:
    async def story(world: World) -> None:
        await world.publish()
        await world.register(1)
        await world.draw()
        world.now[0] = CLOSES + 2 * DAY - HOUR
        await world.turn()
        kinds = [one.kind for one in (await world.mine(1)).messages]
        assert kinds.count("remind") == 1

    play(story)


# Pickup


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"person": a_number(2)}, NotFound),
        ({"code": "00000000"}, NotFound),
        ({"outlet": "TW/COM/OTHER/1"}, Denied),
        ({"person": "A123456780"}, Invalid),
    ],
)
def test_a_code_opens_one_persons_order_at_the_rounds_stores(
    play: Play, change: dict[str, str], error: type[Exception]
) -> None:
    async def story(world: World) -> None:
        await world.publish()
        await world.register(1)
        await world.draw()
        await world.pay(1)
        world.now[0] = CLOSES + 4 * DAY
        good = {"code": (await world.mine(1)).pickup_code, "person": a_number(1), "outlet": "TW/COM/STORE/7"}
        with pytest.raises(error):
            await world.call("collect", STORE, **(good | change))
        with pytest.raises(Denied):
            await world.call("collect", OTHER_STORE, **good)
        assert (await world.call("collect", STORE, **good)).outcome == "handed_out"

    play(story)


def test_a_code_is_read_as_it_is_written(play: Play) -> None:
    async def story(world: World) -> None:
        await world.publish()
        await world.register(1)
        await world.draw()
        await world.pay(1)
        world.now[0] = CLOSES + 4 * DAY
        code = (await world.mine(1)).pickup_code.lower().replace("0", "o").replace("1", "l")
        said = await world.call(
            "collect", STORE, code=f"{code[:4]}-{code[4:]}", person=f" {a_number(1).lower()} ", outlet="TW/COM/STORE"
        )
        assert said.outcome == "handed_out"

    play(story)


def test_nothing_is_handed_out_unpaid_early_or_late(play: Play) -> None:
    async def story(world: World) -> None:
        await world.publish()
        await world.register(1, 2)
        await world.draw()
        unpaid = (await world.order(2)).code
        asked = {"person": a_number(2), "outlet": "TW/COM/STORE"}
        assert (await world.call("collect", STORE, code=unpaid, **asked)).outcome == "not_paid"
        assert (await world.mine(2)).pickup_code == ""
        await world.pay(1)
        code, asked = (await world.mine(1)).pickup_code, {"person": a_number(1), "outlet": "TW/COM/STORE"}
        assert (await world.call("collect", STORE, code=code, **asked)).outcome == "not_yet"
        world.now[0] = CLOSES + 11 * DAY
        assert (await world.call("collect", STORE, code=code, **asked)).outcome == "over"
        await world.turn()
        assert (await world.call("collect", STORE, code=code, **asked)).outcome == "over"

    play(story)


@pytest.mark.parametrize(("forfeit", "quota_left"), [("stock", 0), ("stock_and_quota", 9)])
def test_what_nobody_collects_comes_back_as_the_round_says(play: Play, forfeit: str, quota_left: int) -> None:
    async def story(world: World) -> None:
        await world.publish(forfeit=forfeit)
        await world.register(1)
        await world.draw()
        await world.pay(1)
        world.now[0] = CLOSES + 11 * DAY
        await world.turn()
        assert (await world.mine(1)).state == "forfeited"
        stock = await world.pool()
        assert (stock.sold, stock.reserved, stock.available) == (0, 0, 0)
        assert stock.corrected == -stock.delivered  # all of it went back to where it came from
        buyer = (await world.order(1)).buyer
        entitled = await engine_of(world.drawer).entitlement(buyer, "mask-adult")
        assert entitled.may_buy == quota_left
        figures = await world.figures()
        assert figures.kept == PRICE
        assert (await world.call("round", ANONYMOUS, round=ROUND)).phase == "over"

    play(story)


def test_ordering_again_at_pickup_is_one_step(play: Play) -> None:
    async def story(world: World) -> None:
        await world.publish(renews="w38-adult")
        later = {
            "id": "w38-adult", "opens": CLOSES + 3 * DAY, "closes": CLOSES + 9 * DAY, "pay_until": CLOSES + 12 * DAY,
            "reserve_until": CLOSES + 13 * DAY, "pickup_from": CLOSES + 14 * DAY, "pickup_until": CLOSES + 20 * DAY,
        }  # fmt: skip
        made = await world.call("make_round", **a_round(**later))
        await world.call("act_on_round", round=made.id, do="publish")
        await world.register(1)
        await world.draw()
        await world.pay(1)
        world.now[0] = CLOSES + 4 * DAY
        asked = {"code": (await world.mine(1)).pickup_code, "person": a_number(1), "outlet": "TW/COM/STORE"}
        said = await world.call("collect", STORE, **asked, renew=True)
        assert (said.outcome, said.renewed.round, said.renewed.state) == ("handed_out", "w38-adult", "registered")
        again = await world.call("collect", STORE, **asked, renew=True)
        assert (again.outcome, again.renewed.state) == ("already", "registered")
        assert (await counted(world, "w38-adult")) == {"registered": 1}

    play(story)


# As people come (3.0)


async def at_once(world: World, **changed: object) -> None:
    await world.publish(mode="at_once", reserve_pay_s=int(2 * HOUR), **changed)


def test_places_go_as_people_come(play: Play) -> None:
    async def story(world: World) -> None:
        await at_once(world, capacity=2)
        await world.register(1, 2, 3)
        assert [(await world.order(n)).state for n in (1, 2, 3)] == ["won", "won", "waiting"]
        await world.pay(1)
        world.now[0] += 2 * HOUR + 1
        await world.turn()
        assert [(await world.order(n)).state for n in (1, 2, 3)] == ["paid", "lapsed", "won"]
        await world.register(4)
        assert (await world.mine(4)).ahead == 0

    play(story)


# By the agency


def test_a_cancelled_round_sends_everything_back(play: Play) -> None:
    async def story(world: World) -> None:
        await world.publish(capacity=2)
        await world.register(*range(5))
        await world.draw()
        winners = [n for n in range(5) if (await world.order(n)).state == "won"]
        await world.pay(winners[0])
        await world.pay(winners[1], amount=20)
        await world.call("act_on_round", round=ROUND, do="cancel")
        await world.turn()
        assert await counted(world) == {"cancelled": 5}
        figures = await world.figures()
        assert (figures.kept, figures.held, figures.back) == (0, 0, {"round_cancelled": PRICE + 20})
        assert figures.back_done == PRICE + 20
        stock = await world.pool()
        assert (stock.available, stock.reserved) == (0, 0)
        await world.conserved()

    play(story)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"closes": OPENS}, "closes"),
        ({"pay_until": CLOSES}, "pay_until"),
        ({"pickup_from": CLOSES + DAY}, "pickup_from"),
        ({"pickup_until": CLOSES + 4 * DAY}, "pickup_until"),
        ({"reserve_until": CLOSES + DAY}, "reserve_until"),
        ({"price": 0, "fee": 0}, "price"),
        ({"renews": ROUND}, "renews"),
        ({"reminders_s": [60, 60]}, "reminders_s"),
    ],
)
def test_a_round_that_does_not_hold_together_is_not_made(play: Play, change: dict[str, object], field: str) -> None:
    async def story(world: World) -> None:
        with pytest.raises(Invalid) as caught:
            await world.call("make_round", **a_round(**change))
        assert field in {one.field for one in caught.value.fields}

    play(story)


def test_a_draft_can_be_changed_and_a_published_round_cannot(play: Play) -> None:
    async def story(world: World) -> None:
        await world.call("make_round", **a_round())
        await world.call("make_round", **a_round(price=90))
        assert [one.price for one in await world.call("drafts")] == [90]
        assert await world.call("rounds", ANONYMOUS) == ()
        with pytest.raises(NotFound):
            await world.call("round", ANONYMOUS, round=ROUND)
        await world.call("act_on_round", round=ROUND, do="publish")
        with pytest.raises(Conflict):
            await world.call("make_round", **a_round(price=45))
        assert [one.price for one in await world.call("rounds", ANONYMOUS)] == [90]
        with pytest.raises(Denied):
            await world.call("make_round", STORE, **a_round(id="another"))

    play(story)


def test_after_its_time_a_round_keeps_figures_and_nobody(play: Play) -> None:
    async def story(world: World) -> None:
        await world.publish()
        await world.register(1, 2)
        await world.draw()
        await world.pay(1)
        world.now[0] = CLOSES + 11 * DAY
        await world.turn()
        before = await world.figures()
        world.now[0] += PREORDER_KEEP_S
        await world.turn()
        assert await world.orders() == []
        assert await world.figures() == before
        assert before.states == {"forfeited": 1, "lapsed": 1}
        assert await world.call("my_orders", world.citizen(1)) == ()

    play(story)
