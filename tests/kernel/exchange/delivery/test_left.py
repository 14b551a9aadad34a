"""Messages of a member that leaves the gateway which hosted it: none moves any more, none is lost, officers see why."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.kernel.exchange.delivery.test_post import _fails, status
from tests.kernel.exchange.delivery.town import HOSPITAL, NHI, Town, run

from banyan.kernel.exchange.road.model import Answer, Call
from banyan.wire.xroad.codes import Code
from banyan.wire.xroad.faults import Fault
from banyan.wire.xroad.identifiers import encoded

WHY = "It is hosted here no more."


def test_what_its_clients_sent_is_a_dead_letter_at_once_and_goes_on_when_it_is_hosted_again(tmp_path: Path) -> None:
    async def story() -> None:
        async with Town(tmp_path) as town:
            town.parted = True
            await town.accept("m1")
            await town.settle()
            town.a.left.add(HOSPITAL.owner)
            town.parted = False
            await town.pass_time(600)
            (letter,) = await town.a.office.desk.dead()
            assert (letter.message_id, letter.reason) == ("m1", WHY)
            assert town.sent == 0, "nobody was asked"
            breakers = [one.breaker for one in await town.a.office.desk.lines()]
            assert "open" not in breakers, "the peer did nothing wrong, and others call it"
            town.a.left.clear()
            await town.a.office.desk.revive_dead(encoded(HOSPITAL), "m1")
            await town.settle()
            assert (await status(town.a)).state == "answered"

    run(story())


def test_what_was_taken_for_it_is_set_aside_and_not_handed(tmp_path: Path) -> None:
    async def story() -> None:
        async with Town(tmp_path) as town:
            await town.accept("m1")
            await town.a.office.sender.sending.turn()
            town.b.left.add(NHI.owner)
            await town.pass_time(600)
            (message,) = await town.b.office.desk.aside()
            assert (message.message_id, message.reason, town.provider.order) == ("m1", WHY, [])
            with pytest.raises(Fault, match="no more"):
                await town.b.office.desk.discard_aside(encoded(HOSPITAL), "m1", "gone")
            town.b.left.clear()
            await town.b.office.desk.revive_aside(encoded(HOSPITAL), "m1")
            await town.pass_time(600)
            assert (town.provider.order, (await status(town.a)).state) == (["m1"], "answered")

    run(story())


def test_one_that_is_handed_over_while_it_leaves_is_not_handed_again(tmp_path: Path) -> None:
    async def story() -> None:
        async with Town(tmp_path) as town:

            def leaves(call: Call) -> Answer | None:
                town.b.left.add(NHI.owner)
                return None

            town.provider.behave = leaves
            await town.accept("m1")
            await town.pass_time(600)
            (message,) = await town.b.office.desk.aside()
            assert message.reason == f"{WHY} Its service has answered already."
            assert town.provider.order == ["m1"]

    run(story())


def test_what_the_provider_has_is_said_to_be_there_and_its_answer_elsewhere(tmp_path: Path) -> None:
    async def story() -> None:
        async with Town(tmp_path) as town:
            town.provider.behave = _fails(Code.NETWORK_ERROR)
            await town.accept("m1")
            await town.settle()
            assert (await status(town.a)).state == "accepted"
            town.a.left.add(HOSPITAL.owner)
            await town.pass_time(600)
            (letter,) = await town.a.office.desk.dead()
            assert letter.reason.startswith(f"{WHY} The provider's gateway took the message")

    run(story())
