"""One alert on every channel: results, failures that hold nobody, updates and cancels, and nothing twice."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.service.alerts.world import CDC, EOC, SECOND, STRANGER, WRITER, World, an_officer, in_a_world, warrant

from banyan.service.alerts.acting import AUTHOR
from banyan.service.alerts.outlets import Told


def test_a_release_goes_to_every_channel_once_with_its_exact_text() -> None:
    async def story(world: World) -> None:
        id = await world.released()
        await world.turn()
        assert {name: wire.keys for name, wire in world.people.items()} == {
            "chat": ["1 Alert"], "cells": ["1 Alert"], "sms": ["1 Alert"]
        }  # fmt: skip
        packet = world.people["sms"].packets[0]
        assert packet.sms["zh-Hant"].text == "花蓮縣淹水警戒。請移往高處。（TW/GOV/EOC） 1999"
        assert (packet.sms["zh-Hant"].parts, packet.sms["zh-Hant"].one_holds) == (1, 70)
        assert packet.spoken["en"] == "Flood warning: Hualien County. Move to higher ground. (TW/GOV/EOC)"
        assert packet.chat["zh-Hant"].splitlines() == [
            "花蓮縣淹水警戒", "雨量已達警戒值。", "請移往高處", "有效至 2026-11-24 03:00", "TW/GOV/EOC",
            f"https://banyan.example/alerts/{id}",
        ]  # fmt: skip
        assert set((await world.results(id)).values()) == {"sent"}

    in_a_world(story)


def test_a_channel_that_fails_holds_no_other_and_is_tried_again() -> None:
    async def story(world: World) -> None:
        world.people["cells"].fails = 2
        id = await world.released()
        assert (await world.results(id))[1, "cells"] == "failed"
        assert (await world.results(id))[1, "sms"] == "sent"
        world.now[0] += 5
        await world.turn()
        assert (await world.results(id))[1, "cells"] == "failed"
        assert await world.kind("retry", STRANGER, id=id, channel="cells") == "other-agency"
        assert await world.kind("retry", WRITER, id=id, channel="sms") == "nothing-failed"
        await world.call("retry", SECOND, id=id, channel="cells")
        await world.turn()
        assert (await world.results(id))[1, "cells"] == "sent"
        world.now[0] += 10_000
        await world.turn()  # the try that waited finds it done
        assert world.people["cells"].keys == ["1 Alert"]
        assert world.people["sms"].keys == ["1 Alert"]

    in_a_world(story)


def test_a_channel_that_is_not_done_is_asked_until_it_is() -> None:
    async def story(world: World) -> None:
        world.people["cells"].answers = [Told("waiting", 1, 3), Told("partly", 2, 3, "cell-not-operational")]
        id = await world.released()
        assert (await world.results(id))[1, "cells"] == "waiting"
        world.now[0] += 2
        await world.turn()
        assert (await world.results(id))[1, "cells"] == "partly"

    in_a_world(story)


def test_updates_and_a_cancel_go_wherever_the_alert_went() -> None:
    async def story(world: World) -> None:
        id = await world.released(channels=("cells", "sms"))
        await world.updated(id, channels=("cells",), severity="Moderate", level="notice")
        await world.cancelled(id)
        assert world.people["cells"].keys == ["1 Alert", "2 Update", "3 Cancel"]
        assert world.people["sms"].keys == ["1 Alert", "2 Update", "3 Cancel"]
        assert world.people["chat"].keys == []
        assert world.people["sms"].packets[-1].sms["zh-Hant"].text.startswith("【解除】警戒解除")
        assert world.people["cells"].packets[1].before == (1,)
        assert (await world.call("in_force")).alerts == ()
        assert [one.state for one in (await world.call("archive")).alerts] == ["cancelled"]
        told = await world.call("one", id=id)
        assert [one.kind for one in (told.now, *told.earlier)] == ["Cancel", "Update", "Alert"]

    in_a_world(story)


def test_what_a_newer_message_overtook_is_not_said_and_a_cancel_follows_only_what_was() -> None:
    async def story(world: World) -> None:
        world.people["chat"].fails = 1
        stands = await world.proposed(channels=("cells", "chat"))
        await world.call("release", SECOND, key=world.key(), id=stands.id, digest=stands.digest)
        await world.cancelled(stands.id)  # before the first turn: nobody had it
        assert world.people["cells"].keys == []
        assert world.people["chat"].keys == []
        results = await world.results(stands.id)
        assert results[1, "cells"] == results[2, "cells"] == "skipped"

    in_a_world(story)


def test_what_was_claimed_when_the_node_died_is_carried_out_by_the_next_and_the_rest_not_again() -> None:
    """kill -9 between the effect and the word of it: the channel gets the same key again, and knows it by that."""

    async def dies(world: World) -> None:
        from banyan.kernel.events import outbox

        stands = await world.proposed()
        await world.call("release", SECOND, key="key-release", id=stands.id, digest=stands.digest)
        claimed = await outbox.claim(world.ctx.db.sql, now=world.ctx.now, lease_s=30.0)
        assert len(claimed) == 3

    async def lives(world: World) -> None:
        await world.turn()
        assert world.people["cells"].keys == []  # the lease of the dead one runs
        world.now[0] += 60
        await world.turn()
        assert [wire.keys for wire in world.people.values()] == [["1 Alert"]] * 3
        await world.turn()
        assert [wire.keys for wire in world.people.values()] == [["1 Alert"]] * 3

    with tempfile.TemporaryDirectory() as folder:
        in_a_world(dies, folder=Path(folder))
        in_a_world(lives, folder=Path(folder), is_warranted=False)


def test_each_step_is_once_per_key_and_on_the_ledger_without_its_officer() -> None:
    async def story(world: World) -> None:
        stands = await world.proposed()
        again = {"key": "key-release", "id": stands.id, "digest": stands.digest}
        first = await world.call("release", SECOND, **again)
        assert await world.call("release", SECOND, **again) == first
        assert await world.kind("propose", WRITER, key="key-release", id=stands.id) == "key-taken"
        await world.node.lawful.ledger.publish(int(world.now[0]))
        entries = [await world.node.lawful.ledger.entry(at) for at in range(first.entry + 1)]
        steps = [one for one in entries if b'"kind":"alert"' in one]
        assert [step in entry for step, entry in zip((b'"draft"', b'"propose"', b'"release"'), steps, strict=True)]
        assert all(b"o-writer" not in one and b"o-second" not in one for one in steps)
        lived = (await world.call("sheet", WRITER, id=stands.id)).lived
        assert [one.step for one in lived] == ["draft", "propose", "release"]

    in_a_world(story)


def test_an_alert_ends_by_itself_and_its_end_is_on_the_ledger_once() -> None:
    async def story(world: World) -> None:
        id = await world.released()
        world.now[0] += 6 * 3_600
        await world.expire(id)
        await world.expire(id)
        lived = (await world.call("sheet", WRITER, id=id)).lived
        assert [one.step for one in lived] == ["draft", "propose", "release", "expire"]
        assert (await world.call("in_force")).alerts == ()
        assert await world.kind("cancel", WRITER, key="key-cancel", id=id, words=WORDS) == "over"

    in_a_world(story)


def test_who_may_warn_of_what_and_where_is_data() -> None:
    async def story(world: World) -> None:
        with_role = an_officer("district", "TW/GOV/DISTRICT", AUTHOR)
        assert await refusal(world, with_role) == "no-warrant"
        await warrant(world.node, "TW/GOV/DISTRICT", event="flood", area="10015010")
        assert await refusal(world, with_role) == "no-warrant"  # the town, not the county
        assert await refusal(world, an_officer("clerk", EOC)) == "no-role"
        assert await refusal(world, an_officer("second", CDC, "alert-releaser")) == "no-role"
        await warrant(world.node, "TW/GOV/DISTRICT", event="flood", area="10015")
        assert await refusal(world, with_role) == ""
        assert await refusal(world, STRANGER) == "no-warrant"

    in_a_world(story)


async def refusal(world: World, by: object) -> str:
    from banyan.errors import Problem

    try:
        await world.drafted(by)  # type: ignore[arg-type]  # a caller
    except Problem as problem:
        return problem.kind
    return ""


WORDS = {"zh-Hant": {"headline": "結束"}, "en": {"headline": "Over"}}
