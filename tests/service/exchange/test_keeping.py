"""Acts that came from another gateway, grants from before there were acts, and what is taken when all is full."""

from __future__ import annotations

import msgspec
import pytest
from tests.make import NOW
from tests.service.exchange.test_acts import LIN, WU, approved, ended, grant
from tests.service.exchange.world import ASKS, FLAG, NIA, NIA_2, World, in_a_node

from banyan.kernel.events.clock import EpochS
from banyan.kernel.exchange.siblings.sealed import Sealed
from banyan.service.exchange import acts, keeping
from banyan.service.exchange.acts import Act
from banyan.service.exchange.keeping import SQL, KeptActs
from banyan.service.exchange.rules import Grant
from banyan.service.exchange.service import SERVICE
from banyan.service.exchange.shelf import shelf_of

AGENCY, THERE = "TW/GOV/NIA", "TW/GOV/NIA/gw2"


def kept(world: World) -> KeptActs:
    drawer = world.node.drawers["exchange"]
    return KeptActs(drawer.sql, shelf_of(drawer), world.node.gate.clock)


def there(id: str, at: float = NOW) -> Grant:
    """Proposed at the other gateway."""
    return grant(id * 16, proposed_at=EpochS(at), until=EpochS(at + 86_400), gateway=THERE)


def told(*grants: Grant) -> list[Sealed]:
    return [Sealed(acts.encoded(Act(one, THERE)), ()) for one in grants]


def test_what_another_gateway_tells_is_in_force_in_public_and_in_the_list() -> None:
    async def story(world: World) -> None:
        one = approved(there("a"), NOW + 1)
        assert await kept(world).take(AGENCY, told(there("a"), one)) == set()
        assert [allowed.id for allowed in world.road.allowed] == ["a" * 16]
        assert world.road.tells == 1, "and it is passed on"
        steps = [(entry["step"], entry["gateway"]) for entry in await world.entries() if entry["kind"] == "grant"]
        assert steps == [("proposed", THERE), ("approved", THERE)]
        (seen,) = await world.call("grants", NIA)
        assert (seen.state, seen.gateway, seen.may) == ("in-force", THERE, ("end",))
        await world.call("end_grant", NIA, id="a" * 16)
        assert await kept(world).take(AGENCY, told(one)) == set()
        assert world.road.allowed == ()
        (whole,) = await keeping.all_grants(world.node.drawers["exchange"].sql)
        assert (whole.proposed_by, whole.approved_by, whole.ended_by and whole.ended_by.id) == (LIN, WU, NIA.id)

    in_a_node(story)


def test_another_members_act_and_no_act_are_refused_and_the_rest_is_taken() -> None:
    async def story(world: World) -> None:
        foreign = msgspec.structs.replace(there("b"), service="TW/GOV/CDC/epidemic/travel-rule")
        wrong, odd, right = *told(foreign), Sealed(b"{}", ()), *told(there("a"))
        assert await kept(world).take(AGENCY, [wrong, odd, right]) == {wrong.name, odd.name}
        assert [one.id for one in await world.call("grants", NIA)] == ["a" * 16]

    in_a_node(story)


def test_grants_from_before_there_were_acts_become_acts_once() -> None:
    async def before(world: World) -> None:
        made = await world.proposed()
        await world.call("approve_grant", NIA_2, id=made.id)
        sql = world.node.drawers["exchange"].sql
        old = msgspec.structs.replace(approved(there("c"), NOW), gateway="", client=ASKS, service=FLAG)
        values = {"id": old.id, "client": old.client, "service": old.service, "proposed_at": old.proposed_at}
        await sql.write(lambda tx: tx.run(SQL["put_grant"], **values, whole=msgspec.json.encode(old)))

    async def after(world: World) -> None:
        found = await kept(world).after(AGENCY, 0, 10)
        assert [acts.kept(one.content).step for _, one in found] == ["proposed", "approved", "approved"]
        assert len([one for one in world.road.allowed if one.client == ASKS]) == 1, "the newer of two"
        for start in SERVICE.on_start:
            await start(world.node.gate.context("exchange", NIA))
        assert await kept(world).after(AGENCY, 0, 10) == found

    in_a_node(before, after)


def test_when_all_is_full_an_end_of_what_stands_is_taken_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(world: World) -> None:
        one = approved(there("a"), NOW + 1)
        await kept(world).take(AGENCY, told(one))
        monkeypatch.setattr(keeping, "EXCHANGE_ACTS", 1)
        more, end, again = told(approved(there("b"), NOW + 2), ended(one, NOW + 3), ended(one, NOW + 4))
        assert await kept(world).take(AGENCY, [more]) == {more.name}
        assert await kept(world).take(AGENCY, [end]) == set()
        assert await kept(world).take(AGENCY, [again]) == {again.name}
        assert world.road.allowed == ()

    in_a_node(story)


def test_a_level_is_of_the_acts_held() -> None:
    async def story(world: World) -> None:
        empty = await kept(world).level(AGENCY)
        await kept(world).take(AGENCY, told(there("a"), there("b")))
        full = await kept(world).level(AGENCY)
        assert (empty.last, full.last > 0, full.digest == empty.digest) == (0, True, False)
        names = [one.name for one in told(there("b"), there("a"))]
        assert full.digest == acts.digest_of(names)
        assert set(await kept(world).known([*names, "0" * 64])) == set(names)
        assert (await kept(world).unheard(AGENCY, full.last)).acts == 0
        assert (await kept(world).unheard(AGENCY, 0)).acts == 2

    in_a_node(story)


def test_the_page_says_where_a_proposal_is_approved() -> None:
    async def story(world: World) -> None:
        await kept(world).take(AGENCY, told(there("a")))
        page = (await world.client.get("/exchange/grants", token="nia2")).text
        assert f"在閘道 {THERE} 提出，請在那裡核可。" in page
        assert 'value="approve"' not in page

    in_a_node(story)
