"""Officers see how far the SMS of their warnings are and stop them: counts only, theirs only, and on the ledger."""

from __future__ import annotations

import msgspec
from tests.service.alerts.world import CDC, SECOND, STRANGER, WRITER, World, an_officer, in_a_world

from banyan.craft.notify.memory import MemoryNotifier
from banyan.craft.notify.model import Lane, Message
from banyan.service.alerts.sending import campaign_of
from banyan.service.alerts.shelf import lend, shelf_of


async def with_sms(world: World) -> tuple[MemoryNotifier, str]:
    """A warning of which one SMS of two arrived, and a campaign of the fence."""
    notifier = MemoryNotifier(world.node.gate.clock)
    db = world.node.drawers["alerts"]
    lend(db, msgspec.structs.replace(shelf_of(db), sms=notifier))
    id = await world.released()
    campaign = campaign_of(id, 1)
    for name in (campaign, "fence/order/away"):
        for to in ("+886900000001", "+886900000002"):
            await notifier.accept([Message(campaign=name, to=to, text="淹水", lane=Lane.ALERT)])
    notifier.deliver(campaign, "+886900000001")
    return notifier, id


def test_an_officer_sees_counts_of_the_agencys_own_and_never_a_number() -> None:
    async def story(world: World) -> None:
        _, id = await with_sms(world)
        for caller in (WRITER, SECOND):
            (one,) = await world.call("campaigns", caller)
            assert (one.id, one.version, one.total, one.left, one.delivered) == (id, 1, 2, 1, 1)
            assert b"8869" not in msgspec.json.encode(one)
        assert await world.call("campaigns", STRANGER) == ()
        assert await world.kind("campaigns", an_officer("clerk", CDC)) == "no-role"
        page = await world.client.get("/alerts/desk/campaigns", headers={"Accept": "text/html"})
        assert page.status == 403

    in_a_world(story)


def test_a_stop_holds_what_is_left_once_and_stands_on_the_ledger() -> None:
    async def story(world: World) -> None:
        notifier, id = await with_sms(world)
        assert await world.kind("stop_sms", STRANGER, id=id, version=1) == "other-agency"
        assert await world.kind("stop_sms", WRITER, id=id, version=2) == "not-found"
        first = await world.call("stop_sms", SECOND, id=id, version=1)
        again = await world.call("stop_sms", WRITER, id=id, version=1)
        assert (first.count, again.count) == (1, 0)
        (one,) = await world.call("campaigns", WRITER)
        assert (one.left, one.stopped, one.is_stopped) == (0, 1, True)
        other = await notifier.progress("fence/order/away")
        assert other is not None
        assert other.left == 2
        await world.node.lawful.ledger.publish(int(world.now[0]))
        entry = await world.node.lawful.ledger.entry(first.entry)
        assert b'"stop_sms"' in entry
        assert b"8869" not in entry

    in_a_world(story)
