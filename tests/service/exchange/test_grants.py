"""Grants between agencies: two officers, a basis that holds, in public, over at once; and nobody else's affair."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from tests.make import NOW
from tests.service.exchange.world import ASKS, CDC, FLAG, HOSPITAL, NIA, NIA_2, WHO, World, in_a_node, moment, proposal

from banyan.errors import Conflict, Denied, Invalid, NotFound
from banyan.kernel.exchange import Refused
from banyan.kernel.identity.caller import ANONYMOUS, SYSTEM
from banyan.kernel.policy import records


def test_two_officers_make_a_grant_and_the_road_learns_it_at_once() -> None:
    async def story(world: World) -> None:
        made = await world.proposed()
        assert (made.state, made.may) == ("proposed", ("end",))
        assert world.road.allowed == ()
        approved = await world.call("approve_grant", NIA_2, id=made.id)
        assert (approved.state, approved.purposes[0].basis) == ("in-force", "CDC-31-travel")
        (granted,) = world.road.allowed
        assert (granted.client, granted.service, granted.until) == (ASKS, FLAG, NOW + 86_400)
        assert granted.purposes["012"].startswith("CDC-31-travel@")
        assert await world.call("approve_grant", NIA_2, id=made.id) == approved, "again changes nothing"
        ended = await world.call("end_grant", NIA, id=made.id)
        assert (ended.state, ended.may, world.road.allowed) == ("ended", (), ())
        assert await world.call("end_grant", NIA_2, id=made.id) == ended
        steps = [
            (one["step"], one["client"], one["service"]) for one in await world.entries() if one["kind"] == "grant"
        ]
        assert steps == [("proposed", ASKS, FLAG), ("approved", ASKS, FLAG), ("ended", ASKS, FLAG)]
        assert "nia-1" not in repr(await world.entries()), "officers stand in public by their agency"

    in_a_node(story)


def test_a_restart_tells_the_road_again_and_a_lapsed_grant_is_none() -> None:
    async def before(world: World) -> None:
        made = await world.proposed()
        await world.call("approve_grant", NIA_2, id=made.id)

    async def after(world: World) -> None:
        assert [one.client for one in world.road.allowed] == [ASKS]
        world.now[0] = NOW + 86_400

    async def over(world: World) -> None:
        assert world.road.allowed == ()
        (one,) = await world.call("grants", NIA)
        assert (one.state, one.may) == ("ended", ())
        with pytest.raises(Conflict) as late:
            await world.call("end_grant", NIA, id=one.id)
        assert late.value.kind == "ended"

    in_a_node(before, after, over)


def test_a_new_grant_takes_the_place_of_the_old_one() -> None:
    async def story(world: World) -> None:
        first = await world.proposed()
        await world.call("approve_grant", NIA_2, id=first.id)
        world.now[0] += 1
        second = await world.proposed(per_minute=5)
        await world.call("approve_grant", NIA_2, id=second.id)
        assert [one.per_minute for one in world.road.allowed] == [5]
        assert {one.id: one.state for one in await world.call("grants", NIA)} == {
            second.id: "in-force",
            first.id: "ended",
        }

    in_a_node(story)


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"service": "TW/GOV/NIA/border/nothing"}, "service-unknown"),
        ({"service": "TW/GOV/CDC/epidemic/travel-rule"}, "agency"),
        ({"client": "TW/MED/H9/emergency"}, "client-unknown"),
        ({"client": "TW/GOV/NIA/border"}, "own-member"),
        ({"purposes": {}}, "purpose-missing"),
        ({"purposes": {"999": "CDC-31-travel"}}, "purpose-unknown"),
        ({"purposes": {"012": ""}}, "basis-unknown"),
        ({"purposes": {"012": "none-such"}}, "basis-unknown"),
        ({"purposes": {"031": "NHI-16-card"}}, "basis-operation"),
        ({"purposes": {"157": "CDC-31-travel"}}, "basis-purpose"),
        ({"client": "TW/GOV/CDC/epidemic"}, "basis-recipient"),
        ({"until": moment(NOW)}, "past"),
        ({"until": moment(NOW + 4 * 366 * 86_400)}, "too-long"),
    ],
)
def test_each_rule_keeps_a_grant_from_standing(changes: dict[str, Any], kind: str) -> None:
    async def story(world: World) -> None:
        with pytest.raises(Conflict) as refused:
            await world.proposed(**changes)
        assert refused.value.kind == kind
        assert refused.value.remedy
        assert await world.call("grants", NIA) == ()

    in_a_node(story)


@pytest.mark.parametrize(
    "changes",
    [{"client": "TW/MED/H1"}, {"client": "a b/c/d/e"}, {"service": "x"}, {"until": "2026-12-01"}, {"priority": "vip"},
     {"per_minute": -1}, {"endpoints": [{"method": "*", "path": "**", "x": 1}] * 51}],
)  # fmt: skip
def test_what_is_no_grant_is_told_by_its_field(changes: dict[str, Any]) -> None:
    async def story(world: World) -> None:
        with pytest.raises(Invalid):
            await world.proposed(**changes)

    in_a_node(story)


def test_nobody_approves_their_own_and_no_other_agency_acts() -> None:
    async def story(world: World) -> None:
        made = await world.proposed()
        for caller, act, kind in ((NIA, "approve_grant", "same-officer"), (HOSPITAL, "approve_grant", "agency"),
                                  (HOSPITAL, "end_grant", "agency")):  # fmt: skip
            with pytest.raises(Conflict) as refused:
                await world.call(act, caller, id=made.id)
            assert refused.value.kind == kind
        for caller in (CDC,):
            with pytest.raises(NotFound):
                await world.call("approve_grant", caller, id=made.id)
            assert await world.call("grants", caller) == ()
        seen = (await world.call("grants", HOSPITAL))[0]
        assert (seen.id, seen.is_own, seen.may) == (made.id, False, ())
        with pytest.raises(NotFound):
            await world.call("end_grant", NIA, id="0" * 16)
        await world.call("end_grant", NIA, id=made.id)
        with pytest.raises(Conflict) as late:
            await world.call("approve_grant", NIA_2, id=made.id)
        assert late.value.kind == "not-proposed"

    in_a_node(story)


@pytest.mark.parametrize("act", ["grants", "standing", "calls", "letters", "bases"])
def test_only_officers_look(act: str) -> None:
    async def story(world: World) -> None:
        for caller in (ANONYMOUS, SYSTEM, WHO["admin"], WHO["citizen"], WHO["weak"]):
            with pytest.raises((Refused, Denied)):
                await world.call(act, caller)
            with pytest.raises((Refused, Denied)):
                await world.call("propose_grant", caller, **proposal())

    in_a_node(story)


def test_a_basis_that_changes_makes_the_grant_one_to_look_at_again() -> None:
    async def story(world: World) -> None:
        made = await world.proposed()
        await world.call("approve_grant", NIA_2, id=made.id)
        policy = world.node.lawful.policy
        basis = (await policy.read(records.read_register)).by_id["CDC-31-travel"]
        changed = msgspec.structs.replace(basis, retention_days=2)
        await policy.write(lambda tx: records.put_basis(tx, changed, world.node.gate.clock()))
        world.node.lawful.conscience.forget()
        assert (await world.call("grants", NIA))[0].is_outdated
        alerts = (await world.call("standing", NIA)).alerts
        assert [one.code for one in alerts] == ["basis-changed"]
        assert ASKS in alerts[0].title["en"]

    in_a_node(story)


def test_a_service_without_personal_data_needs_no_basis() -> None:
    async def story(world: World) -> None:
        asked = {"service": "TW/GOV/CDC/epidemic/travel-rule", "client": "TW/GOV/NIA/border", "purposes": {"171": ""}}
        made = await world.call("propose_grant", CDC, **proposal(**asked))
        assert (made.purposes[0].code, made.purposes[0].basis, made.is_outdated) == ("171", "", False)

    in_a_node(story)


def test_the_bases_offered_are_those_of_ones_own_services() -> None:
    async def story(world: World) -> None:
        assert [one.id for one in await world.call("bases", NIA)] == ["CDC-31-travel"]
        assert await world.call("bases", CDC) == ()

    in_a_node(story)


def test_calls_and_letters_are_those_of_ones_own_agency() -> None:
    async def story(world: World) -> None:
        assert [one.xid for one in await world.call("calls", HOSPITAL)] == ["x-1"]
        assert [one.xid for one in await world.call("calls", CDC)] == ["x-2"]
        assert [(one.id, one.next_at) for one in await world.call("letters", HOSPITAL)] == [
            ("l-1", ""),
            ("l-2", "2026-11-23T13:01:00Z"),
        ]
        assert await world.call("letters", NIA) == (), "who it is for has no say in it"
        for act in ("revive_letter", "discard_letter"):
            for caller, id in ((NIA, "l-1"), (HOSPITAL, "l-2"), (HOSPITAL, "l-9")):
                with pytest.raises(NotFound):
                    await world.call(act, caller, id=id)
        assert (await world.call("revive_letter", HOSPITAL, id="l-1")).id == "l-1"
        assert [one.id for one in world.road.queue] == ["l-2"]

    in_a_node(story)


def test_a_node_that_is_not_on_the_road_says_how_to_join() -> None:
    async def story(world: World) -> None:
        with pytest.raises(NotFound) as nowhere:
            await world.call("standing", NIA)
        assert "./banyan agency join" in nowhere.value.remedy

    in_a_node(story, is_on=False)
