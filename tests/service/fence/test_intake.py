"""A node that is no demonstration: cells by file, batches by an operator, an alarm; what is late, twice or wrong."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.make import Client
from tests.service.fence import masts
from tests.service.fence.masts import FAR, HOME, OPERATOR, SLOT_S, lines_of, send, settings_of, train, with_operator
from tests.service.fence.world import HEALTH, LEE, WANG, World, a_world, phone_of

from banyan.craft.cells.arriving import ARROW, PARQUET
from banyan.errors import Denied, Invalid
from banyan.kernel.exchange import DoorSettings, build_door
from banyan.kernel.exchange.presence import Presence
from banyan.kernel.identity.caller import Caller
from banyan.service.fence import records
from banyan.service.fence.intake import DOOR, File
from banyan.service.fence.shelf import shelf_of

MINE = phone_of(WANG)


def in_a_node(folder: Path, story: Callable[[World], Awaitable[None]], *, table: str = masts.TABLE) -> None:
    async def run() -> None:
        now = [float(masts.NOW)]
        async with a_world(folder, now, settings=settings_of(folder, table)) as world:
            await world.order()
            await with_operator(world)
            await story(world)

    asyncio.run(run())


def door_of(world: World, caller: Caller) -> Client:
    """The node's own door, where everybody is `caller`."""

    async def present(_: object) -> Presence:
        return Presence(caller)

    node = world.node
    settings = DoorSettings(secret=b"x" * 32, work=node.data / "work", rate_scale=0.0)
    app = build_door(
        node.catalogue, node.gate, identify=lambda _: None, settings=settings, log=lambda *_: None, present=present
    )
    return Client(app)


