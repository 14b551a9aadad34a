"""Everything that goes wrong with money, one by one and together: nothing is kept silently, nothing goes back twice."""

from __future__ import annotations

from itertools import product
from random import Random

import msgspec
import pytest
from tests.service.rationing.preorder.world import CLOSES, DAY, HOUR, PRICE, SECRET, Play, World

from banyan.demo.payments.book import Refused
from banyan.errors import Conflict, Unavailable
from banyan.limits_rationing import PREORDER_REFUND_TRIES, PREORDER_SILENT_S, PREORDER_TELL_S
from banyan.service.rationing.preorder import records
from banyan.service.rationing.preorder.payment import Back, signature
from banyan.service.rationing.preorder.records import KeptRefund

PAY_UNTIL = CLOSES + 2 * DAY


async def won(world: World, *numbers: int) -> None:
    await world.publish()
    await world.register(*numbers)
    await world.draw()


async def refunds(world: World, number: int = 0) -> list[KeptRefund]:
    order = await world.order(number)
    return await world.drawer.sql.read(lambda tx: records.refunds_of(tx, order.id))


async def reasons(world: World, number: int = 0) -> list[tuple[str, int, str]]:
    return [(one.reason, one.amount, one.state) for one in await refunds(world, number)]


async def settle(world: World, times: int = 12) -> None:
    """Let words come and refunds be tried until nothing is left to do."""
    for _ in range(times):
        await world.turn()
        await world.deliver()
        world.now[0] += 2 * HOUR
    await world.turn()


# What is paid


@pytest.mark.parametrize("method", ["atm", "card", "counter"])
def test_a_payment_in_time_is_kept(play: Play, method: str) -> None:
    async def story(world: World) -> None:
        await won(world, 0)
        await world.pay(0, method=method)
        order = await world.order(0)
        assert (order.state, order.kept, order.held) == ("paid", PRICE, 0)
        assert await reasons(world) == []
        await world.conserved()

    play(story)


@pytest.mark.parametrize(
    ("amounts", "state", "kept", "back"),
    [
        ((PRICE, PRICE), "paid", PRICE, [("double", PRICE, "done")]),
        ((PRICE, PRICE, PRICE), "paid", PRICE, [("double", PRICE, "done")] * 2),
        ((PRICE + 8,), "paid", PRICE, [("excess", 8, "done")]),
        ((20, 32), "paid", PRICE, []),
        ((20, 40), "paid", PRICE, [("excess", 8, "done")]),
        ((20,), "lapsed", 0, [("partial", 20, "done")]),
        ((20, 20), "lapsed", 0, [("partial", 20, "done")] * 2),
        ((1, PRICE - 2), "lapsed", 0, [("partial", 1, "done"), ("partial", PRICE - 2, "done")]),
    ],
)
def test_every_sum_is_kept_or_goes_back(
    play: Play, amounts: tuple[int, ...], state: str, kept: int, back: list[tuple[str, int, str]]
) -> None:
    async def story(world: World) -> None:
        await won(world, 0)
        reference = await world.ask_to_pay(0)
        for amount in amounts:
            world.book.pay(reference, amount)
            await world.deliver()
            world.now[0] += 1
        world.now[0] = PAY_UNTIL + PREORDER_TELL_S + 1
        await settle(world)
        order = await world.order(0)
        assert (order.state, order.kept, order.held) == (state, kept, 0)
        assert sorted(await reasons(world)) == sorted(back)
        sent = [one.amount for one in world.book.refunds.values() if one.back.state == "done"]
        assert sorted(sent) == sorted(amount for _, amount, _ in back)
        await world.conserved()

    play(story)


@pytest.mark.parametrize("after_s", [1.0, PREORDER_TELL_S / 2, PREORDER_TELL_S + 60, DAY])
def test_paid_after_the_end_goes_back(play: Play, after_s: float) -> None:
    async def story(world: World) -> None:
        await won(world, 0)
        reference = await world.ask_to_pay(0)
        world.now[0] = PAY_UNTIL + after_s
        try:
            world.book.pay(reference, PRICE)  # before the worker has looked
        except Refused:
            pytest.fail("the charge is still open")
        await settle(world)
        assert (await world.order(0)).state == "lapsed"
        assert await reasons(world) == [("late", PRICE, "done")]
        assert (await world.pool()).reserved == 0
        await world.conserved()

    play(story)


def test_a_charge_of_a_lapsed_order_takes_nothing(play: Play) -> None:
    async def story(world: World) -> None:
        await won(world, 0)
        reference = await world.ask_to_pay(0)
        world.now[0] = PAY_UNTIL + PREORDER_TELL_S + 1
        await world.turn()
        with pytest.raises(Refused):
            world.book.pay(reference, PRICE)

    play(story)


