"""What may I buy, and when: in words, on the web's API, without a word of where anything was bought."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date
from pathlib import Path

import msgspec
import pytest
from tests.service.rationing.engine.world import ADULT, CHILD, a_buyer, a_key, taipei

from banyan.epoch import EpochS
from banyan.kernel.identity.caller import Caller
from banyan.node import Node, open_node
from banyan.service.rationing.engine.booking import taiwan_2020
from banyan.service.rationing.engine.days import day_number
from banyan.service.rationing.engine.keeping import engine_of
from banyan.service.rationing.engine.law import Law
from banyan.service.rationing.engine.model import Buy, Deliver
from banyan.service.rationing.engine.operations import told
from banyan.service.rationing.engine.rules import Purchase, entitlement, over
from banyan.service.rationing.shelf import MESSAGES, person_called
from banyan.settings import Settings

LAW = Law(taiwan_2020())
NODE = Settings(services=("banyan.service.identity.parts:SERVICE", "banyan.service.rationing.parts:SERVICE"))
NOW = taipei(2020, 4, 8)
ME = Caller("citizen", "bearer", subject="ab" * 32, assurance=2)


def bought(qty: int, *day: int, item: str = ADULT) -> Purchase:
    return Purchase(day_number(date(*day)), item, qty)


@pytest.mark.parametrize(
    ("day", "item", "born", "of"),
    [
        ((2020, 2, 6), ADULT, (1980, 1, 1), 2),
        ((2020, 2, 20), CHILD, (2010, 1, 1), 4),
        ((2020, 3, 5), ADULT, (1980, 1, 1), 3),
        ((2020, 3, 5), CHILD, (2006, 3, 6), 5),  # thirteen until tomorrow
        ((2020, 3, 19), CHILD, (2003, 3, 20), 5),  # sixteen until tomorrow
        ((2020, 4, 9), ADULT, (1980, 1, 1), 9),
        ((2020, 4, 9), CHILD, (2010, 1, 1), 10),
        ((2020, 4, 9), CHILD, (1980, 1, 1), 9),  # adults may take the child size
        ((2020, 4, 9), "mask-mail", (1980, 1, 1), 30),
    ],
)
def test_the_history_of_2020_is_the_book(day: tuple[int, ...], item: str, born: tuple[int, ...], of: int) -> None:
    found = entitlement(LAW, [], a_buyer(born=date(*born)), item, taipei(*day))
    assert (found.of, found.may_buy) == (of, of)


def test_ages_of_before_are_refused() -> None:
    assert entitlement(LAW, [], a_buyer(born=date(2006, 2, 1)), CHILD, taipei(2020, 2, 6)).why[0].code == "not_of_age"
    assert entitlement(LAW, [], a_buyer(born=date(2003, 3, 19)), CHILD, taipei(2020, 3, 19)).may_buy == 0


def test_parity_has_its_days_until_april_and_the_answer_names_the_next() -> None:
    odd, even = a_buyer(parity=1), a_buyer(parity=0)
    thursday = taipei(2020, 2, 6)
    assert entitlement(LAW, [], even, ADULT, thursday).may_buy == 2
    found = entitlement(LAW, [], odd, ADULT, thursday)
    assert (found.may_buy, found.from_when) == (0, taipei(2020, 2, 7, 0))
    assert found.steps[0].why[0].code == "your_day"
    sunday = taipei(2020, 2, 9)
    assert all(entitlement(LAW, [], one, ADULT, sunday).may_buy == 2 for one in (odd, even))
    assert entitlement(LAW, [], odd, ADULT, taipei(2020, 4, 9)).may_buy == 9


def test_a_rule_that_changes_within_the_window_is_explained() -> None:
    found = entitlement(LAW, [bought(3, 2020, 4, 7)], a_buyer(), ADULT, NOW)
    assert (found.may_buy, found.up_to, found.from_when) == (0, 6, taipei(2020, 4, 9, 0))
    says = told(found, is_own=True).later[0].says
    assert says["en"] == "From 2020-04-09 the rule is 9 in any 14 days: you may buy 6 more."
    assert says["zh-Hant"] == "2020-04-09 起規定改為每 14 天 9 個，可以再買 6 個。"


def test_pharmacies_rest_on_sundays_from_19_april() -> None:
    kiosk = entitlement(LAW, [], a_buyer(), ADULT, taipei(2020, 4, 19))
    assert kiosk.may_buy == 9, "health centres and orders online do not rest"
    shut = msgspec.structs.replace(LAW.on(day_number(date(2020, 4, 19))).rulings[ADULT][0].rule, channels=("pharmacy",))
    edition = msgspec.structs.replace(LAW.book.edition[-2], rule=(shut,))
    found = entitlement(LAW.with_edition(edition), [], a_buyer(), ADULT, taipei(2020, 4, 19))
    assert (found.why[0].code, found.from_when) == ("closed", taipei(2020, 4, 20, 0))


def test_what_devices_sold_beyond_the_quota_is_charged_to_the_next_window_in_any_order() -> None:
    sales = [bought(2, 2020, 2, 6), bought(2, 2020, 2, 8), bought(2, 2020, 2, 6)]
    for order in (sales, sales[::-1], sales[1:] + sales[:1]):
        assert over(LAW, order, a_buyer()) == 4
        free = [day for day in range(6, 30) if entitlement(LAW, order, a_buyer(), ADULT, taipei(2020, 2, day)).may_buy]
        assert free == [27, 28, 29], "three rations fill three windows"


def test_every_reason_has_words() -> None:
    codes = {one.removeprefix("rationing.why.") for one in set(MESSAGES.keys()) if one.startswith("rationing.why.")}
    assert codes >= {
        "open", "part_used", "all_used", "window_moves", "rule_changes", "your_day", "closed", "too_early_by_parity",
        "not_of_age", "not_this_kind", "not_this_channel", "unknown_rule",
    }  # fmt: skip


def in_a_node(folder: Path, story: Callable[[Node], Awaitable[None]]) -> None:
    async def run() -> None:
        async with open_node(folder, NODE, clock=lambda: EpochS(NOW)) as node:
            await story(node)

    asyncio.run(run())


def test_who_has_signed_in_is_told_of_their_own_and_others_of_the_law(tmp_path: Path) -> None:
    async def story(node: Node) -> None:
        db = node.drawers["rationing"]
        engine, me = engine_of(db), a_buyer(parity=1)
        me = msgspec.structs.replace(me, person=person_called(db, ME.subject))
        await engine.do(Deliver(key=a_key(1), outlet="5901010001", item=ADULT, qty=10))
        await engine.do(Buy(key=a_key(2), buyer=me, item=ADULT, qty=2, outlet="5901010001"))
        asked = {"age": 40, "digit": "1"}
        mine = await node.gate.call("rationing.entitlement", asked, caller=ME)
        assert (mine.is_own, mine.may_buy, mine.of) == (True, 1, 3)
        anybody = await node.gate.call("rationing.entitlement", asked, caller=Caller("anonymous", "none"))
        assert (anybody.is_own, anybody.may_buy) == (False, 3)
        text = msgspec.json.encode(mine).decode()
        assert "5901010001" not in text

    in_a_node(tmp_path, story)
