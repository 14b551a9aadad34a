"""Reminders by SMS: to who gave a telephone, of what still holds, by day, once, and no more when the order is over."""

from __future__ import annotations

from typing import Any

import pytest
from tests.service.rationing.preorder.test_pages import at_the_door, see, send
from tests.service.rationing.preorder.world import DAY, HOUR, STORE, Play, World, a_number

from banyan.craft.notify.memory import MemoryNotifier
from banyan.craft.notify.model import Lane, Message
from banyan.errors import Conflict, Invalid, NotFound
from banyan.kernel.events.clock import EpochS
from banyan.kernel.storage.store import Statement
from banyan.limits_rationing import PREORDER_KEEP_S
from banyan.service.alerts.texts import utf16
from banyan.service.rationing.preorder.phones import Phones, lend_phones, masked, written
from banyan.service.rationing.preorder.texting import NEEDS, is_night, morning_after, said
from banyan.wire.cellbroadcast import gsm7

ROUND = "w37-adult"
TEL = "0912-345-678"
WRITTEN = "+886912345678"
ALL = Statement("all", "All telephones.", "select preorder, sealed from preorder_phone where round = :round")
BEFORE = Statement(
    "before", "Nothing passed on.", "update preorder_phone set done = 0, waits = 1 where preorder = :preorder"
)


def sender_of(world: World) -> MemoryNotifier:
    notifier = MemoryNotifier(lambda: world.now[0])
    lend_phones(world.drawer, Phones(notifier, world.node.scopes))
    return notifier


async def sent(notifier: MemoryNotifier) -> list[Message]:
    return [one for found in reversed(await notifier.campaigns()) for one in notifier.sent(found.campaign)]


async def remind(world: World, number: int, telephone: str = TEL, lang: str = "zh-Hant") -> Any:
    return await world.call("remind_preorder", world.citizen(number), round=ROUND, telephone=telephone, lang=lang)


async def rows(world: World) -> int:
    found = await world.drawer.sql.read(lambda tx: tx.rows(ALL, round=ROUND))
    return len(found)


async def by_day(world: World) -> None:
    """The worker by day, whatever the hour was."""
    if is_night(world.now[0]):
        world.now[0] = float(morning_after(world.now[0]))
    await world.turn()


def test_who_gave_a_telephone_is_told_by_sms_what_her_page_says(play: Play) -> None:
    async def story(world: World) -> None:
        notifier = sender_of(world)
        await world.publish()
        made = await world.call("preorder", world.citizen(0), round=ROUND, born="1980-05-01", telephone=TEL)
        await world.register(1)
        assert made.order.telephone == "•••678"
        assert "remind" in made.order.can
        await world.draw()
        await by_day(world)
        mine = await world.mine(0)
        (won,) = await sent(notifier)  # the other gave none
        assert (won.to, won.lane, won.lang) == (WRITTEN, Lane.REMINDER, "zh-Hant")
        assert mine.check_word in won.text
        assert "NT$52" in won.text
        assert "http" not in won.text
        assert won.expires <= world.now[0] + 14 * HOUR
        order = await world.order(0)
        world.now[0] = order.pay_by - DAY + 1
        await by_day(world)
        assert [one.campaign.split("/")[2].split("-")[0] for one in await sent(notifier)] == ["won", "remind"]
        await world.pay(0)
        world.now[0] += 4 * DAY
        await by_day(world)
        await by_day(world)
        assert [one.campaign.split("/")[2].split("-")[0] for one in await sent(notifier)] == ["won", "remind", "ready"]
        code = (await world.mine(0)).pickup_code
        await world.call("collect", STORE, code=code, person=a_number(0), outlet="TW/COM/STORE/0412")
        assert await rows(world) == 0
        assert (await world.mine(0)).telephone == ""

    play(story)


def test_nothing_rings_at_night_and_what_is_over_by_morning_is_not_said(play: Play) -> None:
    async def story(world: World) -> None:
        notifier = sender_of(world)
        await world.publish()
        await world.register(0, 1)
        await remind(world, 0)
        await remind(world, 1, "0987654321", "en")
        await world.draw()
        before = len(await sent(notifier))
        order = await world.order(0)
        world.now[0] = float(morning_after(order.pay_by - DAY)) - 6 * HOUR  # two o'clock at night
        await world.turn()
        assert is_night(world.now[0])
        assert len(await sent(notifier)) == before
        world.now[0] = float(morning_after(world.now[0]))
        await world.pay(1)
        await world.turn()
        fresh = (await sent(notifier))[before:]
        assert {one.to for one in fresh} == {WRITTEN}, "who has paid is reminded no more"

    play(story)


def test_said_again_after_a_crash_it_is_the_same_sms(play: Play) -> None:
    async def story(world: World) -> None:
        notifier = sender_of(world)
        await world.publish()
        await world.register(0)
        await remind(world, 0)
        await world.draw()
        await by_day(world)
        first = await sent(notifier)
        assert len(first) == 1
        id = (await world.order(0)).id

        # it died after the sender had it, before that was written down
        await world.drawer.sql.write(lambda tx: tx.run(BEFORE, preorder=id))
        await world.turn()
        assert await sent(notifier) == first

    play(story)


def test_a_parent_with_two_children_is_told_once_a_day_of_each_kind(play: Play) -> None:
    async def story(world: World) -> None:
        notifier = sender_of(world)
        await world.publish()
        await world.register(0, 1)
        await remind(world, 0)
        await remind(world, 1)
        await world.draw()
        await by_day(world)
        assert len(await sent(notifier)) == 1

    play(story)