def test_paid_in_time_and_told_after_the_end_counts(play: Play) -> None:
    """The bank's word comes late, the money did not."""

    async def story(world: World) -> None:
        await won(world, 0)
        reference = await world.ask_to_pay(0)
        world.now[0] = PAY_UNTIL - 1
        world.book.pay(reference, PRICE)
        world.now[0] = PAY_UNTIL + 60
        await world.turn()
        assert (await world.order(0)).state == "won"
        await world.deliver()
        assert (await world.order(0)).state == "paid"
        await world.conserved()

    play(story)


def test_a_lost_word_is_asked_for_before_an_order_lapses(play: Play) -> None:
    async def story(world: World) -> None:
        await won(world, 0)
        reference = await world.ask_to_pay(0)
        world.book.faults.words_lost = 1
        world.book.pay(reference, PRICE)
        assert await world.deliver() == 0
        world.now[0] = PAY_UNTIL + PREORDER_TELL_S + 1
        await world.turn()
        assert (await world.order(0)).state == "paid"
        await world.conserved()

    play(story)


def test_a_silent_provider_delays_an_end_for_hours_not_for_ever(play: Play) -> None:
    async def story(world: World) -> None:
        await won(world, 0)
        reference = await world.ask_to_pay(0)
        world.book.faults.words_lost = 1
        world.book.pay(reference, PRICE)
        world.book.faults.is_down = True
        world.now[0] = PAY_UNTIL + PREORDER_TELL_S + 1
        await world.turn()
        assert (await world.order(0)).state == "won"
        world.now[0] = PAY_UNTIL + PREORDER_SILENT_S + 1
        await world.turn()
        assert (await world.order(0)).state == "lapsed"
        world.book.faults.is_down = False
        await settle(world)  # its charge is ended, and what it took is heard then
        assert await reasons(world) == [("late", PRICE, "done")]
        await world.conserved()

    play(story)


# Asking to pay


def test_asked_again_it_is_the_same_charge(play: Play) -> None:
    async def story(world: World) -> None:
        await won(world, 0)
        first = await world.call("pay_preorder", world.citizen(0), round="w37-adult", method="atm")
        again = await world.call("pay_preorder", world.citizen(0), round="w37-adult", method="atm")
        assert first.payment == again.payment
        assert first.payment.account
        assert len(world.book.charges) == 1

    play(story)


def test_an_answer_that_is_lost_makes_no_second_charge(play: Play) -> None:
    async def story(world: World) -> None:
        await won(world, 0)
        world.book.faults.answers_lost = 1
        with pytest.raises(Unavailable):
            await world.ask_to_pay(0)
        await world.ask_to_pay(0)
        assert len(world.book.charges) == 1

    play(story)


def test_another_way_to_pay_ends_the_one_before(play: Play) -> None:
    async def story(world: World) -> None:
        await won(world, 0)
        first = await world.ask_to_pay(0, "atm")
        second = await world.ask_to_pay(0, "card")
        with pytest.raises(Refused):
            world.book.pay(first, PRICE)
        assert world.book.pay_by_card(second)
        await world.deliver()
        assert (await world.order(0)).state == "paid"
        await world.conserved()

    play(story)


def test_who_has_paid_is_not_charged_another_way(play: Play) -> None:
    """The word of a transfer is lost, and its person goes to a store to pay."""

    async def story(world: World) -> None:
        await won(world, 0)
        first = await world.ask_to_pay(0, "atm")
        world.book.faults.words_lost = 1
        world.book.pay(first, PRICE)
        with pytest.raises(Conflict) as caught:
            await world.ask_to_pay(0, "counter")
        assert caught.value.kind == "already-paid"
        assert (await world.order(0)).state == "paid"
        assert len(world.book.charges) == 1
        with pytest.raises(Conflict):
            await world.ask_to_pay(0, "atm")

    play(story)


def test_a_part_payment_makes_the_next_charge_smaller(play: Play) -> None:
    async def story(world: World) -> None:
        await won(world, 0)
        await world.pay(0, amount=20)
        mine = await world.call("pay_preorder", world.citizen(0), round="w37-adult", method="card")
        assert (mine.payment.amount, mine.part_paid) == (PRICE - 20, 20)

    play(story)


def test_a_declined_card_can_be_tried_again(play: Play) -> None:
    async def story(world: World) -> None:
        await won(world, 0)
        first = await world.ask_to_pay(0, "card")
        world.book.faults.cards_refused = 1
        assert not world.book.pay_by_card(first)
        await world.deliver()
        assert (await world.mine(0)).messages[0].kind == "payment_failed"
        second = await world.ask_to_pay(0, "card")
        assert second != first
        world.book.pay_by_card(second)
        await world.deliver()
        assert (await world.order(0)).state == "paid"
        await world.conserved()

    play(story)


