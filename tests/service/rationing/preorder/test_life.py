"""A round from its maker to the counter, through the gate."""

from __future__ import annotations

from tests.service.rationing.preorder.world import DAY, PRICE, STORE, Play, World, a_number


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
        assert (await world.mine(1)).state == "lapsed"
        await world.conserved()

    play(story)
