"""SMS by area on real nodes: an agency's signed warning goes by the road to an operator, which finds who is there."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import pytest
from tests.area_nation import BASIS, MEMBER, Two, subscriber, table, two_nodes, working, write
from tests.area_signed import SENDER, pinned
from tests.craft.notify.test_peers import a_peer
from tests.make import NOW
from tests.service.alerts.world import SECOND, WRITER

from banyan.errors import Conflict, Denied, Invalid, NotFound, Problem
from banyan.kernel.identity.caller import ANONYMOUS, Caller
from banyan.kernel.ledger.entries import read_entry
from banyan.node import open_node
from banyan.service.areasms.asking import campaign_of
from banyan.service.areasms.judging import id_of
from banyan.settings import AreaSmsSettings, Settings, SmsSettings

Story = Callable[[Two], Awaitable[None]]


def tell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, story: Story, **given: Any) -> None:
    async def told() -> None:
        async with two_nodes(tmp_path, monkeypatch, **given) as two:
            await story(two)

    asyncio.run(told())


def campaign(alert: str, number: int = 1) -> str:
    return campaign_of(id_of(SENDER, f"{alert}.{number}"))


async def entry(two: Two, alert: str, step: str = "send") -> dict[str, Any]:
    """The operator's public entry."""
    ledger, key = two.operator.lawful.ledger, f"areasms/{id_of(SENDER, f'{alert}.1')}/{step}"
    await ledger.publish(int(two.now[0]))
    return read_entry(await ledger.entry((await ledger.acts([key]))[key]))


def test_an_operator_tells_whoever_is_in_the_area_once_and_the_agency_learns_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(two: Two) -> None:
        id = await two.released()
        told = await two.told(id)
        assert (told.state, told.reached, told.total) == ("sent", 40, 40)  # 43 telephones, told in tens
        got = Counter((one.to, one.text.startswith("花蓮縣淹水警戒")) for one in two.smsc.phones.newest)
        assert {to for to, _ in got} == {subscriber(one) for one in range(43)}
        assert set(got.values()) == {1}
        assert sum(is_chinese for _, is_chinese in got) == 33
        again = await two.ask("send", MEMBER, document=await two.document(id), basis=BASIS)
        assert (again.state, again.reached, again.total) == ("sent", 40, 40)
        assert two.smsc.phones.count == 43
        said = await entry(two, id)
        assert (said["kind"], said["agency"], said["basis"], said["step"]) == ("area_sms", MEMBER.agency, BASIS, "send")
        assert not [key for key in said if key in ("count", "total")]
        assert two.operator.notifier is not None
        (progress,) = await two.operator.notifier.campaigns()
        assert progress.campaign == campaign(id)  # what the operator's own `notify status` shows

    tell(tmp_path, monkeypatch, story, count=43)


