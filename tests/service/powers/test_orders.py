"""Orders through the gate: two agencies, in public, refused in words, and never silently twice."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from hashlib import sha256
from typing import Any

import msgspec
import pytest
from tests.kernel.policy.test_judging import FLAG, LOAN, NOW
from tests.make import Client
from tests.service.powers.world import CDC, CDC_2, COURT, NHI, TOKEN, World, declaration, in_a_node, moment

from banyan.errors import Conflict, Denied, Invalid, NotFound, Problem, Unavailable
from banyan.kernel.exchange import Refused
from banyan.kernel.identity.caller import ANONYMOUS, Caller
from banyan.kernel.policy import records
from banyan.kernel.policy.orders import Code
from banyan.limits import EMERGENCY_CELL_LEAST

Act = Callable[[World], Awaitable[Any]]


def test_declared_approved_extended_ended_each_in_the_public_ledger() -> None:
    async def story(world: World) -> None:
        declared = await world.call("declare_order", declaration(), CDC)
        assert (declared.state, declared.agencies, declared.entry) == ("declared", ("TW/GOV/CDC",), 0)
        again = await world.call("declare_order", declaration(), CDC)
        assert again == declared, "the same word twice is one order"
        approved = await world.call("approve_order", {"id": "o-1"}, NHI)
        assert approved.state == "in-force"
        assert await world.call("approve_order", {"id": "o-1"}, NHI) == approved
        longer = {"id": "o-1", "until": moment(NOW + 700)}
        extended = await world.call("extend_order", longer, COURT)
        assert extended.until == "2020-05-20T18:51:40Z"
        assert extended.agencies == ("TW/GOV/CDC", "TW/GOV/NHI", "TW/GOV/COURT")
        assert await world.call("extend_order", longer, COURT) == extended
        ended = await world.call("end_order", {"id": "o-1"}, NHI)
        assert ended.state == "ended"
        assert (await world.call("end_order", {"id": "o-1"}, CDC)).entry == ended.entry
        entries = await world.entries()
        assert [(one["kind"], one.get("step", "")) for one in entries] == [
            ("order", "declared"),
            ("order", "approved"),
            ("order", "extended"),
            ("order", "ended"),
            ("deletion", ""),
        ]
        assert entries[1]["agencies"] == "TW/GOV/CDC,TW/GOV/NHI"
        assert entries[1]["until"] == NOW + 500
        assert len({one["digest"] for one in entries[:4]}) == 4
        assert "境外移入" not in str(entries), "a reason is not for the log"

    in_a_node(story)


REFUSALS: list[tuple[Code, Act]] = [
    ("basis-unknown", lambda world: world.call("declare_order", declaration(bases=("none",)), CDC)),
    ("basis-ordinary", lambda world: world.call("declare_order", declaration(bases=(LOAN.id,)), CDC)),
    ("past", lambda world: world.call("declare_order", declaration(until=moment(NOW - 1)), CDC)),
    ("beyond-sunset", lambda world: world.call("declare_order", declaration(until=moment(NOW + 1_001)), CDC)),
    ("too-long", lambda world: world.call("declare_order", declaration(until=moment(NOW + 31 * 86_400)), CDC)),
    ("no-reason", lambda world: world.call("declare_order", declaration(reason=" "), CDC)),
    ("same-officer", lambda world: world.declared("approve_order", {}, CDC)),
    ("same-agency", lambda world: world.declared("approve_order", {}, CDC_2)),
    ("not-in-force", lambda world: world.declared("extend_order", {"until": moment(NOW + 600)}, COURT)),
    ("not-pending", lambda world: world.in_force("approve_order", {}, COURT)),
    ("own-extension", lambda world: world.in_force("extend_order", {"until": moment(NOW + 600)}, NHI)),
    ("not-longer", lambda world: world.in_force("extend_order", {"until": moment(NOW + 400)}, COURT)),
]


@pytest.mark.parametrize(("code", "act"), REFUSALS, ids=[code for code, _ in REFUSALS])
def test_a_refusal_says_in_both_languages_what_to_do(code: Code, act: Act) -> None:
    async def story(world: World) -> None:
        with pytest.raises(Conflict) as refused:
            await act(world)
        assert refused.value.kind == code
        for words in (refused.value.title, refused.value.remedy):
            assert any("一" <= letter <= "鿿" for letter in words), "in zh-Hant"
            assert words.isascii() is False
            assert any(word.isascii() and len(word) > 2 for word in words.split()), "in en"

    in_a_node(story)


def test_who_is_no_officer_of_an_agency_declares_nothing() -> None:
    async def story(world: World) -> None:
        weak = Caller("officer", "w", agency="TW/GOV/CDC", assurance="aal1")
        for caller in (ANONYMOUS, weak, Caller("citizen", "c", subject="s", assurance="aal3")):
            with pytest.raises(Refused):
                await world.call("declare_order", declaration(), caller)
        for caller in (TOKEN, Caller("administrator", "a", agency="TW/GOV/CDC", assurance="aal3")):
            with pytest.raises(Denied, match="not the administrator token"):
                await world.call("declare_order", declaration(), caller)
        assert await world.policy.read(records.all_orders) == []
        assert (await world.node.lawful.ledger.head()).entries == 0

    in_a_node(story)


def test_another_order_under_the_id_and_other_peoples_orders() -> None:
    async def story(world: World) -> None:
        await world.declared("approve_order", {}, NHI)
        with pytest.raises(Conflict, match="Another order"):
            await world.call("declare_order", declaration(reason="other"), CDC)
        with pytest.raises(Denied, match="may end it"):
            await world.call("end_order", {"id": "o-1"}, COURT)
        with pytest.raises(NotFound, match="no such order"):
            await world.call("approve_order", {"id": "o-2"}, NHI)
        with pytest.raises(Invalid):
            await world.call("declare_order", declaration(id="../x"), CDC)

    in_a_node(story)


def test_what_cannot_be_published_is_not_in_force(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(world: World) -> None:
        await world.call("declare_order", declaration(), CDC)

        async def full(*_: object) -> int:
            raise Unavailable("the disk is full")

        with monkeypatch.context() as patch:
            patch.setattr(world.node.lawful.ledger, "append_once", full)
            with pytest.raises(Unavailable):
                await world.call("approve_order", {"id": "o-1"}, NHI)
        order = await world.policy.read(lambda tx: records.order_by_id(tx, "o-1"))
        assert order is not None
        assert order.approved_by is None
        assert (await world.call("approve_order", {"id": "o-1"}, NHI)).state == "in-force"

    in_a_node(story)


def test_two_officers_at_once_approve_it_once() -> None:
    async def story(world: World) -> None:
        await world.call("declare_order", declaration(), CDC)
        tried = await asyncio.gather(
            *(world.call("approve_order", {"id": "o-1"}, who) for who in (NHI, COURT)), return_exceptions=True
        )
        assert sorted(one.kind if isinstance(one, Problem) else one.state for one in tried) == [
            "in-force",
            "not-pending",
        ]

    in_a_node(story)


def test_the_register_is_checked_whole_and_changes_are_public() -> None:
    async def story(world: World) -> None:
        before = len(await world.entries())
        newer = msgspec.structs.replace(FLAG, retention_days=14)
        registered = await world.call("register_basis", newer, TOKEN)
        assert registered.version == newer.version
        assert await world.call("register_basis", newer, TOKEN) == registered
        assert [(one["kind"], one["version"]) for one in (await world.entries())[before:]] == [("basis", newer.version)]
        assert (await world.policy.read(records.read_register)).by_id[FLAG.id] == newer
        for wrong in ({"assurance": 1}, {"fields": ()}, {"sunset": 0.0}, {"pdpa": "99"}):
            with pytest.raises(Invalid, match=next(iter(wrong))):
                await world.call("register_basis", msgspec.structs.replace(newer, **wrong), TOKEN)
        with pytest.raises(Refused):
            await world.call("register_basis", newer, CDC)

    in_a_node(story)


def test_a_basis_that_no_page_could_show_is_refused_over_http() -> None:
    async def story(world: World) -> None:
        client = Client(world.node.app)
        headers = {"content-type": "application/json", "authorization": f"Bearer {world.node.token}"}

        async def post(**values: object) -> Any:
            body = msgspec.json.encode({**msgspec.to_builtins(FLAG), **values})
            return await client.request("POST", "/api/powers/register_basis", body=body, headers=headers)

        for name, value in (
            ("title", {}),
            ("title", {"zh-Hant": "x", "en": " "}),
            ("id", "a/b"),
            ("id", ""),
            ("sunset", 1e300),
            ("valid_from", -1.0),
            ("retention_days", 10**9),
            ("reveal_after_days", -1),
            ("per_subject_per_day", 2**62),
        ):
            answer = await post(**{name: value})
            assert answer.status == 422, (name, answer.text)
            assert answer.json["errors"][0]["field"] == name
        assert await world.entries() == []
        good = await post(retention_days=7)
        assert good.status == 200
        assert good.json["id"] == FLAG.id

    in_a_node(story)


def test_a_basis_registered_now_is_in_force_at_the_next_use() -> None:
    async def story(world: World) -> None:
        await world.in_force("standing", {}, None)
        with pytest.raises(Refused):
            await world.use(fields=("flag", "itinerary"))
        wider = msgspec.structs.replace(FLAG, fields=("flag", "rule", "itinerary"))
        await world.call("register_basis", wider, TOKEN)
        assert (await world.use(fields=("flag", "itinerary"))).itinerary == "武漢 BR0001"

    in_a_node(story)


def test_a_use_is_reviewed_by_somebody_else_of_the_agency_or_the_agency_waits() -> None:
    async def story(world: World) -> None:
        await world.in_force("standing", {}, None)
        used = await world.use()
        assert used.flag is True
        (waiting,) = await world.call("open_reviews", {}, world.doctor)
        assert (waiting.order, waiting.reason, waiting.is_own) == ("o-1", "急診無法陳述", True)
        assert await world.call("open_reviews", {}, CDC) == ()
        judged = {"use": waiting.use, "is_justified": True}
        with pytest.raises(Conflict, match="cannot review"):
            await world.call("review_use", judged, world.doctor)
        with pytest.raises(NotFound):
            await world.call("review_use", judged, CDC)
        done = await world.call("review_use", judged, world.colleague)
        assert await world.call("review_use", judged, world.colleague) == done
        with pytest.raises(Conflict) as closed:
            await world.call("review_use", {**judged, "is_justified": False}, world.colleague)
        assert closed.value.kind == "review-closed"
        assert await world.call("open_reviews", {}, world.doctor) == ()
        last = (await world.entries())[done.entry]
        assert (last["kind"], last["agency"], last["justified"]) == ("review", "TW/MED/H1", 1)
        assert "o-7" not in str(last), "who did it is not for the log"

    in_a_node(story)


def test_a_days_uses_of_a_machine_are_reviewed_together() -> None:
    async def story(world: World) -> None:
        daily = msgspec.structs.replace(FLAG, reviewed="daily", per_subject_per_day=0)
        assert daily.version != FLAG.version
        await world.call("register_basis", daily, TOKEN)
        await world.in_force("standing", {}, None)
        for _ in range(3):
            await world.use()
        (waiting,) = await world.call("open_reviews", {}, world.doctor)
        await world.call("review_use", {"use": waiting.use, "is_justified": True}, world.colleague)
        await world.use()
        assert await world.call("open_reviews", {}, world.doctor) == (), "the day has had its review"
        uses = await world.policy.read(lambda tx: records.order_uses(tx, 9))
        assert [one.uses for one in uses] == [4], "each is counted"

    in_a_node(story)


def test_a_basis_reviewed_each_time_keeps_the_hash_it_had() -> None:
    text = msgspec.to_builtins(FLAG)
    assert text.pop("reviewed") == "each"
    before = sha256(msgspec.json.encode(text, order="sorted")).hexdigest()[:16]
    assert FLAG.version == before


def test_emergency_uses_are_counted_in_public_and_small_counts_withheld() -> None:
    async def story(world: World) -> None:
        await world.in_force("standing", {}, None)
        people = ("A123456789", "F131104093", "A800000014")
        client = Client(world.node.app)
        for number in range(EMERGENCY_CELL_LEAST):
            counts = (await client.get("/api/powers/emergency_counts")).json
            assert [one["uses"] for one in counts["cells"]] == [None] * bool(number)
            await world.use(person=people[number % 3])
        (cell,) = (await client.get("/api/powers/emergency_counts")).json["cells"]
        assert cell == {"order": "o-1", "agency": "TW/MED/H1", "day": "2020-05-21", "uses": EMERGENCY_CELL_LEAST}

    in_a_node(story)
