"""Only a released Actual reaches people: attempts to get round that, one by one."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from tests.service.alerts.values import CONTENT
from tests.service.alerts.world import SECOND, WRITER, World, in_a_world

from banyan.errors import Problem
from banyan.service.alerts import keeping
from banyan.service.alerts.actual import Actual, Drill, NotActual, admit
from banyan.service.alerts.model import Alert, digest_of
from banyan.service.alerts.outlets import Outlets, Setting

SETTING = Setting({"zh-Hant": "中心", "en": "Centre"}, "", 7)


async def alert_of(world: World, id: str) -> Alert:
    found = await world.node.drawers["alerts"].sql.read(lambda tx: keeping.alert_of(tx, id))
    assert found is not None
    return found


@pytest.mark.parametrize("status", ["Exercise", "Test", "Draft"])
def test_what_is_not_actual_goes_to_the_sinks_alone_and_is_marked(status: str) -> None:
    async def story(world: World) -> None:
        id = await world.released(status=status)
        assert [wire.packets for wire in world.people.values()] == [[], [], []]
        mark = {"Exercise": "【演習】", "Test": "【測試】", "Draft": "【草稿】"}[status]
        for wire in world.sinks.values():
            assert len(wire.packets) == 1
            packet = wire.packets[0]
            said = (*packet.spoken.values(), *packet.chat.values(), *(one.text for one in packet.sms.values()))
            assert all(text.startswith((mark, "[EXERCISE]", "[TEST]", "[DRAFT]")) for text in said)
        told = await world.call("in_force")
        assert told.alerts == ()
        assert [one.id for one in told.exercises] == [id]
        assert told.exercises[0].headline["zh-Hant"].startswith(mark)

    in_a_world(story)


def test_no_work_no_school_of_taipei_2025_09_17() -> None:
    """A Test of "no work, no school" by an office with every right, released by two: no citizen is told."""

    async def story(world: World) -> None:
        words = {"zh-Hant": {"headline": "臺北市明日停止上班上課"}}
        content = msgspec.to_builtins(msgspec.structs.replace(CONTENT, status="Test", event="typhoon")) | {
            "words": words
        }
        stands = await world.call("draft", WRITER, key=world.key(), content=content)
        stands = await world.call("propose", WRITER, key=world.key(), id=stands.id)
        await world.call("release", SECOND, key=world.key(), id=stands.id, digest=stands.digest)
        await world.turn()
        assert all(not wire.packets for wire in world.people.values())
        feed = await world.client.get("/alerts/feed.atom")
        assert "停止上班" not in feed.text
        apart = await world.client.get("/alerts/exercises.atom")
        assert "【測試】臺北市明日停止上班上課" in apart.text
        page = await world.client.get(f"/api/alerts/alert/{stands.id}")
        assert page.json["now"]["is_real"] is False

    in_a_world(story)


def test_an_update_cannot_make_a_drill_real() -> None:
    async def story(world: World) -> None:
        id = await world.released(status="Exercise")
        content = msgspec.to_builtins(CONTENT)
        assert await world.kind("edit", WRITER, key=world.key(), id=id, content=content) == "status_changed"

    in_a_world(story)


def test_a_forged_record_in_the_store_reaches_nobody() -> None:
    """Somebody with the database writes: a chain whose update is Actual, a release without a releaser, other words."""

    async def story(world: World) -> None:
        id = await world.released(status="Exercise")
        alert = await alert_of(world, id)
        first = alert.chain[0]
        real = msgspec.structs.replace(first.content, status="Actual")
        update = msgspec.structs.replace(first, number=2, kind="Update", content=real)
        update = msgspec.structs.replace(update, digest=digest_of(update))
        forged = [
            msgspec.structs.replace(alert, chain=(first, update)),
            msgspec.structs.replace(alert, chain=(msgspec.structs.replace(first, content=real),)),
            msgspec.structs.replace(alert, chain=(msgspec.structs.replace(update, number=1, released_by=None),)),
            msgspec.structs.replace(alert, chain=(msgspec.structs.replace(update, number=1, stage="proposed"),)),
        ]
        for one in forged:
            assert isinstance(admit(one, len(one.chain)), str)
        sql = world.node.drawers["alerts"].sql
        await sql.write(lambda tx: (keeping.put_alert(tx, forged[0]), dispatch_again(tx, forged[0], world)))
        await world.turn()
        assert all(not wire.packets for wire in world.people.values())
        assert (await world.results(id))[2, "cells"] == "failed"

    in_a_world(story)


def dispatch_again(tx: Any, alert: Alert, world: World) -> None:
    from banyan.service.alerts import dispatch

    dispatch.put(tx, alert, world.now[0])  # type: ignore[arg-type]  # a float is one


def test_one_officer_cannot_send_what_is_grave_though_the_record_says_released() -> None:
    async def story(world: World) -> None:
        id = await world.released()
        alert = await alert_of(world, id)
        one = alert.chain[0]
        alone = msgspec.structs.replace(one, released_by=one.author)
        assert admit(msgspec.structs.replace(alert, chain=(alone,)), 1) == "not_two"
        assert isinstance(admit(alert, 1), Actual)

    in_a_world(story)


def test_nothing_but_the_gate_makes_an_actual_and_each_side_takes_its_own() -> None:
    async def story(world: World) -> None:
        real, drill = await world.released(), await world.released(status="Exercise", contact="119")
        alert, exercise = await alert_of(world, real), await alert_of(world, drill)
        with pytest.raises(NotActual):
            Actual(object(), exercise, 1)
        said, marked = admit(alert, 1), admit(exercise, 1)
        assert isinstance(said, Actual)
        assert isinstance(marked, Drill)
        people, sinks = Outlets(world.people, is_for_people=True), Outlets(world.sinks, is_for_people=False)
        for outlets, wrong in ((people, marked), (sinks, said)):
            with pytest.raises(NotActual):
                await outlets.send("sms", wrong, SETTING)
        forged = object.__new__(Actual)
        object.__setattr__(forged, "_alert", exercise)
        object.__setattr__(forged, "_number", 1)
        with pytest.raises(NotActual):  # made without the gate, it says nothing: each reading judges anew
            await people.send("sms", forged, SETTING)

    in_a_world(story)


def test_a_monthly_test_is_never_actual() -> None:
    async def story(world: World) -> None:
        with pytest.raises(Problem, match="level"):
            await world.drafted(level="monthly")
        await world.released(level="monthly", status="Test", severity="Minor")
        assert all(not wire.packets for wire in world.people.values())

    in_a_world(story)
