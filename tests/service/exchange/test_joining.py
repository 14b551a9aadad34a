"""An agency without a gateway joins by the public site, and anybody reads the signed directory there."""

from __future__ import annotations

from pathlib import Path

import msgspec
from tests.kernel.exchange.directory.nation import Clock
from tests.kernel.exchange.directory.stage import a_centre, an_agency
from tests.service.exchange.world import World, in_a_node

from banyan.kernel.exchange.directory.membership import read_welcome
from banyan.kernel.exchange.directory.travel import counter_of
from banyan.kernel.exchange.directory.trust import read_anchor
from banyan.limits_road import DIRECTORY_REQUEST_BYTES
from banyan.service.exchange.shelf import Shelf, lend


def on_the_road(world: World, *, is_centre: bool = True) -> tuple[object, Clock]:
    clock = Clock()
    centre = a_centre(world.node.data / "centre", clock)
    counter = counter_of(centre.keeper, centre if is_centre else None)
    lend(
        world.node.drawers["exchange"],
        Shelf(world.road, world.node.lawful.ledger, world.node.lawful.conscience.bases, counter),
    )
    return centre, clock


def test_an_agency_joins_over_the_public_site(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        centre, clock = on_the_road(world)
        agency = an_agency(tmp_path / "a", "NHI", clock)
        anchor = read_anchor((await world.client.get("/directory/anchor")).body)
        sent = await world.client.post("/directory/requests", body=agency.request().encode())
        assert sent.status == 202
        name = msgspec.json.decode(sent.body)["request"]
        assert (await world.client.get(f"/directory/issued?request={name}")).status == 404
        with centre.turn():  # type: ignore[attr-defined]
            centre.admit(centre.request(name))  # type: ignore[attr-defined]
        given = await world.client.get(f"/directory/issued?request={name}")
        assert given.status == 200
        agency.pin(anchor)
        assert agency.accept(read_welcome(given.body)).standing.is_known(agency.file.owner)
        renewed = await world.client.post("/directory/renewals", body=agency.ask_certificate().encode())
        assert renewed.status == 200
        for page in ("head", "log?from=0", "snapshot", "receipt", "checkpoint", "revocations"):
            assert (await world.client.get(f"/directory/{page}")).status == 200, page

    in_a_node(story)


def test_what_is_wrong_is_refused_there_in_a_sentence(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        on_the_road(world)
        for page, body, status in (
            ("requests", b"{", 422),
            ("requests", b'{"a":"\xa5"}', 422),
            ("renewals", b"[]", 422),
            ("revocations", b"[]", 404),
            ("nothing", b"", 404),
            ("requests", b"x" * (DIRECTORY_REQUEST_BYTES + 1), 413),
        ):
            reply = await world.client.post(f"/directory/{page}", body=body)
            assert reply.status == status, (page, reply.body)
            assert reply.body
        for page in ("evidence?name=x", "issued?request=..%2Fx", "nothing", "requests"):
            assert (await world.client.get(f"/directory/{page}")).status == 404, page

    in_a_node(story)


def test_a_member_serves_the_directory_and_is_no_centre(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        on_the_road(world, is_centre=False)
        assert (await world.client.get("/directory/head")).status == 200
        assert (await world.client.get("/directory/anchor")).status == 404
        assert (await world.client.post("/directory/requests", body=b"{}")).status == 404

    async def off(world: World) -> None:
        assert (await world.client.get("/directory/head")).status == 404

    in_a_node(story)
    in_a_node(off, is_on=False)
