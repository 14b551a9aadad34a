"""The demonstration's registers: sealed at rest, lawful at each read, and empty-handed on a node for real."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.make import NOW

from banyan.demo.agencies import quarantine
from banyan.demo.agencies.law import BROAD, NEEDED, PURPOSE, seed_law
from banyan.demo.agencies.people import LIN, PEOPLE, people
from banyan.demo.agencies.sealed import SQL, Keeping
from banyan.demo.agencies.seeding import SERVICES, seed_registers
from banyan.demo.loan.registering import CLIENT, close_app, register_app
from banyan.demo.personas import seed_personas
from banyan.errors import NotFound
from banyan.kernel.events.clock import EpochS
from banyan.kernel.exchange import Refused
from banyan.kernel.identity.caller import Caller
from banyan.kernel.identity.identifiers import person_number_kind
from banyan.kernel.identity.openid import records as openid_records
from banyan.kernel.identity.vault import Destroyed
from banyan.node import KEYS_FOLDER, Node, open_node
from banyan.settings import Settings
from banyan.sms_control import SOCKET

ONLY = Settings(
    services=(
        "banyan.service.identity.parts:SERVICE",
        "banyan.service.mydata.parts:SERVICE",
        "banyan.service.powers.parts:SERVICE",
        "banyan.service.transparency.parts:SERVICE",
    )
)
CDC = Caller("officer", "cdc-1", agency="TW/GOV/CDC", roles=("epidemic",), assurance="aal2")
NIA = Caller("officer", "nia-1", agency="TW/GOV/NIA", assurance="aal2")
DISTRICT = Caller("officer", "d-1", agency="TW/GOV/DISTRICT", assurance="aal2")
PLACE, TELEPHONE = "花蓮縣花蓮市檢疫路99號", "0912-000-999"


def in_a_nation(folder: Path, *stories: Callable[[Node, list[float]], Awaitable[None]]) -> None:
    """Tell each story in the same folder of a seeded demonstration."""
    now = [float(NOW)]

    async def run() -> None:
        for story in stories:
            async with open_node(folder, ONLY, clock=lambda: EpochS(now[0]), is_demo=True) as node:
                await seed_personas(node.persons)
                await seed_law(node.gate)
                await register_app(node.persons, folder / "demo")
                keeping = Keeping(node.scopes, node.lawful.conscience.subject, node.lawful.policy)
                await seed_registers(node.drawers, keeping)
                await story(node, now)

    asyncio.run(run())


def citizen(node: Node, number: str = LIN) -> Caller:
    return Caller("citizen", "lin", assurance="aal2", subject=node.lawful.conscience.subject(number).hex())


async def ask(node: Node, operation: str, caller: Caller, **asked: Any) -> Any:
    return msgspec.json.decode(msgspec.json.encode(await node.gate.call(operation, asked, caller=caller)))


def moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat()


def test_the_people_are_the_same_each_time_and_none_is_twice() -> None:
    found = people()
    assert found == people()
    assert len({one.number for one in found}) == PEOPLE
    assert all(person_number_kind(one.number) is not None for one in found)


def test_who_may_read_what_and_why_not(tmp_path: Path) -> None:
    async def story(node: Node, now: list[float]) -> None:
        lin = citizen(node)
        own = await ask(node, "civil.household_record", lin)
        assert own["name"] == "林小榕"
        assert (await ask(node, "tax.income", lin, fields=("wages",))) == {"wages": 684_000}
        mine = await ask(node, "civil.household_record", DISTRICT, person=LIN, fields=("name", "address"))
        assert mine == {"name": "林小榕", "address": own["address"]}
        with pytest.raises(Refused) as refused:
            await ask(node, "civil.household_record", CDC, person=LIN, fields=("name",))
        said = refused.value.decision
        assert said.missing == ("basis",)
        assert "法律依據" in said.explanation["zh-Hant"]
        assert "no registered legal basis" in said.explanation["en"]
        with pytest.raises(Refused) as over:
            await ask(node, "civil.household_record", DISTRICT, person=LIN, fields=("members",))
        assert over.value.decision.missing == ("fields",)
        with pytest.raises(Refused):
            await ask(node, "tax.income", DISTRICT, person=LIN, fields=("wages",))
        with pytest.raises(NotFound):
            await ask(node, "civil.household_record", DISTRICT, person="A200000003", fields=("name",))
        uses = await ask(node, "mydata.uses", lin)
        assert {one["basis"] for one in uses["uses"]} == {"own-household", "own-income", "registrar-duty"}

    in_a_nation(tmp_path, story)


def test_a_lender_that_asks_for_more_is_shown_to(tmp_path: Path) -> None:
    async def story(node: Node, now: list[float]) -> None:
        lin = citizen(node)
        asked = {}
        for purpose, agency in ((PURPOSE, "TW/COM/LOAN"), (BROAD, "TW/COM/BROAD")):
            found = await ask(node, "mydata.asked_by_app", lin, purpose=purpose, agency=agency)
            asked[purpose] = found["consent"]
        waiting = {one["id"]: one for one in await ask(node, "mydata.pending", lin)}
        assert waiting[asked[PURPOSE]]["unusual"] == []
        broad = waiting[asked[BROAD]]
        assert (broad["similar"], broad["unusual"]) == (4, ["rent", "employer", "dependants"])
        preview = await ask(node, "mydata.preview", lin, consent=asked[PURPOSE])
        assert preview == {"fields": list(NEEDED), "values": {"year": 2025, "wages": 684_000}, "is_shown": True}

    in_a_nation(tmp_path, story)


def test_what_an_order_collected_is_unreadable_once_it_lapsed(tmp_path: Path) -> None:
    data, backup = tmp_path / "data", tmp_path / "backup"
    words = [PLACE.encode(), TELEPHONE.encode()]

    def has_words(folder: Path) -> list[Path]:
        files = [path for path in folder.rglob("*") if path.is_file()]
        return [path for path in files if any(word in path.read_bytes() for word in words)]

    async def collect(node: Node, now: list[float]) -> None:
        stay = {"person": LIN, "until": "2026-12-01", "place": PLACE, "telephone": TELEPHONE, "reason": "返國檢疫"}
        with pytest.raises(Refused) as refused:
            await ask(node, "quarantine.note", CDC, **stay)
        assert refused.value.decision.missing == ("order",)
        declared = {
            "id": "q-1", "title_zh": "居家檢疫令", "title_en": "Home quarantine order", "incident": "2026-11",
            "reason": "境外移入", "bases": (quarantine.BASIS,), "start": moment(now[0]), "until": moment(now[0] + 500),
        }  # fmt: skip
        await ask(node, "powers.declare_order", CDC, **declared)
        await ask(node, "powers.approve_order", NIA, id="q-1")
        await ask(node, "quarantine.note", CDC, **stay)
        seen = await ask(node, "quarantine.stay", CDC, person=LIN, reason="關懷訪視")
        assert (seen["place"], seen["telephone"]) == (PLACE, TELEPHONE)
        journal = node.drawers["quarantine"].journal(quarantine.JOURNAL)
        staged = node.drawers["quarantine"].work / "stays"
        staged.write_bytes(b"".join(payload for _, payload in journal.replay()))
        node.drawers["quarantine"].lake.adopt(staged, "stays/1.bin")

    async def lapse(node: Node, now: list[float]) -> None:
        shutil.copytree(data, backup, ignore=shutil.ignore_patterns(KEYS_FOLDER, SOCKET))
        assert has_words(data) == []
        now[0] += 500
        with pytest.raises(Refused) as refused:
            await ask(node, "quarantine.stay", CDC, person=LIN, reason="關懷訪視")
        assert refused.value.decision.missing == ("order",)

    async def gone(node: Node, now: list[float]) -> None:
        """A start after the end finishes it; the sealed bytes open with nothing that is left."""
        subject, scope = node.lawful.conscience.subject(LIN), "order:q-1"
        drawer = node.drawers["quarantine"]
        row = await drawer.sql.read(lambda tx: tx.row(SQL["record"], scope=scope, subject=subject))
        assert row is not None
        copies = [row[0], next(payload for _, payload in drawer.journal(quarantine.JOURNAL).replay())]
        copies.append(drawer.lake.path("stays/1.bin").read_bytes())
        for sealed in copies:
            with pytest.raises(Destroyed):
                await node.scopes.open(scope, subject, sealed, context=scope.encode())
        await node.lawful.ledger.publish(int(now[0]))
        assert has_words(data) + has_words(backup) == []

    in_a_nation(data, collect, lapse, gone)


def test_an_empty_start_has_none_of_it(tmp_path: Path) -> None:
    async def demo(node: Node, now: list[float]) -> None:
        assert {service.name for service in SERVICES} <= node.drawers.keys()

    in_a_nation(tmp_path, demo)

    async def empty() -> None:
        async with open_node(tmp_path, ONLY, clock=lambda: NOW) as node:
            assert not {service.name for service in SERVICES} & node.drawers.keys()
            assert "tax.income" not in node.catalogue.operations
            client = await node.persons.store.read(lambda tx: openid_records.client_by_id(tx, CLIENT))
            assert client is not None
            assert client.is_closed
            await close_app(node.persons)

    asyncio.run(empty())
