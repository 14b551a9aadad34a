"""Leases out, receipts home: what is kept, what is refused, what is told."""

from __future__ import annotations

import asyncio
import json
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from tests.service.rationing.offline.device import Device, claims_of
from tests.service.rationing.offline.world import (
    CHILD,
    DAY_S,
    HERE,
    MASK,
    NOW,
    OTHER,
    PEOPLE,
    PHARMACIST,
    THERE,
    World,
    in_a_world,
)

from banyan.errors import Conflict, Denied, Limit
from banyan.kernel.identity.caller import ANONYMOUS
from banyan.service.rationing.engine.model import Buy, Receipt, Refusal
from banyan.service.rationing.offline.marking import place


def test_a_lease_takes_stock_and_gives_back_what_was_not_sold() -> None:
    async def story(world: World) -> None:
        await world.deliver(HERE, 300)
        device = await world.enrol()
        lease = await world.lease(device, 200)
        assert ((await world.stock()).available, (await world.stock()).leased) == (100, 200)
        sold = [device.sell(lease, MASK, 9, number) for number in PEOPLE[:5]]
        assert await world.merge(*sold) == [("merged", "")] * 5
        assert ((await world.stock()).leased, (await world.report()).leased) == (155, 155)
        told = await world.call("offline_merge", receipts=[device.close(lease, 45)])
        assert told.closed == (lease,)
        stock = await world.stock()
        assert (stock.available, stock.leased, stock.sold, stock.short) == (255, 0, 45, 0)
        report = await world.report()
        assert (report.receipts, report.units, report.over, report.leases) == (6, 45, 0, 0)

    in_a_world(story)


def test_receipts_repeated_count_once() -> None:
    async def story(world: World) -> None:
        await world.deliver(HERE, 50)
        device = await world.enrol()
        lease = await world.lease(device, 50)
        one = device.sell(lease, MASK, 9, PEOPLE[0])
        assert await world.merge(one, one) == [("merged", ""), ("merged", "")]
        assert await world.merge(one) == [("known", "")]
        assert await asyncio.gather(*(world.merge(one) for _ in range(5))) == [[("known", "")]] * 5
        assert (await world.stock()).sold == 9
        assert await world.may_buy(PEOPLE[0]) == 0

    in_a_world(story)


def test_another_pharmacy_sold_to_her_meanwhile_and_the_next_window_pays() -> None:
    async def story(world: World) -> None:
        await world.deliver(HERE, 50)
        await world.deliver(THERE, 50)
        device = await world.enrol()
        lease = await world.lease(device, 50)
        token = device.sell(lease, MASK, 9, PEOPLE[0])
        assert isinstance(await world.buy(PEOPLE[0], 9), Receipt)
        assert await world.merge(token) == [("merged", "")]
        assert (await world.report()).over == 9
        assert (await world.stock(HERE)).sold + (await world.stock(THERE)).sold == 18
        assert await world.may_buy(PEOPLE[0], NOW + 15 * DAY_S) == 0
        assert await world.may_buy(PEOPLE[0], NOW + 29 * DAY_S) == 9
        assert await world.may_buy(PEOPLE[1], NOW) == 9

    in_a_world(story)


def test_a_cloned_terminal_is_found_and_both_sales_are_kept() -> None:
    async def story(world: World) -> None:
        await world.deliver(HERE, 20)
        device = await world.enrol()
        lease = await world.lease(device, 9)
        first = device.sell(lease, MASK, 3, PEOPLE[0])
        clone = device.clone()
        second, other = device.sell(lease, MASK, 6, PEOPLE[1]), clone.sell(lease, MASK, 6, PEOPLE[2])
        assert await world.merge(other, second, first) == [("merged", "")] * 3
        stock, report = await world.stock(), await world.report()
        assert (report.forked, report.units, stock.sold) == (1, 15, 15)
        assert stock.available >= 0
        assert stock.available == stock.delivered + stock.short - stock.sold - stock.leased
        told = await world.call("offline_merge", receipts=[device.close(lease, 9)])
        assert told.closed == ()

    in_a_world(story)