# Words


@pytest.mark.parametrize(("copies", "newest_first"), list(product((1, 2, 5), (False, True))))
def test_words_count_once_in_any_order(play: Play, copies: int, *, newest_first: bool) -> None:
    async def story(world: World) -> None:
        await won(world, 0)
        world.book.faults.word_copies = copies
        world.book.faults.newest_first = newest_first
        reference = await world.ask_to_pay(0)
        world.book.pay(reference, 20, at=world.now[0])
        world.book.pay(reference, 32, at=world.now[0] + 1)
        world.book.pay(reference, PRICE, at=world.now[0] + 2)
        await world.deliver()
        await settle(world)
        order = await world.order(0)
        assert (order.state, order.kept, order.held) == ("paid", PRICE, 0)
        assert sum(one.amount for one in await refunds(world)) == PRICE
        await world.conserved()

    play(story)


def test_a_word_may_come_before_the_answer(play: Play) -> None:
    """The card's page is quicker than the answer to the request that made it."""

    async def story(world: World) -> None:
        await won(world, 0)
        seen: list[int] = []

        async def early(method: str, path: str, body: bytes) -> tuple[int, bytes]:
            answer = await world.send(method, path, body)
            if path == "/v1/charges":
                world.book.pay(msgspec.json.decode(body)["reference"], PRICE)
                seen.append(await world.deliver())
            return answer

        world.provide(early)
        await world.call("pay_preorder", world.citizen(0), round="w37-adult", method="card")
        assert seen == [1]
        order = await world.order(0)
        assert (order.state, order.kept) == ("paid", PRICE)
        charges = await world.drawer.sql.read(lambda tx: records.charges_of(tx, order.id))
        assert [one.state for one in charges] == ["paid"]  # the answer did not open it again

    play(story)


@pytest.mark.parametrize("spoil", ["secret", "body", "old", "future", "none", "garbage"])
def test_a_word_that_is_not_the_providers_changes_nothing(play: Play, spoil: str) -> None:
    async def story(world: World) -> None:
        await won(world, 0)
        reference = await world.ask_to_pay(0)
        word = world.book.pay(reference, PRICE)
        body, now = msgspec.json.encode(word), int(world.now[0])
        header = signature(SECRET, body, now)
        if spoil == "secret":
            header = signature(b"another's", body, now)
        elif spoil == "body":
            body = body.replace(b"52", b"99")
        elif spoil in ("old", "future"):
            header = signature(SECRET, body, now + (301 if spoil == "future" else -301))
        elif spoil == "none":
            header = ""
        else:
            header = "t=1,t=2,v1=\u00e9"
        reply = await world.client.request(
            "POST", "/preorder/payments", headers={"payment-signature": header}, body=body
        )
        assert reply.status == 403
        assert (await world.order(0)).state == "won"

    play(story)


@pytest.mark.parametrize("body", [b"", b"{}", b"[" * 3_000, b"\xff", b'{"id":"e","type":"payment.received"}'])
def test_a_word_that_cannot_be_read_is_refused(play: Play, body: bytes) -> None:
    async def story(world: World) -> None:
        header = signature(SECRET, body, int(world.now[0]))
        reply = await world.client.request(
            "POST", "/preorder/payments", headers={"payment-signature": header}, body=body
        )
        assert reply.status == 422

    play(story)


def test_a_word_about_an_unknown_charge_is_sent_again(play: Play) -> None:
    async def story(world: World) -> None:
        body = b'{"id":"e","type":"payment.received","reference":"%s","amount":5,"at":1}' % (b"0" * 32)
        header = signature(SECRET, body, int(world.now[0]))
        reply = await world.client.request(
            "POST", "/preorder/payments", headers={"payment-signature": header}, body=body
        )
        assert reply.status == 404

    play(story)


def test_two_secrets_are_good_while_one_is_changed(play: Play) -> None:
    async def story(world: World) -> None:
        await won(world, 0)
        reference = await world.ask_to_pay(0)
        body, now = msgspec.json.encode(world.book.pay(reference, PRICE)), int(world.now[0])
        old = signature(b"the one before", body, now)
        header = f"{old},{signature(SECRET, body, now).partition(',')[2]}"
        reply = await world.client.request(
            "POST", "/preorder/payments", headers={"payment-signature": header}, body=body
        )
        assert (reply.status, reply.json) == (200, {"is_new": True})

    play(story)


# Refunds


