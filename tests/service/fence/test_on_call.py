"""The telephone on duty: told once when it is the desk's turn, of a case number and no person."""

from __future__ import annotations

import pytest
from tests.service.fence.world import (
    CIVIL,
    FAR,
    HEALTH,
    NEXT,
    PATROL,
    REMOTE,
    STRANGER,
    WANG,
    World,
    in_a_world,
    phone_of,
)

from banyan.errors import Denied, Invalid

DUTY, STATION = "+886911000001", "+886911000002"


def told(world: World) -> list[tuple[str, str]]:
    """Whom the SMS centre was given for telephones on duty."""
    names = [one for one in world.sms._campaigns if one.startswith("fence/told/")]
    return [(one.to, one.text) for name in names for one in world.sms.sent(name)]


def test_when_it_is_its_turn_a_desks_telephone_is_told_once_and_never_who() -> None:
    async def story(world: World) -> None:
        await world.call("carry", HEALTH, desk="health", phone="0911-000-001")
        found = await world.call("carry", PATROL, desk="police", phone=STATION)
        assert [(one.desk, one.phone) for one in found] == [("police", STATION)]
        case = await world.register()
        await world.signal(case, "left", "strong")
        await world.later(300)
        assert told(world) == [], "she is asked first"
        await world.later(500)
        ((to, text),) = told(world)
        assert (to, case in text, len(text) <= 70) == (DUTY, True, True)
        for hidden in ("王小明", WANG, phone_of(WANG), "和平路"):
            assert hidden not in text
        await world.later(1_300)
        assert [one[0] for one in told(world)] == [DUTY, STATION], "the police's turn, twenty minutes later"
        await world.later(3_600)
        assert len(told(world)) == 2

    in_a_world(story)


def test_what_is_taken_wakes_nobody_of_that_agency_and_an_empty_number_is_none() -> None:
    async def story(world: World) -> None:
        await world.call("carry", HEALTH, desk="health", phone=DUTY)
        await world.call("carry", PATROL, desk="police", phone=STATION)
        case = await world.register()
        await world.signal(case, "left", "strong")
        (work,) = await world.work()
        await world.call("claim", NEXT, alarm=work.alarm)
        await world.later(1_700)
        assert told(world) == []
        await world.later(3_600)
        assert [one[0] for one in told(world)] == [STATION], "half an hour open: the police's turn"
        assert await world.call("carry", HEALTH, desk="health") == ()
        assert await world.call("on_call", HEALTH) == ()

    in_a_world(story)


def test_only_of_ones_own_agency_and_its_own_work() -> None:
    async def story(world: World) -> None:
        for asked, field in (({"desk": "police", "phone": DUTY}, "desk"), ({"desk": "health", "phone": "12"}, "phone")):
            with pytest.raises(Invalid, match=field):
                await world.call("carry", HEALTH, **asked)
        with pytest.raises(Denied):
            await world.call("carry", STRANGER, desk="health", phone=DUTY)
        await world.call("carry", REMOTE, desk="health", phone=DUTY)
        assert await world.call("on_call", CIVIL) == ()
        case = await world.register()
        await world.call("note_call", HEALTH, case=case, result="unwell")
        await world.later(10)
        assert told(world) == [], f"the village is not {FAR}'s"

    in_a_world(story)
