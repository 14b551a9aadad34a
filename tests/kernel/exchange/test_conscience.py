"""Personal data through the gate: refused with the reason, released with a proof, minimised, over at its second."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import Annotated, Any

import msgspec
import pytest
from tests.kernel.ledger.conftest import KEYS
from tests.kernel.policy.test_judging import FLAG, NOW
from tests.kernel.policy.test_orders import NHI, ORDER

from banyan.errors import Conflict, Invalid, Unavailable
from banyan.kernel.catalogue import Catalogue, Context, Service
from banyan.kernel.catalogue.personal import UNSET, UnsetType, personal
from banyan.kernel.events.clock import EpochS
from banyan.kernel.exchange import Gate, Refused
from banyan.kernel.exchange.conscience import Conscience
from banyan.kernel.exchange.gate import emit_to_feeds
from banyan.kernel.identity.caller import ANONYMOUS, Caller
from banyan.kernel.ledger.log import Ledger, verify_history
from banyan.kernel.policy import orders, records
from banyan.kernel.storage import close_drawer, open_drawer
from banyan.limits import ORDER_REVIEW_DAYS, REASON_CHARS

WANG = "A123456789"
ALSO = {"ledger": ("banyan.kernel.policy",)}
HOSPITAL = Caller("officer", "o-7", agency="TW/MED/H1", assurance="aal2")


class Ask(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    person: str
    fields: tuple[str, ...] = ()
    reason: str = ""


class Flag(msgspec.Struct, frozen=True):
    as_of: str
    flag: Annotated[bool, personal("C034")] | UnsetType = UNSET
    rule: Annotated[str, personal("C034")] | UnsetType = UNSET
    itinerary: Annotated[str, personal("C034")] | UnsetType = UNSET


def travel() -> Service:
    service = Service("travel", title={"zh-Hant": "旅遊史", "en": "Travel"}, package="tests.kernel.exchange")

    @service.operation(
        "flag",
        title={"zh-Hant": "旅遊史註記", "en": "Travel flag"},
        summary={"zh-Hant": "看診時的旅遊史註記。", "en": "The travel flag at a visit."},
        data=("border",),
        audience="hospital",
        purpose="012",
        subject="person",
    )
    async def flag(ctx: Context, request: Ask) -> Flag:
        return Flag("2020-05-20", True, "14 天", "武漢 BR0001")

    return service


class World(msgspec.Struct):
    """A gate with a conscience, its records and its ledger; `now` moves the clock."""

    gate: Any
    policy: Any
    ledger: Ledger
    conscience: Conscience
    now: list[float]

    async def ask(
        self,
        caller: Caller = HOSPITAL,
        person: str = WANG,
        fields: tuple[str, ...] = ("flag",),
        reason: str = "急診無法陳述",
    ) -> Any:
        return await self.gate.call("travel.flag", Ask(person, fields, reason), caller=caller)

    async def order(self) -> None:
        approved = orders.approve(ORDER, NHI, NOW)
        assert isinstance(approved, orders.Order)
        await self.policy.write(lambda tx: records.put_order(tx, approved))


@asynccontextmanager
async def a_world(folder: Path) -> AsyncIterator[World]:
    now, number = [float(NOW)], count()

    def clock() -> EpochS:
        return EpochS(now[0])

    packages = {"travel": "tests.kernel.exchange", "ledger": "banyan.kernel.ledger"}
    drawers = {
        name: open_drawer(folder / name, service=name, package=package, clock=clock, also=ALSO.get(name, ()))
        for name, package in packages.items()
    }
    try:
        ledger = Ledger(
            drawers["ledger"].sql,
            folder / "tiles",
            KEYS,
            random=lambda size: sha256(b"%d" % next(number)).digest()[:size],
        )
        policy = drawers["ledger"].sql
        await policy.write(lambda tx: records.put_basis(tx, FLAG, NOW))
        conscience = Conscience(policy, ledger, subject_key=bytes(32))
        gate = Gate(
            Catalogue([travel()]),
            drawers,
            clock=clock,
            emit=emit_to_feeds(drawers, clock),
            log=lambda name, fields: None,
            conscience=conscience,
        )
        yield World(gate, policy, ledger, conscience, now)
    finally:
        for drawer in drawers.values():
            await close_drawer(drawer)


def test_no_order_no_answer_and_the_refusal_says_why(tmp_path: Path) -> None:
    async def run() -> None:
        async with a_world(tmp_path) as world:
            with pytest.raises(Refused) as refused:
                await world.ask()
            said = refused.value.decision
            assert said.missing == ("order",)
            assert "命令" in said.explanation["zh-Hant"]
            assert "order in force" in said.explanation["en"]
            assert "兩個不同機關" in said.remedy["zh-Hant"]
            for caller in (
                ANONYMOUS,
                Caller("officer", "x", agency="TW/MED/H2", assurance="aal3"),
                Caller("administrator", "a"),
            ):
                with pytest.raises(Refused) as other:
                    await world.ask(caller)
                assert other.value.decision.missing == ("basis",)
            assert (await world.ledger.head()).entries == 0

    asyncio.run(run())


def test_a_release_is_minimised_written_and_provable(tmp_path: Path) -> None:
    async def run() -> None:
        async with a_world(tmp_path) as world:
            await world.order()
            answer = await world.ask()
            assert msgspec.to_builtins(answer) == {"as_of": "2020-05-20", "flag": True}
            await world.ask(fields=("flag", "rule"))
            await world.ledger.publish(int(NOW))
            history = await world.ledger.history(world.conscience.subject(" a123456789 "), most=10)
            verify_history(history, world.conscience.subject(WANG))
            first = msgspec.json.decode(history.uses[0].record)
            assert first["fields"] == ["flag"]
            assert first["statute"] == "傳染病防治法第 39 條"
            assert first["receiver"] == "TW/MED/H1"
            assert first["reference"] == ORDER.id
            assert first["basis"] == f"CDC-39-flag@{FLAG.version}"
            assert history.uses[0].reveal_after == NOW + 2 * 86_400
            assert WANG.encode() not in b"".join(use.record for use in history.uses)

    asyncio.run(run())


def test_a_person_reads_their_own_and_nobody_elses(tmp_path: Path) -> None:
    own = msgspec.structs.replace(
        FLAG, id="own", needs="self", sunset=EpochS(0), recipients=("*",), reveal_after_days=0, per_subject_per_day=0
    )

    async def run() -> None:
        async with a_world(tmp_path) as world:
            await world.policy.write(lambda tx: records.put_basis(tx, own, NOW))
            world.conscience.forget()
            mine = world.conscience.subject(WANG).hex()
            wang = Caller("citizen", "c-1", assurance="aal2", subject=mine)
            for caller in (wang, Caller("representative", "r-1", assurance="aal2", subject=mine)):
                assert (await world.ask(caller)).flag is True
            history = await world.ledger.history(world.conscience.subject(WANG), most=10)
            assert len(history.uses) == 2, "each look of one's own stands in the list too"
            for caller, person, why in (
                (wang, "F131104093", "self"),
                (Caller("app", "loans", agency="TW/COM/BANK", assurance="aal2", subject=mine), WANG, "basis"),
                (Caller("citizen", "c-2", assurance="aal2"), WANG, "self"),
            ):
                with pytest.raises(Refused) as other:
                    await world.ask(caller, person)
                assert other.value.decision.missing == (why,)

    asyncio.run(run())


def test_over_asking_is_refused_and_not_trimmed(tmp_path: Path) -> None:
    async def run() -> None:
        async with a_world(tmp_path) as world:
            await world.order()
            with pytest.raises(Refused) as refused:
                await world.ask(fields=("flag", "itinerary"))
            assert "itinerary" in refused.value.decision.explanation["en"]
            with pytest.raises(Refused):
                await world.ask(fields=())  # all of them
            with pytest.raises(Invalid, match="passport"):
                await world.ask(fields=("passport",))
            with pytest.raises(Invalid):
                await world.ask(person="A123456788")
            assert (await world.ledger.head()).entries == 0

    asyncio.run(run())


def test_the_power_ends_at_its_second_and_the_day_has_its_bound(tmp_path: Path) -> None:
    async def run() -> None:
        async with a_world(tmp_path) as world:
            await world.order()
            for _ in range(FLAG.per_subject_per_day):
                await world.ask()
            with pytest.raises(Refused) as often:
                await world.ask()
            assert often.value.decision.missing == ("frequency",)
            await world.ask(person="F131104093")
            world.now[0] = ORDER.until - 1
            await world.ask(person="A800000014")
            world.now[0] = ORDER.until
            with pytest.raises(Refused) as over:
                await world.ask(person="A800000014")
            assert over.value.decision.missing == ("order",)

    asyncio.run(run())


def test_what_cannot_be_written_down_is_not_answered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        async with a_world(tmp_path) as world:
            await world.order()

            async def full(*_: object, **__: object) -> None:
                raise Unavailable("the disk is full")

            monkeypatch.setattr(world.ledger, "release", full)
            with pytest.raises(Unavailable):
                await world.ask()

    asyncio.run(run())


def test_a_use_under_an_order_says_why_and_opens_a_review(tmp_path: Path) -> None:
    async def run() -> None:
        async with a_world(tmp_path) as world:
            await world.order()
            for reason in ("", "  "):
                with pytest.raises(Refused) as refused:
                    await world.ask(reason=reason)
                said = refused.value.decision
                assert said.missing == ("no-reason",)
                assert "理由" in said.explanation["zh-Hant"]
                assert "needs a reason" in said.explanation["en"]
                assert "field reason" in said.remedy["en"]
            with pytest.raises(Invalid, match="reason"):
                await world.ask(reason="x" * (REASON_CHARS + 1))
            assert (await world.ledger.head()).entries == 0
            assert await world.policy.read(records.open_reviews) == []
            await world.ask()
            (opened,) = await world.policy.read(records.open_reviews)
            assert (opened.use, opened.order, opened.agency, opened.used_by) == (0, ORDER.id, "TW/MED/H1", "o-7")
            assert (opened.reason, opened.due) == ("急診無法陳述", NOW + ORDER_REVIEW_DAYS * 86_400)
            (cell,) = await world.policy.read(lambda tx: records.order_uses(tx, 10))
            assert (cell.order, cell.agency, cell.uses) == (ORDER.id, "TW/MED/H1", 1)

    asyncio.run(run())


def test_a_use_whose_order_was_ended_meanwhile_is_not_answered(tmp_path: Path) -> None:
    async def run() -> None:
        async with a_world(tmp_path) as world:
            await world.order()
            real = world.ledger.release

            async def ended_first(*values: Any, **also: Any) -> Any:
                order = await world.policy.read(lambda tx: records.order_by_id(tx, ORDER.id))
                await world.policy.write(lambda tx: records.put_order(tx, orders.end(order, NOW)))
                return await real(*values, **also)

            world.ledger.release = ended_first
            with pytest.raises(Conflict, match="ended during this call"):
                await world.ask()
            assert await world.policy.read(records.open_reviews) == []
            assert (await world.ledger.head()).entries == 0, "what was not answered is no use"

    asyncio.run(run())


def test_an_agency_that_does_not_review_in_time_waits(tmp_path: Path) -> None:
    async def run() -> None:
        async with a_world(tmp_path) as world:
            await world.order()
            await world.ask()
            (opened,) = await world.policy.read(records.open_reviews)
            late = msgspec.structs.replace(opened, due=NOW)
            await world.policy.write(lambda tx: records.put_review(tx, msgspec.structs.replace(late, use=999)))
            with pytest.raises(Refused) as refused:
                await world.ask(person="F131104093")
            assert refused.value.decision.missing == ("suspended",)

    asyncio.run(run())


def test_callers_at_once_read_the_register_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sixty-four callers after a change each read 100,000 bases: found by bench/gate.py. A change while it is read
    is seen."""

    async def run() -> None:
        async with a_world(tmp_path) as world:
            await world.order()
            read, times = records.read_register, count()

            def counted(tx: Any) -> Any:
                if next(times) == 0:
                    world.conscience.forget()
                return read(tx)

            monkeypatch.setattr(records, "read_register", counted)
            world.conscience.forget()
            people = ("A123456789", "F131104093", "A800000014", "A900000007")
            await asyncio.gather(*(world.ask(person=person) for person in people))
            assert next(times) == 2

    asyncio.run(run())