def test_a_clone_cannot_take_more_than_lease_and_stock() -> None:
    async def story(world: World) -> None:
        await world.deliver(HERE, 9)
        device = await world.enrol()
        lease = await world.lease(device, 9)
        clone = device.clone()
        await world.merge(device.sell(lease, MASK, 9, PEOPLE[0]), clone.sell(lease, MASK, 9, PEOPLE[1]))
        stock = await world.stock()
        assert (stock.sold, stock.available, stock.leased, stock.short) == (18, 0, 0, 9)
        assert (await world.report()).short == 9

    in_a_world(story)


def test_tampered_and_foreign_receipts_are_refused_and_change_nothing() -> None:
    async def story(world: World) -> None:
        await world.deliver(HERE, 50)
        await world.deliver(THERE, 50)
        device, other = await world.enrol(), await world.enrol(THERE)
        lease = await world.lease(device, 20)
        token = device.sell(lease, MASK, 3, PEOPLE[0])
        head, body, signature = token.split(".")
        stranger = Device(world.now[0])
        stranger.seal_jwk = device.seal_jwk
        sent = [
            f"{head}.{body[:-4]}AAAA.{signature}",
            f"{head}.{body}.{signature[:-6]}AAAAAA",
            stranger.sell(lease, MASK, 3, PEOPLE[0]),
            other.sell(lease, MASK, 3, PEOPLE[0]),
            device.sell("f" * 32, MASK, 3, PEOPLE[0]),
            device.sell(lease, CHILD, 3, PEOPLE[0]),
            "x",
        ]
        codes = [code for state, code in await world.merge(*sent) if state == "refused"]
        assert codes[1:] == ["signature", "terminal", "lease", "lease", "lease", "unreadable"]
        assert codes[0] in ("unreadable", "signature")
        assert (await world.report()).receipts == 0
        assert (await world.stock()).sold == 0
        assert await world.merge(token) == [("merged", "")]

    in_a_world(story)


def test_a_lease_that_is_over_is_taken_late_and_told() -> None:
    async def story(world: World) -> None:
        await world.deliver(HERE, 30)
        device = await world.enrol()
        lease = await world.lease(device, 20)
        token = device.sell(lease, MASK, 9, PEOPLE[0])
        world.now[0] += 4 * DAY_S - 1
        await world.sweep()
        assert (await world.stock()).leased == 20
        world.now[0] += 1
        await world.sweep()
        assert ((await world.stock()).leased, (await world.stock()).available) == (0, 30)
        assert await world.merge(token) == [("merged", "")]
        stock = await world.stock()
        assert (stock.sold, stock.available) == (9, 21)

    in_a_world(story)


def test_a_clock_set_back_gains_nothing() -> None:
    async def story(world: World) -> None:
        await world.deliver(HERE, 50)
        device = await world.enrol()
        lease = await world.lease(device, 50)
        first = device.sell(lease, MASK, 9, PEOPLE[0])
        device.now -= 30 * DAY_S
        second = device.sell(lease, MASK, 9, PEOPLE[0])
        device.now += 100 * DAY_S
        third = device.sell(lease, MASK, 9, PEOPLE[1])
        await world.merge(second, third, first)
        report = await world.report()
        assert (report.over, report.off_clock) == (9, 2)
        assert await world.may_buy(PEOPLE[0], NOW + 15 * DAY_S) == 0

    in_a_world(story)


def test_a_sale_whose_online_answer_was_lost_counts_once() -> None:
    async def story(world: World) -> None:
        await world.deliver(HERE, 50)
        device = await world.enrol()
        lease = await world.lease(device, 20)
        key = bytes.fromhex(device.terminal) + (1).to_bytes(8, "big")
        sold = await world.engine.do(Buy(key=key, buyer=world.buyer(PEOPLE[0]), item=MASK, qty=9, outlet=HERE))
        assert isinstance(sold, Receipt)
        assert await world.merge(device.sell(lease, MASK, 9, PEOPLE[0])) == [("merged", "")]
        assert ((await world.stock()).sold, (await world.report()).online) == (9, 1)
        assert await world.may_buy(PEOPLE[0], NOW + 15 * DAY_S) == 9

    in_a_world(story)