def test_a_walk_is_alarmed_on_a_real_node_and_asked_about_once(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        case, other = await world.register(), await world.register(LEE)
        served = {MINE: HOME, phone_of(LEE): 6}
        slot = await train(world, served)
        assert await world.work() == []
        for after in range(4):
            sent = await send(world, slot + after, served | {MINE: FAR, "+886911111111": 3})
            assert (sent.taken, sent.strange) == (2, 1)
        assert [(one.case, one.kind) for one in await world.work()] == [(case, "left")]
        await world.later(130)
        assert [one.stage for one in await world.work()] == ["asked"]
        assert [one.to for name in world.sms._campaigns for one in world.sms.sent(name)] == [MINE]
        assert other not in {one.case for one in await world.work()}

    in_a_node(tmp_path, story)


def test_arrow_parquet_and_lines_by_http_give_the_same(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        await world.register()
        await world.later(1)
        client, columns = door_of(world, OPERATOR), {"phone": [MINE, "+886911111111"], "cell": [masts.cell(0)] * 2}
        for place, kind in enumerate(("application/x-ndjson", ARROW, PARQUET)):
            at = masts.BEGIN + place * SLOT_S
            world.now[0] = float(at + SLOT_S)
            table = pa.table(columns | {"at": pa.array([at + 60] * 2, pa.int64())})
            body = lines_of(at, {MINE: 0, "+886911111111": 0}) if place == 0 else written(table, kind)
            reply = await client.post(f"{DOOR}?complete_until={at + SLOT_S}", body=body, headers=typed(kind))
            assert reply.status == 200, reply.text
            assert (reply.status, reply.json["taken"], reply.json["strange"]) == (200, 1, 1)
        for kind, body, query in (
            (ARROW, b"no stream", ""), (PARQUET, b"PAR1", ""), ("text/html", b"", ""),
            (ARROW, b"", "?complete_until=-1"),
        ):  # fmt: skip
            reply = await client.post(DOOR + query, body=body, headers=typed(kind))
            assert reply.status == 422, reply.text
        body = written(pa.table({"phone": [MINE]}), ARROW)
        assert b'"at"' in (await client.post(DOOR, body=body, headers=typed(ARROW))).body
        refused = await door_of(world, HEALTH).post(DOOR, body=b"x", headers=typed(ARROW))
        assert refused.status == 403

    in_a_node(tmp_path, story)


def typed(kind: str) -> dict[str, str]:
    return {"content-type": kind, "authorization": "Bearer of-whoever-is-present"}


def written(table: pa.Table, kind: str) -> bytes:
    sink = io.BytesIO()
    if kind == PARQUET:
        pq.write_table(table, sink)
    else:
        with pa.ipc.new_stream(sink, table.schema) as stream:
            stream.write_table(table)
    return sink.getvalue()


def test_what_is_late_twice_ahead_or_wrong_is_counted_and_changes_nothing(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        await world.register()
        slot = await train(world, {MINE: HOME})
        engine = shelf_of(world.node.drawers["fence"]).engine
        assert engine is not None
        before = engine.state_hash()
        late = await send(world, 3, {MINE: FAR})
        assert (late.taken, late.late) == (0, 1)
        ahead = await send(world, slot, {MINE: FAR}, complete_until=None)  # ahead of nobody: the clock moves with it
        assert ahead.taken == 1
        again = await send(world, slot, {MINE: FAR}, complete_until=None)
        assert (again.taken, again.again) == (0, 1)
        skewed = File("application/x-ndjson", lines_of(int(world.now[0]) + 3_600, {MINE: FAR}))
        sent: Any = await world.node.gate.call("fence.send", skewed, caller=OPERATOR)
        assert (sent.taken, sent.ahead) == (0, 1)
        wrong = b'{"phone":"%b","at":1,"cell":"466-92-1-99"}\n{"at":2}\nnothing\n' % MINE.encode()
        sent = await world.node.gate.call("fence.send", File("application/x-ndjson", wrong), caller=OPERATOR)
        assert (sent.wrong_rows, [(one.row, one.field) for one in sent.wrong]) == (
            3,
            [(1, "cell"), (2, "row"), (3, "row")],
        )
        assert MINE not in str(sent)
        with pytest.raises(Invalid):
            await send(world, slot, {}, complete_until=int(world.now[0]) + 86_400)
        assert await world.work() == []
        assert before != engine.state_hash(), "the open slot holds the one that was taken"

    in_a_node(tmp_path, story)


def test_nobody_who_is_in_hospital_over_or_not_ours_is_taken_in(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        case = await world.register()
        assert (await send(world, 0, {MINE: HOME})).unknown == 1, "the engine hears a moment later"
        await world.later(1)
        await world.call("transfer", HEALTH, person=WANG, to="hospital", reason="住院")
        await world.later(1)
        assert (await send(world, 1, {MINE: HOME})).strange == 1
        await world.call("transfer", HEALTH, person=WANG, to="home", reason="出院")
        await world.later(1)
        assert (await send(world, 2, {MINE: HOME})).taken == 1
        await world.node.gate.call("powers.end_order", {"id": "fence-2026"}, caller=HEALTH)
        with pytest.raises(Denied):
            await send(world, 3, {MINE: HOME})
        assert case

    in_a_node(tmp_path, story)


def test_another_table_watches_everybody_anew_and_keeps_no_old_journal(tmp_path: Path) -> None:
    async def first(world: World) -> None:
        await world.register()
        slot = await train(world, {MINE: HOME})
        for after in range(3):
            await send(world, slot + after, {MINE: FAR})
        assert len(await world.work()) == 1

    async def second() -> None:
        now = [float(masts.NOW) + 90_600.0]
        more = masts.TABLE + "LTE,466,92,1,30,121.9,25.0,900\n"
        async with a_world(tmp_path, now, settings=settings_of(tmp_path, more)) as world:
            db = world.node.drawers["fence"]
            engine, held = shelf_of(db).engine, await db.sql.read(records.open_alarms)
            assert engine is not None
            assert len(held) == 1
            await world.later(1)
            assert engine.state_of(await world.slot(held[0].held)).phase == "training"
            assert len(list((tmp_path / "fence/journal").glob("positions*"))) == 1

    in_a_node(tmp_path, first)
    asyncio.run(second())


def test_a_node_without_cells_says_what_to_write(tmp_path: Path) -> None:
    for files in ((), ("missing.csv",)):
        from banyan.settings import FenceSettings, Settings

        settings = Settings(services=masts.ONLY.services, fence=FenceSettings(enabled=True, cells=files))

        async def opens(settings: Settings = settings) -> None:
            async with a_world(tmp_path, [float(masts.NOW)], settings=settings):
                pass

        with pytest.raises(Invalid) as refused:
            asyncio.run(opens())
        assert refused.value.fields[0].field == "fence.cells"
