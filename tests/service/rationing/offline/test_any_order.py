"""Whatever way receipts come home, the end is the same: in any order, in parts, twice, through restarts."""

from __future__ import annotations

import asyncio
import secrets
import tempfile
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.postgres import postgres_server
from tests.service.rationing.offline.device import Device, public
from tests.service.rationing.offline.world import (
    DAY_S,
    HERE,
    MASK,
    NOW,
    PEOPLE,
    THERE,
    EngineOn,
    World,
    a_light_world,
)

from banyan.kernel.storage.postgres import PostgresStore
from banyan.kernel.storage.sqlite import SqliteStore
from banyan.kernel.storage.store import Statement
from banyan.service.rationing.engine.model import Receipt
from banyan.service.rationing.offline import records
from banyan.service.rationing.offline.formats import taken

LENT = 40


class Sold(msgspec.Struct, frozen=True):
    """One sale of a day: by which device (2 is a clone of 0), to whom, how many, and how the clock stood."""

    by: int
    person: int
    qty: int
    clock: int


SALES = st.lists(
    st.builds(
        Sold, st.integers(0, 2), st.integers(0, 3), st.sampled_from((1, 3, 9)), st.sampled_from((0, 60, -9 * DAY_S))
    ),
    min_size=1,
    max_size=10,
)
QUIET = settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow])


async def prepared(world: World) -> tuple[list[Device], list[str]]:
    """Two devices at two outlets with a lease each; keys from a seed, so that two worlds have the same devices."""
    devices = [Device(NOW), Device(NOW)]
    leases = []
    for device, outlet in zip(devices, (HERE, THERE), strict=True):
        await world.deliver(outlet, LENT)
        await world.enrolled(device, outlet)
        leases.append(await world.lease(device, LENT))
    return devices, leases


def receipts(devices: Sequence[Device], leases: Sequence[str], sales: Sequence[Sold]) -> list[str]:
    """What the devices sign, a clone of the first among them; who was not cloned closes its lease."""
    hands = [*devices, devices[0].clone()]
    made, sums = [], [0, 0, 0]
    for sale in sales:
        hand = hands[sale.by]
        hand.now += sale.clock
        made.append(hand.sell(leases[sale.by % 2], MASK, sale.qty, PEOPLE[sale.person]))
        sums[sale.by] += sale.qty
    made.append(devices[1].close(leases[1], sums[1]))
    return made


async def end_of(world: World, leases: Sequence[str]) -> bytes:
    """A hash of all that anybody can see: the set, stock, leases, what each person may buy for a month, the counts."""
    whole = sha256()
    for outlet in (HERE, THERE):
        whole.update(msgspec.json.encode(await world.stock(outlet)))
    for lease in leases:
        whole.update(msgspec.json.encode(await world.engine.held(bytes.fromhex(lease))))
    for person in PEOPLE[:4]:
        for day in range(0, 45, 3):
            whole.update(bytes([await world.may_buy(person, NOW + day * DAY_S)]))
    report = await world.report()
    whole.update(msgspec.json.encode(report))
    return whole.digest()


async def merged(
    folder: Path, made: Any, batches: Sequence[Sequence[str]], *, engine_on: EngineOn | None = None
) -> bytes:
    """A world in which the same devices come home in these batches; before each the service is started anew."""
    devices, leases_of = made
    for at, batch in enumerate(batches):
        async with a_light_world(folder, engine_on=engine_on) as world:
            if at == 0:
                await world.deliver(HERE, LENT)
                await world.deliver(THERE, LENT)
                for device, outlet in zip(devices, (HERE, THERE), strict=True):
                    await world.enrolled(device, outlet)
                    clock, device.now = device.now, NOW
                    leases_of[outlet] = await world.lease(device, LENT)
                    device.now = clock
            for state, code in await world.merge(*batch) if batch else ():
                assert state in ("merged", "known"), code
            if at == len(batches) - 1:
                return await end_of(world, list(leases_of.values()))
    raise AssertionError("there is a last batch")