def test_a_card_nobody_can_open_is_a_sale_all_the_same() -> None:
    async def story(world: World) -> None:
        await world.deliver(HERE, 50)
        device = await world.enrol()
        lease = await world.lease(device, 20)
        claims = {"kind": "sale", "lease": lease, "item": MASK, "qty": 3, "who": "a.b.c.d.e"}
        nobody = device.sell(lease, MASK, 3, "B299999999")
        assert await world.merge(device.chained(claims), nobody) == [("merged", "")] * 2
        report = await world.report()
        assert (report.unread, report.units, report.over, (await world.stock()).sold) == (2, 6, 0, 6)

    in_a_world(story)


def test_a_card_of_the_insurance_and_its_holder_are_one_person() -> None:
    async def story(world: World) -> None:
        await world.deliver(HERE, 50)
        device = await world.enrol()
        lease = await world.lease(device, 40)
        tokens = [device.sell(lease, MASK, 9, "000000000003"), device.sell(lease, MASK, 9, PEOPLE[3], card={"p": "id"})]
        await world.merge(*tokens)
        assert (await world.report()).over == 9

    in_a_world(story)


def test_without_an_order_what_was_sold_is_still_taken_but_nothing_is_lent() -> None:
    ordered = [True]

    async def story(world: World) -> None:
        await world.deliver(HERE, 50)
        device = await world.enrol()
        lease = await world.lease(device, 20)
        token = device.sell(lease, MASK, 9, PEOPLE[0])
        ordered[0] = False
        with pytest.raises(Conflict):
            await world.lease(device, 20, "1" * 32)
        assert await world.merge(token) == [("merged", "")]
        assert ((await world.stock()).sold, await world.may_buy(PEOPLE[0])) == (9, 0)

    in_a_world(story, ordered=ordered)


def test_who_may_enrol_and_ask() -> None:
    async def story(world: World) -> None:
        await world.deliver(HERE, 50)
        device = await world.enrol()
        assert (await world.enrolled(device)).terminal == device.terminal
        for who, outlet in ((OTHER, HERE), (ANONYMOUS, HERE), (PHARMACIST, "9999999999")):
            with pytest.raises(Denied):
                await world.enrol(outlet, who)
        with pytest.raises(Denied):
            await world.enrolled(device, THERE)
        stranger = Device(NOW)
        stranger.member = device.member
        forged = device.asking(device.member, "0" * 32, **{MASK: 5})[:-8] + "AAAAAAAA"
        late = device.clone()
        late.now -= 601
        for asking in (
            stranger.asking(device.member, "0" * 32, **{MASK: 5}),
            forged,
            device.asking("another", "0" * 32, **{MASK: 5}),
            late.asking(device.member, "0" * 32, **{MASK: 5}),
            device.chained({"kind": "close", "lease": "0" * 32, "sold": 0}),
        ):
            with pytest.raises(Denied):
                await world.call("offline_pack", asking=asking)
        assert (await world.stock()).leased == 0

    in_a_world(story)


def test_a_stolen_terminal_is_ended_and_what_it_sold_is_taken() -> None:
    async def story(world: World) -> None:
        await world.deliver(HERE, 50)
        device = await world.enrol()
        lease = await world.lease(device, 20)
        token = device.sell(lease, MASK, 9, PEOPLE[0])
        with pytest.raises(Denied):
            await world.call("offline_end", OTHER, outlet=HERE, terminal=device.terminal)
        assert (await world.call("offline_end", PHARMACIST, outlet=HERE, terminal=device.terminal)).is_over
        listed = await world.call("offline_terminals", PHARMACIST, outlet=HERE)
        assert [(one.terminal, one.is_over) for one in listed] == [(device.terminal, True)]
        with pytest.raises(Denied):
            await world.lease(device, 5, "1" * 32)
        assert await world.merge(token) == [("merged", "")]

    in_a_world(story)


def test_an_asking_repeated_takes_stock_once() -> None:
    async def story(world: World) -> None:
        await world.deliver(HERE, 100)
        device = await world.enrol()
        asking = device.asking(device.member, "7" * 32, **{MASK: 60})
        packs = [await world.call("offline_pack", asking=asking) for _ in range(3)]
        assert len({device.read_lease(pack.leases[0])["jti"] for pack in packs}) == 1
        assert (await world.stock()).leased == 60
        other = device.asking(device.member, "7" * 32, **{MASK: 40})
        assert (await world.call("offline_pack", asking=other)).refused[0].code == "key_reused"
        assert await world.lease(device, 20, "8" * 32)
        more = await world.call("offline_pack", asking=device.asking(device.member, "9" * 32, **{MASK: 21}))
        assert (more.refused[0].code, more.refused[0].left) == ("no_stock", 20)
        assert (await world.stock()).leased == 80

    in_a_world(story)