def test_a_cancel_stops_what_waits_and_goes_to_the_same_area(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(two: Two) -> None:
        id = await two.released()
        async with asyncio.timeout(30):
            while (await two.result(id)).total < 40:
                await two.turn()
                two.now[0] += 1
                await asyncio.sleep(0.01)
        await two.cancelled(id)
        notifier = two.operator.notifier
        assert notifier is not None
        async with asyncio.timeout(30):
            while (second := await notifier.progress(campaign(id, 2))) is None or second.total < 40:
                await two.turn()
                two.now[0] += 1
                await asyncio.sleep(0.01)
        first = await notifier.progress(campaign(id))
        assert first is not None
        assert (first.stopped, first.waiting, first.is_stopped) == (40, 0, True)
        assert (second.total, second.is_stopped) == (40, False)
        late = await two.ask("send", MEMBER, document=await two.document(id), basis=BASIS)
        assert (late.state, late.reached) == ("stopped", 0)

    tell(tmp_path, monkeypatch, story, port=9)  # no SMSC answers: all of it waits


def test_a_cancel_of_what_never_came_here_tells_nobody_and_the_late_alert_neither(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(two: Two) -> None:
        id = await two.released()
        await two.cancelled(id)
        said = await two.ask("send", MEMBER, document=await two.document(id, 2), basis=BASIS)
        assert (said.state, said.total, said.note) == ("sent", 0, "never_said")
        late = await two.ask("send", MEMBER, document=await two.document(id, 1), basis=BASIS)
        assert (late.state, late.total, late.note) == ("stopped", 0, "superseded")
        assert await two.operator.notifier.campaigns() == []  # type: ignore[union-attr]

    tell(tmp_path, monkeypatch, story)


def test_a_message_is_stopped_by_its_own_member_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = msgspec.structs.replace(MEMBER, id="TW/GOV/CDC/x", agency="TW/GOV/CDC")

    async def story(two: Two) -> None:
        id = await two.released()
        document = await two.document(id)
        async with working(two.operator):
            async with asyncio.timeout(30):
                while (await two.ask("send", MEMBER, document=document, basis=BASIS)).total < 40:
                    await asyncio.sleep(0.01)
        with pytest.raises(NotFound):
            await two.ask("stop", other, sender=SENDER, identifier=f"{id}.1")
        with pytest.raises(Conflict):
            await two.ask("send", other, document=document, basis=BASIS)
        said = await two.ask("stop", MEMBER, sender=SENDER, identifier=f"{id}.1")
        assert (said.state, said.reached, said.total) == ("stopped", 0, 40)
        assert (await entry(two, id, "stop"))["step"] == "stop"

    tell(tmp_path, monkeypatch, story, port=9, is_working=False)


@pytest.mark.parametrize("caller", [ANONYMOUS, Caller("officer", "o", agency="TW/GOV/EOC", assurance="aal2"),
                                    msgspec.structs.replace(MEMBER, subject="ab")])  # fmt: skip
def test_only_a_member_asks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caller: Caller) -> None:
    async def story(two: Two) -> None:
        with pytest.raises(Problem) as refused:
            await two.ask("send", caller, document="<alert/>", basis=BASIS)
        assert refused.value.status in (401, 403)

    tell(tmp_path, monkeypatch, story)


def test_what_is_no_signed_warning_to_people_reaches_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(two: Two) -> None:
        real = await two.document(await two.released())
        exercise = await two.document(await two.released("b", status="Exercise"))
        bare = real[: real.index("<ds:Signature")] + "</alert>"
        refused: list[tuple[str, type[Problem]]] = [
            (real.replace("請移往高處", "請點此處"), Denied),  # the words were changed
            (real.replace("10015000", "63000000"), Denied),  # the area was
            (bare, Denied),
            (exercise, Invalid),
            (exercise.replace(">Exercise<", ">Actual<"), Denied),
            (real.replace("eoc.gov.example", "cdc.gov.example"), Denied),  # not pinned
            ("<alert", Invalid),
            ('<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><alert>&b;</alert>', Invalid),
        ]
        for document, wrong in refused:
            with pytest.raises(wrong):
                await two.ask("send", MEMBER, document=document, basis=BASIS)
        two.now[0] += 7 * 3_600
        with pytest.raises(Invalid, match="expires"):
            await two.ask("send", MEMBER, document=real, basis=BASIS)
        two.now[0] -= 8 * 3_600
        with pytest.raises(Invalid, match="sent"):
            await two.ask("send", MEMBER, document=real, basis=BASIS)
        assert await two.operator.notifier.campaigns() == []  # type: ignore[union-attr]

    tell(tmp_path, monkeypatch, story, is_working=False)


def test_without_a_grant_the_agency_is_told_that_it_has_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(two: Two) -> None:
        id = await two.released()
        for _ in range(40):
            await two.turn()
            two.now[0] += 3_600 / 40
            if (await two.result(id)).state == "failed":
                break
        found = await two.result(id)
        assert found.state == "failed"
        assert "telecom" in found.note
        assert two.smsc.phones.count == 0

    tell(tmp_path, monkeypatch, story, is_granted=False)


def test_giving_that_was_cut_off_goes_on_from_the_start_and_tells_nobody_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a node that dies between two slices leaves it: some are with the sender, the message still waits."""
    monkeypatch.setattr("banyan.service.areasms.giving.ALERT_SMS_SLICE", 25)

    async def story(two: Two) -> None:
        notifier = two.operator.notifier
        assert notifier is not None
        taken, accept = [0], notifier.accept

        async def once(messages: Any) -> Any:
            taken[0] += 1
            if taken[0] > 1:
                raise OSError("the machine died here")
            return await accept(messages)

        monkeypatch.setattr(notifier, "accept", once)
        id = await two.released()
        await two.ask("send", MEMBER, document=await two.document(id), basis=BASIS)
        async with working(two.operator):
            while taken[0] < 2:
                await asyncio.sleep(0.005)
        monkeypatch.setattr(notifier, "accept", accept)
        two.now[0] += 3_600
        assert (await notifier.progress(campaign(id))).total == 25  # type: ignore[union-attr]
        async with working(two.operator):
            assert (await two.told(id)).total == 90
        got = Counter(one.to for one in two.smsc.phones.newest)
        assert got == Counter(subscriber(one) for one in range(90))

    tell(tmp_path, monkeypatch, story, count=90, is_working=False)


def test_a_cancel_in_the_midst_of_giving_ends_it_at_the_next_slice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("banyan.service.areasms.giving.ALERT_SMS_SLICE", 25)

    async def story(two: Two) -> None:
        notifier = two.operator.notifier
        assert notifier is not None
        id = await two.released()
        document = await two.document(id)
        await two.cancelled(id)
        accept, cancels = notifier.accept, list[asyncio.Task[Any]]()

        async def with_a_cancel(messages: Any) -> Any:
            if not cancels:
                cancel = two.ask("send", MEMBER, document=await two.document(id, 2), basis=BASIS)
                cancels.append(asyncio.create_task(cancel))
            return await accept(messages)

        monkeypatch.setattr(notifier, "accept", with_a_cancel)
        await two.ask("send", MEMBER, document=document, basis=BASIS)
        async with working(two.operator), asyncio.timeout(30):
            while (await notifier.progress(campaign(id, 2))) is None:
                await asyncio.sleep(0.01)
        await asyncio.gather(*cancels)
        first = await notifier.progress(campaign(id))
        assert first is not None
        assert first.is_stopped
        assert first.waiting == 0
        assert first.total < 500

    tell(tmp_path, monkeypatch, story, count=500, port=9, is_working=False)


def test_a_table_is_read_anew_and_the_agency_hears_of_rows_that_were_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(two: Two) -> None:
        write(tmp_path / "telecom" / "new.csv", table(11).encode() + b"0912345678,466-92-10101-1,zh\n")
        (tmp_path / "telecom" / "new.csv").rename(tmp_path / "telecom" / "here.csv")
        told = await two.told(await two.released())
        assert (told.state, told.total, told.note) == ("sent", 10, "rows_passed_over")
        assert {one.to for one in two.smsc.phones.newest} == {subscriber(one) for one in range(11)}

    tell(tmp_path, monkeypatch, story, count=40)


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_a_table_of_places_is_as_good_as_one_of_cells(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """Rows by village and town; no language, no plus signs, numbers as numbers."""
    made = tmp_path / f"made.{kind}"
    rows = [(int(subscriber(one)[1:]), "10015010" if one % 2 else "10015010003") for one in range(30)]
    rows += [(int(subscriber(900)[1:]), "63000010")]
    with duckdb.connect() as engine:
        engine.execute("create table t (number bigint, area varchar)")
        engine.executemany("insert into t values (?, ?)", rows)
        engine.execute(f"copy t to '{made}' (format {kind})")

    async def story(two: Two) -> None:
        assert (await two.told(await two.released())).total == 30
        assert {one.to for one in two.smsc.phones.newest} == {subscriber(one) for one in range(30)}

    tell(tmp_path, monkeypatch, story, tables=((f"places.{kind}", made.read_bytes()),))


def test_a_text_that_the_operator_may_not_send_is_refused_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(two: Two) -> None:
        id = await two.released(contact="https://evil.example/1")
        document = await two.document(id)
        with pytest.raises(Invalid):
            await two.ask("send", MEMBER, document=document, basis=BASIS)
        assert await two.operator.notifier.campaigns() == []  # type: ignore[union-attr]

    tell(tmp_path, monkeypatch, story, is_working=False)


def test_an_officer_of_the_agency_sees_tens_and_stops_what_operators_have_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(two: Two) -> None:
        call, id = two.agency.gate.call, await two.released()
        async with asyncio.timeout(30):
            while (await two.result(id)).total < 40:
                await two.turn()
                two.now[0] += 1
                await asyncio.sleep(0.01)
        (shown,) = await call("alerts.campaigns", {}, caller=WRITER)
        assert (shown.total, shown.left, shown.taken, shown.is_stopped) == (40, 40, 0, False)
        assert b"8869" not in msgspec.json.encode(shown)
        stopped = await call("alerts.stop_sms", {"id": id, "version": 1}, caller=SECOND)
        assert stopped.count == 40
        progress = await two.operator.notifier.progress(campaign(id))  # type: ignore[union-attr]
        assert progress is not None
        assert (progress.stopped, progress.waiting) == (43, 0)
        assert (await two.told(id)).state == "failed"  # nobody was reached
        (shown,) = await call("alerts.campaigns", {}, caller=WRITER)
        assert (shown.left, shown.stopped, shown.is_stopped) == (0, 40, True)
        with pytest.raises(NotFound):
            await call("alerts.stop_sms", {"id": id, "version": 2}, caller=WRITER)

    tell(tmp_path, monkeypatch, story, count=43, port=9)


@pytest.mark.peers
def test_a_foreign_smsc_gets_each_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        async with a_peer("npm") as (port, process), two_nodes(tmp_path, monkeypatch, count=23, port=port) as two:
            told = await two.told(await two.released())
            said, _ = await process.communicate(b"")
        assert (told.state, told.reached, told.total) == ("sent", 20, 20)
        report = json.loads(said)
        assert Counter(one[0] for one in report["got"]) == Counter(subscriber(one)[1:] for one in range(23))
        assert report["count"] == 23

    asyncio.run(story())


@pytest.mark.parametrize(
    ("changes", "sms", "field"),
    [
        ({}, False, "areasms"),
        ({"tables": ()}, True, "areasms.tables"),
        ({"register": ""}, True, "areasms.register"),
        ({"register": "nowhere"}, True, "register"),
        ({"cells": ()}, True, "areasms.cells"),
        ({"tables": ("gone.csv",)}, True, "areasms.tables"),
        ({"tables": ("wrong.csv",)}, True, "areasms.tables"),
        ({"tables": ("bad.csv",)}, True, "1 rows"),
        ({"tables": ("no.parquet",)}, True, "areasms.tables"),
        ({"cells": ("here.csv",)}, True, "no list of cells"),
    ],
)
def test_a_node_that_could_miss_people_does_not_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], sms: bool, field: str
) -> None:
    data = tmp_path / "node"
    (data / "senders").mkdir(parents=True)
    files = {
        "here.csv": table(3), "wrong.csv": "phone,cell\n1,2\n", "no.parquet": "x",
        "bad.csv": "number,cell\n0912345678,466-92-10101-1\n",
        "sites.csv": "cell,lon,lat\n466-92-10101-1,121.60,23.98\n",
    }  # fmt: skip
    for name, content in files.items():
        (data / name).write_text(content, encoding="utf-8")
    pinned(data / "senders", tmp_path / "keys", NOW)
    given = AreaSmsSettings(tables=("here.csv",), cells=("sites.csv",), register="senders")
    settings = Settings(
        services=("banyan.service.areasms.parts:SERVICE", "banyan.service.identity.parts:SERVICE"),
        sms=SmsSettings(enabled=sms), areasms=msgspec.structs.replace(given, **changes),
    )  # fmt: skip

    async def start() -> None:
        async with open_node(data, settings):
            pass

    with pytest.raises(Invalid, match=field):
        asyncio.run(start())
