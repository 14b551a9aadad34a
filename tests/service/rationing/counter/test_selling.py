"""A sale at the counter: whose card, by whom, where, under which order; once for ever; and no number anywhere."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.service.rationing.counter.world import (
    ADULT,
    ANONYMOUS,
    CHILD,
    CLERK,
    HERE,
    LEE,
    PHARMACIST,
    STRANGER,
    THERE,
    WANG,
    World,
    card_of,
    in_a_world,
)

from banyan.errors import Conflict, Denied, Invalid, NotFound
from banyan.kernel.exchange import Refused
from banyan.kernel.identity.caller import Caller


def test_a_card_is_sold_to_once_a_window_and_the_answer_says_when_again() -> None:
    async def story(world: World) -> None:
        await world.act("deliver", item=ADULT, qty=20)
        sold = await world.sell()
        assert (sold.result, sold.code, sold.left) == ("sold", "", 20 - sold.qty)
        assert sold.qty == 9, "adult 9/14 d, since 9 April"
        assert sold.next_from == "2026-12-06T16:00:00Z"
        assert "12 月 7 日（一）" in sold.says["zh-Hant"]
        again = await world.sell(card_of(WANG))
        assert (again.result, again.code, again.qty, again.left) == ("refused", "quota_reached", 0, 11)
        assert again.next_from == sold.next_from, "by insurance card or by number, she is one person"
        assert "12 月 7 日（一）起可以買" in again.says["zh-Hant"]

    in_a_world(story)


def test_the_same_counter_again_is_the_same_sale() -> None:
    async def story(world: World) -> None:
        await world.act("deliver", item=ADULT, qty=20)
        first = await world.sell(counter=7)
        assert await world.sell(counter=7) == first
        assert (await world.sell(LEE, counter=7)).code == "key_reused"
        assert (await world.engine.stock(HERE, ADULT)).sold == 9

    async def later(world: World) -> None:
        again = await world.sell(counter=7)
        assert (again.result, again.qty) == ("sold", 9)
        assert (await world.engine.stock(HERE, ADULT)).sold == 9

    in_a_world(story, later)


def test_who_may_sell_where() -> None:
    async def story(world: World) -> None:
        await world.act("deliver", item=ADULT, qty=20)
        for caller, kind in ((ANONYMOUS, Refused), (CLERK, Denied), (STRANGER, Denied)):
            with pytest.raises(kind):
                await world.act("sell", caller, card=WANG, item=ADULT)
        with pytest.raises(Denied) as theirs:
            await world.sell(outlet=THERE)
        with pytest.raises(Denied) as nowhere:
            await world.sell(outlet="0000000000")
        assert theirs.value.title.replace(THERE, "") == nowhere.value.title.replace("0000000000", "")
        for act in ("deliver", "give_back"):
            with pytest.raises(Denied):
                await world.act(act, STRANGER, item=ADULT, qty=1)
        assert [one.code for one in await world.call("my_outlets")] == [HERE]

    in_a_world(story)


def test_without_an_order_nothing_is_sold_and_nothing_read() -> None:
    async def story(world: World) -> None:
        with pytest.raises(Conflict) as refused:
            await world.act("deliver", item=ADULT, qty=20)
        assert refused.value.kind == "order-over"
        with pytest.raises(Conflict):
            await world.sell()
        head = await world.node.lawful.ledger.head()
        assert head.entries == 0

    in_a_world(story, ordered=False)


def test_what_is_no_card_and_whom_nobody_knows() -> None:
    async def story(world: World) -> None:
        await world.act("deliver", item=ADULT, qty=20)
        for typed in ("A123456788", "12345", "🦊", "0" * 64):
            with pytest.raises(Invalid) as wrong:
                await world.sell(typed)
            assert [one.field for one in wrong.value.fields] == ["card"]
            assert typed not in str(wrong.value), "an error text has no number"
        with pytest.raises(Invalid) as wrong:
            await world.sell(proxy="A123456788")
        assert [one.field for one in wrong.value.fields] == ["proxy"]
        for typed in ("123456789012", "B123456780"):
            with pytest.raises(NotFound) as nobody:
                await world.sell(typed)
            assert (nobody.value.kind, typed in str(nobody.value)) == ("unknown-card", False)
        assert (await world.sell("  a123 456789\r")).result == "sold", "as readers type"

    in_a_world(story)


def test_a_proxy_brings_one_card_and_a_permit_brings_its_own_date() -> None:
    async def story(world: World) -> None:
        await world.act("deliver", item=ADULT, qty=60)
        assert (await world.sell(LEE, proxy=WANG)).result == "sold"
        second = await world.sell(CHILD, item="mask-child", proxy=card_of(WANG))
        assert (second.result, second.code) == ("refused", "too_many_proxies")
        assert (await world.sell(WANG)).result == "sold", "her own is not another's"
        permit = {"paper": "permit", "born": "1985-02-03"}
        assert (await world.sell("G12345678", **permit)).result == "sold"
        assert (await world.sell("G12345678", **permit)).code == "quota_reached"
        with pytest.raises(Invalid):
            await world.sell("G12345679", paper="permit", born="1985-02-30")
        with pytest.raises(Invalid):
            await world.sell(WANG, paper="permit", born="1985-02-03")

    in_a_world(story)


def test_a_birth_date_is_read_by_the_agency_and_stands_in_her_list_never_the_till() -> None:
    async def story(world: World) -> None:
        await world.act("deliver", item=ADULT, qty=20)
        outcome = await world.sell()
        subject = world.node.lawful.conscience.subject(WANG).hex()
        mine = await world.node.gate.call("mydata.uses", {}, caller=citizen(subject))
        (use,) = mine.uses
        assert (use.operation, use.fields) == ("civil.household_record", ("birth_date",))
        assert "1990" not in str(outcome)
        asked = {"person": LEE, "fields": ("birth_date",), "purpose": "012", "reason": "好奇"}
        with pytest.raises(Refused):
            await world.node.gate.call("civil.household_record", asked, caller=PHARMACIST)

    in_a_world(story)


def test_no_number_is_kept_in_any_file(tmp_path: Path) -> None:
    """Of the drawer, its journal, the ledger, the access record: of what the sale wrote."""
    folders: list[Path] = []

    async def story(world: World) -> None:
        await world.act("deliver", item=ADULT, qty=20)
        await world.sell()
        await world.sell(card_of(LEE))
        await world.told()
        folders.append(world.node.data)
        found = [path for path in sorted(world.node.data.rglob("*")) if path.is_file()]
        marks = [one.encode() for one in (WANG, LEE, card_of(LEE))]
        held = [(path.name, mark) for path in found for mark in marks if mark in path.read_bytes()]
        assert held == []
        assert len(found) > 10

    in_a_world(story)


def citizen(subject: str) -> Caller:
    return Caller("citizen", "c", assurance="aal2", subject=subject)