@pytest.mark.parametrize(("refused", "pends"), list(product((0, 1, PREORDER_REFUND_TRIES - 1, 20), (False, True))))
def test_a_refund_that_fails_is_tried_again_and_then_given_to_a_person(
    play: Play, refused: int, *, pends: bool
) -> None:
    async def story(world: World) -> None:
        await won(world, 0)
        world.book.faults.refunds_refused = refused
        world.book.faults.refunds_pend = pends
        reference = await world.pay(0)
        world.book.pay(reference, PRICE)
        await world.deliver()
        await settle(world, times=40)
        state = "done" if refused < PREORDER_REFUND_TRIES else "manual"
        assert await reasons(world) == [("double", PRICE, state)]
        done = [one for one in world.book.refunds.values() if one.back.state != "failed"]
        if state == "done":
            assert sum(one.amount for one in done) == PRICE or pends
        tries = len(world.book.refunds)
        assert tries == min(refused + 1, PREORDER_REFUND_TRIES)
        assert (await world.mine(0)).messages[0].kind == f"refund_{state}"
        figures = await world.figures()
        assert (figures.back_done, figures.back_manual) == ((PRICE, 0) if state == "done" else (0, PRICE))
        await world.conserved()

    play(story)


def test_a_refund_whose_answer_is_lost_is_not_sent_twice(play: Play) -> None:
    async def story(world: World) -> None:
        await won(world, 0)
        reference = await world.pay(0)
        world.book.pay(reference, PRICE)
        await world.deliver()
        world.book.faults.answers_lost = 1
        await settle(world)
        assert await reasons(world) == [("double", PRICE, "done")]
        assert len(world.book.refunds) == 1

    play(story)


def test_a_refund_that_comes_back_from_the_bank_is_sent_again(play: Play) -> None:
    """done, and days later failed: the account was closed."""

    async def story(world: World) -> None:
        await won(world, 0)
        reference = await world.pay(0)
        world.book.pay(reference, PRICE)
        await world.deliver()
        await settle(world)
        (refund,) = await refunds(world)
        assert refund.state == "done"
        key = refund.key
        world.book.refunds[key] = msgspec.structs.replace(world.book.refunds[key], back=Back("failed"))
        world.book.tell("refund.failed", reference, PRICE, key=key)
        await settle(world)
        assert await reasons(world) == [("double", PRICE, "done")]
        assert len(world.book.refunds) == 2

    play(story)


def test_paid_twice_and_never_told_is_found_in_the_books(play: Play) -> None:
    async def story(world: World) -> None:
        await won(world, 0)
        reference = await world.pay(0)
        world.book.faults.words_lost = 1
        world.book.pay(reference, PRICE)
        await settle(world)
        assert await reasons(world) == []
        world.now[0] = CLOSES + 4 * DAY
        await settle(world)
        assert await reasons(world) == [("double", PRICE, "done")]
        assert (await world.order(0)).state == "paid"

    play(story)


@pytest.mark.parametrize("seed", range(6))
def test_all_faults_at_once(play: Play, seed: int) -> None:
    """Ten people pay, twice, too little, too late, by a provider that loses, repeats and turns round everything: in the
    end every dollar is where it belongs."""

    async def story(world: World) -> None:
        chance = Random(seed)
        await won(world, *range(10))
        faults = world.book.faults
        for number in range(10):
            faults.answers_lost = chance.randrange(2)
            method = chance.choice(("atm", "card", "counter"))
            try:
                reference = await world.ask_to_pay(number, method)
            except Unavailable:
                reference = await world.ask_to_pay(number, method)
            for _ in range(chance.randrange(3)):
                faults.words_lost = chance.randrange(2)
                faults.word_copies = chance.randrange(1, 4)
                faults.newest_first = chance.random() < 0.5
                late = chance.random() < 0.2
                world.book.pay(reference, chance.choice((PRICE, 20, 32, 60)), at=PAY_UNTIL + 5 if late else None)
                if chance.random() < 0.6:
                    await world.deliver()
        faults.refunds_refused = chance.randrange(4)
        faults.refunds_pend = chance.random() < 0.5
        faults.words_lost = 0
        faults.answers_lost = chance.randrange(3)
        world.now[0] = PAY_UNTIL + PREORDER_SILENT_S
        await settle(world, times=40)
        world.now[0] = CLOSES + 4 * DAY  # the provider's books are compared when the stores open
        await settle(world, times=20)
        came = sum(one.amount for words in world.book.words.values() for one in words if one.type == "payment.received")
        figures = await world.figures()
        assert came == figures.kept + sum(figures.back.values())
        assert figures.held == 0
        assert figures.kept == PRICE * figures.states.get("paid", 0)
        assert figures.back_done == sum(figures.back.values())
        assert set(figures.states) <= {"paid", "lapsed"}
        stock = await world.pool()
        assert stock.reserved == 9 * figures.states.get("paid", 0)
        await world.conserved()

    play(story)