def test_a_terminal_holds_so_many_leases() -> None:
    async def story(world: World) -> None:
        await world.deliver(HERE, 100)
        device = await world.enrol()
        for at in range(20):
            await world.lease(device, 1, f"{at:032x}")
        with pytest.raises(Limit):
            await world.lease(device, 1, "f" * 32)

    in_a_world(story)


def test_a_snapshot_knows_who_is_served_and_names_nobody() -> None:
    async def story(world: World) -> None:
        await world.deliver(HERE, 300)
        device, other = await world.enrol(area="63000010"), await world.enrol(THERE, area="63000020")
        lease = await world.lease(device, 200)
        await world.merge(*(device.sell(lease, MASK, 9, number) for number in PEOPLE[:10]))
        await world.merge(*(device.sell(lease, MASK, 3, number) for number in PEOPLE[10:20]))
        pack = json.loads(json.dumps(plain(await world.pack(device, "1" * 32, mask_adult=10))))
        served = [device.is_served(pack, MASK, number) for number in PEOPLE]
        assert all(served[:10])
        assert sum(served[10:]) <= 3
        text = json.dumps([pack, claims_of(pack["snapshot"])])
        assert not any(number in text or world.person(number).hex() in text for number in PEOPLE)
        twice = [claims_of((await world.pack(device, "1" * 32, mask_adult=10)).snapshot) for _ in range(2)]
        assert twice[0]["items"][0]["sha256"] != twice[1]["items"][0]["sha256"]
        elsewhere = plain(await world.pack(other, "2" * 32))
        assert elsewhere["filters"] == {}
        await world.deliver(THERE, 10)
        elsewhere = plain(await world.pack(other, "3" * 32, mask_adult=10))
        assert sum(other.is_served(elsewhere, MASK, number) for number in PEOPLE[:10]) <= 1

    in_a_world(story)


def test_who_bought_online_is_known_to_terminals_too() -> None:
    async def story(world: World) -> None:
        await world.deliver(HERE, 300)
        sale = {"outlet": HERE, "item": MASK, "terminal": "f" * 16, "qty": 9}
        await world.call(
            "sell", PHARMACIST, **sale, card=PEOPLE[30], counter=1
        )  # nobody sells offline: nothing is kept
        device = await world.enrol()
        await world.call("sell", PHARMACIST, **sale, card=PEOPLE[31], counter=2)
        await world.call("sell", PHARMACIST, **sale, card="000000000032", counter=3)
        pack = plain(await world.pack(device, mask_adult=10))
        assert [device.is_served(pack, MASK, number) for number in (*PEOPLE[30:33], "000000000032")] == [
            False,
            True,
            True,
            True,
        ]

    in_a_world(story)


def test_an_outlets_town_is_the_maps_and_asked_once() -> None:
    async def story(world: World) -> None:
        asked: list[str] = []

        async def call(operation: str, request: Any, *, purpose: str = "") -> Any:
            asked.append(f"{operation} {request['code']}")
            return SimpleNamespace(outlet=SimpleNamespace(town_code="63000010" if request["code"] == HERE else "?"))

        ctx = msgspec.structs.replace(world.context(), call=call)
        assert [await place(ctx, code) for code in (HERE, THERE, HERE)] == ["63000010", "", "63000010"]
        assert asked == [f"supplies.outlet {HERE}", f"supplies.outlet {THERE}"]

    in_a_world(story)


def plain(pack: object) -> dict[str, object]:
    found: dict[str, object] = msgspec.to_builtins(pack)
    return found


def test_a_refusal_of_the_engine_is_kept_as_such() -> None:
    async def story(world: World) -> None:
        await world.deliver(HERE, 50)
        device = await world.enrol()
        lease = await world.lease(device, 20)
        assert await world.merge(device.sell(lease, MASK, 9, PEOPLE[0])) == [("merged", "")]
        assert isinstance(await world.buy(PEOPLE[0], 1, HERE), Refusal)

    in_a_world(story)
