"""A draw through a node: each act in the ledger, in one order only, and an outcome that anybody can run again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.service.rationing.draw.world import (
    BEACON,
    DECIDES,
    DRAW,
    OFFICE,
    OTHER,
    ROUND,
    World,
    a_beacon,
    a_plan,
    a_world,
)

from banyan.craft.draw import Entry, packed, ranks, ticket, winners
from banyan.craft.draw.bundle import check_receipt, read_receipt
from banyan.errors import Conflict, Denied, Invalid, NotFound
from banyan.kernel.identity.caller import Caller
from banyan.service.rationing.draw import desk

PEOPLE = [b"person %d" % one for one in range(100)]
Scene = Callable[[World], Awaitable[None]]


def run(folder: Path, scene: Scene) -> None:
    async def play() -> None:
        async with a_world(folder) as world:
            await scene(world)

    asyncio.run(play())


async def committed(world: World, **changed: Any) -> list[bytes]:
    """A draw with its tickets."""
    await world.call("draw_commit", **a_plan(**changed))
    key = await desk.ticket_key(world.context, DRAW)
    return [ticket(key, person) for person in PEOPLE]


async def refused(asked: Awaitable[Any]) -> str:
    with pytest.raises(Conflict) as problem:
        await asked
    return problem.value.kind


def test_a_draw_from_commitment_to_receipt(tmp_path: Path) -> None:
    async def scene(world: World) -> None:
        tickets = await committed(world)
        await world.until_drawn([*tickets, *tickets[:5]])  # repeats count once
        stands = await world.call("draw", draw=DRAW)
        assert (stands.state, stands.count, stands.people, stands.winners, stands.left) == (
            "published",
            100,
            100,
            30,
            0,
        )
        drawn = await desk.drawn(world.context, DRAW)
        order = ranks(bytes.fromhex(stands.seed), sorted(tickets))
        assert list(drawn.entries) == order
        assert [one for one, won in zip(drawn.entries, drawn.won, strict=True) if won] == list(winners(order, 30))
        for place, one in enumerate(order):
            receipt = await world.call("draw_receipt", Caller("anonymous", "x"), draw=DRAW, ticket=one.hex())
            check_receipt(receipt)
            assert (receipt.rank, receipt.won) == (place + 1, place < 30)
            assert read_receipt(msgspec.json.encode(receipt)) == receipt

    run(tmp_path, scene)


def test_every_act_stands_in_the_ledger_before_it_is_in_force(tmp_path: Path) -> None:
    async def scene(world: World) -> None:
        tickets = await committed(world)
        await world.until_drawn(tickets)
        await world.sign()
        answer = await world.client.get("/api/transparency/entries?first=0&limit=20")
        acts = [one["fields"] for one in answer.json if one["kind"] == "draw"]
        assert [one["step"] for one in acts] == ["commit", "close", "reveal", "publish"]
        assert acts[0]["round"] == ROUND
        assert acts[0]["nonces"] == sha256(bytes.fromhex(acts[2]["nonces"])).hexdigest()
        assert (acts[1]["count"], len(acts[1]["root"])) == (100, 64)
        assert not any(one.hex() in answer.text for one in tickets)

    run(tmp_path, scene)


def test_a_wrong_order_is_refused(tmp_path: Path) -> None:
    async def scene(world: World) -> None:
        with pytest.raises(NotFound):
            await desk.close(world.context, DRAW, [bytes(32)])
        tickets = await committed(world)
        assert await refused(world.call("draw_reveal", draw=DRAW, beacon=BEACON)) == "not_closed"
        assert await refused(world.call("draw_publish", draw=DRAW)) == "not_revealed"
        assert await refused(desk.drawn(world.context, DRAW)) == "not_revealed"
        assert await refused(desk.close(world.context, DRAW, [])) == "empty"
        await desk.close(world.context, DRAW, tickets)
        assert await refused(desk.ticket_key(world.context, DRAW)) == "already_closed"
        assert await refused(desk.close(world.context, DRAW, tickets[1:])) == "already_closed"
        assert (await desk.close(world.context, DRAW, tickets)).state == "closed"  # the same again
        assert await refused(world.call("draw_reveal", draw=DRAW, beacon=BEACON)) == "too_early"
        assert await refused(world.call("draw_bundle", draw=DRAW)) == "not_public"
        await world.sign()
        world.now[0] = DECIDES
        assert await refused(world.call("draw_publish", draw=DRAW)) == "not_revealed"
        assert await refused(world.call("draw_reveal", draw=DRAW)) == "beacon"
        assert await refused(world.call("draw_reveal", draw=DRAW, beacon=a_beacon(1_000))) == "beacon"
        assert await refused(world.call("draw_reveal", draw=DRAW, beacon=a_beacon(ROUND, of=1_000))) == "beacon"
        assert await refused(world.call("draw_reveal", draw=DRAW, beacon="{")) == "beacon"
        seed = (await world.call("draw_reveal", draw=DRAW, beacon=BEACON)).seed
        assert (await world.call("draw_reveal", draw=DRAW, beacon=BEACON)).seed == seed
        await world.call("draw_publish", draw=DRAW)
        assert (await world.call("draw_publish", draw=DRAW)).state == "published"
        assert await refused(world.call("draw_void", draw=DRAW, why="regret")) == "already_revealed"

    run(tmp_path, scene)


def test_a_list_that_is_closed_when_its_seed_might_be_known_is_refused(tmp_path: Path) -> None:
    async def scene(world: World) -> None:
        tickets = await committed(world)
        for late in (DECIDES - 30, DECIDES, DECIDES + 1_000):
            world.now[0] = late
            assert await refused(desk.close(world.context, DRAW, tickets)) == "too_late"
        assert await refused(world.call("draw_commit", **a_plan(id="another"))) == "moment"

    run(tmp_path, scene)


def test_a_list_that_no_checkpoint_held_in_time_is_not_drawn(tmp_path: Path) -> None:
    async def scene(world: World) -> None:
        await desk.close(world.context, DRAW, await committed(world))
        world.now[0] = DECIDES + 1
        assert await refused(world.call("draw_reveal", draw=DRAW, beacon=BEACON)) == "unwitnessed"
        await world.sign()
        assert await refused(world.call("draw_reveal", draw=DRAW, beacon=BEACON)) == "unwitnessed"
        await world.call("draw_void", draw=DRAW, why="the ledger stood still")
        assert await refused(world.call("draw_reveal", draw=DRAW, beacon=BEACON)) == "void"
        assert (await world.call("draw", draw=DRAW)).why == "the ledger stood still"

    run(tmp_path, scene)


def test_two_independent_bodies_and_numbers_drawn_in_public(tmp_path: Path) -> None:
    nonces = [sha256(name).digest() for name in (b"court", b"bar")]
    bodies = [{"name": name, "nonce": sha256(one).hexdigest()} for name, one in zip("AB", nonces, strict=True)]
    source = {"method": "numbers", "round": 0, "source": "539 draw 112000222", "drawn_at": DECIDES}

    async def scene(world: World) -> None:
        for wrong in ({"bodies": bodies[:1]}, {"bodies": [bodies[0], bodies[0]]}, {"source": "", "bodies": bodies}):
            assert await refused(world.call("draw_commit", **a_plan(**source | wrong))) == "bodies"
        await desk.close(world.context, DRAW, await committed(world, **source, bodies=bodies))
        await world.sign()
        world.now[0] = DECIDES + 60
        both = [one.hex() for one in nonces]

        def revealed(given: list[str], numbers: str = "3 11 19 24 38") -> Awaitable[Any]:
            return world.call("draw_reveal", draw=DRAW, numbers=numbers, nonces=given)

        for wrong_nonces in ([], both[:1], both[::-1], [both[0], "00" * 32]):
            assert await refused(revealed(wrong_nonces)) == "nonce"
        assert await refused(revealed(both, "3,11")) == "beacon"
        stands = await revealed(both)
        randomness = sha256(b"539 draw 112000222\n3 11 19 24 38").digest()
        assert stands.seed == sha256(bytes.fromhex(stands.root) + randomness + b"".join(nonces)).hexdigest()
        assert await refused(revealed(both, "3 11 19 24 39")) == "already_revealed"

    run(tmp_path, scene)


def test_shares_households_and_lots(tmp_path: Path) -> None:
    async def scene(world: World) -> None:
        wrong = [{"stratum": 1, "places": 31}]
        assert await refused(world.call("draw_commit", **a_plan(shares=wrong))) == "shares"
        tickets = await committed(world, shares=[{"stratum": 1, "places": 10}])
        entries = [packed(Entry(one, at % 2, 1 + at % 3, 1 + at % 4)) for at, one in enumerate(tickets)]
        with pytest.raises(Invalid, match="twice"):
            await desk.close(world.context, DRAW, [*entries, tickets[-1]])
        await world.until_drawn(entries)
        stands = await world.call("draw", draw=DRAW)
        assert stands.people == sum(1 + at % 3 for at in range(100))
        mine = await world.call("draw_receipt", draw=DRAW, ticket=tickets[5].hex())
        assert mine.entry == entries[5].hex()
        check_receipt(mine)

    run(tmp_path, scene)


def test_only_the_agency_whose_draw_it_is_acts_on_it(tmp_path: Path) -> None:
    async def scene(world: World) -> None:
        with pytest.raises(Denied):
            await world.call("draw_commit", Caller("citizen", "c", assurance="aal2"), **a_plan())
        await committed(world)
        for operation, more in (("draw_reveal", {}), ("draw_publish", {}), ("draw_void", {"why": "mine"})):
            with pytest.raises(Denied):
                await world.call(operation, OTHER, draw=DRAW, **more)
        with pytest.raises(Denied):
            await world.call("draw_close", OTHER, draw=DRAW, entries=[{"ticket": "00" * 32}])
        assert await refused(world.call("draw_commit", OFFICE, **a_plan(places=31))) == "taken"
        assert (await world.call("draw_commit", OFFICE, **a_plan())).state == "committed"

    run(tmp_path, scene)


def test_a_beacon_is_taken_from_the_folder_where_an_operator_put_it(tmp_path: Path) -> None:
    async def scene(world: World) -> None:
        await desk.close(world.context, DRAW, await committed(world))
        await world.sign()
        world.now[0] = DECIDES + 60
        (tmp_path / "beacons").mkdir()
        (tmp_path / "beacons" / f"{ROUND}.json").write_text(BEACON)
        assert (await world.call("draw_reveal", draw=DRAW)).state == "revealed"

    run(tmp_path, scene)


def test_a_draw_goes_on_after_a_restart(tmp_path: Path) -> None:
    async def first(world: World) -> None:
        await desk.close(world.context, DRAW, await committed(world))
        await world.sign()

    async def second(world: World) -> None:
        world.now[0] = DECIDES + 60
        await world.call("draw_reveal", draw=DRAW, beacon=BEACON)

    async def third(world: World) -> None:
        world.now[0] = DECIDES + 90
        assert (await world.call("draw_publish", draw=DRAW)).winners == 30

    for scene in (first, second, third):
        run(tmp_path, scene)


def test_a_list_that_is_not_the_ledgers_is_not_drawn(tmp_path: Path) -> None:
    """A drawer put back from a backup that was made before the list was closed: closing another list there changes
    nothing of what the ledger says."""

    async def scene(world: World) -> None:
        tickets = await committed(world)
        from banyan.service.rationing.draw import keeping

        before = await keeping.found(world.context.db, DRAW)
        await desk.close(world.context, DRAW, tickets)
        await world.context.db.sql.write(lambda tx: keeping.save(tx, before))
        await desk.close(world.context, DRAW, tickets[:50])
        await world.sign()
        world.now[0] = DECIDES + 60
        assert await refused(world.call("draw_reveal", draw=DRAW, beacon=BEACON)) == "another_list"

    run(tmp_path, scene)