@pytest.mark.parametrize("end", ["withdraw", "delete", "lapse", "cancel"])
def test_a_telephone_is_deleted_with_the_order_or_when_its_person_says_so(play: Play, end: str) -> None:
    async def story(world: World) -> None:
        notifier = sender_of(world)
        await world.publish()
        await world.register(0)
        assert (await remind(world, 0)).telephone == "•••678"
        assert await rows(world) == 1
        if end == "withdraw":
            await world.call("withdraw_preorder", world.citizen(0), round=ROUND)
        elif end == "delete":
            assert (await remind(world, 0, "")).telephone == ""
        elif end == "lapse":
            await world.draw()
            world.now[0] = (await world.order(0)).pay_by + 2 * DAY
        else:
            await world.call("act_on_round", round=ROUND, do="cancel")
        before = len(await sent(notifier))
        await by_day(world)
        assert await rows(world) == 0
        assert len(await sent(notifier)) == before
        if end != "delete":
            with pytest.raises(Conflict):
                await remind(world, 0)

    play(story)


def test_the_store_holds_no_number_and_the_rounds_end_destroys_the_key(play: Play) -> None:
    async def story(world: World) -> None:
        sender_of(world)
        await world.publish()
        await world.register(0)
        await remind(world, 0)
        ((_, sealed),) = await world.drawer.sql.read(lambda tx: tx.rows(ALL, round=ROUND))
        assert b"912345678" not in sealed
        keys, id = world.node.scopes, (await world.order(0)).id
        assert await keys.open(f"preorder:{ROUND}", b"telephones", sealed, context=id.encode()) == WRITTEN.encode()
        await world.draw()
        world.now[0] += 12 * DAY + PREORDER_KEEP_S
        for _ in range(3):
            await by_day(world)
        with pytest.raises(NotFound):
            await keys.open(f"preorder:{ROUND}", b"telephones", sealed, context=id.encode())

    play(story)


def test_a_node_without_sms_asks_for_no_telephone(play: Play) -> None:
    async def story(world: World) -> None:
        await world.publish()
        await world.register(0)
        assert "remind" not in (await world.mine(0)).can
        with pytest.raises(Conflict):
            await remind(world, 0)

    play(story)


def test_only_ones_own_order_is_reminded_of(play: Play) -> None:
    async def story(world: World) -> None:
        sender_of(world)
        await world.publish()
        await world.register(0)
        with pytest.raises(NotFound):
            await remind(world, 1)
        with pytest.raises(Invalid):
            await world.call("preorder", world.citizen(1), round=ROUND, born="1980-05-01", telephone="123")
        assert await world.call("my_orders", world.citizen(1)) == ()  # nothing was done

    play(story)


@pytest.mark.parametrize(
    "wrong", ["99123", "02-2345-6789", "+0912345678", "0912345678 x", "+886223456789", "٠٩١٢٣٤٥٦٧٨"]
)
def test_what_is_no_mobile_number_is_refused_without_saying_it(wrong: str) -> None:
    with pytest.raises(Invalid) as refused:
        written(wrong)
    assert wrong not in str(refused.value)


def test_numbers_as_people_write_them() -> None:
    for text in ("0912345678", "0912 345 678", "(0912)345-678", "+886912345678", "+886 912-345-678"):
        assert written(text) == WRITTEN
    assert masked(WRITTEN) == "•••678"
    assert written("+819012345678") == "+819012345678"


@pytest.mark.parametrize("kind", NEEDS)
def test_each_text_is_one_sms(kind: str) -> None:
    facts: dict[str, str | int] = {"until": 1_703_990_000, "amount": 1_000_000}
    chinese, english = said(kind, facts, "zh-Hant", "0000"), said(kind, facts, "en", "0000")
    assert utf16(chinese) <= 70
    septets = gsm7.septets(english)
    assert septets is not None
    assert sum(map(len, septets)) <= 160


def test_night_is_taiwans() -> None:
    noon = 1_694_404_800.0  # 2023-09-11 12:00 in Taipei
    assert not is_night(noon)
    assert is_night(noon + 9 * HOUR)
    assert morning_after(noon + 9 * HOUR) == EpochS(noon + 20 * HOUR)
    assert morning_after(noon - 6 * HOUR) == EpochS(noon - 4 * HOUR)


def test_the_page_takes_a_number_shows_its_end_and_deletes_it(play: Play) -> None:
    async def story(world: World) -> None:
        sender_of(world)
        await world.publish()
        await world.register(1)
        client = at_the_door(world)
        page = await see(client, "/rationing/orders", "lin")
        assert f'name="telephone-{ROUND}"' in page
        assert "領完、取消或到期就刪除" in page
        wrong = await send(client, "/rationing/orders", "lin", do="remind", round=ROUND, **{f"telephone-{ROUND}": "02"})
        assert wrong.status == 422
        assert f'href="#f-telephone-{ROUND}"' in wrong.text
        kept = await send(client, "/rationing/orders", "lin", do="remind", round=ROUND, **{f"telephone-{ROUND}": TEL})
        assert kept.status == 303
        page = await see(client, "/rationing/orders", "lin")
        assert "•••678" in page
        assert "0912" not in page.replace("0912345678 ", "")
        assert (await send(client, "/rationing/orders", "lin", do="forget", round=ROUND)).status == 303
        assert "•••678" not in await see(client, "/rationing/orders", "lin")
        assert await rows(world) == 0

    play(story)