async def ends_alike(sales: list[Sold], chance: Any, parts: int, engine_on: EngineOn | None) -> None:
    """At once, and shuffled in parts with some again: by the journal's engine, and by another one."""
    with tempfile.TemporaryDirectory() as folder:
        async with a_light_world(Path(folder) / "first") as world:
            devices, leases = await prepared(world)
            tokens = receipts(devices, leases, sales)
            await world.merge(*tokens)
            end = await end_of(world, leases)
            stocks = [await world.stock(outlet) for outlet in (HERE, THERE)]
            assert sum(one.sold for one in stocks) == sum(sale.qty for sale in sales)
            assert all(one.available >= 0 <= one.leased for one in stocks)
        shuffled = list(tokens)
        chance.shuffle(shuffled)
        batches = [*(shuffled[at::parts] for at in range(parts)), [chance.choice(shuffled) for _ in range(3)]]
        assert await merged(Path(folder) / "second", (devices, {}), batches, engine_on=engine_on) == end


CHANCE = st.randoms(use_true_random=False)


@given(SALES, CHANCE, st.integers(1, 4))
@QUIET
def test_merges_in_any_order_and_repeated_end_alike(sales: list[Sold], chance: Any, parts: int) -> None:
    asyncio.run(ends_alike(sales, chance, parts, None))


@given(SALES, CHANCE, st.integers(1, 3))
@settings(QUIET, max_examples=4)
def test_the_engine_of_records_ends_as_the_journals_does(sales: list[Sold], chance: Any, parts: int) -> None:
    asyncio.run(ends_alike(sales, chance, parts, lambda folder: SqliteStore(folder / "engine.db")))


def test_postgresql_ends_as_the_journal_does() -> None:
    with postgres_server() as address:

        @given(SALES, CHANCE, st.integers(1, 2))
        @settings(QUIET, max_examples=2)
        def alike(sales: list[Sold], chance: Any, parts: int) -> None:
            schema = f"rations_{secrets.token_hex(8)}"
            asyncio.run(ends_alike(sales, chance, parts, lambda _: PostgresStore(address, schema=schema)))

        alike()


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 5)), min_size=1, max_size=12))
@QUIET
def test_what_is_sold_beyond_quotas_is_never_more_than_the_leases(sold: list[tuple[int, int]]) -> None:
    """Honest devices, and pharmacies online that sell to the same people while they are cut off."""

    async def story() -> None:
        with tempfile.TemporaryDirectory() as folder:
            async with a_light_world(Path(folder)) as world:
                devices, leases = await prepared(world)
                await world.deliver(THERE, 200)
                left, tokens, online = [LENT, LENT], [], 0
                for by, person in sold:
                    answer = await world.buy(PEOPLE[person], 9)
                    online += 9 if isinstance(answer, Receipt) else 0
                    qty = min(9, left[by])
                    left[by] -= qty
                    if qty:
                        tokens.append(devices[by].sell(leases[by], MASK, qty, PEOPLE[person]))
                await world.merge(*tokens)
                report = await world.report()
                offline = 2 * LENT - sum(left)
                assert report.units == offline
                assert report.over <= offline <= 2 * LENT
                quotas = 9 * len({person for _, person in sold})
                assert report.over == online + offline - min(quotas, online + offline)
                assert report.short == 0

    asyncio.run(story())


def test_a_crash_between_the_receipt_and_the_engine_loses_and_doubles_nothing() -> None:
    async def story() -> None:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            async with a_light_world(folder) as world:
                devices, leases = await prepared(world)
                tokens = [devices[0].sell(leases[0], MASK, 3, number) for number in PEOPLE[:4]]
                key = public(devices[0].sign_key)
                kept = [taken(token, key, terminal=devices[0].terminal) for token in tokens]
                await world.db.sql.write(lambda tx: [records.keep(tx, one, NOW) for one in kept])
                assert (await world.stock()).sold == 0
            async with a_light_world(folder) as world:  # the engine was never told
                await world.sweep()
                assert (await world.stock()).sold == 12
                forgotten = Statement("forgotten", "", "update offline_receipt set is_merged = 0")
                await world.db.sql.write(lambda tx: tx.run(forgotten))
            async with a_light_world(folder) as world:  # it was told, and the row was not written
                await world.sweep()
                report = await world.report()
                assert ((await world.stock()).sold, report.units, report.online) == (12, 12, 0)
                assert await world.merge(*tokens) == [("known", "")] * 4

    asyncio.run(story())
